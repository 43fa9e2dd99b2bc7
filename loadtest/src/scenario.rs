//! The crowd, decided before the first socket opens.
//!
//! Owns who arrives when and what each shopper will do, all from the seed. Arrivals are a Poisson
//! process conditioned on its count: the shoppers' moments are independent and uniform over the
//! window. Nothing the server does moves an arrival (open loop).

use std::time::Duration;

use serde::Serialize;

use crate::rng::Rng;

/// The stream of the seed that decides plans; streams above are the shoppers' own.
const STREAM_PLANS: u64 = 0;
/// The stream of the seed that decides when the server dies.
pub(crate) const STREAM_KILLS: u64 = 1;
/// The first stream that belongs to a shopper.
pub(crate) const STREAM_SHOPPERS: u64 = 16;

/// How many in a hundred do what.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Mix {
    /// Leave the line after a poll or two.
    pub(crate) leavers: u32,
    /// Fall silent after a poll or two and are not heard of again.
    pub(crate) silent: u32,
    /// Enter again with the same key.
    pub(crate) refreshers: u32,
    /// Want two units.
    pub(crate) pairs: u32,
    /// Give the hold up instead of paying.
    pub(crate) releasers: u32,
    /// Never pay, so the hold expires.
    pub(crate) abandoners: u32,
    /// Send the same purchase twice.
    pub(crate) double_clickers: u32,
}

/// How a shopper waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Polls until let in.
    Stay,
    /// Leaves after so many polls, or when let in before.
    Leave { polls: u64 },
    /// Stops polling after so many polls, or when let in before.
    FallSilent { polls: u64 },
}

/// How a shopper's hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The backend takes the money.
    Confirm,
    /// The shopper gives the units back.
    Release,
    /// Nothing: the hold runs out.
    Abandon,
}

/// What one shopper will do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// From the start of the run to the intended arrival.
    pub(crate) arrival: Duration,
    pub(crate) manner: Manner,
    pub(crate) ending: Ending,
    pub(crate) units: u64,
    /// Enters again with the same key after so many polls.
    pub(crate) refresh_after: Option<u64>,
    pub(crate) double_click: bool,
    /// Between hold and payment.
    pub(crate) payment: Duration,
}

impl Plan {
    /// True when this shopper means to keep what they buy.
    pub(crate) fn wants_to_buy(&self) -> bool {
        self.manner == Manner::Stay && self.ending == Ending::Confirm
    }
}

/// Plans for `shoppers` arriving within `over`, by arrival.
pub(crate) fn plans(seed: u64, shoppers: usize, over: Duration, mix: Mix) -> Vec<Plan> {
    let mut rng = Rng::split(seed, STREAM_PLANS);
    let window = u64::try_from(over.as_micros()).unwrap_or(u64::MAX);
    let mut arrivals: Vec<u64> = (0..shoppers).map(|_| rng.below(window)).collect();
    arrivals.sort_unstable();
    arrivals.into_iter().map(|micros| plan(Duration::from_micros(micros), &mut rng, mix)).collect()
}

fn plan(arrival: Duration, rng: &mut Rng, mix: Mix) -> Plan {
    let polls = rng.below(3);
    let manner = match rng.below(100) {
        roll if roll < u64::from(mix.leavers) => Manner::Leave { polls },
        roll if roll < u64::from(mix.leavers + mix.silent) => Manner::FallSilent { polls },
        _ => Manner::Stay,
    };
    let ending = match rng.below(100) {
        roll if roll < u64::from(mix.releasers) => Ending::Release,
        roll if roll < u64::from(mix.releasers + mix.abandoners) => Ending::Abandon,
        _ => Ending::Confirm,
    };
    Plan {
        arrival,
        manner,
        ending,
        units: if rng.chance(mix.pairs) { 2 } else { 1 },
        refresh_after: rng.chance(mix.refreshers).then(|| rng.below(3)),
        double_click: rng.chance(mix.double_clickers),
        payment: Duration::from_millis(rng.between(20, 250)),
    }
}

/// `count` moments to kill the server, one in each equal part of the middle of the run.
///
/// The middle is 10–85 % of the arrival window: traffic has begun, and arrivals still come in
/// afterwards to show that the restarted server serves.
pub(crate) fn kill_moments(seed: u64, count: u32, over: Duration) -> Vec<Duration> {
    let mut rng = Rng::split(seed, STREAM_KILLS);
    let (begin, span) = (over.mul_f64(0.10), over.mul_f64(0.75));
    (0..count)
        .map(|i| {
            let part = span / count;
            let micros = u64::try_from(part.as_micros()).unwrap_or(u64::MAX);
            begin + part * i + Duration::from_micros(rng.below(micros))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIX: Mix = Mix {
        leavers: 10,
        silent: 5,
        refreshers: 20,
        pairs: 10,
        releasers: 5,
        abandoners: 5,
        double_clickers: 5,
    };

    #[test]
    fn the_seed_fixes_every_arrival_in_order_and_inside_the_window() {
        let over = Duration::from_secs(2);
        let first = plans(9, 500, over, MIX);
        let again = plans(9, 500, over, MIX);
        assert!(first.iter().zip(&again).all(|(a, b)| a.arrival == b.arrival));
        assert!(first.is_sorted_by_key(|plan| plan.arrival));
        assert!(first.iter().all(|plan| plan.arrival < over));
        assert_ne!(first[0].arrival, plans(10, 500, over, MIX)[0].arrival);
    }

    #[test]
    fn the_mix_appears_in_about_the_asked_shares() {
        let crowd = plans(1, 10_000, Duration::from_secs(1), MIX);
        let share = |test: fn(&Plan) -> bool| crowd.iter().filter(|plan| test(plan)).count();
        let leavers = share(|plan| matches!(plan.manner, Manner::Leave { .. }));
        let pairs = share(|plan| plan.units == 2);
        assert!((800..1200).contains(&leavers), "{leavers}");
        assert!((800..1200).contains(&pairs), "{pairs}");
    }

    #[test]
    fn kills_fall_in_the_middle_of_the_run_one_after_another() {
        let over = Duration::from_secs(20);
        let moments = kill_moments(4, 5, over);
        assert_eq!(moments.len(), 5);
        assert!(moments.is_sorted());
        assert!(moments[0] >= Duration::from_secs(2) && moments[4] < Duration::from_secs(17));
    }
}
