//! The gate: how far the line has been called, and how fast it may be called on.
//!
//! Owns the watermark and a token bucket in exact integers. A bucket of millionths of an admission
//! fills by `rate × time` and never above its burst, so that in any window admissions stay within
//! `rate × t + burst`, whenever and however often it is asked. Asking does not change the
//! gate; only a decided fact moves it.
//!
//! The measured pace is kept for estimates only. It decides nothing, and snapshots leave it out.

use std::collections::VecDeque;

use crate::{
    clock::Millis,
    codec::binary_struct,
    id::Number,
    limits::{GATE_BURST_MS, PACE_EVENTS_MIN, PACE_WARM_UP_MS, PACE_WINDOW_MS, PACE_WINDOW_MS_MAX},
};

/// One admission, in the bucket's unit.
const ADMISSION: u64 = 1_000_000;
/// Where an estimate goes by slots, its best and worst case are a quarter off: shoppers choose how
/// long they stay.
const SLOTS_MARGIN: u32 = 4;

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

    /// The gate of an archived sale, which calls nobody.
    pub(crate) const fn stopped() -> Self {
        let (level, filled_at) = (0, Millis(0));
        Self { rate_milli: 0, level, filled_at, watermark: Number(0), called: 0 }
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
    pub fn level(&self) -> (u64, Millis) {
        (self.level, self.filled_at)
    }

    /// Whether it could stand so at `at` with this pace.
    pub(crate) fn is_sound(&self, rate_milli: u64, at: Millis) -> bool {
        let fits = self.level <= burst(self.rate_milli) && self.filled_at <= at;
        self.rate_milli == rate_milli && fits
    }

    /// Whole admissions the pace allows at `at`.
    pub fn budget(&self, at: Millis) -> u64 {
        self.level_at(at) / ADMISSION
    }

    /// From when on the pace allows a whole admission; `None` if it never does.
    pub(crate) fn next_budget(&self) -> Option<Millis> {
        let missing = ADMISSION.saturating_sub(self.level);
        if missing == 0 {
            return Some(self.filled_at);
        }
        let fills = self.rate_milli > 0;
        fills.then(|| self.filled_at.after(missing.div_ceil(self.rate_milli)))
    }

    /// Sets a new pace from `at` on; what has filled so far stays, up to the new burst.
    pub(crate) fn set_rate(&mut self, rate_milli: u64, at: Millis) {
        self.level = self.level_at(at).min(burst(rate_milli));
        self.filled_at = at;
        self.rate_milli = rate_milli;
    }

    /// Keeps at most one admission in the bucket at `at`, so that a pause saves up no more.
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

/// The most a bucket holds: a quarter of a second of its pace, and at least one admission, in
/// millionths.
fn burst(rate_milli: u64) -> u64 {
    rate_milli.saturating_mul(GATE_BURST_MS).max(ADMISSION)
}

/// How often something was seen to happen while people waited: the gate's calls, or slots that
/// sessions left free.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// Recent events, oldest first, at most one entry a second.
    recent: VecDeque<(Millis, u64)>,
    /// Since when people have been waiting without a break.
    busy_since: Option<Millis>,
}

impl Pace {
    /// Notes `count` events.
    pub(crate) fn note(&mut self, count: u64, at: Millis) {
        match self.recent.back_mut() {
            Some((since, events)) if at.since(*since) < 1_000 => *events += count,
            _ => self.recent.push_back((at, count)),
        }
        while self.recent.front().is_some_and(|(then, _)| at.since(*then) > PACE_WINDOW_MS_MAX) {
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

    /// Events per 1,000 seconds over the last minute of waiting, or over as much more as it takes to
    /// see enough of them; `None` before five seconds of it.
    ///
    /// If events come one at a time, a plain rate would jump with each and fall in between. So the time
    /// since the last event counts only if it is longer than the usual gap: the next event is assumed
    /// to be imminent.
    pub(crate) fn milli_per_second(&self, at: Millis) -> Option<u64> {
        let mut begin = self.busy_since?;
        if at.since(begin) < PACE_WARM_UP_MS {
            return None;
        }
        let (mut events, mut last) = (0_u64, None);
        for (then, count) in self.recent.iter().rev().filter(|(then, _)| *then > begin) {
            let age = at.since(*then);
            if age > PACE_WINDOW_MS_MAX || (age > PACE_WINDOW_MS && events >= PACE_EVENTS_MIN) {
                begin = *then;
                break;
            }
            events += count;
            last = last.or(Some(*then));
        }
        let Some(last) = last else { return Some(0) };
        let per = |events: u64, ms: u64| events.saturating_mul(1_000_000) / ms.max(1_000);
        let kept = per(events, last.since(begin));
        Some(kept.min(per(events + 1, at.since(begin))))
    }
}

/// What an estimate is made of, besides the people ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The configured pace, in calls per 1,000 seconds.
    pub rate_milli: u64,
    /// The pace the gate was seen to keep, likewise.
    pub measured_milli: Option<u64>,
    /// Slots the cap leaves free now.
    pub free_slots: u64,
    /// Slots that became free, per 1,000 seconds.
    pub freeing_milli: Option<u64>,
}

/// An estimated wait, from the best to the worst that is likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtaRange {
    /// At the best, in seconds.
    pub min_seconds: u32,
    /// At the pace measured lately, in seconds.
    pub max_seconds: u32,
}

binary_struct!(EtaRange { min_seconds, max_seconds });

impl EtaRange {
    /// The wait behind `ahead` people. The gate calls neither faster than its pace nor more people than
    /// there are slots, so the best case is the slower of both, and the worst is what was measured.
    /// `None` if the gate has stood still, or if slots must become free first and none has yet.
    pub fn estimate(ahead: u64, outlook: Outlook) -> Option<Self> {
        let Outlook { rate_milli, measured_milli, free_slots, freeing_milli } = outlook;
        if rate_milli == 0 {
            return None;
        }
        let by_rate = seconds(ahead + 1, rate_milli);
        let slots = (ahead + 1).saturating_sub(free_slots);
        if slots == 0 {
            if measured_milli == Some(0) {
                return None;
            }
            let unmeasured = by_rate.saturating_add(by_rate / 4).saturating_add(1);
            let measured = measured_milli.map_or(unmeasured, |milli| seconds(ahead + 1, milli));
            return Some(Self { min_seconds: by_rate, max_seconds: measured.max(by_rate) });
        }
        let by_slots = seconds(slots, freeing_milli.filter(|milli| *milli > 0)?);
        let min_seconds = by_rate.max(by_slots - by_slots / SLOTS_MARGIN);
        let max_seconds = by_rate.max(by_slots.saturating_add(by_slots / SLOTS_MARGIN));
        Some(Self { min_seconds, max_seconds: max_seconds.max(min_seconds) })
    }
}

/// How long `people` take at `milli` of them per 1,000 seconds.
fn seconds(people: u64, milli: u64) -> u32 {
    u32::try_from(people.saturating_mul(1_000).div_ceil(milli)).unwrap_or(u32::MAX)
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

    fn outlook(rate_milli: u64, measured_milli: Option<u64>) -> Outlook {
        Outlook { rate_milli, measured_milli, free_slots: u64::MAX, freeing_milli: None }
    }

    #[test]
    fn a_gate_that_stood_still_promises_nothing() {
        assert_eq!(EtaRange::estimate(10, outlook(50_000, Some(0))), None);
        let range = EtaRange::estimate(99, outlook(50_000, Some(25_000))).expect("a pace");
        assert_eq!((range.min_seconds, range.max_seconds), (2, 4));
    }

    #[test]
    fn beside_a_full_room_the_wait_is_that_for_slots() {
        let full = Outlook { free_slots: 0, ..outlook(100_000, None) };
        assert_eq!(EtaRange::estimate(49, full), None, "no slot was seen to fall free");
        // One slot each 20 s: 50 people take 1,000 s, whatever the pace would allow.
        let seen = Outlook { freeing_milli: Some(50), measured_milli: Some(50), ..full };
        let range = EtaRange::estimate(49, seen).expect("slots fall free");
        assert_eq!((range.min_seconds, range.max_seconds), (750, 1_250));
        // Who fits into the free slots waits for the pace alone.
        let some = Outlook { free_slots: 50, freeing_milli: None, ..full };
        assert_eq!(EtaRange::estimate(49, some).expect("a pace").min_seconds, 1);
        assert_eq!(EtaRange::estimate(50, some), None);
    }

    #[test]
    fn a_pace_of_single_events_is_steady() {
        let mut pace = Pace::default();
        pace.note_line(true, Millis(0));
        assert_eq!(pace.milli_per_second(Millis(4_000)), None);
        assert_eq!(pace.milli_per_second(Millis(19_000)), Some(0));
        for at in 20..=900_u64 {
            if at.is_multiple_of(20) {
                pace.note(1, Millis(at * 1_000));
            }
            let seen = pace.milli_per_second(Millis(at * 1_000)).expect("warm");
            assert!((48..=53).contains(&seen), "one each 20 s is 50 at any time: {seen} at {at}");
        }
        // It sinks once the next is late, and follows a faster one within a minute or so.
        let late = pace.milli_per_second(Millis(960_000)).expect("warm");
        assert!(late < 48, "{late}");
        for at in 960..1_040_u64 {
            pace.note(2, Millis(at * 1_000));
        }
        let fast = pace.milli_per_second(Millis(1_040_000)).expect("warm");
        assert!((1_900..=2_100).contains(&fast), "{fast}");
        assert!(pace.recent.len() <= 601, "bounded by the window");
    }
}
