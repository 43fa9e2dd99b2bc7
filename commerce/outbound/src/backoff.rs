//! How long to wait before calling again. Chance comes in as an argument.

use std::time::Duration;

/// Doubling waits with a cap, the second half of each left to chance so that those who failed
/// together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first wait.
    pub first: Duration,
    /// The longest wait of all.
    pub max: Duration,
}

impl Backoff {
    /// The wait after the `tries`-th failure in a row, counted from 1.
    pub fn delay(&self, tries: u32, chance: u64) -> Duration {
        let doublings = tries.saturating_sub(1).min(31);
        let longest = self.first.saturating_mul(1 << doublings).min(self.max);
        let half = longest / 2;
        let spread_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        half + Duration::from_micros(chance % spread_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_millis(200), max: Duration::from_secs(30) };

    #[test]
    fn waits_double_up_to_the_cap_and_keep_at_least_half() {
        for (tries, longest_ms) in [(1, 200), (2, 400), (5, 3_200), (9, 30_000), (4_000, 30_000)] {
            for chance in [0, 1, 77_777, u64::MAX] {
                let ms = BACKOFF.delay(tries, chance).as_millis();
                assert!((longest_ms / 2..=longest_ms).contains(&ms), "try {tries}: {ms} ms");
            }
        }
    }
}
