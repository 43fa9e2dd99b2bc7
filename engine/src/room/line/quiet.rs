//! The idle sweep's eye: waiting numbers that were not heard of for too long.
//!
//! Owns the scan only; the scribe decides that they go. It reads a block's departures, then what was
//! heard of those who stayed, so that a deserted stretch costs a sixth of a byte per place.

use std::ops::RangeInclusive;

use super::{
    Line,
    segment::{BLOCK_PLACES, SEGMENT_PLACES, Segment},
};
use crate::{clock::Millis, id::Number};

/// All of a block's places.
const BLOCK_BITS: u64 = u64::MAX >> (64 - BLOCK_PLACES);

impl Line {
    /// The waiting numbers of `range`, ascending, that were not heard of since `limit`. Never one that
    /// was; one that fell silent less than a second before the limit may be left out.
    pub fn quiet(&self, range: RangeInclusive<Number>, limit: Millis) -> Quiet<'_> {
        Quiet::new(self, range, self.seconds(limit))
    }
}

/// The numbers that [`Line::quiet`] finds, ascending.
#[derive(Debug)]
pub struct Quiet<'a> {
    line: &'a Line,
    /// Heard of before this second is quiet.
    limit_seconds: u32,
    /// The segment of the block being looked at.
    segment: Option<&'a Segment>,
    /// The index in the line of that block's first place.
    block_start: usize,
    /// Places of the block yet to look at.
    waiting: u64,
    /// The index in the line of the next place behind the block, and of the last one, exclusive.
    next: usize,
    end: usize,
    /// When the one was heard of that was heard of longest ago, of those that are not quiet.
    oldest_seconds: u32,
}

impl<'a> Quiet<'a> {
    fn new(line: &'a Line, range: RangeInclusive<Number>, limit_seconds: u32) -> Self {
        let first = range.start().0.max(line.watermark().0 + 1);
        let last = range.end().0.min(line.issued().0);
        // An index is a number less 1; issued numbers fit, others leave the range empty.
        let next = usize::try_from(first - 1).unwrap_or(usize::MAX);
        let end = usize::try_from(last).unwrap_or(0);
        Self {
            line,
            limit_seconds,
            segment: None,
            block_start: 0,
            waiting: 0,
            next,
            end,
            oldest_seconds: u32::MAX,
        }
    }

    /// When the one was heard of that was heard of longest ago, of those looked at that are not quiet;
    /// rounded down to a second, and the end of time when there are none.
    pub fn oldest(&self) -> Millis {
        let seconds = Some(self.oldest_seconds).filter(|seconds| *seconds < u32::MAX);
        let since_base = |seconds| self.line.base.after(u64::from(seconds) * 1_000);
        seconds.map_or(Millis(u64::MAX), since_base)
    }

    /// Goes on to the next block of the range; `None` at its end.
    fn advance(&mut self) -> Option<()> {
        if self.next >= self.end {
            return None;
        }
        let segment = self.line.segment(self.next / SEGMENT_PLACES)?;
        self.block_start = self.next - self.next % BLOCK_PLACES;
        let from = BLOCK_BITS << (self.next % BLOCK_PLACES);
        let past = BLOCK_PLACES.saturating_sub(self.end - self.block_start);
        let through = BLOCK_BITS >> past;
        let departed = segment.departed_in(self.block_start % SEGMENT_PLACES / BLOCK_PLACES);
        self.waiting = !departed & from & through;
        self.segment = Some(segment);
        self.next = self.block_start + BLOCK_PLACES;
        Some(())
    }
}

impl Iterator for Quiet<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        loop {
            while self.waiting != 0 {
                let index = self.block_start + self.waiting.trailing_zeros() as usize;
                self.waiting &= self.waiting - 1;
                let heard = self.segment?.heard_at(index % SEGMENT_PLACES);
                if heard < self.limit_seconds {
                    return Some(Number(index as u64 + 1));
                }
                self.oldest_seconds = self.oldest_seconds.min(heard);
            }
            self.advance()?;
        }
    }
}
