//! The idle sweep's eye: waiting numbers that were not heard of for too long.
//!
//! Owns the scan only; the scribe decides that they go. It reads a word of departures, then what was
//! heard of those who stayed, so that a deserted stretch costs an eighth of a byte per place.

use std::ops::RangeInclusive;

use super::{
    Line,
    segment::{SEGMENT_PLACES, Segment, WORD_PLACES},
};
use crate::id::Number;

/// All of a word's places.
const WORD_BITS: u64 = u64::MAX >> (64 - WORD_PLACES);

/// The numbers that [`Line::quiet`] finds, ascending.
#[derive(Debug)]
pub struct Quiet<'a> {
    line: &'a Line,
    /// Heard of before this second is quiet.
    limit_seconds: u32,
    /// The segment of the word being looked at.
    segment: Option<&'a Segment>,
    /// The index in the line of that word's first place.
    word_start: usize,
    /// Places of the word yet to look at.
    waiting: u64,
    /// The index in the line of the next place behind the word, and of the last one, exclusive.
    next: usize,
    end: usize,
}

impl<'a> Quiet<'a> {
    pub(super) fn new(line: &'a Line, range: RangeInclusive<Number>, limit_seconds: u32) -> Self {
        let first = range.start().0.max(line.watermark().0 + 1);
        let last = range.end().0.min(line.issued().0);
        // An index is a number less 1; issued numbers fit, others leave the range empty.
        let next = usize::try_from(first - 1).unwrap_or(usize::MAX);
        let end = usize::try_from(last).unwrap_or(0);
        Self { line, limit_seconds, segment: None, word_start: 0, waiting: 0, next, end }
    }

    /// Goes on to the next word of the range; `None` at its end.
    fn advance(&mut self) -> Option<()> {
        if self.next >= self.end {
            return None;
        }
        let segment = self.line.segment(self.next / SEGMENT_PLACES)?;
        self.word_start = self.next - self.next % WORD_PLACES;
        let from = WORD_BITS << (self.next % WORD_PLACES);
        let past = WORD_PLACES.saturating_sub(self.end - self.word_start);
        let through = WORD_BITS >> past;
        let departed = segment.departed_word(self.word_start % SEGMENT_PLACES / WORD_PLACES);
        self.waiting = !departed & from & through;
        self.segment = Some(segment);
        self.next = self.word_start + WORD_PLACES;
        Some(())
    }
}

impl Iterator for Quiet<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        loop {
            while self.waiting != 0 {
                let index = self.word_start + self.waiting.trailing_zeros() as usize;
                self.waiting &= self.waiting - 1;
                let heard = self.segment?.heard(index % SEGMENT_PLACES);
                if heard < self.limit_seconds {
                    return Some(Number(index as u64 + 1));
                }
            }
            self.advance()?;
        }
    }
}
