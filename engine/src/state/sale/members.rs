//! The nodes that serve a sale, and what happens to it when the store that they share loses facts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Sale,
    follows::{Refused, check},
    holds,
};
use crate::{
    clock::Millis,
    codec::{Binary, DecodeError, get_length, put_all},
    hold::Hold,
    id::{Epoch, HoldId, NodeName, Number, OfferIndex, ShopperKey},
    limits::{PARTED_NODES_MAX, PLACES_MAX, SKIPPED_EVENTS_PER_HOLD},
    line::PlaceState,
    record::{Change, Record},
    stock::Counts,
};

/// Who serves a sale, and when its stream was rebuilt. Empty where one process decides alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    nodes: BTreeSet<NodeName>,
    /// Who served it and parted, with when; of many the last.
    parted: BTreeMap<NodeName, Millis>,
    /// Who was missing when the stream was rebuilt and has not said yet what it had done; with the first
    /// epoch that began without it.
    missing: BTreeMap<NodeName, Epoch>,
    /// Units of holds up to this one are stranded when they come free while a node is missing: it may have
    /// seen them come free before, and sold them.
    set_aside_to: HoldId,
    /// Of each offer's stranded units: those that a node had promised which was missing and came back.
    promised: Vec<u64>,
}

impl Default for Members {
    fn default() -> Self {
        Self {
            nodes: BTreeSet::new(),
            parted: BTreeMap::new(),
            missing: BTreeMap::new(),
            set_aside_to: HoldId(0),
            promised: Vec::new(),
        }
    }
}

impl Members {
    /// The nodes, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeName> {
        self.nodes.iter()
    }

    /// Whether a node is one of them.
    pub fn has(&self, node: &NodeName) -> bool {
        self.nodes.contains(node)
    }

    /// The first epoch of the stream that a node was missed in, and has not returned from.
    pub fn missed_since(&self, node: &NodeName) -> Option<Epoch> {
        self.missing.get(node).copied()
    }

    /// The last hold whose units are stranded when they come free; `None` when no node is missing.
    pub fn set_aside_to(&self) -> Option<HoldId> {
        (!self.missing.is_empty()).then_some(self.set_aside_to)
    }

    /// Whether a node is, or once was, one of them.
    pub fn has_known(&self, node: &NodeName) -> bool {
        self.has(node) || self.missing.contains_key(node) || self.parted.contains_key(node)
    }

    /// Who parted at `since` or later.
    pub fn parted_since(&self, since: Millis) -> impl Iterator<Item = &NodeName> {
        self.parted.iter().filter(move |(_, at)| **at >= since).map(|(node, _)| node)
    }

    /// Whether they could have come about in a sale of so many offers and holds.
    pub(super) fn are_sound(&self, offers: usize, last_hold: HoldId) -> Refused {
        let fit = self.promised.len() <= offers && self.parted.len() <= PARTED_NODES_MAX;
        check(fit && self.set_aside_to <= last_hold, "nodes that promised what there is not")
    }

    pub(super) fn join(&mut self, node: &NodeName) {
        self.nodes.insert(node.clone());
        self.parted.remove(node);
    }

    pub(super) fn part(&mut self, node: &NodeName, at: Millis) {
        self.nodes.remove(node);
        self.parted.insert(node.clone(), at);
        if self.parted.len() > PARTED_NODES_MAX
            && let Some((first, _)) = self.parted.iter().min_by_key(|(_, at)| **at)
        {
            let first = first.clone();
            self.parted.remove(&first);
        }
    }
}

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
        if !missing.is_empty() {
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

impl Binary for Members {
    fn encode(&self, out: &mut Vec<u8>) {
        put_all(self.nodes.iter(), out);
        (self.parted.len() as u64).encode(out);
        for (node, at) in &self.parted {
            node.encode(out);
            at.encode(out);
        }
        (self.missing.len() as u64).encode(out);
        for (node, epoch) in &self.missing {
            node.encode(out);
            epoch.encode(out);
        }
        self.set_aside_to.encode(out);
        self.promised.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let nodes = Vec::decode(input)?.into_iter().collect();
        let (mut parted, mut missing) = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..get_length(input)? {
            parted.insert(NodeName::decode(input)?, Millis::decode(input)?);
        }
        for _ in 0..get_length(input)? {
            missing.insert(NodeName::decode(input)?, Epoch::decode(input)?);
        }
        let set_aside_to = HoldId::decode(input)?;
        Ok(Self { nodes, parted, missing, set_aside_to, promised: Vec::decode(input)? })
    }
}
