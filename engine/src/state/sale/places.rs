//! The scribe's own book of places: who has which number, and where each stands.
//!
//! Seventeen bytes a place and an index of four to eight more. The index holds only live places,
//! which is what makes "one live place per identity" one look-up; in a sale that is entered once, it
//! holds all of them. Reads by shoppers never come here; they have the [`Line`](crate::line::Line).

use std::ops::Range;

use crate::{
    codec::{DecodeError, Long, Sink, Source},
    id::{Number, ShopperKey},
    keyed::{self, Table},
    limits::PLACES_MAX,
    line::PlaceState,
    record::Departure,
    segmented::Segmented,
};

/// Every place of a sale, by number and by shopper.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    shoppers: Segmented<ShopperKey>,
    states: Segmented<PlaceState>,
    /// Numbers of live places (waiting, called, admitted, completed), found by shopper; with
    /// `keeps_all` also of those that are over.
    live: Table<u32>,
    /// Whether a shopper whose place is over can still be found; follows from the sale's spec.
    keeps_all: bool,
    /// Waiting places that left the line.
    departed: u64,
    /// Waiting places in each block of [`BLOCK`] numbers, and in all; follow from `states`.
    waiting: Vec<u32>,
    waiting_total: u64,
}

/// Numbers counted together. A look-up adds up blocks and scans two at most: 4,096 keeps both in the
/// low microseconds at ten million places.
const BLOCK: usize = 4_096;

impl Places {
    /// Finds also shoppers whose place is over, from now on and all there were.
    pub(crate) fn keep_all(&mut self) {
        self.keeps_all = true;
        for slot in 0..self.states.len() {
            if !is_live(self.states[slot]) {
                let shopper = self.shoppers[slot];
                self.index_live(Number(slot as u64 + 1), shopper);
            }
        }
    }

    /// The highest number issued; 0 before the first.
    pub(crate) fn issued(&self) -> Number {
        Number(self.shoppers.len() as u64)
    }

    /// Waiting places, in all.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting_total
    }

    /// Waiting places that left the line, in all.
    pub(crate) fn departed(&self) -> u64 {
        self.departed
    }

    /// Whether the line can issue no more numbers.
    pub(crate) fn is_full(&self) -> bool {
        self.issued().0 >= PLACES_MAX
    }

    /// Where a place stands; `Unissued` for a number never given out.
    pub(crate) fn state(&self, number: Number) -> PlaceState {
        index(number).and_then(|i| self.states.get(i)).copied().unwrap_or(PlaceState::Unissued)
    }

    /// Whether a place is still someone's: in line, called or let in.
    pub(crate) fn lives(&self, number: Number) -> bool {
        is_live(self.state(number))
    }

    /// Who has a place.
    pub(crate) fn shopper(&self, number: Number) -> Option<ShopperKey> {
        self.shoppers.get(index(number)?).copied()
    }

    /// The live place of a shopper.
    pub(crate) fn live(&self, shopper: ShopperKey) -> Option<Number> {
        self.find(shopper).filter(|number| !self.keeps_all || self.lives(*number))
    }

    /// Whether a shopper had a place that is over, as far as such places are kept.
    pub(crate) fn is_over(&self, shopper: ShopperKey) -> bool {
        self.keeps_all && self.find(shopper).is_some_and(|number| !self.lives(number))
    }

    fn find(&self, shopper: ShopperKey) -> Option<Number> {
        let mine = |slot: &u32| self.shoppers[*slot as usize] == shopper;
        self.live.find(hash(shopper), mine).map(|slot| Number(u64::from(*slot) + 1))
    }

    /// Waiting places with a lower number than `number`. Counts from the nearer end of the line: nearly
    /// everyone who asks has just been given one of the last numbers.
    pub(crate) fn waiting_before(&self, number: Number) -> u64 {
        let length = self.states.len();
        let end = index(number).expect("numbers start from 1").min(length);
        if end <= length / 2 {
            self.waiting_within(0..end)
        } else {
            self.waiting_total - self.waiting_within(end..length)
        }
    }

    /// Waiting places in a range of slots.
    fn waiting_within(&self, range: Range<usize>) -> u64 {
        let count = |slots: Range<usize>| {
            let waits = |state: &&PlaceState| **state == PlaceState::Waiting;
            let waiting = |slice: &[PlaceState]| slice.iter().filter(waits).count() as u64;
            self.states.slices(slots).map(waiting).sum::<u64>()
        };
        let blocks = range.start.div_ceil(BLOCK)..range.end / BLOCK;
        if blocks.is_empty() {
            return count(range);
        }
        let edges = count(range.start..blocks.start * BLOCK) + count(blocks.end * BLOCK..range.end);
        edges + self.waiting[blocks].iter().map(|count| u64::from(*count)).sum::<u64>()
    }

    /// States of the numbers in `range`, which starts no lower than 1 and ends within the line.
    pub(crate) fn states(&self, range: Range<u64>) -> impl Iterator<Item = PlaceState> {
        let first = index(Number(range.start)).expect("numbers start from 1");
        let length = usize::try_from(range.end - range.start).expect("a line fits in memory");
        self.states.slices(first..first + length).flatten().copied()
    }

    /// All places by number.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (ShopperKey, PlaceState)> {
        self.shoppers.iter().copied().zip(self.states.iter().copied())
    }

    /// Gives the next number to a shopper, who has no live place.
    pub(crate) fn issue(&mut self, number: Number, shopper: ShopperKey) {
        assert_eq!(number.0, self.issued().0 + 1, "numbers are dense");
        assert!(self.live(shopper).is_none(), "one live place per identity");
        self.shoppers.push(shopper);
        self.states.push(PlaceState::Waiting);
        self.count_waiting(self.states.len() - 1);
        self.index_live(number, shopper);
    }

    /// Takes a waiting place out of the line.
    pub(crate) fn depart(&mut self, number: Number, state: PlaceState) {
        assert_eq!(self.state(number), PlaceState::Waiting, "only who waits can depart");
        self.departed += 1;
        self.set(number, state);
    }

    /// Moves a place to another state; a place that stops living is no longer found by shopper.
    pub(crate) fn set(&mut self, number: Number, state: PlaceState) {
        let slot = index(number).expect("numbers start from 1");
        let place = self.states.get_mut(slot).expect("a place that was given");
        let was = std::mem::replace(place, state);
        if was == PlaceState::Waiting && state != PlaceState::Waiting {
            self.waiting[slot / BLOCK] -= 1;
            self.waiting_total -= 1;
        }
        if !is_live(state) && !self.keeps_all {
            let shopper = self.shoppers[slot];
            let mine = |other: &u32| *other as usize == slot;
            self.live.remove(hash(shopper), mine);
        }
    }

    fn count_waiting(&mut self, slot: usize) {
        if self.waiting.len() <= slot / BLOCK {
            self.waiting.push(0);
        }
        self.waiting[slot / BLOCK] += 1;
        self.waiting_total += 1;
    }

    fn index_live(&mut self, number: Number, shopper: ShopperKey) {
        let slot = u32::try_from(number.0 - 1).expect("PLACES_MAX fits 32 bits");
        let shoppers = &self.shoppers;
        self.live.insert(hash(shopper), slot, |slot| hash(shoppers[*slot as usize]));
    }
}

/// The state a departed place is left in.
pub(crate) fn departed_state(reason: Departure) -> PlaceState {
    match reason {
        Departure::Left => PlaceState::Left,
        Departure::Idle => PlaceState::Idle,
        Departure::Rejoined => PlaceState::Revoked,
    }
}

fn is_live(state: PlaceState) -> bool {
    matches!(
        state,
        PlaceState::Waiting | PlaceState::Called | PlaceState::Admitted | PlaceState::Completed
    )
}

fn index(number: Number) -> Option<usize> {
    usize::try_from(number.0.checked_sub(1)?).ok()
}

fn hash(shopper: ShopperKey) -> u64 {
    keyed::hash(shopper.0)
}

impl Long for Places {
    fn write(&self, out: &mut impl Sink) {
        out.put_list(self.shoppers.iter());
        self.states.iter().for_each(|state| out.put(state));
        out.put(&self.departed);
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let length = input.get_count()?;
        if length as u64 > PLACES_MAX {
            return Err(DecodeError("more places than a line has"));
        }
        let (mut shoppers, mut states) = (Segmented::default(), Segmented::default());
        for _ in 0..length {
            shoppers.push(input.get()?);
        }
        for _ in 0..length {
            states.push(input.get()?);
        }
        let departed = input.get()?;
        let (live, waiting) = (Table::with_capacity(length), vec![0; length.div_ceil(BLOCK)]);
        let (keeps_all, waiting_total) = (false, 0);
        let mut places =
            Self { shoppers, states, live, keeps_all, departed, waiting, waiting_total };
        for slot in 0..length {
            if places.states[slot] == PlaceState::Waiting {
                places.count_waiting(slot);
            }
            if is_live(places.states[slot]) {
                let shopper = places.shoppers[slot];
                places.index_live(Number(slot as u64 + 1), shopper);
            }
        }
        Ok(places)
    }
}
