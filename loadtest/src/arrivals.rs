//! When shoppers come.
//!
//! Owns the phases of a crowd and the moments they turn into. All moments are computed before the
//! run, from the seed alone: nothing the server does can move one (open loop), so a slow server
//! meets the same crowd as a fast one and its slowness stays in the latencies.

use std::time::Duration;

use crate::rng::Rng;

/// One phase's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Evenly spaced.
    Constant { per_second: f64, over: Duration },
    /// Evenly changing from one rate to the other.
    Ramp { from: f64, to: f64, over: Duration },
    /// So many, independent and uniform: a Poisson process conditioned on its count.
    Spike { shoppers: usize, within: Duration },
    /// A Poisson process: the count is chance as well.
    Poisson { per_second: f64, over: Duration },
}

/// A phase and when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phase {
    pub(crate) begins: Duration,
    pub(crate) shape: Shape,
}

impl Shape {
    /// How long it lasts.
    pub(crate) fn lasts(self) -> Duration {
        match self {
            Self::Constant { over, .. } | Self::Ramp { over, .. } | Self::Poisson { over, .. } => {
                over
            }
            Self::Spike { within, .. } => within,
        }
    }

    /// How many it brings, on average.
    pub(crate) fn expected(self) -> f64 {
        match self {
            Self::Constant { per_second, over } | Self::Poisson { per_second, over } => {
                per_second * over.as_secs_f64()
            }
            Self::Ramp { from, to, over } => f64::midpoint(from, to) * over.as_secs_f64(),
            #[expect(clippy::cast_precision_loss, reason = "at most two million")]
            Self::Spike { shoppers, .. } => shoppers as f64,
        }
    }
}

/// All phases.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrivals {
    phases: Vec<Phase>,
}

impl Arrivals {
    /// These phases.
    pub(crate) fn new(phases: Vec<Phase>) -> Self {
        Self { phases }
    }

    /// `shoppers` at random moments of one window.
    pub(crate) fn crowd(shoppers: usize, within: Duration) -> Self {
        let shape = Shape::Spike { shoppers, within };
        Self::new(vec![Phase { begins: Duration::ZERO, shape }])
    }

    /// From the first phase's beginning to the last one's end.
    pub(crate) fn span(&self) -> Duration {
        let ends = self.phases.iter().map(|phase| phase.begins + phase.shape.lasts());
        ends.max().unwrap_or_default()
    }

    /// How many come; with a Poisson phase, on average.
    pub(crate) fn count(&self) -> usize {
        self.phases.iter().map(|phase| whole(phase.shape.expected().round())).sum()
    }

    /// The moments, in order. A window longer than the phases' span stretches them all.
    pub(crate) fn moments(&self, rng: &mut Rng, window: Duration) -> Vec<Duration> {
        let span = self.span();
        let stretch = window.as_secs_f64() / span.as_secs_f64().max(1e-9);
        let mut moments: Vec<Duration> = Vec::with_capacity(self.count());
        for phase in &self.phases {
            let begins = phase.begins.as_secs_f64();
            let inside = seconds(phase.shape, rng);
            moments.extend(
                inside.into_iter().map(|at| Duration::from_secs_f64((begins + at) * stretch)),
            );
        }
        moments.sort_unstable();
        moments
    }
}

/// Moments within a phase, in seconds.
fn seconds(shape: Shape, rng: &mut Rng) -> Vec<f64> {
    let lasts = shape.lasts().as_secs_f64();
    let count = whole(shape.expected().round());
    match shape {
        Shape::Constant { per_second, .. } => (0..count).map(|i| index(i) / per_second).collect(),
        Shape::Ramp { from, to, .. } => {
            // The n-th arrival is where the integral of the rate, from·t + (to−from)·t²/2T,
            // reaches n. Solved in the form that stays exact as the slope goes to zero.
            let slope = (to - from) / lasts;
            (0..count)
                .map(|i| {
                    let n = index(i);
                    let root = (from * from + 2.0 * slope * n).max(0.0).sqrt();
                    if n == 0.0 { 0.0 } else { (2.0 * n / (from + root)).min(lasts) }
                })
                .collect()
        }
        Shape::Spike { .. } => (0..count).map(|_| rng.unit() * lasts).collect(),
        Shape::Poisson { per_second, .. } => {
            let mut at = 0.0;
            let mut moments = Vec::with_capacity(count);
            loop {
                at -= (1.0 - rng.unit()).ln() / per_second;
                if at >= lasts {
                    return moments;
                }
                moments.push(at);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most two million")]
fn index(i: usize) -> f64 {
    i as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates; rates and spans are checked to be finite and not negative"
)]
fn whole(count: f64) -> usize {
    count as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn moments(shape: Shape, seed: u64) -> Vec<Duration> {
        let arrivals = Arrivals::new(vec![Phase { begins: Duration::ZERO, shape }]);
        arrivals.moments(&mut Rng::new(seed), arrivals.span())
    }

    fn within(moments: &[Duration], from: f64, to: f64) -> usize {
        let range = Duration::from_secs_f64(from)..Duration::from_secs_f64(to);
        moments.iter().filter(|moment| range.contains(moment)).count()
    }

    #[test]
    fn the_seed_fixes_every_arrival_in_order_and_inside_the_window() {
        for shape in [
            Shape::Spike { shoppers: 500, within: SECOND * 2 },
            Shape::Poisson { per_second: 250.0, over: SECOND * 2 },
        ] {
            let first = moments(shape, 9);
            assert_eq!(first, moments(shape, 9), "the same seed, the same crowd");
            assert_ne!(first, moments(shape, 10));
            assert!(first.is_sorted() && first.iter().all(|at| *at <= SECOND * 2));
        }
    }

    #[test]
    fn a_constant_phase_is_evenly_spaced() {
        let even = moments(Shape::Constant { per_second: 100.0, over: SECOND }, 1);
        assert_eq!(even.len(), 100);
        assert!(even.windows(2).all(|pair| {
            let gap = pair[1].saturating_sub(pair[0]).as_secs_f64();
            (gap - 0.01).abs() < 1e-6
        }));
    }

    #[test]
    fn a_ramp_brings_its_rates_at_its_ends() {
        let ramp = moments(Shape::Ramp { from: 0.0, to: 1_000.0, over: SECOND * 2 }, 1);
        assert_eq!(ramp.len(), 1_000);
        // The rate at t is 500 t: 2.5 in the first tenth of a second, 97.5 in the last.
        assert!((2..=3).contains(&within(&ramp, 0.0, 0.1)), "{}", within(&ramp, 0.0, 0.1));
        assert!((96..=99).contains(&within(&ramp, 1.9, 2.0)), "{}", within(&ramp, 1.9, 2.0));
        let down = moments(Shape::Ramp { from: 100.0, to: 0.0, over: SECOND * 2 }, 1);
        assert_eq!(down.len(), 100);
        assert!(down.is_sorted() && within(&down, 0.0, 1.0) > within(&down, 1.0, 2.1));
        let flat = moments(Shape::Ramp { from: 50.0, to: 50.0, over: SECOND }, 1);
        assert!((24..=26).contains(&within(&flat, 0.5, 1.0)));
    }

    #[test]
    fn a_poisson_phase_has_poisson_counts() {
        // Mean and variance of the count are both 200: 40 counts lie within five deviations of
        // the mean, and their spread is neither none (even spacing) nor far too much.
        let counts: Vec<f64> = (0..40)
            .map(|seed| {
                index(moments(Shape::Poisson { per_second: 200.0, over: SECOND }, seed).len())
            })
            .collect();
        let mean = counts.iter().sum::<f64>() / 40.0;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / 39.0;
        assert!((mean - 200.0).abs() < 5.0 * (200.0_f64 / 40.0).sqrt(), "{mean}");
        assert!((80.0..400.0).contains(&variance), "{variance}");
    }

    #[test]
    fn phases_overlap_and_a_longer_window_stretches_them() {
        let half = Duration::from_millis(500);
        let steady = Shape::Constant { per_second: 10.0, over: SECOND };
        let spike = Shape::Spike { shoppers: 100, within: Duration::from_millis(1) };
        let arrivals = Arrivals::new(vec![
            Phase { begins: Duration::ZERO, shape: steady },
            Phase { begins: half, shape: spike },
        ]);
        assert_eq!((arrivals.count(), arrivals.span()), (110, SECOND));
        let plain = arrivals.moments(&mut Rng::new(1), SECOND);
        assert_eq!(within(&plain, 0.5, 0.502), 101);
        let slow = arrivals.moments(&mut Rng::new(1), SECOND * 3);
        assert_eq!(within(&slow, 1.5, 1.504), 101);
    }
}
