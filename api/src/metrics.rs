//! The names, buckets and labels of what is measured.
//!
//! Owns the metric names of the contract. [`requests`] holds the handles of the request path;
//! [`sales`] writes what is measured of each sale straight from its figures at every scrape, so that
//! the series of a sale go with it. Labels take bounded values only: routes, codes and reasons from
//! tables of the program, statuses that it answers, sales and SKUs that there are.

mod requests;
mod sales;

use std::fmt;
use std::time::Duration;

use commerce::{CALLS_TOTAL, DOUBTS, TASKS, WRITE_SECONDS};
use engine::{Engine, scribe::Watch};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use self::requests::RequestTimes;
pub use self::sales::{Outcome, Outcomes};

/// Entries into a line, by outcome.
pub const ENTER_TOTAL: &str = "rushgate_enter_total";
/// Purchases, by outcome.
pub const PURCHASE_TOTAL: &str = "rushgate_purchase_total";
/// The time an admission took less the wait that was estimated for it.
pub const ETA_ERROR_SECONDS: &str = "rushgate_eta_error_seconds";
const POSITION_TOTAL: &str = "rushgate_position_total";
const ADMITTED_TOTAL: &str = "rushgate_admitted_total";
const DEPARTED_TOTAL: &str = "rushgate_departed_total";
const LINE_LENGTH: &str = "rushgate_line_length";
const ACTIVE_SESSIONS: &str = "rushgate_active_sessions";
const STOCK_UNITS: &str = "rushgate_stock_units";
const HTTP_REQUEST_SECONDS: &str = "rushgate_http_request_seconds";
const HTTP_PROBLEMS_TOTAL: &str = "rushgate_http_problems_total";
const HTTP_ABANDONED_TOTAL: &str = "rushgate_http_abandoned_total";
const CONNECTIONS_LOST_TOTAL: &str = "rushgate_connections_lost_total";
const CONNECTIONS: &str = "rushgate_connections";
const STREAMS: &str = "rushgate_streams";
const LIMITER_BUCKETS: &str = "rushgate_limiter_buckets";
const JOURNAL_SYNC_SECONDS: &str = "rushgate_journal_sync_seconds";
const JOURNAL_BATCH_RECORDS: &str = "rushgate_journal_batch_records";
const RING_DEPTH: &str = "rushgate_ring_depth";
const CLOCK_OFFSET: &str = "rushgate_clock_offset_seconds";
const OUTBOX_LAG: &str = "rushgate_outbox_lag";
const SINK_LAG: &str = "rushgate_sink_lag";
const ARCHIVED_SALES: &str = "rushgate_archived_sales";
const ARCHIVED_VIEWS: &str = "rushgate_archived_views_bytes";

/// What kind of metric a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram(Unit),
}

/// Every metric with its kind and what it means. What is not in here has no description, and a test
/// compares the names with those of the manual.
#[rustfmt::skip]
const FAMILIES: [(&str, Kind, &str); 28] = [
    (ENTER_TOTAL, Kind::Counter, "Entries into a line, by outcome"),
    (POSITION_TOTAL, Kind::Counter, "Position polls"),
    (ADMITTED_TOTAL, Kind::Counter, "Admissions claimed"),
    (DEPARTED_TOTAL, Kind::Counter, "Places gone from a line, by reason"),
    (PURCHASE_TOTAL, Kind::Counter, "Purchases, by outcome"),
    (LINE_LENGTH, Kind::Gauge, "Places waiting"),
    (ACTIVE_SESSIONS, Kind::Gauge, "Slots taken: called or let in"),
    (STOCK_UNITS, Kind::Gauge, "Units by state"),
    (ETA_ERROR_SECONDS, Kind::Histogram(Unit::Seconds), "Time an admission took less the wait that was estimated for it"),
    (HTTP_REQUEST_SECONDS, Kind::Histogram(Unit::Seconds), "From request head to response head"),
    (HTTP_PROBLEMS_TOTAL, Kind::Counter, "Requests refused, by the problem's code"),
    (HTTP_ABANDONED_TOTAL, Kind::Counter, "Requests whose client went away before the answer"),
    (CONNECTIONS_LOST_TOTAL, Kind::Counter, "Connections turned away, cut or closed without an answer of a handler, by reason"),
    (CONNECTIONS, Kind::Gauge, "Open connections of the public listener"),
    (STREAMS, Kind::Gauge, "Open event streams and WebSockets"),
    (LIMITER_BUCKETS, Kind::Gauge, "Addresses and identities that have entered lately, as the limiter knows them"),
    (JOURNAL_SYNC_SECONDS, Kind::Histogram(Unit::Seconds), "Time of one journal sync"),
    (JOURNAL_BATCH_RECORDS, Kind::Histogram(Unit::Count), "Records in one journal batch"),
    (RING_DEPTH, Kind::Gauge, "Commands waiting for the scribe"),
    (CLOCK_OFFSET, Kind::Gauge, "Wall clock less the time that windows and holds run by"),
    (OUTBOX_LAG, Kind::Gauge, "Order events that not every sink has taken"),
    (SINK_LAG, Kind::Gauge, "Order events that a sink has not taken"),
    (ARCHIVED_SALES, Kind::Gauge, "Sales that are archived"),
    (ARCHIVED_VIEWS, Kind::Gauge, "Memory of archived sales that were unpacked to be shown, about"),
    (WRITE_SECONDS, Kind::Histogram(Unit::Seconds), "Time of one write to the shop's database, waiting for its turn included"),
    (TASKS, Kind::Gauge, "Tasks of the shop that are due, or gave up"),
    (DOUBTS, Kind::Gauge, "Payments that a person has to look at"),
    (CALLS_TOTAL, Kind::Counter, "Calls for payments, by whom they were made to, what was asked and how they came out"),
];

/// From a poll answered out of memory (tens of microseconds) to the request deadline.
const REQUEST_BUCKETS: [f64; 14] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0,
    10.0,
];
/// From a battery-backed cache to a disk in trouble.
const SYNC_BUCKETS: [f64; 10] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];
/// Up to `engine::limits::BATCH_COMMANDS_MAX`.
const BATCH_BUCKETS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 2_048.0, 4_096.0];
/// From a write on a disk of its own to the longest that a statement may take.
const WRITE_BUCKETS: [f64; 10] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
/// Early is negative, late is positive.
const ETA_BUCKETS: [f64; 11] =
    [-300.0, -60.0, -30.0, -10.0, -5.0, 0.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How often recorded samples are moved into their buckets; until then they take memory.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What `/metrics` shows.
#[derive(Clone)]
pub struct Exposition(PrometheusHandle);

impl Exposition {
    /// The present values in the Prometheus text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps samples moving into their buckets for as long as the process runs.
    pub async fn keep_up(self) {
        let mut tick = interval(UPKEEP_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.0.run_upkeep();
        }
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

/// Installs the process's recorder and names every metric; once per process, before any handle is
/// made. Spawn [`Exposition::keep_up`] on the runtime.
pub fn install() -> Result<Exposition, BuildError> {
    let buckets = |name: &str| Matcher::Full(name.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(buckets(HTTP_REQUEST_SECONDS), &REQUEST_BUCKETS)?
        .set_buckets_for_metric(buckets(JOURNAL_SYNC_SECONDS), &SYNC_BUCKETS)?
        .set_buckets_for_metric(buckets(JOURNAL_BATCH_RECORDS), &BATCH_BUCKETS)?
        .set_buckets_for_metric(buckets(ETA_ERROR_SECONDS), &ETA_BUCKETS)?
        .set_buckets_for_metric(buckets(WRITE_SECONDS), &WRITE_BUCKETS)?
        .install_recorder()?;
    describe();
    Ok(Exposition(handle))
}

fn describe() {
    for (name, kind, words) in FAMILIES {
        match kind {
            Kind::Counter => describe_counter!(name, words),
            Kind::Gauge => describe_gauge!(name, words),
            Kind::Histogram(unit) => describe_histogram!(name, unit, words),
        }
    }
}

/// What is open or waiting right now, beside the engine's own figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Open connections of the public listener.
    pub connections: usize,
    /// Open event streams and sockets.
    pub streams: usize,
    /// Buckets of the limiter that are not full.
    pub limiter_buckets: usize,
}

/// Sets the gauges of the process: called before each scrape is answered.
pub fn observe(engine: &Engine, present: Present) {
    let count = |name, count: usize| gauge!(name).set(figure(count as u64));
    count(CONNECTIONS, present.connections);
    count(STREAMS, present.streams);
    count(LIMITER_BUCKETS, present.limiter_buckets);
    count(RING_DEPTH, engine.ring_depth());
    count(ARCHIVED_SALES, engine.registry().archived().count());
    count(ARCHIVED_VIEWS, engine.registry().archived().made_bytes());
    let offset = engine.registry().clock_offset_ms();
    let size = figure(offset.unsigned_abs()) / 1_000.0;
    gauge!(CLOCK_OFFSET).set(if offset < 0 { -size } else { size });
    gauge!(OUTBOX_LAG).set(figure(engine.registry().outbox_lag()));
    for (sink, lag) in engine.registry().sink_lags() {
        gauge!(SINK_LAG, "sink" => sink.to_string()).set(figure(lag));
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats; counts stay far below 2^53")]
fn figure(count: u64) -> f64 {
    count as f64
}

/// Times each journal sync for the scribe.
#[derive(Debug)]
pub struct SyncTimes {
    started: Instant,
}

impl SyncTimes {
    /// A watch; made after [`install`].
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Watch for SyncTimes {
    fn syncing(&mut self) {
        self.started = Instant::now();
    }

    fn synced(&mut self, records: usize) {
        histogram!(JOURNAL_SYNC_SECONDS).record(self.started.elapsed());
        histogram!(JOURNAL_BATCH_RECORDS).record(figure(records as u64));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_manual_lists_every_metric_and_no_other() {
        let manual = include_str!("../../docs/operations.md");
        let (_, section) = manual.split_once("\n## Watching\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `rushgate_"));
        let listed: Vec<String> =
            rows.map(|row| format!("rushgate_{}", row.split(['`', '{']).next().unwrap())).collect();
        let known: BTreeSet<&str> = FAMILIES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(known.len(), FAMILIES.len());
        assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
        assert_eq!(listed.len(), known.len(), "each once");
    }
}
