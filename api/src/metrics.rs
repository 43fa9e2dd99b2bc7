//! The names, buckets and labels of what is measured.
//!
//! Owns the metric names of the contract and the handles of the request path. Labels take bounded
//! values only: routes and statuses from tables here, sales and SKUs from the configuration.
//! Handles are made once; recording a request is two loads and an add.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use dashmap::DashMap;
use engine::{Engine, id::SaleTag, scribe::Watch, view::SaleView};
use hyper::StatusCode;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::route::{LABELS, ROUTES};

/// Entries into a line, by outcome.
pub const ENTER_TOTAL: &str = "rushgate_enter_total";
/// Position polls.
pub const POSITION_TOTAL: &str = "rushgate_position_total";
/// Admissions claimed.
pub const ADMITTED_TOTAL: &str = "rushgate_admitted_total";
/// Places gone from a line, by reason.
pub const DEPARTED_TOTAL: &str = "rushgate_departed_total";
/// Purchases, by outcome.
pub const PURCHASE_TOTAL: &str = "rushgate_purchase_total";
/// Places waiting.
pub const LINE_LENGTH: &str = "rushgate_line_length";
/// Slots taken: called or let in.
pub const ACTIVE_SESSIONS: &str = "rushgate_active_sessions";
/// Units by state.
pub const STOCK_UNITS: &str = "rushgate_stock_units";
/// The time an admission took less the wait that was estimated for it.
pub const ETA_ERROR_SECONDS: &str = "rushgate_eta_error_seconds";
/// Time from a request's head to its response's head.
pub const HTTP_REQUEST_SECONDS: &str = "rushgate_http_request_seconds";
/// Time of one journal sync.
pub const JOURNAL_SYNC_SECONDS: &str = "rushgate_journal_sync_seconds";
/// Records in one journal batch.
pub const JOURNAL_BATCH_RECORDS: &str = "rushgate_journal_batch_records";
/// Commands waiting for the scribe.
pub const RING_DEPTH: &str = "rushgate_ring_depth";
/// How far the wall clock is from the time that windows and holds run by.
pub const CLOCK_OFFSET: &str = "rushgate_clock_offset_seconds";
/// Decided facts the backend has not taken.
pub const OUTBOX_LAG: &str = "rushgate_outbox_lag";

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
/// Early is negative, late is positive.
const ETA_BUCKETS: [f64; 11] =
    [-300.0, -60.0, -30.0, -10.0, -5.0, 0.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How often recorded samples are moved into their buckets; until then they take memory.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The statuses this program answers; any other is recorded as the last.
const STATUSES: [u16; 19] =
    [200, 201, 202, 204, 303, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 503, 500];

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
        .install_recorder()?;
    describe();
    Ok(Exposition(handle))
}

fn describe() {
    describe_counter!(ENTER_TOTAL, "Entries into a line, by outcome");
    describe_counter!(POSITION_TOTAL, "Position polls");
    describe_counter!(ADMITTED_TOTAL, "Admissions claimed");
    describe_counter!(DEPARTED_TOTAL, "Places gone from a line, by reason");
    describe_counter!(PURCHASE_TOTAL, "Purchases, by outcome");
    describe_gauge!(LINE_LENGTH, "Places waiting");
    describe_gauge!(ACTIVE_SESSIONS, "Slots taken: called or let in");
    describe_gauge!(STOCK_UNITS, "Units by state");
    describe_histogram!(
        ETA_ERROR_SECONDS,
        Unit::Seconds,
        "Time an admission took less the wait that was estimated for it"
    );
    describe_histogram!(HTTP_REQUEST_SECONDS, Unit::Seconds, "From request head to response head");
    describe_histogram!(JOURNAL_SYNC_SECONDS, Unit::Seconds, "Time of one journal sync");
    describe_histogram!(JOURNAL_BATCH_RECORDS, Unit::Count, "Records in one journal batch");
    describe_gauge!(RING_DEPTH, "Commands waiting for the scribe");
    describe_gauge!(CLOCK_OFFSET, "Wall clock less the time that windows and holds run by");
    describe_gauge!(OUTBOX_LAG, "Decided facts the backend has not taken");
}

/// What became of an entry or a purchase, as the `outcome` label has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An entry that waits.
    Waiting,
    /// An entry that was let in at once.
    Admitted,
    /// A purchase that was made.
    Held,
    /// A repeat that was answered as before.
    Replayed,
    /// Refused, with the problem's code.
    Refused(&'static str),
}

impl Outcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Admitted => "admitted",
            Self::Held => "held",
            Self::Replayed => "replayed",
            Self::Refused(code) => code,
        }
    }
}

/// Entries and purchases by sale and outcome. A handle is made when its labels are first seen:
/// finding it in the recorder costs more than counting.
#[derive(Default)]
pub struct Outcomes(DashMap<(SaleTag, &'static str, &'static str), Counter>);

impl Outcomes {
    /// Counts an entry or a purchase of a sale.
    pub fn count(&self, name: &'static str, sale: &SaleView, outcome: Outcome) {
        let key = (sale.tag(), name, outcome.label());
        if let Some(counter) = self.0.get(&key) {
            counter.increment(1);
            return;
        }
        let sale = sale.name().as_str().to_owned();
        let counter = counter!(name, "sale" => sale, "outcome" => outcome.label());
        counter.increment(1);
        self.0.insert(key, counter);
    }
}

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outcomes")
    }
}

/// Copies the engine's own figures into the recorder: called before each scrape is answered.
pub fn observe(engine: &Engine) {
    for sale in engine.sales() {
        let name = sale.name().as_str();
        let label = || name.to_owned();
        let tally = sale.tally();
        counter!(POSITION_TOTAL, "sale" => label()).absolute(tally.polled_total());
        counter!(ADMITTED_TOTAL, "sale" => label()).absolute(tally.admitted_total());
        for (reason, count) in tally.departed_total() {
            counter!(DEPARTED_TOTAL, "sale" => label(), "reason" => reason).absolute(count);
        }
        gauge!(LINE_LENGTH, "sale" => label()).set(figure(sale.line().length()));
        gauge!(ACTIVE_SESSIONS, "sale" => label()).set(figure(sale.active_sessions()));
        let settings = sale.settings();
        for (offer, counts) in settings.spec.offers.iter().zip(sale.counts()) {
            let states = [
                ("available", counts.available),
                ("held", counts.held),
                ("paying", counts.paying),
                ("sold", counts.sold),
                ("stranded", counts.stranded),
            ];
            for (state, units) in states {
                let sku = offer.sku.as_str().to_owned();
                gauge!(STOCK_UNITS, "sale" => label(), "sku" => sku, "state" => state)
                    .set(figure(units));
            }
        }
    }
    gauge!(RING_DEPTH).set(figure(engine.ring_depth() as u64));
    let offset = engine.registry().clock_offset_ms();
    let size = figure(offset.unsigned_abs()) / 1_000.0;
    gauge!(CLOCK_OFFSET).set(if offset < 0 { -size } else { size });
    gauge!(OUTBOX_LAG).set(figure(engine.registry().outbox_lag()));
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

/// Request times by route and status; a handle is made when its pair is first seen.
#[derive(Clone, Copy)]
pub struct RequestTimes(&'static [[OnceLock<Histogram>; STATUSES.len()]; ROUTES + 1]);

impl fmt::Debug for RequestTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestTimes")
    }
}

impl Default for RequestTimes {
    fn default() -> Self {
        Self::new()
    }
}

impl RequestTimes {
    /// An empty table for the rest of the process; its handles belong to the recorder installed
    /// when they are first used. Every request refers to it, and counting who does would cost more
    /// than what is counted.
    pub fn new() -> Self {
        let empty = std::array::from_fn(|_| std::array::from_fn(|_| OnceLock::new()));
        Self(Box::leak(Box::new(empty)))
    }

    /// Records that the call of this index (`None`: no such path) was answered with `status`,
    /// `started` being the moment its head was read.
    pub fn record(&self, route: Option<usize>, status: StatusCode, started: Instant) {
        let row = route.unwrap_or(ROUTES).min(ROUTES);
        let column = STATUSES.iter().position(|&known| known == status.as_u16());
        let column = column.unwrap_or(STATUSES.len() - 1);
        let histogram = self.0[row][column].get_or_init(|| {
            let route = LABELS.get(row).copied().unwrap_or("unmatched");
            let status = STATUSES[column].to_string();
            histogram!(HTTP_REQUEST_SECONDS, "route" => route, "status" => status)
        });
        histogram.record(started.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use metrics::with_local_recorder;

    use super::*;
    use crate::route::Route;

    #[tokio::test]
    async fn request_times_show_route_and_status() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, || {
            let times = RequestTimes::new();
            let route = Route::Position { sale: "demo" };
            times.record(Some(route.index()), StatusCode::OK, Instant::now());
            times.record(Some(route.index()), StatusCode::OK, Instant::now());
            times.record(None, StatusCode::NOT_FOUND, Instant::now());
            times.record(None, StatusCode::IM_A_TEAPOT, Instant::now());
        });
        let text = handle.render();
        let count = r#"_count{route="/v1/sales/{sale}/position",status="200"} 2"#;
        assert!(text.contains(count), "{text}");
        assert!(text.contains(r#"route="unmatched",status="404""#), "{text}");
        assert!(text.contains(r#"route="unmatched",status="500""#), "{text}");
        assert!(!text.contains("demo"), "{text}");
    }
}
