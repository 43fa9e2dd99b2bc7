//! What a run found, for people and for programs.
//!
//! Owns the two renderings of one result: text by `Display`, JSON by `Serialize`. Everything a
//! reader needs to repeat the run (seed, window, pace) is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::audit::{Agreement, Foresight, Verdict};
use crate::ledger::Outcome;
use crate::measure::Percentiles;
use crate::server::Kill;

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// True when every verdict is ok.
    pub passed: bool,
    /// Every rule, judged.
    pub verdicts: Vec<Verdict>,
    /// The scenario's name.
    pub(crate) scenario: String,
    pub(crate) setting: Setting,
    pub(crate) elapsed_seconds: f64,
    pub(crate) schedule: Schedule,
    pub(crate) eta: Foresight,
    pub(crate) latency: Latencies,
    pub(crate) traffic: Traffic,
    /// How the visits ended.
    pub(crate) outcomes: BTreeMap<Outcome, u64>,
    pub(crate) agreement: Agreement,
    pub(crate) kills: Vec<Kill>,
}

/// What was run.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) server: String,
    pub(crate) sale: String,
    pub(crate) seed: u64,
    pub(crate) shoppers: usize,
    pub(crate) over_seconds: f64,
    pub(crate) stock: u64,
    pub(crate) admission_per_second: f64,
    pub(crate) connections: usize,
    /// Where a server of the run's own kept its data.
    pub(crate) data: Option<String>,
}

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
            writeln!(
                f,
                "GENERATOR BOUND: requests left later than intended, so the latencies would show \
                 this machine's limits, not the server's. They are not for publishing. Send less, \
                 give it more connections, or run it on a machine of its own; \
                 schedule_error_p99_max_ms sets the limit."
            )?;
        }
        Ok(())
    }
}

/// From the intended moment to the acknowledgement.
#[derive(Debug, Serialize)]
pub(crate) struct Latencies {
    pub(crate) enter: Percentiles,
    pub(crate) position: Percentiles,
    pub(crate) purchase: Percentiles,
    pub(crate) confirm: Percentiles,
    /// To the first event of a stream.
    pub(crate) stream: Percentiles,
}

/// Requests, counted while the crowd shopped.
#[derive(Debug, Serialize)]
pub(crate) struct Traffic {
    pub(crate) answered: u64,
    pub(crate) answered_per_second: f64,
    pub(crate) unanswered: u64,
    pub(crate) pushed_back: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { server, sale, seed, shoppers, over_seconds, stock, .. } = &self.setting;
        writeln!(f, "{}: sale {sale} at {server}", self.scenario)?;
        writeln!(
            f,
            "{shoppers} shoppers over {over_seconds:.1} s for {stock} units, {:.1} let in per \
             second, seed {seed}, {:.1} s in all",
            self.setting.admission_per_second, self.elapsed_seconds
        )?;
        if let Some(data) = &self.setting.data {
            writeln!(f, "server data in {data}")?;
        }
        self.schedule.fmt(f)?;
        if !self.schedule.generator_bound {
            self.write_latency(f)?;
        }
        self.write_traffic(f)?;
        for (index, kill) in self.kills.iter().enumerate() {
            writeln!(
                f,
                "kill {} at {:.2} s, {} requests in flight, back after {:.0} ms",
                index + 1,
                kill.at.since(crate::clock::Stamp::default()).as_secs_f64(),
                kill.in_flight,
                kill.back.since(kill.at).as_secs_f64() * 1e3,
            )?;
        }
        writeln!(f, "\naudit")?;
        for verdict in &self.verdicts {
            let word = if verdict.ok { "ok    " } else { "FAILED" };
            writeln!(f, "  {word} {}: {}", verdict.rule, verdict.seen)?;
            for example in &verdict.examples {
                writeln!(f, "           {example}")?;
            }
        }
        let published = if self.schedule.generator_bound { ", generator bound" } else { "" };
        writeln!(f, "{}{published}", if self.passed { "passed" } else { "FAILED" })
    }
}

impl Report {
    /// True when the figures are the generator's own and not for publishing.
    pub fn is_generator_bound(&self) -> bool {
        self.schedule.generator_bound
    }

    fn write_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nlatency from the intended moment, ms\n  {:<9}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "count", "p50", "p90", "p99", "p99.9", "max"
        )?;
        let Latencies { enter, position, purchase, confirm, stream } = &self.latency;
        let rows = [
            ("enter", enter),
            ("position", position),
            ("purchase", purchase),
            ("confirm", confirm),
            ("stream", stream),
        ];
        for (name, row) in rows {
            writeln!(
                f,
                "  {name:<9}{:>9}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>10.2}",
                row.count, row.p50_ms, row.p90_ms, row.p99_ms, row.p999_ms, row.max_ms
            )?;
        }
        Ok(())
    }

    fn write_traffic(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { answered, answered_per_second, unanswered, pushed_back } = &self.traffic;
        writeln!(
            f,
            "\n{answered} answers, {answered_per_second:.0} per second; {unanswered} unanswered, \
             {pushed_back} pushed back"
        )?;
        let visits: Vec<String> =
            self.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome:?}")).collect();
        writeln!(f, "visits: {}", visits.join(", "))?;
        let tau = |tau: Option<f64>| tau.map_or_else(|| "-".to_owned(), |tau| format!("{tau:.4}"));
        writeln!(
            f,
            "order: tau(arrival, number) {}, tau(number, admission) {}",
            tau(self.agreement.arrival_and_number),
            tau(self.agreement.number_and_admission),
        )?;
        let Foresight { count, p50_seconds, p90_seconds, within_range_share } = self.eta;
        writeln!(
            f,
            "foretold waits: {count}, {:.0} % within their range, off by {p50_seconds:.1} s (p50) \
             and {p90_seconds:.1} s (p90)",
            within_range_share * 1e2
        )
    }
}
