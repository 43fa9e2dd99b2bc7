//! The line's one writer: publishes what the scribe has decided, after it is durable.
//!
//! Owns the right to write. There is one per line, it cannot be cloned, and writing takes it
//! exclusively; so plain stores suffice and no write ever waits or retries. The checks here are on in
//! production: a line that is given wrong facts would show them to everyone.

use std::ops::Deref;

use super::{
    Line, PlaceState, SharedLine,
    segment::{PLACES_MAX, SEGMENT_PLACES, Segment, raise},
};
use crate::{
    clock::Millis,
    id::Number,
    sync::{Arc, Ordering},
};

/// The exclusive right to change a line. Only the scribe holds one.
///
/// To rebuild a line from a snapshot: issue everything, set the places, call through the watermark
/// with `called_now` equal to it, then depart those that left above it. Which numbers
/// below it had gone before being called does not matter: called plus gone is the watermark either way.
#[derive(Debug)]
pub struct LineWriter {
    line: SharedLine,
    /// The last number issued; readers may yet have to be shown it.
    issued: Number,
}

impl LineWriter {
    /// The writer of a new, empty line. `base` is a time that no shopper was heard of before.
    pub fn new(base: Millis) -> Self {
        Self { line: Arc::new(Line::new(base)), issued: Number(0) }
    }

    /// The line, for readers.
    pub fn line(&self) -> SharedLine {
        Arc::clone(&self.line)
    }

    /// The last number issued.
    pub fn issued(&self) -> Number {
        self.issued
    }

    /// What became of a number, and the time that belongs to the state; as [`Line::place`], also of numbers that
    /// readers have yet to be shown.
    pub fn place(&self, number: Number) -> (PlaceState, Millis) {
        self.line.place_among(number, || self.issued)
    }

    /// Issues the next number as waiting and heard of at `at`. Readers are shown it by
    /// [`LineWriter::show_issued`]: with what else its batch did, so that no one who was called within the batch
    /// is seen waiting.
    ///
    /// # Panics
    ///
    /// If it is not the next number, or is above [`PLACES_MAX`].
    pub fn issue_unseen(&mut self, number: Number, at: Millis) {
        assert!(number.0 == self.issued().0 + 1);
        self.prepare_through(number, at);
    }

    /// Shows readers all numbers that were issued.
    pub fn show_issued(&mut self) {
        if self.line.issued() < self.issued {
            // ORDERING: Release; publishes the places to `Line::issued`.
            self.line.issued.store(self.issued.0, Ordering::Release);
        }
    }

    /// Issues the next number as waiting and heard of at `at`, and shows it.
    ///
    /// # Panics
    ///
    /// If it is not the next number, or is above [`PLACES_MAX`].
    pub fn issue(&mut self, number: Number, at: Millis) {
        self.issue_unseen(number, at);
        self.show_issued();
    }

    /// Publishes all numbers up to `last` as waiting and heard of at `at`, together.
    ///
    /// # Panics
    ///
    /// If `last` is above [`PLACES_MAX`].
    pub fn issue_through(&mut self, last: Number, at: Millis) {
        self.prepare_through(last, at);
        self.show_issued();
    }

    fn prepare_through(&mut self, last: Number, at: Millis) {
        assert!(last.0 <= PLACES_MAX);
        let seconds = self.seconds(at);
        let (mut next, end) = (index_of(Number(self.issued.0 + 1)), index_of(Number(last.0 + 1)));
        if next >= end {
            return;
        }
        let segments = self.line.segments.get_or_init(Line::table);
        while next < end {
            let (segment, first) = (&segments[next / SEGMENT_PLACES], next % SEGMENT_PLACES);
            if first == 0 {
                segment.begin(self.counters.departed.load(Ordering::Relaxed), seconds);
            }
            let places = first..SEGMENT_PLACES.min(first + end - next);
            next += places.len();
            segment.issue(places, seconds);
        }
        self.issued = last;
    }

    /// A waiting number leaves. As [`LineWriter::depart_many`] of one.
    pub fn depart(&mut self, number: Number, state: PlaceState, at: Millis) {
        self.depart_many(&[number], state, at);
    }

    /// Waiting numbers leave: everyone behind them moves up. Costs a few stores per number and one pass
    /// over the prefixes behind the first, so a batch is far cheaper than its numbers one by one.
    ///
    /// # Panics
    ///
    /// If the numbers don't ascend, or one is not waiting, or the state is not a way of leaving.
    pub fn depart_many(&mut self, numbers: &[Number], state: PlaceState, at: Millis) {
        let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return };
        assert!(matches!(state, PlaceState::Left | PlaceState::Idle | PlaceState::Revoked));
        assert!(first > self.watermark());
        assert!(last <= self.issued());
        assert!(numbers.is_sorted_by(|one, next| one < next));
        let mut rest = numbers;
        let mut departed = 0;
        for (at_segment, segment) in self.segments_from(first) {
            let here = rest.partition_point(|&number| segment_of(number) == at_segment);
            let (here, later) = rest.split_at(here);
            segment.depart_earlier(departed);
            for &number in here {
                segment.set(place_of(number), state, at);
            }
            segment.depart(here.iter().copied().map(place_of));
            departed += here.len() as u64;
            rest = later;
        }
        raise(&self.counters.departed, departed);
    }

    /// Moves the watermark; `called_now` is how many of the numbers that it passes were waiting.
    ///
    /// # Panics
    ///
    /// If the watermark falls or passes the last number issued, or `called_now` is more than the
    /// numbers it passes.
    pub fn call_through(&mut self, watermark: Number, called_now: u64) {
        let before = self.watermark();
        assert!(before <= watermark);
        assert!(watermark <= self.issued());
        assert!(called_now <= watermark.0 - before.0);
        raise(&self.counters.called, called_now);
        // ORDERING: Release; publishes the places set before to `Line::watermark`.
        self.line.counters.watermark.store(watermark.0, Ordering::Release);
    }

    /// Sets an issued number's state and the time that belongs to it. For waiting numbers that leave,
    /// call [`LineWriter::depart`] instead: this does not move anyone up.
    ///
    /// # Panics
    ///
    /// If the number was not issued.
    pub fn set_place(&mut self, number: Number, state: PlaceState, at: Millis) {
        assert!(number <= self.issued());
        let (segment, place) = self.find(number).expect("an issued number has a segment");
        segment.set(place, state, at);
    }

    /// The segments from that of a number to that of the last one issued, with their indices.
    fn segments_from(&self, first: Number) -> impl Iterator<Item = (usize, &Segment)> {
        let segments = segment_of(first)..=segment_of(self.issued());
        segments.map_while(|at| Some((at, self.segment(at)?)))
    }
}

/// Everything a reader can ask, the writer can.
impl Deref for LineWriter {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

fn segment_of(number: Number) -> usize {
    index_of(number) / SEGMENT_PLACES
}

fn place_of(number: Number) -> usize {
    index_of(number) % SEGMENT_PLACES
}

fn index_of(number: Number) -> usize {
    usize::try_from(number.0 - 1).expect("a number of the line fits the address space")
}
