//! What the line promises, against a plain model and under threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use proptest::prelude::*;

use super::*;

const BASE: Millis = Millis(1_000_000);
const PLACES: u64 = SEGMENT_PLACES as u64;

/// A line of `issued` waiting numbers.
fn line_of(issued: u64) -> LineWriter {
    let mut writer = LineWriter::new(BASE);
    writer.issue_through(Number(issued), BASE);
    writer
}

fn numbers(numbers: impl IntoIterator<Item = u64>) -> Vec<Number> {
    numbers.into_iter().map(Number).collect()
}

#[test]
fn a_new_number_waits_behind_everyone() {
    let mut writer = LineWriter::new(BASE);
    assert_eq!(writer.place(Number(1)), (PlaceState::Unissued, Millis(0)));
    writer.issue(Number(1), BASE.after(5));
    writer.issue(Number(2), BASE.after(6));
    assert_eq!(writer.ahead(Number(1)), 0);
    assert_eq!(writer.ahead(Number(2)), 1);
    assert_eq!(writer.place(Number(2)), (PlaceState::Waiting, Millis(0)));
    assert_eq!((writer.issued(), writer.length()), (Number(2), 2));
    assert_eq!(writer.place(Number(0)), (PlaceState::Unissued, Millis(0)));
    assert_eq!(writer.place(Number(u64::MAX)), (PlaceState::Unissued, Millis(0)));
}

#[test]
fn departures_move_up_everyone_behind_and_nobody_before() {
    let mut writer = line_of(3 * PLACES);
    // Same word, same block, same segment, another segment.
    let gone = [10, 100, 1_000, PLACES, PLACES + 1, 2 * PLACES + 7];
    writer.depart_many(&numbers(gone), PlaceState::Left, BASE);
    for number in (1..=3 * PLACES).step_by(7).chain(gone).chain(gone.map(|gone| gone + 1)) {
        let before = gone.iter().filter(|&&gone| gone < number).count() as u64;
        assert_eq!(writer.ahead(Number(number)), number - 1 - before, "number {number}");
    }
    assert_eq!(writer.place(Number(100)).0, PlaceState::Left);
    assert_eq!(writer.length(), 3 * PLACES - 6);
}

#[test]
fn a_segment_allocated_later_knows_the_departures_before_it() {
    let mut writer = line_of(PLACES);
    writer.depart(Number(3), PlaceState::Idle, BASE);
    writer.issue(Number(PLACES + 1), BASE);
    assert_eq!(writer.ahead(Number(PLACES + 1)), PLACES - 1);
}

#[test]
fn called_people_are_no_longer_ahead() {
    let mut writer = line_of(10);
    writer.depart(Number(2), PlaceState::Left, BASE);
    writer.call_through(Number(4), 3);
    assert_eq!(writer.watermark(), Number(4));
    assert_eq!(writer.length(), 6);
    assert_eq!((writer.ahead(Number(4)), writer.ahead(Number(5))), (0, 0));
    assert_eq!(writer.ahead(Number(10)), 5);
    writer.set_place(Number(4), PlaceState::Called, Millis(77));
    assert_eq!(writer.place(Number(4)), (PlaceState::Called, Millis(77)));
}

#[test]
#[should_panic(expected = "number.0 == self.issued().0 + 1")]
fn numbers_are_issued_in_order() {
    line_of(3).issue(Number(5), BASE);
}

#[test]
#[should_panic(expected = "block & bit == 0")]
fn nobody_departs_twice() {
    let mut writer = line_of(3);
    writer.depart(Number(2), PlaceState::Left, BASE);
    writer.depart(Number(2), PlaceState::Idle, BASE);
}

#[test]
#[should_panic(expected = "first > self.watermark()")]
fn the_called_do_not_depart() {
    let mut writer = line_of(3);
    writer.call_through(Number(2), 2);
    writer.depart(Number(2), PlaceState::Left, BASE);
}

#[test]
fn hearing_keeps_the_latest_second() {
    let writer = line_of(2);
    assert_eq!(writer.heard(Number(1)), BASE);
    writer.hear(Number(1), BASE.after(5_700));
    writer.hear(Number(1), BASE.after(4_000));
    assert_eq!(writer.heard(Number(1)), BASE.after(5_000));
    writer.hear(Number(9_999_999), BASE);
}

#[test]
fn what_no_one_has_left_or_polled_is_not_made() {
    let mut writer = LineWriter::new(BASE);
    assert!(writer.line().segments.get().is_none());
    let issued_at = BASE.after(9_000);
    writer.issue_through(Number(3 * PLACES), issued_at);
    let made = |writer: &LineWriter| [0, 1, 2].map(|at| writer.segment(at).unwrap().is_made());
    assert_eq!(made(&writer), [[false; 2]; 3]);
    assert_eq!(writer.place(Number(PLACES)), (PlaceState::Waiting, Millis(0)));
    assert_eq!(writer.place(Number(3 * PLACES + 1)).0, PlaceState::Unissued);
    assert_eq!((writer.ahead(Number(7)), writer.heard(Number(7))), (6, issued_at));
    writer.hear(Number(7), issued_at.after(2_000));
    writer.depart(Number(PLACES + 2), PlaceState::Left, issued_at);
    assert_eq!(made(&writer), [[false, true], [true, false], [false; 2]]);
    assert_eq!(writer.heard(Number(7)), issued_at.after(2_000));
    assert_eq!(writer.heard(Number(8)), issued_at, "and all others when they were issued");
    assert_eq!(writer.ahead(Number(2 * PLACES + 1)), 2 * PLACES - 1);
    let quiet = writer.quiet(Number(1)..=Number(9), issued_at.after(1_000));
    assert_eq!(quiet.count(), 8);
    // Those who come later are heard of later.
    writer.issue(Number(3 * PLACES + 1), issued_at);
    writer.issue(Number(3 * PLACES + 2), issued_at.after(5_000));
    assert_eq!(writer.heard(Number(3 * PLACES + 1)), issued_at);
    assert_eq!(writer.heard(Number(3 * PLACES + 2)), issued_at.after(5_000));
}

#[test]
fn the_sweep_finds_the_waiting_who_were_not_heard_of() {
    let issued = 2 * PLACES + 100;
    let mut writer = line_of(issued);
    writer.call_through(Number(70), 70);
    writer.depart_many(&numbers([75, 200, PLACES + 1]), PlaceState::Left, BASE);
    for number in 1..=issued {
        if number % 5 != 0 {
            writer.hear(Number(number), BASE.after(60_000));
        }
    }
    let expected = numbers((71..=issued).filter(|n| n % 5 == 0 && ![75, 200].contains(n)));
    let all = Number(0)..=Number(u64::MAX);
    assert!(writer.quiet(all.clone(), BASE.after(60_000)).eq(expected));
    let range = Number(81)..=Number(129);
    let expected = numbers([85, 90, 95, 100, 105, 110, 115, 120, 125]);
    assert!(writer.quiet(range, BASE.after(60_000)).eq(expected));
    assert_eq!(writer.quiet(all, BASE.after(999)).count(), 0);
    assert_eq!(writer.quiet(Number(5)..=Number(4), BASE.after(60_000)).count(), 0);
}

/// The plain model: who waits, as booleans.
struct Model {
    waiting: Vec<bool>,
}

impl Model {
    fn ahead(&self, number: u64) -> u64 {
        (1..number).zip(&self.waiting).filter(|&(_, &waiting)| waiting).count() as u64
    }
}

#[derive(Clone, Debug)]
enum Step {
    Issue(u64),
    Depart(Vec<prop::sample::Index>),
    Call(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (1..PLACES).prop_map(Step::Issue),
        3 => prop::collection::vec(any::<prop::sample::Index>(), 1..200).prop_map(Step::Depart),
        1 => (1..2_000_u64).prop_map(Step::Call),
    ];
    prop::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn positions_agree_with_the_model_and_never_rise(steps in steps()) {
        let mut writer = LineWriter::new(BASE);
        let mut model = Model { waiting: Vec::new() };
        let mut shown: Vec<(u64, u64)> = Vec::new();
        for step in steps {
            let issued = model.waiting.len();
            match step {
                Step::Issue(count) => {
                    let last = issued as u64 + count;
                    writer.issue_through(Number(last), BASE);
                    model.waiting.resize(usize::try_from(last).unwrap(), true);
                    shown.push((last, u64::MAX));
                    shown.push((last - count / 2, u64::MAX));
                }
                Step::Depart(picks) if issued > 0 => {
                    let mut gone: Vec<_> = picks.iter().map(|pick| pick.index(issued)).collect();
                    gone.sort_unstable();
                    gone.dedup();
                    gone.retain(|&at| model.waiting[at]);
                    for &at in &gone {
                        model.waiting[at] = false;
                    }
                    let gone = numbers(gone.iter().map(|&at| at as u64 + 1));
                    writer.depart_many(&gone, PlaceState::Idle, BASE);
                }
                Step::Call(count) => {
                    let start = writer.watermark().0;
                    let end = (start + count).min(issued as u64);
                    let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
                    let called = model.waiting[range.clone()].iter().filter(|&&w| w).count();
                    model.waiting[range].fill(false);
                    writer.call_through(Number(end), called as u64);
                }
                Step::Depart(_) => {}
            }
            for (number, last) in &mut shown {
                let ahead = writer.ahead(Number(*number));
                prop_assert_eq!(ahead, model.ahead(*number));
                prop_assert!(ahead <= *last);
                *last = ahead;
            }
            let waiting = model.waiting.iter().filter(|&&w| w).count() as u64;
            prop_assert_eq!(writer.length(), waiting);
        }
    }
}

/// Readers poll while the scribe issues, departs and calls as fast as it can.
#[test]
fn no_shown_position_rises_while_the_line_moves() {
    let issued = 4 * PLACES;
    let mut writer = line_of(issued);
    let done = Arc::new(AtomicBool::new(false));
    let readers = [0, 1].map(|reader| {
        let (line, done) = (writer.line(), Arc::clone(&done));
        thread::spawn(move || {
            let watched = [48, 49, 97, PLACES, PLACES + 1, 3 * PLACES + 900 + reader, issued];
            let mut shown = watched.map(|number| number - 1);
            while !done.load(Ordering::Relaxed) {
                for (number, last) in watched.iter().zip(&mut shown) {
                    let ahead = line.ahead(Number(*number));
                    assert!(ahead <= *last, "number {number} went back from {last} to {ahead}");
                    *last = ahead;
                }
            }
        })
    });
    let mut watermark = 0;
    let mut gone = 0;
    while watermark + 64 <= issued {
        // Of each 64 numbers, some go and the rest are called.
        let leavers: Vec<_> = numbers((watermark + 1..=watermark + 64).filter(|n| n % 3 == 0));
        gone += leavers.len() as u64;
        let (alone, batch) = leavers.split_at(2);
        for &number in alone {
            writer.depart(number, PlaceState::Left, BASE);
        }
        writer.depart_many(batch, PlaceState::Idle, BASE);
        watermark += 64;
        writer.call_through(Number(watermark), 64 - leavers.len() as u64);
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(gone, issued / 3);
    assert_eq!(writer.length(), 0);
}
