//! The line's read side: who is where, exactly, for any number of readers and one writer.
//!
//! Owns a copy of what the scribe has decided about places, arranged so that a poll costs a few
//! loads. It decides nothing: the scribe says through [`LineWriter`] who is called and who has gone.
//! It knows nothing of tickets, shoppers and time limits.
//!
//! # State
//!
//! Numbers are dense from 1. Number `n` lives in segment `(n − 1) / SEGMENT_PLACES`. The table of segments
//! is made when the first number is issued, a segment's words when the first of its places is called or
//! leaves, its seconds when the first shopper is heard of later than at the issue. None of them ever moves.
//! So a sale that no one came to takes nothing, and numbers that all wait can be issued by millions.
//!
//! | field | written by | means |
//! |---|---|---|
//! | `issued` | scribe, rises | the highest published number; raised last of what a batch did |
//! | `watermark` | scribe, rises | everyone up to here was called or had gone |
//! | `called` | scribe, rises | how many people were ever called |
//! | `departed` | scribe, rises | how many people left while they waited |
//! | per place: word | scribe | 8 bits [`PlaceState`], 56 bits of its time; 0 while it waits |
//! | per block of 48 places: 48 bits | scribe, each set once | who left while waiting, above the watermark |
//! | in the same word: prefix | scribe, rises | departed in earlier blocks of the segment |
//! | per segment: prefix | scribe, rises | departed in earlier segments |
//! | per place: heard | any reader | when its shopper last polled |
//!
//! That is 12.17 bytes per place: 8 word, 4 heard, the rest bits and prefixes.
//!
//! # A shown position is exact, and never rises
//!
//! ```text
//! ahead(n) = (n − 1 − departed_before(n)) − called
//! departed_before(n) = segment's prefix + block's prefix + bits of the block below n
//! ```
//!
//! A departure sets its bit, then raises the prefixes of the later blocks of its segment, then those
//! of the later segments. Seen from a given `n` it is in exactly one of the terms of the sum, and
//! stays there: the bit, if it is in n's block; else n's block's prefix, if it is in n's segment; else
//! n's segment's prefix. Bits and prefix of a block are one word, which one store changes. So
//! `ahead(n)` is a constant minus three words whose part in the sum only rises, and each is loaded
//! once. Loads of one location never go back in time (coherence), so a later `ahead(n)` subtracts at
//! least as much term by term (words that are not made yet subtract nothing), however the loads interleave with a departure, a batch of them, or a
//! call. Nothing has to be read together, so relaxed loads are enough. Polls of one shopper on several
//! threads are ordered by the sockets between them.
//!
//! For the same reason a torn read is never far off: it lies between the exact position when the read
//! began and the exact position when it ended.

mod place;
mod quiet;
mod segment;
mod writer;

use crossbeam::utils::CachePadded;

use self::segment::{SEGMENT_PLACES, SEGMENTS_MAX, Segment};
pub use self::{place::PlaceState, quiet::Quiet, segment::PLACES_MAX, writer::LineWriter};
use crate::{
    clock::Millis,
    id::Number,
    sync::{Arc, AtomicU64, OnceLock, Ordering},
};

/// A line as its writer and its readers share it.
pub type SharedLine = Arc<Line>;

/// One sale's line as readers see it. Every reading method is lock-free, and allocates nothing but for one: the first
/// that hears of a shopper of a segment makes the segment's seconds ([`Line::hear`], 96 KiB).
#[derive(Debug)]
pub struct Line {
    counters: CachePadded<Counters>,
    issued: CachePadded<AtomicU64>,
    /// Made with the first number.
    segments: OnceLock<Box<[Segment]>>,
    /// Where `heard` counts its seconds from.
    base: Millis,
}

/// The counters that a tick changes. Apart from `issued`, which every batch of entries changes, so
/// that entries don't take the line of `called` away from polls.
#[derive(Debug)]
struct Counters {
    watermark: AtomicU64,
    called: AtomicU64,
    departed: AtomicU64,
}

impl Line {
    fn new(base: Millis) -> Self {
        Self {
            counters: CachePadded::new(Counters {
                watermark: AtomicU64::new(0),
                called: AtomicU64::new(0),
                departed: AtomicU64::new(0),
            }),
            issued: CachePadded::new(AtomicU64::new(0)),
            segments: OnceLock::new(),
            base,
        }
    }

    fn table() -> Box<[Segment]> {
        (0..SEGMENTS_MAX).map(|_| Segment::default()).collect()
    }

    /// How many people are to be called before this number: exact, and never more than before. 0 for
    /// whoever was called already.
    #[inline]
    pub fn ahead(&self, number: Number) -> u64 {
        // ORDERING: Relaxed here and in `departed_before`; see the module.
        let called = self.counters.called.load(Ordering::Relaxed);
        let before = number.0.saturating_sub(1);
        before.saturating_sub(self.departed_before(number)).saturating_sub(called)
    }

    /// What became of a number, and the time that belongs to the state.
    #[inline]
    pub fn place(&self, number: Number) -> (PlaceState, Millis) {
        self.place_among(number, || self.issued())
    }

    #[inline]
    fn place_among(&self, number: Number, issued: impl FnOnce() -> Number) -> (PlaceState, Millis) {
        let found = self.find(number).and_then(|(segment, place)| segment.place(place));
        found.unwrap_or_else(|| {
            let is_issued = number.0 > 0 && number <= issued();
            let state = if is_issued { PlaceState::Waiting } else { PlaceState::Unissued };
            (state, Millis(0))
        })
    }

    /// Notes that a number's shopper was heard of. Any reader may call this.
    #[inline]
    pub fn hear(&self, number: Number, now: Millis) {
        if let Some((segment, place)) = self.find(number) {
            segment.hear(place, self.seconds(now), || number <= self.issued());
        }
    }

    /// When a number's shopper was last heard of, rounded down to a second.
    pub fn heard(&self, number: Number) -> Millis {
        let seconds = self.find(number).map_or(0, |(segment, place)| segment.heard_at(place));
        self.base.after(u64::from(seconds) * 1_000)
    }

    /// The number up to which everyone was called or had gone.
    pub fn watermark(&self) -> Number {
        // ORDERING: Acquire; pairs with `LineWriter::call_through`: places set before are visible.
        Number(self.counters.watermark.load(Ordering::Acquire))
    }

    /// The highest published number; 0 before the first.
    pub fn issued(&self) -> Number {
        // ORDERING: Acquire; pairs with `LineWriter::issue_through`: the places up to it are visible.
        Number(self.issued.load(Ordering::Acquire))
    }

    /// How many people wait.
    pub fn length(&self) -> u64 {
        // ORDERING: Relaxed; a gauge, exact when nothing moves.
        let issued = self.issued.load(Ordering::Relaxed);
        let departed = self.counters.departed.load(Ordering::Relaxed);
        let called = self.counters.called.load(Ordering::Relaxed);
        issued.saturating_sub(departed).saturating_sub(called)
    }

    fn departed_before(&self, number: Number) -> u64 {
        match self.find(number) {
            Some((segment, place)) => segment.departed_before(place),
            None => 0,
        }
    }

    /// The segment of a number, and its place in it.
    fn find(&self, number: Number) -> Option<(&Segment, usize)> {
        let index = usize::try_from(number.0.checked_sub(1)?).ok()?;
        Some((self.segment(index / SEGMENT_PLACES)?, index % SEGMENT_PLACES))
    }

    fn segment(&self, at: usize) -> Option<&Segment> {
        self.segments.get()?.get(at)
    }

    /// Whole seconds from the base to `time`, 0 before it.
    fn seconds(&self, time: Millis) -> u32 {
        u32::try_from(time.since(self.base) / 1_000).unwrap_or(u32::MAX)
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests;
