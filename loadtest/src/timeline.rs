//! What happened when: the run cut into slices of time.
//!
//! Owns [`Series`], one value per slice, and the [`Timeline`] they are put together into after
//! the run. A series is bounded: past [`SLICES_MAX`] slices, each two become one and the slices
//! are twice as long, so that a run of hours costs what one of minutes does. What happened in a
//! slice is counted at its *completion*, by the run's clock.

mod order;

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::clock::{Stamp, nanoseconds};
use crate::wire::Units;

pub(crate) use order::{Order, Point};

/// Slices kept of each series. Ten minutes at a second each; more than a screen has columns for.
pub(crate) const SLICES_MAX: usize = 600;
/// A slice's length, unless the run is short.
const SLICE: Duration = Duration::from_secs(1);
/// In a short run: as often as the stock is read, so that a ten-second storm has forty points.
const SLICE_SHORT: Duration = Duration::from_millis(250);
/// Arrival windows below this make a short run.
const SHORT_BELOW: Duration = Duration::from_mins(1);
/// Longest latency told apart in a slice; longer ones count as this. The same ten minutes as the
/// histograms of the whole run.
const LATENCY_US_MAX: u64 = 600_000_000;

/// How long the slices of a run begin, by its arrival window.
pub(crate) fn slice_for(window: Duration) -> Duration {
    if window < SHORT_BELOW { SLICE_SHORT } else { SLICE }
}

/// What two neighbouring slices become when they are made one.
pub(crate) trait Merge {
    /// Takes in what happened `later`.
    fn merge(&mut self, later: Self);
}

impl Merge for u64 {
    fn merge(&mut self, later: Self) {
        *self += later;
    }
}

/// The last reading of a slice stands for it.
impl Merge for Option<Reading> {
    fn merge(&mut self, later: Self) {
        *self = later.or(*self);
    }
}

/// One value per slice of time.
#[derive(Clone, Debug)]
pub(crate) struct Series<T> {
    slice_ns: u64,
    slices: Vec<T>,
}

impl<T: Clone + Default + Merge> Series<T> {
    pub(crate) fn new(slice: Duration) -> Self {
        let slice_ns = nanoseconds(slice);
        assert!(slice_ns > 0, "a slice has a length");
        Self { slice_ns, slices: Vec::new() }
    }

    /// The value of the slice that `moment` falls in.
    pub(crate) fn at(&mut self, moment: Stamp) -> &mut T {
        let mut index = self.index(moment);
        while index >= SLICES_MAX {
            self.coarsen();
            index = self.index(moment);
        }
        if index >= self.slices.len() {
            self.slices.resize_with(index + 1, T::default);
        }
        &mut self.slices[index]
    }

    /// The slices that overlap the time from `since` on.
    pub(crate) fn since(&self, since: Stamp) -> &[T] {
        self.slices.get(self.index(since)..).unwrap_or_default()
    }

    fn index(&self, moment: Stamp) -> usize {
        usize::try_from(moment.0 / self.slice_ns).unwrap_or(usize::MAX)
    }

    fn coarsen(&mut self) {
        let mut finer = std::mem::take(&mut self.slices).into_iter();
        while let Some(mut first) = finer.next() {
            if let Some(second) = finer.next() {
                first.merge(second);
            }
            self.slices.push(first);
        }
        self.slice_ns *= 2;
    }

    /// The same in slices of `slice_ns`, as many as `count`.
    fn fitted(&self, slice_ns: u64, count: usize) -> Vec<T> {
        let mut fitted = self.clone();
        while fitted.slice_ns < slice_ns {
            fitted.coarsen();
        }
        fitted.slices.resize_with(count, T::default);
        fitted.slices
    }
}

/// How the sale stood at one moment, by the operator's statistics and the public status.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Reading {
    pub(crate) at_seconds: f64,
    /// People in line.
    pub(crate) line_length: Option<u64>,
    /// The gate's watermark.
    pub(crate) serving: Option<u64>,
    /// People let in since the opening: entered, neither in line nor gone before their call.
    pub(crate) let_in: Option<u64>,
    pub(crate) active_sessions: Option<u64>,
    /// The pace the gate is set to.
    pub(crate) allowed_per_second: Option<f64>,
    pub(crate) units: Option<Units>,
}

/// Latencies that ended in one slice. Two significant digits in buckets of 32 bits, grown on
/// demand: some 4 kB for milliseconds, 12 kB at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread(Option<Histogram<u32>>);

impl Spread {
    pub(crate) fn record(&mut self, micros: u64) {
        let histogram = self.0.get_or_insert_with(|| {
            Histogram::new(2).expect("two digits are within what hdrhistogram accepts")
        });
        // Not `saturating_record`, which clips to the present size instead of growing.
        histogram.record(micros.min(LATENCY_US_MAX)).expect("it grows on demand");
    }

    /// What was recorded, as far as a slice tells; `None` when nothing was.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let histogram = self.0.as_ref()?;
        let ms = |micros: u64| Duration::from_micros(micros).as_secs_f64() * 1e3;
        Some(Quantiles {
            count: histogram.len(),
            p50_ms: ms(histogram.value_at_quantile(0.50)),
            p90_ms: ms(histogram.value_at_quantile(0.90)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            max_ms: ms(histogram.max()),
        })
    }
}

impl Merge for Spread {
    fn merge(&mut self, later: Self) {
        match (&mut self.0, later.0) {
            (Some(mine), Some(theirs)) => {
                mine.add(theirs).expect("both are resizable and equally precise");
            }
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }
}

/// A latency distribution of one slice, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// The run in slices, from its start to the moment the crowd stopped.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Timeline {
    /// The length of every slice; the last one is cut off where the run ended.
    pub(crate) slice_seconds: f64,
    pub(crate) end_seconds: f64,
    pub(crate) slices: Vec<Slice>,
}

/// What happened in one slice. Counts, not rates.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Slice {
    pub(crate) from_seconds: f64,
    /// How much of the slice was run: less than its length only in the last.
    pub(crate) seconds: f64,
    /// Shoppers who were to arrive.
    pub(crate) planned: u64,
    pub(crate) arrived: u64,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) pushed_back: u64,
    /// Shoppers who saw that they were admitted.
    pub(crate) admitted: u64,
    /// Purchases acknowledged as confirmed.
    pub(crate) bought: u64,
    /// The last reading taken; none while the server is down.
    pub(crate) reading: Option<Reading>,
    pub(crate) enter: Option<Quantiles>,
    pub(crate) position: Option<Quantiles>,
    /// To the first event of a stream.
    pub(crate) stream: Option<Quantiles>,
    pub(crate) purchase: Option<Quantiles>,
    pub(crate) confirm: Option<Quantiles>,
}

/// Copies of all series of a run, which may have been coarsened unevenly.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) planned: Series<u64>,
    pub(crate) arrived: Series<u64>,
    pub(crate) answered: Series<u64>,
    pub(crate) unanswered: Series<u64>,
    pub(crate) pushed_back: Series<u64>,
    pub(crate) admitted: Series<u64>,
    pub(crate) bought: Series<u64>,
    pub(crate) readings: Series<Option<Reading>>,
    pub(crate) enter: Series<Spread>,
    pub(crate) position: Series<Spread>,
    pub(crate) stream: Series<Spread>,
    pub(crate) purchase: Series<Spread>,
    pub(crate) confirm: Series<Spread>,
}

impl Parts {
    /// Lays the series side by side, in slices as long as the coarsest one's, up to `end`.
    pub(crate) fn assemble(self, end: Stamp) -> Timeline {
        let counts = [
            &self.planned,
            &self.arrived,
            &self.answered,
            &self.unanswered,
            &self.pushed_back,
            &self.admitted,
            &self.bought,
        ];
        let spreads = [&self.enter, &self.position, &self.stream, &self.purchase, &self.confirm];
        let widths = counts.iter().map(|series| series.slice_ns);
        let widths = widths.chain(spreads.iter().map(|series| series.slice_ns));
        let mut slice_ns = widths.fold(self.readings.slice_ns, u64::max);
        while end.0.div_ceil(slice_ns) > SLICES_MAX as u64 {
            slice_ns *= 2;
        }
        let count = usize::try_from(end.0.div_ceil(slice_ns)).expect("SLICES_MAX bounds it");

        let [planned, arrived, answered, unanswered, pushed_back, admitted, bought] =
            counts.map(|series| series.fitted(slice_ns, count));
        let [enter, position, stream, purchase, confirm] = spreads.map(|series| {
            let fitted = series.fitted(slice_ns, count);
            fitted.iter().map(Spread::quantiles).collect::<Vec<_>>()
        });
        let readings = self.readings.fitted(slice_ns, count);
        let slices = (0..count).map(|i| {
            let from = Stamp(slice_ns * i as u64);
            let to = Stamp(from.0 + slice_ns).min(end);
            Slice {
                from_seconds: seconds(from),
                seconds: to.since(from).as_secs_f64(),
                planned: planned[i],
                arrived: arrived[i],
                answered: answered[i],
                unanswered: unanswered[i],
                pushed_back: pushed_back[i],
                admitted: admitted[i],
                bought: bought[i],
                reading: readings[i],
                enter: enter[i],
                position: position[i],
                stream: stream[i],
                purchase: purchase[i],
                confirm: confirm[i],
            }
        });
        Timeline {
            slice_seconds: seconds(Stamp(slice_ns)),
            end_seconds: seconds(end),
            slices: slices.collect(),
        }
    }
}

/// Seconds since the run began.
pub(crate) fn seconds(stamp: Stamp) -> f64 {
    stamp.since(Stamp::default()).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_series_never_grows_past_its_bound_and_loses_no_count() {
        let mut series: Series<u64> = Series::new(SLICE);
        for second in 0..5_000 {
            *series.at(Stamp(second * SECOND)) += 1;
            assert!(series.slices.len() <= SLICES_MAX);
        }
        assert_eq!(series.slices.iter().sum::<u64>(), 5_000);
        assert_eq!(series.slice_ns, 16 * SECOND, "600 slices of 8 s end before 5000 s");
        *series.at(Stamp(u64::MAX)) += 1;
        assert!(series.slices.len() <= SLICES_MAX);
        assert_eq!(series.slices.iter().sum::<u64>(), 5_001);
    }

    #[test]
    fn coarser_slices_keep_every_latency_and_the_latest_reading() {
        let mut spreads: Series<Spread> = Series::new(SLICE);
        let mut readings: Series<Option<Reading>> = Series::new(SLICE);
        for second in 0..1_200_u64 {
            spreads.at(Stamp(second * SECOND)).record(1_000 + second);
            let line_length = Some(second);
            *readings.at(Stamp(second * SECOND)) =
                Some(Reading { line_length, ..Reading::default() });
        }
        assert_eq!(spreads.slices.len(), SLICES_MAX);
        let counts = spreads.slices.iter().filter_map(Spread::quantiles).map(|q| q.count);
        assert_eq!(counts.sum::<u64>(), 1_200);
        assert_eq!(readings.slices[0].unwrap().line_length, Some(1));
        assert_eq!(readings.slices[599].unwrap().line_length, Some(1_199));
    }

    #[test]
    fn a_latency_beyond_any_deadline_is_recorded_as_the_longest() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantiles(), None);
        spread.record(u64::MAX);
        let max_ms = spread.quantiles().unwrap().max_ms;
        assert!((590_000.0..620_000.0).contains(&max_ms), "{max_ms}");
    }

    #[test]
    fn the_timeline_ends_where_the_run_ended_and_its_slices_are_the_coarsest() {
        let fine: Series<u64> = Series::new(SLICE);
        let spread: Series<Spread> = Series::new(SLICE);
        let mut arrived = fine.clone();
        for second in 0..900 {
            *arrived.at(Stamp(second * SECOND)) += 2;
        }
        let mut planned = fine.clone();
        *planned.at(Stamp(3 * SECOND)) += 7;
        let parts = Parts {
            planned,
            arrived,
            answered: fine.clone(),
            unanswered: fine.clone(),
            pushed_back: fine.clone(),
            admitted: fine.clone(),
            bought: fine,
            readings: Series::new(SLICE),
            enter: spread.clone(),
            position: spread.clone(),
            stream: spread.clone(),
            purchase: spread.clone(),
            confirm: spread,
        };
        let timeline = parts.assemble(Stamp(899 * SECOND));
        assert!((timeline.slice_seconds - 2.0).abs() < 1e-9);
        assert_eq!(timeline.slices.len(), 450);
        assert_eq!(timeline.slices[1].planned, 7, "3 s lies in the slice from 2 s to 4 s");
        assert_eq!(timeline.slices.iter().map(|slice| slice.arrived).sum::<u64>(), 1_800);
        assert!((timeline.slices[449].seconds - 1.0).abs() < 1e-9);
    }
}
