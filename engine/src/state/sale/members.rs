//! The nodes that serve a sale.

use std::collections::{BTreeMap, BTreeSet};

use super::refused::{Refused, check};
use crate::{
    clock::Millis,
    codec::{Binary, DecodeError, get_length, put_all},
    id::{Epoch, HoldId, NodeName},
    limits::PARTED_NODES_MAX,
};

/// Who serves a sale, and when its stream was rebuilt. Empty where one process decides alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    nodes: BTreeSet<NodeName>,
    /// Who served it and parted, with when; of many the last.
    parted: BTreeMap<NodeName, Millis>,
    /// Who was missing when the stream was rebuilt and has not said yet what it had done; with the first
    /// epoch that began without it.
    pub(super) missing: BTreeMap<NodeName, Epoch>,
    /// Units of holds up to this one are stranded when they come free while a node is missing: it may have
    /// seen them come free before, and sold them.
    pub(super) set_aside_to: HoldId,
    /// Of each offer's stranded units: those that a node had promised which was missing and came back.
    pub(super) promised: Vec<u64>,
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
