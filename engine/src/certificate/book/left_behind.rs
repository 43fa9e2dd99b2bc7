//! What a node had acknowledged in a history that the others left behind: it was missing when they
//! rebuilt the store, and then took the sale over as they have it.

use super::{Book, HeldUnits};
use crate::{
    codec::binary_struct,
    hold::{HoldItem, HoldState},
    id::{Epoch, HoldId, Number, SaleName, ShopperKey, Sku},
};

/// What is in a journal and not in the history that it goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// The sale.
    pub sale: SaleName,
    /// Its epoch, as tickets and purchases name it.
    pub epoch: Epoch,
    /// Places that were given out, and whose they were.
    pub places: Vec<(Number, ShopperKey)>,
    /// Holds that were made or moved on.
    pub holds: Vec<LeftHold>,
}

/// A hold that the others do not have, or have in another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftHold {
    /// Its number.
    pub hold: HoldId,
    /// Whose it was.
    pub shopper: ShopperKey,
    /// How it stood.
    pub state: HoldState,
    /// How the others have it; `None` when they do not.
    pub known_as: Option<HoldState>,
    /// What it reserved.
    pub items: Vec<(Sku, u32)>,
}

binary_struct!(LeftBehind { sale, epoch, places, holds });
binary_struct!(LeftHold { hold, shopper, state, known_as, items });

impl Book {
    /// What is in these books and not in those of the sale that was taken over; `None` when nothing is.
    pub(in crate::certificate) fn left_behind(&self, taken_over: &Self) -> Option<LeftBehind> {
        if self.epoch != taken_over.epoch {
            // Another sale of the same name: this one was deleted.
            return None;
        }
        let places = (1..).zip(&self.places);
        let elsewhere = |number: usize| taken_over.places.get(number - 1).map(|place| place.0);
        // Skipped numbers belong to no one.
        let is_lost =
            |number, shopper| shopper != ShopperKey(0) && elsewhere(number) != Some(shopper);
        // An archived sale has no places any more, and has forgotten holds that ended long before.
        let is_archived = taken_over.is_handed_over_archived;
        let lost = places.filter(|(number, place)| !is_archived && is_lost(*number, place.0));
        let places: Vec<_> =
            lost.map(|(number, (shopper, _))| (Number(number as u64), *shopper)).collect();
        let holds = self.holds.iter().filter_map(|(id, hold)| {
            let there = taken_over.holds.get(id);
            let known_as = there.filter(|there| there.is_of(hold)).map(|there| there.state);
            let has_ended = matches!(hold.state, HoldState::Released | HoldState::Expired);
            let is_forgotten = is_archived && has_ended && there.is_none();
            let is_known = is_forgotten || known_as.is_some_and(|later| hold.state.leads_to(later));
            (!is_known).then(|| self.left_hold(*id, hold, known_as))
        });
        let holds: Vec<_> = holds.collect();
        let is_nothing = places.is_empty() && holds.is_empty();
        let (sale, epoch) = (self.spec.name.clone(), self.epoch);
        (!is_nothing).then_some(LeftBehind { sale, epoch, places, holds })
    }

    fn left_hold(&self, hold: HoldId, units: &HeldUnits, known_as: Option<HoldState>) -> LeftHold {
        let sku = |item: &HoldItem| self.piles.get(usize::from(item.offer.0)).map(|pile| &pile.sku);
        let named = |item| sku(item).map(|sku| (sku.clone(), item.quantity));
        let items = units.items.iter().filter_map(named).collect();
        LeftHold { hold, shopper: units.shopper, state: units.state, known_as, items }
    }
}

impl HeldUnits {
    fn is_of(&self, other: &Self) -> bool {
        self.shopper == other.shopper && self.items == other.items
    }
}
