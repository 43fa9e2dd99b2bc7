//! What the run measures while it runs.
//!
//! Owns the latency histograms and the counters the progress bar shows. A latency is the time
//! from the moment a request was *intended* to the moment its acknowledgement was complete, with
//! every retry and every wait for a connection inside: a slow server cannot hide by slowing the
//! crowd down (coordinated omission).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::clock::Stamp;

/// Ten minutes: beyond any deadline worth running; longer waits are recorded as this.
const LATENCY_US_MAX: u64 = 600_000_000;

/// A count that many tasks raise and anyone reads. Statistics only: nothing is published by it.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Latencies of one kind of request.
pub(crate) struct Latency(Mutex<Histogram<u64>>);

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Latency").field(&self.percentiles()).finish()
    }
}

impl Default for Latency {
    fn default() -> Self {
        let histogram = Histogram::new_with_max(LATENCY_US_MAX, 3);
        Self(Mutex::new(histogram.expect("the bounds are constants that hdrhistogram accepts")))
    }
}

impl Latency {
    /// Records one request intended at `intended` and acknowledged at `done`.
    pub(crate) fn record(&self, intended: Stamp, done: Stamp) {
        let micros = u64::try_from(done.since(intended).as_micros()).unwrap_or(LATENCY_US_MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }

    /// The distribution so far.
    pub(crate) fn percentiles(&self) -> Percentiles {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile));
        Percentiles {
            count: histogram.len(),
            p50_ms: milliseconds(at(0.50)),
            p90_ms: milliseconds(at(0.90)),
            p99_ms: milliseconds(at(0.99)),
            p999_ms: milliseconds(at(0.999)),
            max_ms: milliseconds(Duration::from_micros(histogram.max())),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A latency distribution in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
}

/// Everything measured.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    pub(crate) enter: Latency,
    pub(crate) position: Latency,
    pub(crate) purchase: Latency,
    pub(crate) confirm: Latency,
    /// From the intended moment to the first event of a stream.
    pub(crate) stream: Latency,
    /// From the intended moment of a request to its turn in the pool: the generator's own error.
    pub(crate) schedule: Latency,
    /// Shoppers who have arrived.
    pub(crate) arrived: Counter,
    /// Shoppers seen admitted.
    pub(crate) admitted: Counter,
    /// Purchases acknowledged as confirmed.
    pub(crate) bought: Counter,
    /// Requests answered, of every kind and status.
    pub(crate) answered: Counter,
    /// Requests of bots, of every kind.
    pub(crate) hammered: Counter,
    /// Requests that got no answer: refused connections, resets, timeouts.
    pub(crate) unanswered: Counter,
    /// Answers 429 and 503.
    pub(crate) pushed_back: Counter,
}
