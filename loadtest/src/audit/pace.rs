//! The rule about speed: nobody is let in faster than the gate's pace, over all nodes together.
//!
//! In any window of `t` seconds at most `rate × t + burst` people may be called. The crowd does not see
//! the gate, but it sees bounds of it that hold whichever node answers and however far that is behind:
//!
//! - *No more than.* A place's answer tells how far the gate had come when the place was numbered, which
//!   was after its request left: when that left, the gate had come no further. And before the sale was
//!   put up it had not come anywhere.
//! - *No less than.* What any answer shows of the gate was true when the answer arrived.
//!
//! Between a bound of the first kind and a later one of the second lie numbers that were called within
//! the time between the two. Of these only people who were seen to be let in are counted: numbers of
//! those who left, or that a rebuilt line skipped, cost the gate nothing. So an honest gate is never
//! accused; one that keeps a multiple of its pace, as when each node keeps it for itself, is found out
//! as soon as that exceeds the burst, which takes a fraction of a second of a full line.

use super::verdict::{Broken, Verdict};
use crate::clock::Stamp;
use crate::ledger::Ledger;
use crate::timeline::seconds;

/// What the gate may save up while nobody comes: a quarter of a second of its pace, as the server
/// documents it, and one admission at the least.
const BURST_SECONDS: f64 = 0.25;
/// How much faster than ours the server's clock may run: another machine's, slewed by NTP, runs within
/// a thousandth; the rest is for virtual machines. A multiple of the pace is far beyond.
const CLOCKS_DIFFER: f64 = 0.01;
/// The server counts whole milliseconds, at both ends of a window.
const ROUNDING_SECONDS: f64 = 0.002;

/// A bound of the gate at a moment: so many counted people were called.
#[derive(Clone, Copy, Debug)]
struct Bound {
    at_seconds: f64,
    people: f64,
}

impl Bound {
    /// People beyond what `rate` would have called since the run began.
    fn beyond(&self, rate: f64) -> f64 {
        self.people - rate * self.at_seconds
    }
}

/// Checks all windows, in the order of time: of the earlier bounds only the tightest matters.
pub(super) fn admissions_keep_the_pace(ledger: &Ledger) -> Verdict {
    let told = ledger.reads.iter().filter_map(|read| read.allowed_per_second);
    let rate = told.fold(ledger.admission_per_second, f64::max);
    let burst = (rate * BURST_SECONDS).max(1.0);
    // A whole admission, because what a bucket holds is a whole number of them only now and then.
    let allowed = burst + rate * ROUNDING_SECONDS + 1.0;
    let quick = rate * (1.0 + CLOCKS_DIFFER);
    let (mut no_more, mut no_less, people) = bounds(ledger);
    let by_time = |a: &Bound, b: &Bound| a.at_seconds.total_cmp(&b.at_seconds);
    no_more.sort_unstable_by(by_time);
    no_less.sort_unstable_by(by_time);

    let mut broken = Broken::default();
    let mut earlier = no_more.into_iter().peekable();
    let mut tightest: Option<Bound> = None;
    let mut most = 0.0_f64;
    for bound in no_less {
        while let Some(next) = earlier.next_if(|next| next.at_seconds <= bound.at_seconds) {
            let tighter = |best: Bound| next.beyond(quick) < best.beyond(quick);
            if tightest.is_none_or(tighter) {
                tightest = Some(next);
            }
        }
        let Some(from) = tightest else { continue };
        let excess = bound.beyond(quick) - from.beyond(quick);
        most = most.max(excess);
        broken.check(excess <= allowed, || {
            let (called, over) = (bound.people - from.people, bound.at_seconds - from.at_seconds);
            format!(
                "{called} were called within the {over:.3} s from {:.3} s on, at {rate} per second",
                from.at_seconds
            )
        });
    }
    let seen = format!(
        "{people} let in at {rate:.1} per second, at most {most:.1} beyond it; {allowed:.1} are allowed"
    );
    Verdict::new("no one is let in faster than the pace, over all nodes", seen, broken)
}

/// Bounds from above, from below, and how many people are counted.
fn bounds(ledger: &Ledger) -> (Vec<Bound>, Vec<Bound>, usize) {
    let records = || ledger.records.iter();
    let called = |at: &crate::ledger::Record| {
        let seen = [at.admitted, at.called].into_iter().flatten().min()?;
        Some((at.entry.as_ref()?.number, seen))
    };
    let mut numbers: Vec<u64> = records().filter_map(called).map(|(number, _)| number).collect();
    numbers.sort_unstable();
    let bound = |at: Stamp, number: u64| {
        let people = numbers.partition_point(|counted| *counted <= number);
        #[expect(clippy::cast_precision_loss, reason = "a crowd is no more than two million")]
        let people = people as f64;
        Bound { at_seconds: seconds(at), people }
    };
    let opened = ledger.opened.map(|at| bound(at, 0));
    let entries = || records().filter_map(|record| record.entry.as_ref());
    let numbered = entries().filter_map(|entry| Some(bound(entry.sent, entry.serving?)));
    let no_more = opened.into_iter().chain(numbered).collect();
    let answered = entries().filter_map(|entry| Some(bound(entry.acked, entry.serving?)));
    let let_in = records().filter_map(called).map(|(number, at)| bound(at, number));
    let no_less = answered.chain(let_in).collect();
    (no_more, no_less, numbers.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::sample::honest;
    use crate::rng::Rng;

    const SECOND: f64 = 1e9;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a test"
    )]
    fn stamp(seconds: f64) -> Stamp {
        Stamp((seconds * SECOND) as u64)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
    fn whole(value: f64) -> u64 {
        value as u64
    }

    /// 2,000 people in 10 s for a gate set to 100 a second that opens at 1 s and keeps `pace`. Each is
    /// seen let in up to a second after the call, and told the gate as it was at its entry.
    fn crowd(pace: f64) -> Ledger {
        let mut ledger = honest(0, 2_000);
        (ledger.admission_per_second, ledger.opened) = (100.0, Some(stamp(0.9)));
        let mut rng = Rng::new(4);
        for (index, record) in (0_u32..).zip(&mut ledger.records) {
            let sent = 1.0 + f64::from(index) / 200.0;
            let entry = record.entry.as_mut().unwrap();
            let gate = |at: f64| whole((25.0 + pace * (at - 1.0)).min(200.0 * (at - 1.0) + 1.0));
            let decided = sent + 0.05 * rng.unit();
            entry.serving = Some(gate(decided));
            (entry.sent, entry.acked) = (stamp(sent), stamp(decided + 0.05 * rng.unit()));
            let called = (1.0 + (f64::from(index) - 24.0) / pace).max(decided);
            let seen = stamp(called + rng.unit()).max(entry.acked);
            record.admitted = (called < 12.0).then_some(seen);
        }
        ledger
    }

    #[test]
    fn a_gate_that_keeps_its_pace_is_not_accused() {
        for pace in [40.0, 99.0, 100.0] {
            let verdict = admissions_keep_the_pace(&crowd(pace));
            assert!(verdict.ok, "{pace}: {verdict:?}");
        }
    }

    #[test]
    fn a_pace_that_is_kept_by_each_of_two_or_three_nodes_is_seen() {
        for pace in [200.0, 300.0, 120.0] {
            let verdict = admissions_keep_the_pace(&crowd(pace));
            assert!(!verdict.ok, "{pace}: {verdict:?}");
            assert!(verdict.examples[0].ends_with("at 100 per second"), "{verdict:?}");
        }
    }

    #[test]
    fn a_short_rush_after_a_slow_time_is_seen() {
        let mut ledger = crowd(20.0);
        assert!(admissions_keep_the_pace(&ledger).ok);
        // The gate jumps: sixty people at once, far below what the run as a whole would have allowed.
        for entry in ledger.records.iter_mut().filter_map(|record| record.entry.as_mut()) {
            if entry.sent > stamp(8.0) {
                entry.serving = entry.serving.map(|serving| serving + 60);
            }
        }
        assert!(!admissions_keep_the_pace(&ledger).ok);
    }

    #[test]
    fn numbers_that_nobody_was_let_in_under_cost_nothing() {
        let mut ledger = crowd(100.0);
        // As after a rebuilt line: everything from number 500 on is 65,536 further.
        let moved = |number: u64| if number > 500 { number + 65_536 } else { number };
        for record in &mut ledger.records {
            let entry = record.entry.as_mut().unwrap();
            (entry.number, entry.serving) = (moved(entry.number), entry.serving.map(moved));
            if entry.number % 3 == 0 {
                record.admitted = None;
            }
        }
        let verdict = admissions_keep_the_pace(&ledger);
        assert!(verdict.ok, "{verdict:?}");
    }

    #[test]
    fn a_pace_that_an_operator_raised_is_the_one_that_counts() {
        let mut ledger = crowd(200.0);
        ledger.reads[0].allowed_per_second = Some(200.0);
        assert!(admissions_keep_the_pace(&ledger).ok);
    }
}
