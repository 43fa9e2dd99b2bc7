//! All holds of a sale, by number and by deadline, and how many units each shopper has taken.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    clock::Millis,
    codec::{Binary, DecodeError, get_length},
    hold::{Hold, HoldState},
    id::{HoldId, ShopperKey},
    keyed::{self, Table},
    limits::HOLDS_MAX,
};

/// The book of holds; finished ones stay, for who asks later. Each is shared with the read side and
/// with replies on their way, so that a hold is kept once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds {
    /// By number: dense, but for those that were skipped.
    all: Vec<Arc<Hold>>,
    /// The last number that was given or skipped.
    last: u64,
    /// Deadlines of those in `Held`.
    deadlines: BTreeSet<(Millis, HoldId)>,
    /// Everyone who has made a hold.
    shares: Table<Share>,
    /// Holds in `Held` or `Paying`.
    open: usize,
}

/// What one shopper has of a sale.
#[derive(Clone, Debug)]
struct Share {
    shopper: ShopperKey,
    /// Units held, being paid or bought.
    units: u64,
    /// Holds in `Held` or `Paying`.
    open: u32,
    /// Holds made, whatever became of them.
    made: u32,
}

impl Holds {
    /// A hold by its number.
    pub(crate) fn get(&self, id: HoldId) -> Option<&Arc<Hold>> {
        self.all.get(self.slot(id)?)
    }

    /// All holds by number.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Hold>> {
        self.all.iter()
    }

    /// The last number that was given or skipped.
    pub(crate) fn last_id(&self) -> HoldId {
        HoldId(self.last)
    }

    /// The number the next hold will have.
    pub(crate) fn next_id(&self) -> HoldId {
        HoldId(self.last + 1)
    }

    /// Whether no more holds can be made.
    pub(crate) fn is_full(&self) -> bool {
        self.last >= HOLDS_MAX as u64
    }

    /// Passes so many numbers over, or as many as there are: nobody is given them.
    pub(crate) fn skip(&mut self, numbers: u64) {
        self.last = (self.last + numbers).min(self.last.max(HOLDS_MAX as u64));
    }

    /// Units a shopper holds, is paying for or has bought.
    pub(crate) fn taken(&self, shopper: ShopperKey) -> u64 {
        self.share(shopper).map_or(0, |share| share.units)
    }

    /// Holds in `Held` or `Paying`.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// How many holds of one shopper are in `Held` or `Paying`.
    pub(crate) fn open_of(&self, shopper: ShopperKey) -> u32 {
        self.share(shopper).map_or(0, |share| share.open)
    }

    /// How many holds one shopper has made, whatever became of them.
    pub(crate) fn made_by(&self, shopper: ShopperKey) -> u32 {
        self.share(shopper).map_or(0, |share| share.made)
    }

    /// Holds whose time for paying is over at `at`, earliest first.
    pub(crate) fn due(&self, at: Millis) -> impl Iterator<Item = HoldId> {
        self.deadlines.range(..=(at, HoldId(u64::MAX))).map(|(_, id)| *id)
    }

    /// Adds the next hold.
    pub(crate) fn add(&mut self, hold: Arc<Hold>) {
        assert_eq!(hold.id, self.next_id(), "hold numbers follow each other");
        assert_eq!(hold.state, HoldState::Held, "a hold begins held");
        self.index(&hold);
        self.last = hold.id.0;
        self.all.push(hold);
    }

    /// Moves a hold to another state and returns it.
    pub(crate) fn set(&mut self, id: HoldId, state: HoldState) -> &Hold {
        let slot = self.slot(id).expect("it was made");
        let hold = Arc::make_mut(&mut self.all[slot]);
        let was = std::mem::replace(&mut hold.state, state);
        let (expires_at, shopper, units) = (hold.expires_at, hold.shopper, hold.units());
        if was == HoldState::Held {
            self.deadlines.remove(&(expires_at, id));
        }
        let closes = is_open(was) && !is_open(state);
        self.open -= usize::from(closes);
        if counts(was) {
            let hash = keyed::hash(shopper.0);
            let mine = |share: &Share| share.shopper == shopper;
            let share = self.shares.find_mut(hash, mine).expect("a hold is in a share");
            share.open -= u32::from(closes);
            if !counts(state) {
                share.units -= units;
            }
        }
        &self.all[slot]
    }

    /// Where a hold is.
    fn slot(&self, id: HoldId) -> Option<usize> {
        let dense = usize::try_from(id.0.checked_sub(1)?).ok()?;
        // There, unless numbers were skipped before it.
        let is_there = self.all.get(dense).is_some_and(|hold| hold.id == id);
        if is_there {
            return Some(dense);
        }
        self.all.binary_search_by_key(&id, |hold| hold.id).ok()
    }

    fn share(&self, shopper: ShopperKey) -> Option<&Share> {
        self.shares.find(keyed::hash(shopper.0), |share| share.shopper == shopper)
    }

    fn index(&mut self, hold: &Hold) {
        if hold.state == HoldState::Held {
            self.deadlines.insert((hold.expires_at, hold.id));
        }
        let open = is_open(hold.state);
        self.open += usize::from(open);
        let (shopper, open) = (hold.shopper, u32::from(open));
        let units = if counts(hold.state) { hold.units() } else { 0 };
        let hash = keyed::hash(shopper.0);
        if let Some(share) = self.shares.find_mut(hash, |share| share.shopper == shopper) {
            share.units += units;
            share.open += open;
            share.made += 1;
        } else {
            let share = Share { shopper, units, open, made: 1 };
            self.shares.insert(hash, share, |share| keyed::hash(share.shopper.0));
        }
    }
}

/// Whether a hold may still become an order.
const fn is_open(state: HoldState) -> bool {
    matches!(state, HoldState::Held | HoldState::Paying)
}

/// Whether a hold's units count against the limit per shopper; those of an open one do.
pub(super) const fn counts(state: HoldState) -> bool {
    is_open(state) || matches!(state, HoldState::Confirmed)
}

impl Binary for Holds {
    fn encode(&self, out: &mut Vec<u8>) {
        self.last.encode(out);
        (self.all.len() as u64).encode(out);
        self.all.iter().for_each(|hold| Hold::encode(hold, out));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut holds = Self { last: u64::decode(input)?, ..Self::default() };
        for _ in 0..get_length(input)? {
            let hold = Hold::decode(input)?;
            holds.index(&hold);
            holds.all.push(Arc::new(hold));
        }
        Ok(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Number;

    fn hold(id: u64) -> Arc<Hold> {
        let (shopper, state, items) = (ShopperKey(1), HoldState::Held, [].into_iter().collect());
        let (created_at, expires_at) = (Millis(1), Millis(2));
        let (id, number) = (HoldId(id), Number(1));
        Arc::new(Hold { id, number, shopper, state, items, created_at, expires_at })
    }

    #[test]
    fn a_hold_is_found_by_its_number_whatever_was_skipped_and_a_skipped_one_is_nobodys() {
        let mut holds = Holds::default();
        for skipped in [0, 7, 7] {
            holds.skip(skipped);
            for _ in 0..3 {
                holds.add(hold(holds.next_id().0));
            }
        }
        holds.skip(5);
        let mut bytes = Vec::new();
        holds.encode(&mut bytes);
        let mut read = Holds::decode(&mut bytes.as_slice()).unwrap();
        assert_eq!((read.next_id(), read.iter().len()), (HoldId(29), 9));
        let given = [1, 2, 3, 11, 12, 13, 21, 22, 23];
        for id in 0..40 {
            let found = read.get(HoldId(id)).map(|hold| hold.id.0);
            assert_eq!(found, given.contains(&id).then_some(id));
        }
        assert_eq!(read.set(HoldId(12), HoldState::Released).id, HoldId(12));
        read.skip(u64::MAX / 2);
        assert!(read.is_full());
        read.skip(1);
        assert_eq!(read.last_id(), HoldId(HOLDS_MAX as u64));
    }
}
