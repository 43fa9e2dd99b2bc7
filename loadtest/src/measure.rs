//! What the run measures while it runs.
//!
//! Owns the latency histograms and the counters, each of the whole run and by slices of time. A
//! latency is the time from the moment a request was *intended* to the moment its acknowledgement
//! was complete, with every retry and every wait for a connection inside: a slow server cannot
//! hide by slowing the crowd down (coordinated omission).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::clock::{Clock, Stamp};
use crate::timeline::{Merge as _, Parts, Quantiles, Reading, Series, Spread, Timeline};

/// Ten minutes: beyond any deadline worth running; longer waits are recorded as this.
const LATENCY_US_MAX: u64 = 600_000_000;

/// A count that many tasks raise and anyone reads. Statistics only: nothing is published by it.
#[derive(Debug)]
pub(crate) struct Counter {
    clock: Clock,
    total: AtomicU64,
    slices: Mutex<Series<u64>>,
}

impl Counter {
    pub(crate) fn new(clock: Clock, slice: Duration) -> Self {
        Self { clock, total: AtomicU64::new(0), slices: Mutex::new(Series::new(slice)) }
    }

    pub(crate) fn add_one(&self) {
        self.total.fetch_add(1, Ordering::Relaxed);
        *lock(&self.slices).at(self.clock.now()) += 1;
    }

    pub(crate) fn get(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    fn series(&self) -> Series<u64> {
        lock(&self.slices).clone()
    }
}

/// Latencies of one kind of request.
pub(crate) struct Latency(Mutex<Spreads>);

/// The same latencies twice: together, and by the slice they ended in.
struct Spreads {
    whole: Histogram<u64>,
    slices: Series<Spread>,
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Latency").field(&self.percentiles()).finish()
    }
}

impl Latency {
    /// None yet, in slices of `slice`.
    pub(crate) fn new(slice: Duration) -> Self {
        let whole = Histogram::new_with_max(LATENCY_US_MAX, 3);
        let whole = whole.expect("the bounds are constants that hdrhistogram accepts");
        Self(Mutex::new(Spreads { whole, slices: Series::new(slice) }))
    }

    /// Records one request intended at `intended` and acknowledged at `done`.
    pub(crate) fn record(&self, intended: Stamp, done: Stamp) {
        let micros = u64::try_from(done.since(intended).as_micros()).unwrap_or(LATENCY_US_MAX);
        let mut spreads = lock(&self.0);
        spreads.whole.saturating_record(micros);
        spreads.slices.at(done).record(micros);
    }

    /// The distribution so far.
    pub(crate) fn percentiles(&self) -> Percentiles {
        let histogram = &lock(&self.0).whole;
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

    /// The distribution of what ended since about `since`; `None` when nothing did.
    pub(crate) fn recent(&self, since: Stamp) -> Option<Quantiles> {
        let mut recent = Spread::default();
        for spread in lock(&self.0).slices.since(since) {
            recent.merge(spread.clone());
        }
        recent.quantiles()
    }

    fn series(&self) -> Series<Spread> {
        lock(&self.0).slices.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
#[derive(Debug)]
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
    /// Times the server was killed.
    pub(crate) killed: Counter,
    planned: Mutex<Series<u64>>,
    readings: Mutex<Series<Option<Reading>>>,
    /// The latest reading, for who watches.
    latest: Mutex<Reading>,
}

impl Measures {
    /// Nothing measured yet, in slices of `slice` by `clock`.
    pub(crate) fn new(clock: Clock, slice: Duration) -> Self {
        let counter = || Counter::new(clock, slice);
        Self {
            enter: Latency::new(slice),
            position: Latency::new(slice),
            purchase: Latency::new(slice),
            confirm: Latency::new(slice),
            stream: Latency::new(slice),
            schedule: Latency::new(slice),
            arrived: counter(),
            admitted: counter(),
            bought: counter(),
            answered: counter(),
            hammered: counter(),
            unanswered: counter(),
            pushed_back: counter(),
            killed: counter(),
            planned: Mutex::new(Series::new(slice)),
            readings: Mutex::new(Series::new(slice)),
            latest: Mutex::new(Reading::default()),
        }
    }

    /// Notes when shoppers are to arrive.
    pub(crate) fn plan(&self, arrivals: impl Iterator<Item = Duration>) {
        let mut planned = lock(&self.planned);
        for arrival in arrivals {
            *planned.at(Stamp::default().after(arrival)) += 1;
        }
    }

    /// Notes how the sale stood at `at`.
    pub(crate) fn read(&self, at: Stamp, reading: Reading) {
        *lock(&self.readings).at(at) = Some(reading);
        *lock(&self.latest) = reading;
    }

    /// The last reading taken; empty before the first.
    pub(crate) fn latest(&self) -> Reading {
        *lock(&self.latest)
    }

    /// The run so far, up to `end`.
    pub(crate) fn timeline(&self, end: Stamp) -> Timeline {
        let parts = Parts {
            planned: lock(&self.planned).clone(),
            arrived: self.arrived.series(),
            answered: self.answered.series(),
            unanswered: self.unanswered.series(),
            pushed_back: self.pushed_back.series(),
            admitted: self.admitted.series(),
            bought: self.bought.series(),
            readings: lock(&self.readings).clone(),
            enter: self.enter.series(),
            position: self.position.series(),
            stream: self.stream.series(),
            purchase: self.purchase.series(),
            confirm: self.confirm.series(),
        };
        parts.assemble(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_counts_in_the_slice_in_which_it_ended() {
        let measures = Measures::new(Clock::start(), Duration::from_secs(1));
        let at = |millis| Stamp::default().after(Duration::from_millis(millis));
        measures.enter.record(at(500), at(2_500));
        measures.enter.record(at(2_900), at(2_904));
        let slices = measures.timeline(at(3_500)).slices;
        assert_eq!(slices.len(), 4);
        assert!(slices[0].enter.is_none());
        let ended = slices[2].enter.unwrap();
        assert_eq!(ended.count, 2);
        assert!((ended.max_ms - 2_000.0).abs() < 20.0, "{ended:?}");
        assert_eq!(measures.enter.recent(at(2_000)), Some(ended));
        assert_eq!(measures.enter.recent(at(3_000)), None);
    }
}
