//! What came of the requests so far.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::answer::Answer;

/// Answers that took longer count as having taken this long.
const ANSWER_MICROS_MAX: u64 = 60_000_000;

/// Answers within a span.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) start: Instant,
    /// Without it the span ends with the last answer.
    pub(crate) end: Option<Instant>,
    finished: Instant,
    counted: u64,
    bytes: u64,
    /// All that were read, also outside of the span.
    statuses: BTreeMap<u16, u64>,
    /// Microseconds.
    times: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new(start: Instant, end: Option<Instant>) -> Self {
        let times = Histogram::new_with_bounds(1, ANSWER_MICROS_MAX, 3);
        let times = times.expect("bounds and digits that a histogram takes");
        let (counted, bytes, statuses) = (0, 0, BTreeMap::new());
        Self { start, end, finished: start, counted, bytes, statuses, times }
    }

    /// Whether a moment is in the span.
    pub(crate) fn has(&self, moment: Instant) -> bool {
        moment >= self.start && self.end.is_none_or(|end| moment < end)
    }

    /// Counts an answer read at `answered` as one of the span.
    pub(crate) fn count(&mut self, answer: Answer, took: Duration, answered: Instant) {
        self.counted += 1;
        self.bytes += answer.length as u64;
        self.finished = answered;
        self.time(took);
    }

    /// Counts a request that was not answered in time.
    pub(crate) fn time(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.times.saturating_record(micros);
    }

    /// Remembers a status, whenever it came.
    pub(crate) fn note(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    /// How long the span is.
    pub(crate) fn seconds(&self) -> f64 {
        (self.end.unwrap_or(self.finished) - self.start).as_secs_f64()
    }

    /// What both loops report.
    #[expect(clippy::cast_precision_loss, reason = "counts of minutes, far below 2^53")]
    pub(crate) fn report(&self) -> Value {
        json!({
            "requests": self.counted,
            "seconds": self.seconds(),
            "rps": self.counted as f64 / self.seconds(),
            "p50_us": self.times.value_at_quantile(0.5),
            "p99_us": self.times.value_at_quantile(0.99),
            "p999_us": self.times.value_at_quantile(0.999),
            "response_bytes": self.bytes as f64 / self.counted.max(1) as f64,
            "statuses": self.statuses,
        })
    }
}

/// The one reading of the clock here.
pub(crate) fn now() -> Instant {
    benches::now()
}
