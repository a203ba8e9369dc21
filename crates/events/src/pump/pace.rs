//! How fast and how patient the pump is.

use std::time::Duration;

/// Pauses and timeouts of a [`crate::Pump`].
#[derive(Clone, Debug)]
pub struct Pace {
    /// How often the tables are looked at without being told to.
    pub poll: Duration,
    /// How long a subscriber may take to answer.
    pub timeout: Duration,
    /// The pause after a first failure; doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How often old rows are swept.
    pub sweep: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(500),
            timeout: Duration::from_secs(5),
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(30),
            sweep: Duration::from_secs(3600),
        }
    }
}

impl Pace {
    /// The pause after `failures` failures in a row (1 or more): doubled each time, up to the longest, and a random
    /// part of up to a quarter taken off, so that services which failed together do not return together.
    pub(crate) fn pause_after(&self, failures: u32, random: u8) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let pause = doubled.min(self.longest_pause);
        pause - pause * u32::from(random) / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_never_beyond() {
        let pace = Pace::default();
        let pauses: Vec<u128> = [1, 2, 3, 8, 9, 1000].map(|n| pace.pause_after(n, 0).as_millis()).to_vec();
        assert_eq!(pauses, [200, 400, 800, 25_600, 30_000, 30_000]);
    }

    #[test]
    fn chance_takes_off_a_quarter_at_most() {
        let shortest = Pace::default().pause_after(1, 255);
        assert!(
            shortest >= Duration::from_millis(150) && shortest < Duration::from_millis(151),
            "{shortest:?}"
        );
    }
}
