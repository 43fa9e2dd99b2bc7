//! One segment of the line: its places, their departures and the sums over them.
//!
//! Owns the arithmetic within a segment. Knows no numbers, only places: indices from 0. The module
//! `line` says who writes what and why relaxed accesses are enough.

use super::PlaceState;
use crate::{
    clock::Millis,
    sync::{AtomicU32, AtomicU64, Ordering},
};

use shape::BLOCK_PLACES;
pub(super) use shape::{SEGMENT_PLACES, SEGMENTS_MAX, WORD_PLACES};

#[cfg(not(engine_loom))]
mod shape {
    pub(crate) use crate::limits::{SEGMENT_PLACES, SEGMENTS_MAX};

    /// Places under one prefix. Two words, so that a read has no branch: a longer block
    /// would save a few hundredths of a byte per place, and mispredict the count of its words. A
    /// departure raises 255 prefixes at the most.
    pub(super) const BLOCK_PLACES: usize = 128;
    /// Places in one word of departures.
    pub(crate) const WORD_PLACES: usize = 64;
}

/// The same structure at a size that loom can walk through.
#[cfg(engine_loom)]
mod shape {
    pub(crate) const SEGMENT_PLACES: usize = 8;
    pub(crate) const SEGMENTS_MAX: usize = 2;
    pub(super) const BLOCK_PLACES: usize = 4;
    pub(crate) const WORD_PLACES: usize = 2;
}

const BLOCKS: usize = SEGMENT_PLACES / BLOCK_PLACES;
const WORDS: usize = SEGMENT_PLACES / WORD_PLACES;

/// The highest number a line can issue.
pub const PLACES_MAX: u64 = SEGMENTS_MAX as u64 * SEGMENT_PLACES as u64;

const _: () = {
    assert!(SEGMENT_PLACES.is_multiple_of(BLOCK_PLACES));
    assert!(BLOCK_PLACES == 2 * WORD_PLACES);
    assert!(SEGMENT_PLACES <= u32::MAX as usize);
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

/// The counts and bits lie in the segment itself, one pointer from the table; the two large arrays,
/// of which `heard` is stored to by readers, lie apart.
#[derive(Debug)]
pub(super) struct Segment {
    /// Departed in all earlier segments.
    departed_earlier: AtomicU64,
    /// Per block: departed in this segment before the block.
    block_prefixes: [AtomicU32; BLOCKS],
    /// Per place a bit: departed.
    departed: [AtomicU64; WORDS],
    /// Per place: state and time.
    places: Box<[AtomicU64]>,
    /// Per place: seconds from the line's base to when its shopper was last heard of.
    heard: Box<[AtomicU32]>,
}

impl Segment {
    /// A segment of unissued places behind `departed_earlier` departures.
    pub(super) fn new(departed_earlier: u64) -> Self {
        Self {
            departed_earlier: AtomicU64::new(departed_earlier),
            block_prefixes: std::array::from_fn(|_| AtomicU32::new(0)),
            departed: std::array::from_fn(|_| AtomicU64::new(0)),
            places: (0..SEGMENT_PLACES).map(|_| AtomicU64::new(0)).collect(),
            heard: (0..SEGMENT_PLACES).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Departed in the whole line before a place. Loads each location once, as monotony needs.
    #[inline]
    pub(super) fn departed_before(&self, place: usize) -> u64 {
        let block = place / BLOCK_PLACES;
        let low = self.departed_word(2 * block);
        let high = self.departed_word(2 * block + 1);
        let departed = u128::from(high) << WORD_PLACES | u128::from(low);
        let below = (1 << (place % BLOCK_PLACES)) - 1;
        let bits = (departed & below).count_ones();
        let in_segment = self.block_prefixes[block].load(Ordering::Relaxed) + bits;
        self.departed_earlier.load(Ordering::Relaxed) + u64::from(in_segment)
    }

    /// The departures of one word of places, lowest place first.
    pub(super) fn departed_word(&self, word: usize) -> u64 {
        self.departed[word].load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn place(&self, place: usize) -> (PlaceState, Millis) {
        // ORDERING: Acquire; whoever sees a state sees what the scribe published before it.
        let word = self.places[place].load(Ordering::Acquire);
        (STATES[usize::from(word.to_le_bytes()[0])], Millis(word >> 8))
    }

    #[inline]
    pub(super) fn hear(&self, place: usize, seconds: u32) {
        let heard = &self.heard[place];
        // ORDERING: Relaxed; a hint to the idle sweep. Storing only when a second has passed keeps
        // the cache line shared between polls. Two racing polls may leave the earlier second.
        if heard.load(Ordering::Relaxed) < seconds {
            heard.store(seconds, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn heard(&self, place: usize) -> u32 {
        self.heard[place].load(Ordering::Relaxed)
    }

    /// Sets a place's state and its time, of which 56 bits are kept (2 million years). Scribe only.
    pub(super) fn set(&self, place: usize, state: PlaceState, at: Millis) {
        // ORDERING: Release; pairs with `place`.
        self.places[place].store(at.0 << 8 | u64::from(state as u8), Ordering::Release);
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
        let mut departed = 0;
        for block in first / BLOCK_PLACES..BLOCKS {
            raise_u32(&self.block_prefixes[block], departed);
            while let Some(place) = places.next_if(|place| place / BLOCK_PLACES == block) {
                self.set_departed(place);
                departed += 1;
            }
        }
    }

    /// Raises the count of departures in earlier segments. Scribe only.
    pub(super) fn depart_earlier(&self, departed: u64) {
        raise(&self.departed_earlier, departed);
    }

    fn set_departed(&self, place: usize) {
        let word = &self.departed[place / WORD_PLACES];
        let bit = 1 << (place % WORD_PLACES);
        let before = word.load(Ordering::Relaxed);
        assert!(before & bit == 0);
        word.store(before | bit, Ordering::Relaxed);
    }
}

/// Adds to a counter that only this thread writes. A plain store: there is nobody to race with.
pub(super) fn raise(counter: &AtomicU64, by: u64) {
    if by > 0 {
        counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
    }
}

/// As [`raise`].
fn raise_u32(counter: &AtomicU32, by: u32) {
    if by > 0 {
        counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
    }
}
