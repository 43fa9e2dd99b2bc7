//! The nodes that serve a sale, and what happens to it when the store that they share loses facts.

use std::collections::BTreeSet;

use super::Sale;
use crate::{
    codec::{Binary, DecodeError, get_length, put_all},
    id::{Epoch, NodeName, Number, ShopperKey},
    limits::{PLACES_MAX, SKIPPED_EVENTS, SKIPPED_HOLDS},
    line::PlaceState,
    record::Record,
    stream::Point,
};

/// Who serves a sale, and when its stream was rebuilt. Empty where one process decides alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crew {
    nodes: BTreeSet<NodeName>,
    /// Each epoch that began with a rebuild, oldest first, with the last sequence before it.
    rebuilds: Vec<(Epoch, u64)>,
}

impl Crew {
    /// The nodes, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &NodeName> {
        self.nodes.iter()
    }

    /// Whether a node is one of them.
    pub fn has(&self, node: &NodeName) -> bool {
        self.nodes.contains(node)
    }

    /// How many entries up to a point of an earlier epoch are not in this sale's history. A node that
    /// was missing when the stream was rebuilt may have come further than the one that rebuilt it.
    pub fn left_behind(&self, point: &Point) -> u64 {
        let later = self.rebuilds.iter().find(|(epoch, _)| *epoch > point.epoch);
        later.map_or(0, |(_, last)| point.seq.saturating_sub(*last))
    }

    pub(super) fn join(&mut self, node: &NodeName) {
        self.nodes.insert(node.clone());
    }

    pub(super) fn part(&mut self, node: &NodeName) {
        self.nodes.remove(node);
    }
}

impl Sale {
    /// The store was written anew. What a missing node may have done besides is set aside.
    pub(super) fn apply_rebuild(&mut self, record: &Record) {
        let Record::Rebuilt { epoch, after, missing, stranded, skipped, .. } = record else {
            unreachable!("called for a rebuild only");
        };
        for node in missing {
            self.crew.part(node);
        }
        self.crew.rebuilds.push((*epoch, *after));
        for (counts, units) in self.shelf.iter_mut().zip(stranded) {
            counts.available -= units;
            counts.stranded += units;
        }
        if !missing.is_empty() {
            // It may have told shoppers and the shop of purchases and events that nobody here knows.
            self.holds.skip(SKIPPED_HOLDS);
            self.outbox.skip(SKIPPED_EVENTS);
        }
        let room = PLACES_MAX - self.places.issued().0;
        for _ in 0..u64::from(*skipped).min(room) {
            let number = Number(self.places.issued().0 + 1);
            // Nobody's: no shopper's key is 0, and the place is gone before another is made.
            self.places.issue(number, ShopperKey(0));
            self.places.depart(number, PlaceState::Revoked);
        }
    }
}

impl Binary for Crew {
    fn encode(&self, out: &mut Vec<u8>) {
        put_all(self.nodes.iter(), out);
        (self.rebuilds.len() as u64).encode(out);
        for (epoch, last) in &self.rebuilds {
            epoch.encode(out);
            last.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let nodes = Vec::decode(input)?.into_iter().collect();
        let mut rebuilds = Vec::new();
        for _ in 0..get_length(input)? {
            rebuilds.push((Epoch::decode(input)?, u64::decode(input)?));
        }
        Ok(Self { nodes, rebuilds })
    }
}
