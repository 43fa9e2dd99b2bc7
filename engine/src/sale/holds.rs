//! All holds of a sale, by number and by deadline, and how many units each shopper has taken.

use std::collections::{BTreeSet, HashMap};

use crate::{
    clock::Millis,
    codec::{Binary, DecodeError},
    hold::{Hold, HoldState},
    id::{HoldId, ShopperKey},
    limits::HOLDS_MAX,
};

/// The book of holds; finished ones stay, for who asks later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    all: Vec<Hold>,
    /// Deadlines of those in `Held`.
    deadlines: BTreeSet<(Millis, HoldId)>,
    /// Units held, being paid or bought, per shopper.
    taken: HashMap<ShopperKey, u64>,
    /// Holds in `Held` or `Paying`, by shopper: a handful each, as the limit per shopper bounds.
    open: BTreeSet<(ShopperKey, HoldId)>,
}

impl Holds {
    /// A hold by its number.
    pub(crate) fn get(&self, id: HoldId) -> Option<&Hold> {
        self.all.get(slot(id)?)
    }

    /// All holds by number.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Hold> {
        self.all.iter()
    }

    /// The number the next hold will have.
    pub(crate) fn next_id(&self) -> HoldId {
        HoldId(self.all.len() as u64 + 1)
    }

    /// Whether no more holds can be made.
    pub(crate) fn is_full(&self) -> bool {
        self.all.len() >= HOLDS_MAX
    }

    /// Units a shopper holds, is paying for or has bought.
    pub(crate) fn taken(&self, shopper: ShopperKey) -> u64 {
        self.taken.get(&shopper).copied().unwrap_or(0)
    }

    /// Holds in `Held` or `Paying`.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Holds of one shopper in `Held` or `Paying`.
    pub(crate) fn open_of(&self, shopper: ShopperKey) -> impl Iterator<Item = HoldId> {
        let range = (shopper, HoldId(0))..=(shopper, HoldId(u64::MAX));
        self.open.range(range).map(|(_, id)| *id)
    }

    /// Holds whose time for paying is over at `at`, earliest first.
    pub(crate) fn due(&self, at: Millis) -> impl Iterator<Item = HoldId> {
        self.deadlines.range(..=(at, HoldId(u64::MAX))).map(|(_, id)| *id)
    }

    /// Adds the next hold.
    pub(crate) fn add(&mut self, hold: Hold) {
        assert_eq!(hold.id, self.next_id(), "hold numbers are dense");
        assert_eq!(hold.state, HoldState::Held, "a hold begins held");
        self.index(&hold);
        self.all.push(hold);
    }

    /// Moves a hold to another state and returns it.
    pub(crate) fn set(&mut self, id: HoldId, state: HoldState) -> &Hold {
        let slot = slot(id).expect("hold numbers start from 1");
        let hold = &mut self.all[slot];
        let before = (hold.state, hold.expires_at, hold.shopper, hold.units());
        hold.state = state;
        let (was, expires_at, shopper, units) = before;
        if was == HoldState::Held {
            self.deadlines.remove(&(expires_at, id));
        }
        if is_open(was) && !is_open(state) {
            self.open.remove(&(shopper, id));
        }
        if counts(was) && !counts(state) {
            let left = self.taken(shopper) - units;
            if left == 0 {
                self.taken.remove(&shopper);
            } else {
                self.taken.insert(shopper, left);
            }
        }
        &self.all[slot]
    }

    fn index(&mut self, hold: &Hold) {
        if hold.state == HoldState::Held {
            self.deadlines.insert((hold.expires_at, hold.id));
        }
        if is_open(hold.state) {
            self.open.insert((hold.shopper, hold.id));
        }
        if counts(hold.state) {
            *self.taken.entry(hold.shopper).or_default() += hold.units();
        }
    }
}

/// Whether a hold may still become an order.
pub(crate) fn is_open(state: HoldState) -> bool {
    matches!(state, HoldState::Held | HoldState::Paying)
}

/// Whether a hold's units count against the limit per shopper.
fn counts(state: HoldState) -> bool {
    matches!(state, HoldState::Held | HoldState::Paying | HoldState::Confirmed)
}

fn slot(id: HoldId) -> Option<usize> {
    usize::try_from(id.0.checked_sub(1)?).ok()
}

impl Binary for Holds {
    fn encode(&self, out: &mut Vec<u8>) {
        self.all.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let all: Vec<Hold> = Vec::decode(input)?;
        let mut holds = Self::default();
        all.iter().for_each(|hold| holds.index(hold));
        Ok(Self { all, ..holds })
    }
}
