//! The one source of time and randomness; everything below level 3 gets both as arguments.
//!
//! `Clock::system` is the machine's clock and the operating system's random numbers.
//! `Clock::fixed` stands still until it is told otherwise and counts instead of drawing lots, so a
//! test that makes an id twice gets two different ids and gets the same two in every run.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// A cheap handle on a clock; clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    Fixed { micros: AtomicI64, drawn: AtomicU64 },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// A clock that stands at `at`, cut to microseconds as everywhere in the databases.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Arc::new(Source::Fixed {
            micros: AtomicI64::new(at.as_microsecond()),
            drawn: AtomicU64::new(0),
        }))
    }

    /// The present moment, in whole microseconds so that it survives a trip through a database.
    pub fn now(&self) -> Timestamp {
        let micros = match &*self.0 {
            Source::System => system_now().as_microsecond(),
            Source::Fixed { micros, .. } => micros.load(Ordering::SeqCst),
        };
        // Only a hand-set fixed clock could leave jiff's range of years -9999 to 9999.
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }

    /// The present moment in milliseconds since 1970, as UUIDv7 wants it.
    pub fn unix_ms(&self) -> u64 {
        u64::try_from(self.now().as_millisecond()).unwrap_or(0)
    }

    /// The present moment in seconds since 1970, as token checks want it.
    pub fn unix_s(&self) -> i64 {
        self.now().as_second()
    }

    /// Moves a fixed clock; the system clock stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Fixed { micros, .. } = &*self.0 {
            let step = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(step, Ordering::SeqCst);
        }
    }

    /// `N` random bytes from the operating system, or counted ones from a fixed clock.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &*self.0 {
            Source::System => fill_random(&mut bytes),
            Source::Fixed { drawn, .. } => fill_counted(drawn.fetch_add(1, Ordering::SeqCst), &mut bytes),
        }
        bytes
    }

    /// A new id: `clock.new_id(JobId::new)`.
    pub fn new_id<T>(&self, make: impl FnOnce(u64, [u8; 10]) -> T) -> T {
        make(self.unix_ms(), self.random())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that draws random numbers")]
fn fill_random(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        // No randomness means ids that collide and secrets that are known: stopping is the only safe answer.
        tracing::error!("the operating system gives no random numbers");
        std::process::abort();
    }
}

/// SHA-256 of a counter, so that fixed randomness still looks random to whoever splits or sorts by it.
fn fill_counted(drawn: u64, bytes: &mut [u8]) {
    for (block, chunk) in bytes.chunks_mut(32).enumerate() {
        let digest =
            Sha256::new().chain_update(drawn.to_be_bytes()).chain_update(block.to_be_bytes()).finalize();
        for (to, from) in chunk.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Source::System => "Clock::system",
            Source::Fixed { .. } => "Clock::fixed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Clock {
        Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = noon();
        assert_eq!(clock.now(), clock.now());
        clock.clone().advance(SignedDuration::from_secs(60));
        assert_eq!(clock.now().to_string(), "2026-11-23T12:01:00Z");
    }

    #[test]
    fn fixed_randomness_differs_within_a_run_and_repeats_between_runs() {
        let (a, b) = (noon(), noon());
        let first: [u8; 40] = a.random();
        assert_ne!(first, a.random());
        assert_eq!(first, b.random());
    }

    #[test]
    fn system_randomness_differs() {
        let clock = Clock::system();
        assert_ne!(clock.random::<16>(), clock.random::<16>());
    }

    #[test]
    fn times_are_whole_microseconds() {
        assert_eq!(Clock::system().now().as_nanosecond() % 1_000, 0);
    }

    #[test]
    fn ids_are_made_from_time_and_randomness() {
        let (ms, random) = noon().new_id(|ms, random| (ms, random));
        assert_eq!(ms, 1_795_435_200_000);
        assert_ne!(random, [0; 10]);
    }
}
