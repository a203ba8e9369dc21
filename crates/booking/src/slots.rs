//! A provider's time, in cells of 15 minutes.
//!
//! Cells instead of ranges: a row per cell with a primary key (provider, cell) lets any database hold the
//! rule that no minute belongs to two jobs, without exclusion constraints or serialisable isolation.

use jiff::Timestamp;

/// Length of a cell, in minutes.
pub const CELL_MINUTES: i64 = 15;
const CELL_SECONDS: i64 = CELL_MINUTES * 60;
/// Shortest job, in minutes.
pub const MIN_MINUTES: i64 = 30;
/// Longest job, in minutes.
pub const MAX_MINUTES: i64 = 720;

/// When the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    starts_at: Timestamp,
    cells: i64,
}

/// Why a time is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Starts lie on the quarter of an hour.
    #[error("starts_at must lie on a quarter of an hour")]
    Start,
    /// The length is out of bounds or not in quarters.
    #[error("duration_minutes must be a multiple of 15 from 30 to 720")]
    Duration,
}

impl Slot {
    /// Checks start and length.
    ///
    /// # Errors
    /// When one of them does not lie on the grid.
    pub fn new(starts_at: Timestamp, duration_minutes: i64) -> Result<Self, SlotError> {
        if starts_at.as_second().rem_euclid(CELL_SECONDS) != 0 || starts_at.subsec_nanosecond() != 0 {
            return Err(SlotError::Start);
        }
        if !(MIN_MINUTES..=MAX_MINUTES).contains(&duration_minutes) || duration_minutes % CELL_MINUTES != 0 {
            return Err(SlotError::Duration);
        }
        Ok(Self { starts_at, cells: duration_minutes / CELL_MINUTES })
    }

    /// The beginning.
    #[must_use]
    pub const fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    /// The length, in minutes.
    #[must_use]
    pub const fn minutes(&self) -> i64 {
        self.cells * CELL_MINUTES
    }

    /// The cells the job takes: those of the work, and one before and after it for the way.
    ///
    /// Two jobs of one provider so have at least 30 minutes between them.
    pub fn cells(&self) -> impl Iterator<Item = i64> + use<> {
        let first = cell_of(self.starts_at);
        (first - 1)..=(first + self.cells)
    }
}

/// The number of the cell that begins at or before `at`.
#[must_use]
pub fn cell_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(CELL_SECONDS)
}

/// The first cell that lies wholly in the future of `now`: what a finished or cancelled job gives back.
#[must_use]
pub fn first_future_cell(now: Timestamp) -> i64 {
    cell_of(now) + 1
}

#[cfg(test)]
mod tests {
    use super::{Slot, SlotError};
    use std::collections::BTreeSet;

    fn slot(at: &str, minutes: i64) -> Result<Slot, SlotError> {
        Slot::new(at.parse().unwrap(), minutes)
    }

    #[test]
    fn starts_and_lengths_lie_on_the_grid() {
        assert!(slot("2026-11-24T07:15:00Z", 180).is_ok());
        assert_eq!(slot("2026-11-24T07:16:00Z", 180), Err(SlotError::Start));
        assert_eq!(slot("2026-11-24T07:15:00.5Z", 180), Err(SlotError::Start));
        for minutes in [0, -15, 15, 181, 735] {
            assert_eq!(slot("2026-11-24T07:15:00Z", minutes), Err(SlotError::Duration), "{minutes}");
        }
    }

    #[test]
    fn jobs_with_half_an_hour_between_them_do_not_meet_and_closer_ones_do() {
        let cells = |at| slot(at, 60).unwrap().cells().collect::<BTreeSet<i64>>();
        let first = cells("2026-11-24T08:00:00Z");
        assert_eq!(first.len(), 6);
        assert!(first.is_disjoint(&cells("2026-11-24T09:30:00Z")));
        assert!(!first.is_disjoint(&cells("2026-11-24T09:15:00Z")));
        assert!(!first.is_disjoint(&cells("2026-11-24T08:30:00Z")));
    }
}
