//! What happens to a sale when the store that its nodes share loses facts, and when a missing node returns.

use std::sync::Arc;

use super::{Sale, holds};
use crate::{
    clock::Millis,
    hold::Hold,
    id::{HoldId, NodeName, Number, OfferIndex, ShopperKey},
    limits::{PLACES_MAX, SKIPPED_EVENTS_PER_HOLD},
    line::PlaceState,
    record::{Change, Record},
    stock::Counts,
};

impl Sale {
    /// The store was rewritten. What a missing node may have done as well is set aside.
    pub(super) fn apply_rebuild(&mut self, record: &Record, at: Millis) {
        let Record::Rebuilt { epoch, missing, stranded, skipped, skipped_holds, .. } = record
        else {
            unreachable!("called for a rebuild only");
        };
        for node in missing {
            self.members.part(node, at);
            // Who had come back without saying what it had done is missed from the first time.
            self.members.missing.entry(node.clone()).or_insert(*epoch);
        }
        for (counts, units) in self.counts.iter_mut().zip(stranded) {
            counts.available -= units;
            counts.stranded += units;
        }
        // Nobody can have sold what came free in an archived sale.
        if !missing.is_empty() && self.archive.is_none() {
            self.members.set_aside_to = self.holds.last_id();
        }
        // A missing node may have told shoppers and the shop of purchases and events unknown here.
        let holds = u64::from(*skipped_holds);
        self.holds.skip(holds);
        self.outbox.skip(holds * SKIPPED_EVENTS_PER_HOLD);
        let room = PLACES_MAX - self.places.issued().0;
        for _ in 0..u64::from(*skipped).min(room) {
            let number = Number(self.places.issued().0 + 1);
            // No one's: no shopper's key is 0, and the place is gone before another is made.
            self.places.issue(number, ShopperKey(0));
            self.places.depart(number, PlaceState::Revoked);
        }
    }

    /// Units of each offer that `before`, the same sale in a history that was left behind, had promised in
    /// holds that are not here, or not as far.
    pub fn promised_only_by(&self, before: &Self) -> Vec<u64> {
        let mut promised = vec![0; self.counts.len()];
        let is_later = |here: &Hold, hold: &Hold| {
            let whose = (here.number, here.shopper) == (hold.number, hold.shopper);
            let is_same = whose && here.created_at == hold.created_at && here.items == hold.items;
            is_same && hold.state.leads_to(here.state)
        };
        for hold in before.holds() {
            let is_known = self.holds.get(hold.id).is_some_and(|here| is_later(here, hold));
            if !is_known && holds::counts(hold.state) {
                for item in &hold.items {
                    if let Some(units) = promised.get_mut(usize::from(item.offer.0)) {
                        *units += u64::from(item.quantity);
                    }
                }
            }
        }
        promised
    }

    /// What a missing node's return changes: when no other is missing, all that is stranded and was not
    /// promised is for sale again. `None` when it is not missed.
    pub fn returned(&self, node: &NodeName, promised: Vec<u64>) -> Option<Change> {
        self.members.missing.get(node)?;
        let is_last = self.members.missing.len() == 1;
        let before = |offer: usize| self.members.promised.get(offer).copied().unwrap_or(0);
        let free = |(offer, counts): (usize, &Counts)| {
            let kept = before(offer).saturating_add(promised.get(offer).copied().unwrap_or(0));
            if is_last { counts.stranded.saturating_sub(kept) } else { 0 }
        };
        let released = self.counts.iter().enumerate().map(free).collect();
        Some(Change::Returned { node: node.clone(), promised, released })
    }

    pub(super) fn apply_return(&mut self, node: &NodeName, promised: &[u64], released: &[u64]) {
        self.members.missing.remove(node);
        self.members.promised.resize(self.counts.len(), 0);
        for (kept, units) in self.members.promised.iter_mut().zip(promised) {
            *kept = kept.saturating_add(*units);
        }
        for (offer, units) in (0..).zip(released) {
            self.free_stranded(OfferIndex(offer), *units);
        }
    }

    /// Whether a change leaves no node missing, though one is.
    pub fn ends_absence(&self, change: &Change) -> bool {
        let missing = &self.members.missing;
        match change {
            Change::Returned { node, .. } => missing.len() == 1 && missing.contains_key(node),
            Change::Unstrand { offer, units } => {
                let is_last = |(index, counts): (usize, &Counts)| {
                    let freed = if index == usize::from(offer.0) { *units } else { 0 };
                    counts.stranded == freed
                };
                !missing.is_empty() && self.counts.iter().enumerate().all(is_last)
            }
            Change::Update { .. }
            | Change::Pause
            | Change::Resume
            | Change::Drain
            | Change::Open
            | Change::Close
            | Change::Message { .. }
            | Change::Rate { .. }
            | Change::Archive { .. }
            | Change::Restock { .. }
            | Change::Delete => false,
        }
    }

    /// An operator says that stranded units are for sale again; of the last of them, that no node is missing.
    pub(super) fn apply_unstrand(&mut self, offer: OfferIndex, units: u64) {
        self.free_stranded(offer, units);
        if self.counts.iter().all(|counts| counts.stranded == 0) {
            self.members.missing.clear();
        }
    }

    /// The units of a hold that has ended are stranded.
    pub(super) fn apply_set_aside(&mut self, hold: HoldId) {
        let hold = Arc::clone(self.holds.get(hold).expect("a record names a known hold"));
        for item in &hold.items {
            let counts = self.counts_mut(item.offer);
            counts.available -= u64::from(item.quantity);
            counts.stranded += u64::from(item.quantity);
        }
    }

    /// What is no longer stranded was promised by no node.
    fn free_stranded(&mut self, offer: OfferIndex, units: u64) {
        let counts = self.counts_mut(offer);
        counts.stranded -= units;
        counts.available += units;
        for (kept, counts) in self.members.promised.iter_mut().zip(&self.counts) {
            *kept = counts.stranded.min(*kept);
        }
    }
}
