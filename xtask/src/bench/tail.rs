//! How long entries and purchases take when the server has half of what it can do.
//!
//! An open loop: shoppers come by chance, and each is timed from the moment it came. The maximum is
//! a closed loop's, on the same server just before.

use super::{
    calls::PURCHASES,
    compare::Span,
    drive::{Extent, Schedule},
    scene::enter,
    session::Bench,
};
use crate::failure::Failure;

/// Connections of the open loop: more than are ever busy, so that no request waits for one.
const CONNECTIONS: u32 = 1_000;
/// A request not answered by then counts as having taken as long.
const DEADLINE_SECONDS: f64 = 1.0;

pub(super) const ENTER: &str = "enter";
pub(super) const PURCHASE: &str = "purchase, one hot SKU";

/// One call at half load.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) name: &'static str,
    pub(super) maximum_rps: Span,
    pub(super) offered_rps: Span,
    /// Of the due requests, the share that was done.
    pub(super) done: Span,
    pub(super) p50_ms: Span,
    pub(super) p99_ms: Span,
}

pub(super) fn measure(bench: &Bench) -> Result<Vec<Tail>, Failure> {
    [ENTER, PURCHASE].into_iter().filter_map(|name| tail(bench, name).transpose()).collect()
}

fn tail(bench: &Bench, name: &'static str) -> Result<Option<Tail>, Failure> {
    let mut turns = Vec::new();
    for turn in 0..bench.sizes.pairs {
        let server = bench.serve(&format!("tail-{}-{turn}", &name[..5]))?;
        let (load, extent) = if name == ENTER {
            (enter("door"), Extent::Seconds(bench.sizes.seconds))
        } else {
            // Half of the purchases, so that those of the open loop find room in the outbox.
            (bench.buyers(&server)?, Extent::Requests(PURCHASES / 2))
        };
        let maximum = bench.driver.run(&server, &load, extent)?.rps;
        let schedule = Schedule {
            rate: maximum / 2.0,
            seconds: bench.sizes.seconds,
            seed: turn as u64 + 1,
            deadline: DEADLINE_SECONDS,
        };
        let open = super::drive::Load { connections: CONNECTIONS, ..load };
        let kept = bench.driver.keep(&server, &open, schedule)?;
        bench.say(&format!(
            "{name} at {:.0}/s of {maximum:.0}/s: p99 {:.2} ms, {:?}",
            kept.offered_rps, kept.p99_ms, kept.outcomes
        ));
        turns.push((maximum, kept));
    }
    let of =
        |value: fn(&super::drive::Kept) -> f64| Span::of(turns.iter().map(|turn| value(&turn.1)));
    let maximum_rps = Span::of(turns.iter().map(|turn| turn.0));
    Ok((|| {
        Some(Tail {
            name,
            maximum_rps: maximum_rps?,
            offered_rps: of(|kept| kept.offered_rps)?,
            done: of(|kept| kept.good_rps / kept.offered_rps)?,
            p50_ms: of(|kept| kept.p50_ms)?,
            p99_ms: of(|kept| kept.p99_ms)?,
        })
    })())
}
