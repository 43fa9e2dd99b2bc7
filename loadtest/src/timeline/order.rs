//! A sample of who came when and who was let in when.
//!
//! Owns the picture's raw material: enough shoppers to see the order, few enough to draw. The
//! audit looks at all of them; this is for the eye.

use serde::Serialize;

use super::seconds;
use crate::ledger::Ledger;
use crate::rng::Rng;

/// Points kept: as many as a small picture can show side by side.
const POINTS_MAX: usize = 4_000;
/// The stream of the seed that picks them; below the shoppers' own, above the plans' and kills'.
const STREAM_ORDER: u64 = 15;

/// Shoppers who were let in, by arrival; all of them, or a uniform sample.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Order {
    /// How many were let in.
    pub(crate) of: usize,
    pub(crate) points: Vec<Point>,
}

/// One shopper.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Point {
    /// When they meant to arrive.
    pub(crate) arrival_seconds: f64,
    pub(crate) number: u64,
    /// When they first saw that they were let in: later than it was so by up to one poll.
    pub(crate) admitted_seconds: f64,
}

impl Order {
    /// Samples the ledger. The seed decides who is picked.
    pub(crate) fn sample(ledger: &Ledger, seed: u64) -> Self {
        let admitted = ledger.records.iter().filter_map(|record| {
            Some(Point {
                arrival_seconds: record.plan.arrival.as_secs_f64(),
                number: record.entry.as_ref()?.number,
                admitted_seconds: seconds(record.admitted?),
            })
        });
        let all: Vec<Point> = admitted.collect();
        let of = all.len();
        Self { of, points: pick(all, &mut Rng::split(seed, STREAM_ORDER)) }
    }
}

/// Selection sampling (Knuth, TAOCP 2, algorithm S): uniform, in one pass, in order.
fn pick(all: Vec<Point>, rng: &mut Rng) -> Vec<Point> {
    let (mut left, mut wanted) = (all.len() as u64, POINTS_MAX.min(all.len()) as u64);
    let chosen = all.into_iter().filter(|_| {
        let take = rng.below(left) < wanted;
        left -= 1;
        wanted -= u64::from(take);
        take
    });
    chosen.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(count: u32) -> Vec<Point> {
        let point = |number: u32| Point {
            arrival_seconds: f64::from(number),
            number: u64::from(number),
            admitted_seconds: f64::from(number) + 1.0,
        };
        (0..count).map(point).collect()
    }

    #[test]
    fn a_large_crowd_is_sampled_to_the_bound_evenly_and_in_order() {
        let picked = pick(points(100_000), &mut Rng::split(5, STREAM_ORDER));
        assert_eq!(picked.len(), POINTS_MAX);
        assert!(picked.is_sorted_by_key(|point| point.number));
        let early = picked.iter().filter(|point| point.number < 50_000).count();
        assert!((1_800..2_200).contains(&early), "{early}");
        let again = pick(points(100_000), &mut Rng::split(5, STREAM_ORDER));
        assert!(picked.iter().zip(&again).all(|(a, b)| a.number == b.number));
    }

    #[test]
    fn a_small_crowd_is_kept_whole() {
        assert_eq!(pick(points(70), &mut Rng::new(1)).len(), 70);
        assert!(pick(Vec::new(), &mut Rng::new(1)).is_empty());
    }
}
