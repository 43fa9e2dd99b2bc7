//! Whether the generator kept its own schedule.
//!
//! Owns the judgement and its words. Latencies of a generator that was late are never shown: they
//! would be believed.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::measure::Percentiles;

/// What a reader must know of a run whose generator was late.
pub(super) const BOUND: &str = "requests left later than intended, so the latencies would show \
     this machine's limits, not the server's. They are not for publishing. Send less, give it more \
     connections, or run it on a machine of its own; schedule_error_p99_max_ms sets the limit.";

/// How late requests left, by the generator's own doing.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Schedule {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) limit_ms: f64,
    /// The p99 is over the limit: the latencies say more about the generator than the server.
    pub(crate) generator_bound: bool,
}

impl Schedule {
    /// Judges `found` by the limit for its p99.
    pub(crate) fn new(found: Percentiles, limit: Duration) -> Self {
        let limit_ms = limit.as_secs_f64() * 1e3;
        Self {
            count: found.count,
            p50_ms: found.p50_ms,
            p99_ms: found.p99_ms,
            max_ms: found.max_ms,
            limit_ms,
            generator_bound: found.p99_ms > limit_ms,
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50_ms, p99_ms, max_ms, limit_ms, .. } = self;
        writeln!(
            f,
            "\nschedule error of {count} requests, ms: p50 {p50_ms:.3}, p99 {p99_ms:.3}, max \
             {max_ms:.3}; limit for p99 {limit_ms}"
        )?;
        if self.generator_bound {
            writeln!(f, "GENERATOR BOUND: {BOUND}")?;
        }
        Ok(())
    }
}
