//! When a provider works: one span per day of the week, by the clock of Finland.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::slots::{CELL_MINUTES, Slot};

/// The time zone of Finland as a rule: no time zone database is needed.
const HELSINKI: &str = "EET-2EEST,M3.5.0/3,M10.5.0/4";

/// Working hours, `{"mon":["08:00","16:00"]}`. A day that is absent is free.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, [String; 2]>", into = "BTreeMap<String, [String; 2]>")]
pub struct WeeklyHours(BTreeMap<i8, (Time, Time)>);

/// Why something is no week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Days are `mon` to `sun`.
    #[error("days are mon, tue, wed, thu, fri, sat and sun")]
    Day,
    /// A span is two times of the day as `HH:MM`, the first before the second.
    #[error("a day's hours are two times as HH:MM, the first before the second")]
    Span,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl WeeklyHours {
    /// Whether the whole of the work lies within the hours of its day.
    #[must_use]
    pub fn cover(&self, slot: Slot) -> bool {
        let Some(helsinki) = helsinki() else { return false };
        let from = helsinki.to_datetime(slot.starts_at());
        let length = SignedDuration::from_mins(slot.minutes());
        let Ok(until) = slot.starts_at().checked_add(length) else { return false };
        let until = helsinki.to_datetime(until);
        let Some((opens, closes)) = self.on(from.date()) else { return false };
        from.date() == until.date() && opens <= from.time() && until.time() <= closes
    }

    /// Starts on `day` at which work of `minutes` lies within the hours, in the future of `now`, and takes none
    /// of the `taken` cells. In order.
    #[must_use]
    pub fn free_starts(
        &self,
        day: Date,
        minutes: i64,
        taken: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Vec<Timestamp> {
        let (Some(helsinki), Some((opens, _))) = (helsinki(), self.on(day)) else { return Vec::new() };
        let Ok(first) = helsinki.to_timestamp(day.to_datetime(opens)) else { return Vec::new() };
        let step = SignedDuration::from_mins(CELL_MINUTES);
        // A day has at most 25 hours.
        std::iter::successors(Some(first), |at| at.checked_add(step).ok())
            .take(100)
            .filter(|&at| at > now)
            .filter_map(|at| Slot::new(at, minutes).ok())
            .filter(|&slot| self.cover(slot) && helsinki.to_datetime(slot.starts_at()).date() == day)
            .filter(|slot| slot.cells().all(|cell| !taken.contains(&cell)))
            .map(|slot| slot.starts_at())
            .collect()
    }

    fn on(&self, day: Date) -> Option<(Time, Time)> {
        self.0.get(&day.weekday().to_monday_zero_offset()).copied()
    }
}

/// The zone of Finland.
#[must_use]
pub fn helsinki() -> Option<TimeZone> {
    TimeZone::posix(HELSINKI).ok()
}

impl TryFrom<BTreeMap<String, [String; 2]>> for WeeklyHours {
    type Error = HoursError;

    fn try_from(week: BTreeMap<String, [String; 2]>) -> Result<Self, HoursError> {
        let mut days = BTreeMap::new();
        for (day, [opens, closes]) in week {
            let (_, weekday) = DAYS.iter().find(|(name, _)| *name == day).ok_or(HoursError::Day)?;
            let (opens, closes) = (time(&opens)?, time(&closes)?);
            if opens >= closes {
                return Err(HoursError::Span);
            }
            days.insert(weekday.to_monday_zero_offset(), (opens, closes));
        }
        Ok(Self(days))
    }
}

impl From<WeeklyHours> for BTreeMap<String, [String; 2]> {
    fn from(week: WeeklyHours) -> Self {
        let text = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        let named = |(day, weekday): &(&str, Weekday)| {
            let (opens, closes) = week.0.get(&weekday.to_monday_zero_offset())?;
            Some(((*day).to_owned(), [text(*opens), text(*closes)]))
        };
        DAYS.iter().filter_map(named).collect()
    }
}

/// `HH:MM` on the grid, and nothing else the library's parser would take.
fn time(text: &str) -> Result<Time, HoursError> {
    let (hour, minute) = text.split_once(':').ok_or(HoursError::Span)?;
    if hour.len() != 2 || minute.len() != 2 {
        return Err(HoursError::Span);
    }
    let number = |digits: &str| digits.parse::<i8>().map_err(|_| HoursError::Span);
    let time = Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| HoursError::Span)?;
    if i64::from(time.minute()) % CELL_MINUTES == 0 { Ok(time) } else { Err(HoursError::Span) }
}

#[cfg(test)]
mod tests {
    use super::{Slot, WeeklyHours};
    use jiff::Timestamp;
    use std::collections::BTreeSet;

    fn week(json: &str) -> WeeklyHours {
        serde_json::from_str(json).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn hours_are_those_of_finland_in_winter_and_summer() {
        let week = week(r#"{"tue":["08:00","16:00"]}"#);
        let covers = |start: &str| week.cover(Slot::new(at(start), 60).unwrap());
        assert!(covers("2026-11-24T06:00:00Z") && covers("2026-11-24T13:00:00Z"));
        assert!(!covers("2026-11-24T05:45:00Z") && !covers("2026-11-24T13:15:00Z"));
        assert!(covers("2026-07-07T05:00:00Z") && !covers("2026-07-07T04:45:00Z"));
        assert!(!covers("2026-11-25T08:00:00Z"), "Wednesday is free");
    }

    #[test]
    fn free_starts_leave_out_the_past_and_what_is_taken() {
        let week = week(r#"{"tue":["08:00","11:00"]}"#);
        let day = "2026-11-24".parse().unwrap();
        let starts = |taken: &BTreeSet<i64>, now: &str| week.free_starts(day, 60, taken, at(now));
        let all = starts(&BTreeSet::new(), "2026-11-23T10:00:00Z");
        assert_eq!((all.len(), all[0], all[8]), (9, at("2026-11-24T06:00:00Z"), at("2026-11-24T08:00:00Z")));
        assert_eq!(starts(&BTreeSet::new(), "2026-11-24T07:59:00Z"), [at("2026-11-24T08:00:00Z")]);
        let taken = Slot::new(at("2026-11-24T06:00:00Z"), 60).unwrap().cells().collect();
        assert_eq!(
            starts(&taken, "2026-11-23T10:00:00Z"),
            [at("2026-11-24T07:30:00Z"), at("2026-11-24T07:45:00Z"), at("2026-11-24T08:00:00Z")]
        );
    }

    #[test]
    fn a_week_is_checked_and_written_as_it_was_read() {
        let json = r#"{"fri":["09:30","12:00"],"mon":["08:00","16:00"]}"#;
        assert_eq!(serde_json::to_string(&week(json)).unwrap(), json);
        for bad in [
            r#"{"monday":["08:00","16:00"]}"#,
            r#"{"mon":["16:00","08:00"]}"#,
            r#"{"mon":["8:00","16:00"]}"#,
            r#"{"mon":["08:07","16:00"]}"#,
            r#"{"mon":["08:00","24:00"]}"#,
        ] {
            assert!(serde_json::from_str::<WeeklyHours>(bad).is_err(), "{bad}");
        }
    }
}
