//! When requests become due: a schedule that a seed and a rate fix before anything is sent.

use std::time::Duration;

use benches::Rng;

use crate::Spread;

/// Due moments, from the start, for ever.
#[derive(Debug)]
pub(crate) struct Arrivals {
    rng: Rng,
    spread: Spread,
    /// Seconds between two, on average.
    gap: f64,
    due: Duration,
}

impl Arrivals {
    /// `rate` a second; it is above zero.
    pub(crate) fn new(rate: f64, spread: Spread, seed: u64) -> Self {
        Self { rng: Rng::new(seed), spread, gap: rate.recip(), due: Duration::ZERO }
    }

    /// The next due moment.
    pub(crate) fn next_due(&mut self) -> Duration {
        let gap = match self.spread {
            Spread::Constant => self.gap,
            Spread::Poisson => -self.chance().ln() * self.gap,
        };
        self.due += Duration::from_secs_f64(gap);
        self.due
    }

    /// Above 0, and at most 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
    fn chance(&mut self) -> f64 {
        const STEPS: u64 = 1 << 53;
        ((self.rng.next_u64() >> 11) + 1) as f64 / STEPS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_keeps_its_rate_and_repeats_under_its_seed() {
        for spread in [Spread::Poisson, Spread::Constant] {
            let last = |seed| {
                let mut arrivals = Arrivals::new(1_000.0, spread, seed);
                let last = (0..100_000).map(|_| arrivals.next_due()).last().unwrap();
                last.as_secs_f64()
            };
            assert!((last(7) - 100.0).abs() < 1.0, "{} s for 100,000 at 1,000/s", last(7));
            assert!((last(7) - last(7)).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn people_come_unevenly() {
        let mut arrivals = Arrivals::new(1_000.0, Spread::Poisson, 1);
        let mut before = Duration::ZERO;
        let mut gaps: Vec<Duration> = (0..10_000)
            .map(|_| {
                let due = arrivals.next_due();
                due.abs_diff(std::mem::replace(&mut before, due))
            })
            .collect();
        gaps.sort_unstable();
        // The median of an exponential gap is ln 2 of its mean.
        let median = gaps[5_000].as_secs_f64() * 1_000.0;
        assert!((median - std::f64::consts::LN_2).abs() < 0.05, "median gap {median} ms");
    }
}
