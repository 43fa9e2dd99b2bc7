//! Ten times more entries than the server can take, for a minute, and the time after.
//!
//! The server has one processor and the driver the other, so that the storm does not take from the
//! server what it is to be measured with. The peak is a closed loop's in this very setting. Every
//! entry is a new shopper who waits one second and does not come again.

use std::time::Duration;

use super::{
    Bench,
    child::Served,
    compare::median,
    drive::{Extent, Kept, Load, Report, Schedule},
    scene::enter,
};
use crate::{failure::Failure, process};

const SERVER_CORE: u32 = 0;
const DRIVER_CORE: u32 = 1;

/// Connections of the storm. Each has one entry under way, as a browser has.
const CONNECTIONS: u32 = 2_000;
/// Numbers of connections among which the peak is sought.
const CONNECTIONS_AT_PEAK: [u32; 2] = [256, CONNECTIONS];
/// Of each turn of the closed loop.
const TURN_SECONDS: f64 = 3.0;
/// How much more than the peak.
const TIMES: f64 = 10.0;
/// How long a shopper waits.
const PATIENCE_SECONDS: f64 = 1.0;
/// What calm is, as a share of the peak.
const CALM: f64 = 0.05;
/// The 99th percentile is back when it is at most so much of what it was.
const BACK: f64 = 2.0;
/// How long to wait for calm.
const RECOVERY_MAX: Duration = Duration::from_secs(30);

/// What came of it.
#[derive(Debug)]
pub(super) struct Storm {
    /// Entries a second of the closed loop: the median of turns before and after.
    pub(super) peak_rps: f64,
    /// Processor time of the server for an entry at the peak, and for one done in the storm.
    pub(super) peak_cpu_us: f64,
    pub(super) cpu_us: f64,
    pub(super) connections: u32,
    pub(super) seconds: f64,
    pub(super) kept: Kept,
    /// The 99th percentile at a low rate, before and after.
    pub(super) calm_ms: f64,
    pub(super) calm_after_ms: f64,
    /// From the storm's end to the end of the first calm second; `None` if there was none.
    pub(super) recovery: Option<Duration>,
}

impl Storm {
    /// Entries done in time, as a share of the peak.
    pub(super) fn goodput(&self) -> f64 {
        self.kept.good_rps / self.peak_rps
    }
}

pub(super) fn measure(bench: &Bench) -> Result<Storm, Failure> {
    let server = bench.serve_on(SERVER_CORE, "storm")?;
    let load = Load { core: Some(DRIVER_CORE), ..enter("door") };
    let mut peaks = Peaks::default();
    peaks.seek(bench, &server, &load)?;
    let before =
        calm(bench, &server, &load, &peaks, Calm { seconds: bench.sizes.seconds, seed: 1 })?;
    bench.say(&format!("peak {:.0}/s; in calm p99 {:.2} ms", peaks.rps(), before.p99_ms));
    let seconds = bench.sizes.storm_seconds;
    let rate = peaks.rps() * TIMES;
    let schedule = Schedule { rate, seconds, seed: 2, deadline: PATIENCE_SECONDS };
    let crowd = Load { connections: CONNECTIONS, ..load.clone() };
    let (begun, used) = (process::now(), server.cpu_seconds()?);
    let kept = bench.driver.keep(&server, &crowd, schedule)?;
    let cpu_us = (server.cpu_seconds()? - used) * 1e6 / (kept.good_rps * seconds);
    bench.say(&format!(
        "storm of {:.0}/s: {:.0}/s done in time, {:?}",
        kept.offered_rps, kept.good_rps, kept.outcomes
    ));
    // The driver's start and its waiting for the last answers count as recovery: not in our favour.
    let storm = Duration::from_secs_f64(seconds);
    let (mut recovery, mut calm_after_ms) = (None, f64::NAN);
    for seed in 3.. {
        let after = calm(bench, &server, &load, &peaks, Calm { seconds: 1.0, seed })?;
        calm_after_ms = after.p99_ms;
        let passed = begun.elapsed().saturating_sub(storm);
        if is_back(&before, &after) {
            recovery = Some(passed);
        }
        if recovery.is_some() || passed > RECOVERY_MAX {
            break;
        }
    }
    bench.say(&format!("calm again after {recovery:.1?}, p99 {calm_after_ms:.2} ms"));
    // Again, so that a machine that grew busy or quiet in between does not decide the share.
    peaks.seek(bench, &server, &load)?;
    let (peak_rps, peak_cpu_us) = (peaks.rps(), peaks.cpu_us());
    let (calm_ms, connections) = (before.p99_ms, CONNECTIONS);
    Ok(Storm {
        peak_rps,
        peak_cpu_us,
        cpu_us,
        connections,
        seconds,
        kept,
        calm_ms,
        calm_after_ms,
        recovery,
    })
}

/// A stretch at a low rate.
#[derive(Debug, Clone, Copy)]
struct Calm {
    seconds: f64,
    seed: u64,
}

fn calm(
    bench: &Bench,
    server: &Served,
    load: &Load,
    peaks: &Peaks,
    Calm { seconds, seed }: Calm,
) -> Result<Kept, Failure> {
    let rate = peaks.rps() * CALM;
    let schedule = Schedule { rate, seconds, seed, deadline: PATIENCE_SECONDS };
    bench.driver.keep(server, load, schedule)
}

/// Closed loops over some numbers of connections; the best counts, so that goodput has the highest
/// peak to match.
#[derive(Debug, Default)]
struct Peaks {
    turns: [Vec<Report>; CONNECTIONS_AT_PEAK.len()],
}

impl Peaks {
    fn seek(&mut self, bench: &Bench, server: &Served, load: &Load) -> Result<(), Failure> {
        for _ in 0..bench.sizes.pairs.div_ceil(2) {
            for (connections, turns) in CONNECTIONS_AT_PEAK.into_iter().zip(&mut self.turns) {
                let load = Load { connections, ..load.clone() };
                let report = bench.driver.run(server, &load, Extent::Seconds(TURN_SECONDS))?;
                bench.say(&format!("{connections} connections, one core: {:.0}/s", report.rps));
                turns.push(report);
            }
        }
        Ok(())
    }

    fn rps(&self) -> f64 {
        self.best().0
    }

    fn cpu_us(&self) -> f64 {
        self.best().1
    }

    /// Entries a second and processor time for each, at the number of connections that has most.
    fn best(&self) -> (f64, f64) {
        let of = |turns: &Vec<Report>| {
            let rps = median(turns.iter().map(|turn| turn.rps));
            (rps, median(turns.iter().map(|turn| turn.cpu_us)))
        };
        let best = self.turns.iter().map(of).max_by(|a, b| a.0.total_cmp(&b.0));
        best.unwrap_or((f64::NAN, f64::NAN))
    }
}

/// Whether everyone is served, and as quickly as before.
fn is_back(before: &Kept, after: &Kept) -> bool {
    let all_done = after.outcomes.keys().all(|outcome| outcome.starts_with('2'));
    all_done && after.p99_ms <= before.p99_ms * BACK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm(p99_ms: f64, outcome: &str) -> Kept {
        Kept {
            offered_rps: 1.0,
            sent_rps: 1.0,
            good_rps: 1.0,
            p50_ms: 1.0,
            p99_ms,
            sent_late_p99_ms: 0.1,
            outcomes: [("202".to_owned(), 9.0), (outcome.to_owned(), 1.0)].into(),
            good_worst_second: 1.0,
        }
    }

    #[test]
    fn calm_is_everyone_served_as_quickly_as_before() {
        let before = calm(2.0, "202");
        assert!(is_back(&before, &calm(4.0, "202")));
        assert!(!is_back(&before, &calm(4.1, "202")));
        for failed in ["503", "lost", "late", "broken"] {
            assert!(!is_back(&before, &calm(1.0, failed)), "{failed}");
        }
    }
}
