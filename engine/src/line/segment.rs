//! One segment of the line: its places, their departures and the sums over them.
//!
//! Owns the arithmetic within a segment. It knows no numbers, only places: indices from 0. The module
//! `line` explains who writes what and why relaxed accesses are enough.

use super::PlaceState;
use crate::{
    clock::Millis,
    sync::{AtomicU32, AtomicU64, Ordering},
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

/// What a position needs is in few cache lines: the first field in the table of segments, next to
/// its neighbours, and one word per block.
#[derive(Debug)]
pub(super) struct Segment {
    /// Departed in all earlier segments.
    departed_earlier: AtomicU64,
    body: Box<Body>,
}

/// The two large arrays are apart from the words, because readers write to `heard`.
#[derive(Debug)]
struct Body {
    /// Per block: from bit 0, one bit per place: departed; above them the prefix: departed in this
    /// segment before the block.
    blocks: [AtomicU64; BLOCKS],
    /// Per place: state and time.
    places: Box<[AtomicU64]>,
    /// Per place: seconds from the line's base to when its shopper was last heard of.
    heard: Box<[AtomicU32]>,
}

impl Segment {
    /// A segment of unissued places behind `departed_earlier` departures.
    pub(super) fn new(departed_earlier: u64) -> Self {
        let body = Body {
            blocks: std::array::from_fn(|_| AtomicU64::new(0)),
            places: (0..SEGMENT_PLACES).map(|_| AtomicU64::new(0)).collect(),
            heard: (0..SEGMENT_PLACES).map(|_| AtomicU32::new(0)).collect(),
        };
        Self { departed_earlier: AtomicU64::new(departed_earlier), body: Box::new(body) }
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

    fn block(&self, block: usize) -> u64 {
        self.body.blocks[block].load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn place(&self, place: usize) -> (PlaceState, Millis) {
        // ORDERING: Acquire; whoever sees a state sees what the scribe published before it.
        let word = self.body.places[place].load(Ordering::Acquire);
        (STATES[usize::from(word.to_le_bytes()[0])], Millis(word >> 8))
    }

    #[inline]
    pub(super) fn hear(&self, place: usize, seconds: u32) {
        let heard = &self.body.heard[place];
        // ORDERING: Relaxed; a hint to the idle sweep. Storing only when a second has passed keeps
        // the cache line shared between polls. Two racing polls may leave the earlier second.
        if heard.load(Ordering::Relaxed) < seconds {
            heard.store(seconds, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn heard(&self, place: usize) -> u32 {
        self.body.heard[place].load(Ordering::Relaxed)
    }

    /// Sets a place's state and its time, of which 56 bits are kept (2 million years). Scribe only.
    pub(super) fn set(&self, place: usize, state: PlaceState, at: Millis) {
        // ORDERING: Release; pairs with `place`.
        self.body.places[place].store(at.0 << 8 | u64::from(state as u8), Ordering::Release);
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
        let mut departed: u64 = 0;
        for at in first / BLOCK_PLACES..BLOCKS {
            let mut block = self.block(at) + (departed << BLOCK_PLACES);
            while let Some(place) = places.next_if(|place| place / BLOCK_PLACES == at) {
                let bit = 1 << (place % BLOCK_PLACES);
                assert!(block & bit == 0);
                block |= bit;
                departed += 1;
            }
            self.body.blocks[at].store(block, Ordering::Relaxed);
        }
    }

    /// Raises the count of departures in earlier segments. Scribe only.
    pub(super) fn depart_earlier(&self, departed: u64) {
        raise(&self.departed_earlier, departed);
    }
}

/// Adds to a counter that only this thread writes. A plain store: no other thread writes it.
pub(super) fn raise(counter: &AtomicU64, by: u64) {
    if by > 0 {
        counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
    }
}
