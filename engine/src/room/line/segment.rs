//! One segment of the line: its places, their departures and the sums over them.
//!
//! Owns the arithmetic within a segment. It knows no numbers, only places: indices from 0. The module
//! `line` explains who writes what and why relaxed accesses are enough.

use std::ops::Range;

use super::place::PlaceState;
use crate::{
    clock::Millis,
    once_box::OnceBox,
    sync::{AtomicU32, AtomicU64, OnceLock, Ordering},
};

pub(super) use shape::{BLOCK_PLACES, SEGMENT_PLACES, SEGMENTS_MAX};

#[cfg(not(engine_loom))]
mod shape {
    pub(crate) use crate::limits::{SEGMENT_PLACES, SEGMENTS_MAX};

    /// Places whose departures share a word with their prefix: a position loads that word only, and
    /// ten million take 1.7 MB of them. The 16 bits that are left hold the departures of a segment.
    pub(crate) const BLOCK_PLACES: usize = 48;
}

/// The same structure at a size that loom can walk through.
#[cfg(engine_loom)]
mod shape {
    pub(crate) const SEGMENT_PLACES: usize = 8;
    pub(crate) const SEGMENTS_MAX: usize = 2;
    pub(crate) const BLOCK_PLACES: usize = 2;
}

const BLOCKS: usize = SEGMENT_PLACES / BLOCK_PLACES;

/// The highest number a line can issue.
pub const PLACES_MAX: u64 = SEGMENTS_MAX as u64 * SEGMENT_PLACES as u64;

const _: () = {
    assert!(SEGMENT_PLACES.is_multiple_of(BLOCK_PLACES));
    assert!(SEGMENT_PLACES as u64 <= u64::MAX >> BLOCK_PLACES);
    #[cfg(not(engine_loom))]
    assert!(PLACES_MAX == crate::limits::PLACES_MAX);
};

/// All states, each at its own number.
const STATES: [PlaceState; 10] = [
    PlaceState::Unissued,
    PlaceState::Waiting,
    PlaceState::Called,
    PlaceState::Admitted,
    PlaceState::Completed,
    PlaceState::Over,
    PlaceState::Left,
    PlaceState::Idle,
    PlaceState::Unclaimed,
    PlaceState::Revoked,
];

/// What a position needs is in few cache lines: the first fields in the table of segments, and one word
/// per block.
///
/// The two arrays are made when the first of their words differs from what they would begin with. Readers
/// write to `heard`, so it is apart, and may make it: without a lock, so that neither they nor the scribe wait for
/// one that was put aside meanwhile.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// Departed in all earlier segments.
    departed_earlier: AtomicU64,
    /// Made when the first of its places is called or leaves: until then everyone waits. Only the scribe makes them,
    /// so no one waits for them.
    words: OnceLock<Box<Words>>,
    /// Per place: seconds from the line's base to when its shopper was last heard of. Until it is made, all
    /// were heard of when the first was issued, and not since.
    heard: OnceBox<Heard>,
    /// That second; written before the first number of the segment is published.
    issued_at: AtomicU32,
}

/// First a word for each block: from bit 0, one bit per place: departed; above them the prefix: departed in
/// this segment before the block. Then a word for each place: state and time, 0 while it waits.
type Words = [AtomicU64; BLOCKS + SEGMENT_PLACES];

type Heard = [AtomicU32; SEGMENT_PLACES];

impl Segment {
    /// The first number of a segment is about to be published, behind `departed_earlier` departures.
    /// Scribe only.
    pub(super) fn begin(&self, departed_earlier: u64, seconds: u32) {
        self.departed_earlier.store(departed_earlier, Ordering::Relaxed);
        self.issued_at.store(seconds, Ordering::Relaxed);
    }

    /// Departed in the whole line before a place. Loads each location once, as monotony needs.
    #[inline]
    pub(super) fn departed_before(&self, place: usize) -> u64 {
        let block = self.block(place / BLOCK_PLACES);
        let below = (1 << (place % BLOCK_PLACES)) - 1;
        let in_segment = (block >> BLOCK_PLACES) + u64::from((block & below).count_ones());
        self.departed_earlier.load(Ordering::Relaxed) + in_segment
    }

    /// The departures of one block, its first place in bit 0.
    pub(super) fn departed_in(&self, block: usize) -> u64 {
        self.block(block) & ((1 << BLOCK_PLACES) - 1)
    }

    #[inline]
    fn block(&self, block: usize) -> u64 {
        self.words.get().map_or(0, |words| words[block].load(Ordering::Relaxed))
    }

    /// What became of a place, and when; `None` of one that was issued and waits, and of one that was not.
    #[inline]
    pub(super) fn place(&self, place: usize) -> Option<(PlaceState, Millis)> {
        // ORDERING: Acquire; whoever sees a state sees what the scribe published before it.
        let word = self.words.get()?[BLOCKS + place].load(Ordering::Acquire);
        (word != 0).then(|| (STATES[usize::from(word.to_le_bytes()[0])], Millis(word >> 8)))
    }

    /// Notes that a place's shopper was heard of, if it is one that `is_issued`.
    #[inline]
    pub(super) fn hear(&self, place: usize, seconds: u32, is_issued: impl FnOnce() -> bool) {
        match self.heard.get() {
            Some(heard) => hear(&heard[place], seconds),
            None if is_issued() && seconds > self.issued_at.load(Ordering::Relaxed) => {
                hear(&self.heard()[place], seconds);
            }
            None => {}
        }
    }

    #[inline]
    pub(super) fn heard_at(&self, place: usize) -> u32 {
        let heard = self.heard.get().map(|heard| &heard[place]);
        heard.unwrap_or(&self.issued_at).load(Ordering::Relaxed)
    }

    /// The seconds of all places, made by whoever comes first with another than that of the issue.
    #[cold]
    fn heard(&self) -> &Heard {
        let issued_at = self.issued_at.load(Ordering::Relaxed);
        self.heard.get_or_make(|| filled(|| AtomicU32::new(issued_at)))
    }

    /// Places are issued and heard of. Scribe only.
    pub(super) fn issue(&self, places: Range<usize>, seconds: u32) {
        if self.heard.get().is_none() && seconds == self.issued_at.load(Ordering::Relaxed) {
            return;
        }
        self.heard()[places].iter().for_each(|heard| hear(heard, seconds));
    }

    /// Sets a place's state and its time, of which 56 bits are kept (2 million years). Scribe only.
    pub(super) fn set(&self, place: usize, state: PlaceState, at: Millis) {
        let word = at.0 << 8 | u64::from(state as u8);
        // ORDERING: Release; pairs with `place`.
        self.words()[BLOCKS + place].store(word, Ordering::Release);
    }

    /// Sets the bits of ascending places and raises the prefixes of the blocks behind them, in one
    /// pass. Scribe only.
    ///
    /// # Panics
    ///
    /// If a place has departed already.
    pub(super) fn depart(&self, places: impl Iterator<Item = usize>) {
        let mut places = places.peekable();
        let Some(&first) = places.peek() else { return };
        let blocks = &self.words()[..BLOCKS];
        let mut departed: u64 = 0;
        for (at, word) in blocks.iter().enumerate().skip(first / BLOCK_PLACES) {
            let mut block = word.load(Ordering::Relaxed) + (departed << BLOCK_PLACES);
            while let Some(place) = places.next_if(|place| place / BLOCK_PLACES == at) {
                let bit = 1 << (place % BLOCK_PLACES);
                assert!(block & bit == 0);
                block |= bit;
                departed += 1;
            }
            word.store(block, Ordering::Relaxed);
        }
    }

    /// Whether the words were made, and the seconds.
    #[cfg(test)]
    pub(super) fn is_made(&self) -> [bool; 2] {
        [self.words.get().is_some(), self.heard.get().is_some()]
    }

    fn words(&self) -> &Words {
        self.words.get_or_init(|| filled(|| AtomicU64::new(0)))
    }

    /// Raises the count of departures in earlier segments. Scribe only.
    pub(super) fn depart_earlier(&self, departed: u64) {
        raise(&self.departed_earlier, departed);
    }
}

#[inline]
fn hear(heard: &AtomicU32, seconds: u32) {
    // ORDERING: Relaxed; a hint to the idle sweep. Storing only when a second has passed keeps
    // the cache line shared between polls. Two racing polls may leave the earlier second.
    if heard.load(Ordering::Relaxed) < seconds {
        heard.store(seconds, Ordering::Relaxed);
    }
}

/// An array on the heap.
#[expect(clippy::unnecessary_box_returns, reason = "it would not fit every stack")]
fn filled<T, const LENGTH: usize>(new: impl Fn() -> T) -> Box<[T; LENGTH]> {
    let all: Box<[T]> = (0..LENGTH).map(|_| new()).collect();
    all.try_into().unwrap_or_else(|_| unreachable!("as many as were made"))
}

/// Adds to a counter that only this thread writes. A plain store: no other thread writes it.
pub(super) fn raise(counter: &AtomicU64, by: u64) {
    if by > 0 {
        counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
    }
}
