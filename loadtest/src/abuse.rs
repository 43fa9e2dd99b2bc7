//! What one abuser costs everybody else.
//!
//! Owns a run in two halves at one sale. In both, honest shoppers enter, poll, buy and pay at fixed
//! moments; in the second an abuser does its worst from addresses of its own. The run passes when no
//! honest request failed, when each kind of request kept its p99 within twice the calm one, and when
//! the abuser used up nothing: the sale still has numbers, holds and units for the next shopper.
//!
//! ```text
//! calm    ├─ honest ─────────────────┤
//! attack                             ├─ honest ──────────────────┤
//!                                    ├─ attack: 64 loops or idle sockets
//! ```
//!
//! The abuser shares the processors with the server here, which an abuser on the network does not, so
//! its thread has the lowest priority.

mod attack;
mod honest;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::cli::{self, Attack};
use crate::flash_sale::{Ready, ready};
use crate::measure::Percentiles;
use crate::rng::Rng;
use crate::server::Limits;

use attack::Abuser;
use honest::Honest;

/// How much worse than calm a p99 may be.
const RATIO_MAX: f64 = 2.0;

/// One kind of honest request, in both halves.
#[derive(Debug, Serialize)]
struct Row {
    call: &'static str,
    calm: Percentiles,
    attacked: Percentiles,
    /// p99 under attack over p99 in calm.
    p99_ratio: f64,
}

/// A kind of request and its latencies.
type Measured = (&'static str, Percentiles);

/// What an abuse run found.
#[derive(Debug, Serialize)]
pub struct AbuseReport {
    /// True when the honest shoppers noticed nothing beyond the limit.
    pub passed: bool,
    attack: &'static str,
    server: String,
    calm_seconds: f64,
    attack_seconds: f64,
    rows: Vec<Row>,
    /// Honest requests that had no answer or a refusal.
    failed: BTreeMap<String, u64>,
    /// What the abuser was answered, by status; 0 for a connection that was closed or refused.
    abuser: BTreeMap<u16, u64>,
    /// Whether a last shopper could still enter, buy and pay afterwards.
    still_sells: bool,
}

impl fmt::Display for AbuseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} at {}: {:.0} s of calm, {:.0} s of attack",
            self.attack, self.server, self.calm_seconds, self.attack_seconds
        )?;
        writeln!(f, "p99 in ms       calm   attacked  ratio  requests")?;
        for Row { call, calm, attacked, p99_ratio } in &self.rows {
            let (before, under, count) = (calm.p99_ms, attacked.p99_ms, attacked.count);
            writeln!(f, "{call:<12} {before:>8.3} {under:>10.3} {p99_ratio:>6.2} {count:>9}")?;
        }
        let spelled = |counts: &BTreeMap<u16, u64>| {
            let each = counts.iter().map(|(status, count)| format!("{count} × {status}"));
            each.collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "the abuser was answered: {}", spelled(&self.abuser))?;
        for (what, count) in &self.failed {
            writeln!(f, "honest shoppers failed: {count} × {what}")?;
        }
        let sells = if self.still_sells { "still sells" } else { "NO LONGER SELLS" };
        writeln!(f, "afterwards the sale {sells}")?;
        writeln!(f, "{}", if self.passed { "passed" } else { "FAILED" })
    }
}

/// Runs it. An error means that nothing could be judged.
pub(crate) async fn abuse(options: &cli::Abuse) -> Result<AbuseReport, String> {
    let scenario = options.scenario()?;
    let owned = scenario.target.spawn.then_some(Limits::Kept);
    // Held to the end: dropping the server ends it.
    let Ready { seed, server: _server, run, .. } = ready(&scenario, &options.common, owned).await?;
    let mut rng = Rng::new(seed);
    let calm = Honest::shop(&run, "calm", options.calm, Vec::new(), &mut rng).await?;
    let host = run.client.address();
    let abuser = Abuser::start(&run, options, &format!("http://{host}")).await?;
    let (time, before) = (options.seconds, calm.tickets());
    let attacked = Honest::shop(&run, "attacked", time, before, &mut rng).await?;
    let answered = abuser.stop().await;
    let still_sells = Honest::shop_once(&run, "last", &mut rng).await.is_ok();

    let mut failed = calm.failed();
    for (what, count) in attacked.failed() {
        *failed.entry(what).or_default() += count;
    }
    let rows: Vec<Row> = calm.latencies().into_iter().zip(attacked.latencies()).map(row).collect();
    Ok(AbuseReport {
        passed: still_sells
            && failed.is_empty()
            && rows.iter().all(|row| row.attacked.count > 0 && row.p99_ratio <= RATIO_MAX),
        attack: options.attack.name(),
        server: host,
        calm_seconds: options.calm.as_secs_f64(),
        attack_seconds: options.seconds.as_secs_f64(),
        rows,
        failed,
        abuser: answered,
        still_sells,
    })
}

fn row(((call, before), (_, attacked)): (Measured, Measured)) -> Row {
    let p99_ratio =
        if before.p99_ms > 0.0 { attacked.p99_ms / before.p99_ms } else { f64::INFINITY };
    Row { call, calm: before, attacked, p99_ratio }
}

impl Attack {
    /// As reports spell it.
    const fn name(self) -> &'static str {
        match self {
            Self::HoldLoop => "hold-loop",
            Self::EntryLoop => "entry-loop",
            Self::IdleConnections => "idle-connections",
        }
    }
}
