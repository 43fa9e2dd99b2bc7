//! The gate: how far the line has been called, and how fast it may be called on.
//!
//! Owns the watermark and a token bucket in exact integers. A bucket of millionths of an admission
//! fills by `rate × time` and never above its burst, so that in any window admissions stay within
//! `rate × t + burst`, whenever and however often anybody asks. Filling is path-independent: the
//! gate can be asked at any time without being changed, and only a decided fact moves it.
//!
//! The measured pace is kept for estimates only. It decides nothing, and snapshots leave it out.

use std::collections::VecDeque;

use crate::{
    clock::Millis,
    codec::binary_struct,
    id::Number,
    limits::{GATE_BURST_MS, PACE_WINDOW_MS},
};

/// One admission, in the bucket's unit.
const ADMISSION: u64 = 1_000_000;

/// The bucket and the watermark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Admissions per 1,000 seconds; equally, millionths of an admission per millisecond.
    rate_milli: u64,
    /// What the bucket held at `filled_at`, in millionths of an admission.
    level: u64,
    /// When `level` was true.
    filled_at: Millis,
    /// The last number called, or passed over because it had departed.
    watermark: Number,
    /// People called in all.
    called: u64,
}

binary_struct!(Gate { rate_milli, level, filled_at, watermark, called });

impl Gate {
    /// A gate before number 1 with a full bucket.
    pub fn new(rate_milli: u64, at: Millis) -> Self {
        let level = burst(rate_milli);
        Self { rate_milli, level, filled_at: at, watermark: Number(0), called: 0 }
    }

    /// The last number called, or passed over because it had departed.
    pub fn watermark(&self) -> Number {
        self.watermark
    }

    /// People called in all.
    pub fn called(&self) -> u64 {
        self.called
    }

    /// Admissions per 1,000 seconds.
    pub fn rate_milli(&self) -> u64 {
        self.rate_milli
    }

    /// What the bucket held, in millionths of an admission, and when.
    pub(crate) fn level(&self) -> (u64, Millis) {
        (self.level, self.filled_at)
    }

    /// Whole admissions the pace allows at `at`.
    pub fn budget(&self, at: Millis) -> u64 {
        self.level_at(at) / ADMISSION
    }

    /// Takes a new pace from `at` on; what has filled so far stays, up to the new burst.
    pub(crate) fn set_rate(&mut self, rate_milli: u64, at: Millis) {
        self.level = self.level_at(at).min(burst(rate_milli));
        self.filled_at = at;
        self.rate_milli = rate_milli;
    }

    /// Empties the bucket down to `at`: a pause earns nothing.
    pub(crate) fn restart(&mut self, at: Millis) {
        self.level = self.level.min(ADMISSION);
        self.filled_at = at;
    }

    /// Moves the watermark on, calling `count` people.
    ///
    /// # Panics
    ///
    /// If the watermark would not rise, or the pace does not allow so many.
    pub fn call(&mut self, watermark: Number, count: u64, at: Millis) {
        assert!(watermark > self.watermark, "the watermark only rises");
        let level = self.level_at(at);
        let spent = count.checked_mul(ADMISSION).expect("a call is bounded by the line");
        assert!(spent <= level, "the gate calls no more than its budget");
        self.level = level - spent;
        self.filled_at = at;
        self.watermark = watermark;
        self.called += count;
    }

    fn level_at(&self, at: Millis) -> u64 {
        let filled = self.rate_milli.saturating_mul(at.since(self.filled_at));
        self.level.saturating_add(filled).min(burst(self.rate_milli))
    }
}

/// What a bucket holds at the most: a quarter of a second of its pace, and at least one admission,
/// in millionths.
fn burst(rate_milli: u64) -> u64 {
    rate_milli.saturating_mul(GATE_BURST_MS).max(ADMISSION)
}

/// The pace the gate was seen to keep while people waited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Calls of late, oldest first, one entry a second at the most.
    recent: VecDeque<(Millis, u64)>,
    /// Since when there has been a line without a break.
    busy_since: Option<Millis>,
}

impl Pace {
    /// Notes `count` calls.
    pub(crate) fn note(&mut self, count: u64, at: Millis) {
        match self.recent.back_mut() {
            Some((since, calls)) if at.since(*since) < 1_000 => *calls += count,
            _ => self.recent.push_back((at, count)),
        }
        while self.recent.front().is_some_and(|(then, _)| at.since(*then) > PACE_WINDOW_MS) {
            self.recent.pop_front();
        }
    }

    /// Notes whether people are waiting: a gate without a line has no pace.
    pub(crate) fn note_line(&mut self, waiting: bool, at: Millis) {
        if !waiting {
            self.busy_since = None;
            self.recent.clear();
        } else if self.busy_since.is_none() {
            self.busy_since = Some(at);
        }
    }

    /// Calls per 1,000 seconds over the last minute of waiting; `None` before five seconds of it.
    pub(crate) fn milli_per_second(&self, at: Millis) -> Option<u64> {
        let window_ms = at.since(self.busy_since?).min(PACE_WINDOW_MS);
        if window_ms < 5_000 {
            return None;
        }
        let inside = |(then, _): &&(Millis, u64)| at.since(*then) <= window_ms;
        let calls: u64 = self.recent.iter().filter(inside).map(|(_, count)| count).sum();
        Some(calls.saturating_mul(1_000_000) / window_ms)
    }
}

/// An estimated wait, from the gate's configured pace to its measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtaRange {
    /// At the best, in seconds.
    pub min_seconds: u32,
    /// At the pace measured lately, in seconds.
    pub max_seconds: u32,
}

binary_struct!(EtaRange { min_seconds, max_seconds });

impl EtaRange {
    /// The wait behind `ahead` people: at the best by the configured pace, at the worst by the
    /// measured one. `None` when the gate was seen to stand still.
    pub fn estimate(ahead: u64, rate_milli: u64, measured_milli: Option<u64>) -> Option<Self> {
        let seconds_at = |milli: u64| {
            let milli_people = (ahead + 1).saturating_mul(1_000);
            u32::try_from(milli_people.div_ceil(milli)).unwrap_or(u32::MAX)
        };
        if rate_milli == 0 || measured_milli == Some(0) {
            return None;
        }
        let min_seconds = seconds_at(rate_milli);
        let unmeasured = min_seconds.saturating_add(min_seconds / 4).saturating_add(1);
        let max_seconds = measured_milli.map_or(unmeasured, seconds_at).max(min_seconds);
        Some(Self { min_seconds, max_seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admissions_in_any_window_stay_within_rate_and_burst() {
        let mut gate = Gate::new(50_000, Millis(0));
        let (mut number, mut admitted) = (0, Vec::new());
        for now in (0..20_000).step_by(7) {
            let count = gate.budget(Millis(now));
            if count > 0 {
                number += count;
                gate.call(Number(number), count, Millis(now));
                admitted.push((now, count));
            }
        }
        for (index, (start, _)) in admitted.iter().enumerate() {
            let mut total = 0;
            for (end, count) in &admitted[index..] {
                total += count;
                // 50 a second: a twentieth an ms; burst 12.5.
                assert!(total * 1_000 <= 50 * (end - start) + 12_500, "{start}..{end}: {total}");
            }
        }
        assert!(number >= 50 * 19, "the gate kept its pace: {number}");
    }

    #[test]
    fn asking_often_fills_no_faster() {
        let mut seldom = Gate::new(1_500, Millis(0));
        seldom.call(Number(1), 1, Millis(0));
        let mut often = seldom.clone();
        for now in 1..=500 {
            often.set_rate(1_500, Millis(now));
        }
        seldom.set_rate(1_500, Millis(500));
        assert_eq!(seldom, often);
    }

    #[test]
    fn a_pause_earns_nothing() {
        let mut gate = Gate::new(1_000_000, Millis(0));
        gate.restart(Millis(60_000));
        assert_eq!(gate.budget(Millis(60_000)), 1);
    }

    #[test]
    fn a_gate_that_stood_still_promises_nothing() {
        assert_eq!(EtaRange::estimate(10, 50_000, Some(0)), None);
        let range = EtaRange::estimate(99, 50_000, Some(25_000)).expect("a pace");
        assert_eq!((range.min_seconds, range.max_seconds), (2, 4));
    }
}
