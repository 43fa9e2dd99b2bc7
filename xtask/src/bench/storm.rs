//! Ten times more entries than the server can take, for a minute, and the time after.
//!
//! The server has one processor and the driver the other, so that the storm does not take from the
//! server what it is to be measured with. The peak is a closed loop's in this very setting. Every
//! entry is a new shopper who waits one second and does not come again.

use std::time::Duration;

use super::{
    child::Served,
    compare::median,
    drive::{Extent, Kept, Load, Report, Schedule},
    scene::enter,
    session::Bench,
};
use crate::{failure::Failure, process};

const SERVER_CORE: u32 = 0;
const DRIVER_CORE: u32 = 1;

/// Connections of the storm. Each has one entry under way, as a browser has.
const CONNECTIONS: u32 = 2_000;
/// Numbers of connections among which the peak is sought.
const CONNECTIONS_AT_PEAK: [u32; 2] = [256, CONNECTIONS];
/// Turns of the closed loop for each number, odd for the sake of the median.
const TURNS: usize = 3;
/// Of each turn.
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
    /// The closed loop before and after, over the number of connections that got most done.
    pub(super) before: Peak,
    pub(super) after: Peak,
    /// The closed loop over as many connections as the storm's, the better of before and after.
    pub(super) crowded: Peak,
    /// A bare hyper in the same setting, over few connections and over as many as the storm's.
    pub(super) hyper: [Peak; 2],
    /// Processor time of the server for an entry done in the storm.
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

/// The most that the closed loop got done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    /// Entries a second, the median of the turns.
    pub(super) rps: f64,
    /// Processor time of the server for each.
    pub(super) cpu_us: f64,
}

impl Storm {
    /// The higher peak: a machine that grew busy, or a server that grew slow, is no excuse.
    pub(super) fn peak_rps(&self) -> f64 {
        self.before.rps.max(self.after.rps)
    }

    /// Entries done in time, as a share of the peak.
    pub(super) fn goodput(&self) -> f64 {
        self.kept.good_rps / self.peak_rps()
    }
}

pub(super) fn measure(bench: &Bench) -> Result<Storm, Failure> {
    let server = bench.serve_on(SERVER_CORE, "storm")?;
    let load = Load { core: Some(DRIVER_CORE), ..enter("door") };
    let before = peaks(bench, &server, &load)?;
    let (before, crowded_before) = (best(before), before[1]);
    let calm_rps = before.rps * CALM;
    let first = Calm { rps: calm_rps, seconds: bench.sizes.seconds, seed: 1 };
    let quiet = calm(bench, &server, &load, first)?;
    if !all_done(&quiet) {
        // Recovery would be measured against trouble.
        let what = format!("no calm before the storm: {:?}", quiet.outcomes);
        return Err(Failure::Unexpected { call: "storm".to_owned(), what });
    }
    bench.say(&format!("peak {:.0}/s; in calm p99 {:.2} ms", before.rps, quiet.p99_ms));
    let seconds = bench.sizes.storm_seconds;
    let rate = before.rps * TIMES;
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
        let again = calm(bench, &server, &load, Calm { rps: calm_rps, seconds: 1.0, seed })?;
        calm_after_ms = again.p99_ms;
        let passed = begun.elapsed().saturating_sub(storm);
        if is_back(&quiet, &again) {
            recovery = Some(passed);
        }
        if recovery.is_some() || passed > RECOVERY_MAX {
            break;
        }
    }
    bench.say(&format!("calm again after {recovery:.1?}, p99 {calm_after_ms:.2} ms"));
    let after = peaks(bench, &server, &load)?;
    let crowded = best([crowded_before, after[1]]);
    let answer = bench.driver.show(&server, &load)?;
    drop(server);
    let hyper = peaks(bench, &bench.ceiling_on(SERVER_CORE, &answer)?, &load)?;
    let after = best(after);
    let (calm_ms, connections) = (quiet.p99_ms, CONNECTIONS);
    Ok(Storm {
        before,
        after,
        crowded,
        hyper,
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
    rps: f64,
    seconds: f64,
    seed: u64,
}

fn calm(bench: &Bench, server: &Served, load: &Load, calm: Calm) -> Result<Kept, Failure> {
    let Calm { rps: rate, seconds, seed } = calm;
    bench.driver.keep(server, load, Schedule { rate, seconds, seed, deadline: PATIENCE_SECONDS })
}

/// Closed loops over some numbers of connections, in turns.
fn peaks(bench: &Bench, server: &Served, load: &Load) -> Result<[Peak; 2], Failure> {
    let mut found = CONNECTIONS_AT_PEAK.map(|connections| (connections, Vec::new()));
    for _ in 0..TURNS {
        for (connections, turns) in &mut found {
            let load = Load { connections: *connections, ..load.clone() };
            turns.push(bench.driver.run(server, &load, Extent::Seconds(TURN_SECONDS))?);
        }
    }
    Ok(found.map(|(connections, turns)| {
        let of = |of: fn(&Report) -> f64| median(turns.iter().map(of));
        let peak = Peak { rps: of(|turn| turn.rps), cpu_us: of(|turn| turn.cpu_us) };
        let Peak { rps, cpu_us } = peak;
        bench.say(&format!("{connections} connections, one core: {rps:.0}/s, {cpu_us:.1} µs each"));
        peak
    }))
}

/// The better one: goodput has the highest peak to match.
fn best(peaks: [Peak; 2]) -> Peak {
    if peaks[1].rps > peaks[0].rps { peaks[1] } else { peaks[0] }
}

/// Whether everyone is served, and as quickly as before.
fn is_back(before: &Kept, after: &Kept) -> bool {
    all_done(after) && after.p99_ms <= before.p99_ms * BACK
}

fn all_done(kept: &Kept) -> bool {
    kept.outcomes.keys().all(|outcome| outcome.starts_with('2'))
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
