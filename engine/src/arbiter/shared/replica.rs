//! How a node stands with the stream of each sale.

use std::collections::VecDeque;

use super::super::redis::Entry;
use crate::{clock::Millis, id::Epoch, stream::Point};

/// Entries kept for nodes that are a little behind when this one has to rebuild the store.
const RECENT_ENTRIES_MAX: usize = 1_024;
/// Facts in them, so that batches of a crowd do not fill the memory.
const RECENT_FACTS_MAX: usize = 65_536;
/// A snapshot is put beside the stream after so many entries, or bytes of facts.
const SNAPSHOT_ENTRIES: u64 = 8_192;
const SNAPSHOT_BYTES: u64 = 8 * 1024 * 1024;
/// What a fact takes in the stream.
const FACT_BYTES: u64 = 64;
/// How long after a snapshot that failed the next is put.
const SNAPSHOT_PAUSE_MS: u64 = 1_000;
/// How often a sale that is lost is asked for.
pub(super) const GATHER_MS: u64 = 100;

/// One sale.
#[derive(Debug)]
pub(super) struct Replica {
    /// The epoch of the stream.
    pub epoch: Epoch,
    pub state: ReplicaState,
    /// Why the last call failed at this sale alone: another server has its slot, the library fails at
    /// what its keys hold, or its stream has what cannot be read. The next call that succeeds ends it.
    pub failing: Option<String>,
    /// The last call: the gate's tick is due so long after it.
    pub called_at: Millis,
    /// Whether this node hands the order events on.
    pub is_delivering: bool,
    /// When the others were looked after last.
    pub roll_called_at: Millis,
    /// Units of each offer that this node had promised in a history that was left behind.
    pub promised: Option<Vec<u64>>,
    /// The last entries, oldest first.
    pub recent: VecDeque<Entry>,
    /// Facts in them.
    recent_facts: usize,
    pub unsaved: Unsaved,
}

/// What the stream has that no snapshot of this node has.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    entries: u64,
    facts: u64,
    /// The last snapshot's length: the stream may become as long, so that snapshots cost no more than
    /// the facts do.
    saved_bytes: u64,
    /// One is to be put whatever the stream has: nobody may have put any since this node began to deliver.
    is_wanted: bool,
    /// Not before then: the last one failed.
    not_before: Millis,
}

impl Unsaved {
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether a snapshot is due.
    pub(super) fn is_due(&self, at: Millis) -> bool {
        let bytes = self.facts * FACT_BYTES;
        let is_long = bytes >= SNAPSHOT_BYTES.max(self.saved_bytes);
        at >= self.not_before && (self.is_wanted || self.entries >= SNAPSHOT_ENTRIES || is_long)
    }

    /// How long a snapshot is expected to be.
    pub(super) fn bytes_before(&self) -> usize {
        let bytes = usize::try_from(self.saved_bytes).unwrap_or(0);
        bytes + bytes / 8
    }

    /// One of so many bytes is on its way.
    pub(super) fn saved(&mut self, bytes: usize) {
        *self = Self { saved_bytes: bytes as u64, ..Self::default() };
    }

    /// It did not arrive.
    pub(super) fn failed(&mut self, at: Millis) {
        (self.is_wanted, self.not_before) = (true, at.after(SNAPSHOT_PAUSE_MS));
    }
}

/// Whether the store and this node have the same history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReplicaState {
    Following,
    /// The store lost the sale, or was restarted: the nodes come together.
    Gathering {
        /// When to ask again.
        next: Millis,
        /// What is being waited for.
        why: String,
    },
    /// What follows this node's point is not to be had from the stream.
    Adopting,
}

impl Replica {
    pub(super) fn at(epoch: Epoch) -> Self {
        Self {
            epoch,
            state: ReplicaState::Following,
            failing: None,
            called_at: Millis(0),
            is_delivering: false,
            roll_called_at: Millis(0),
            promised: None,
            recent: VecDeque::new(),
            recent_facts: 0,
            unsaved: Unsaved::default(),
        }
    }

    pub(super) fn remember(&mut self, entry: Entry) {
        self.unsaved.entries += 1;
        self.unsaved.facts += entry.records.len() as u64;
        self.recent_facts += entry.records.len();
        self.recent.push_back(entry);
        while self.recent.len() > RECENT_ENTRIES_MAX || self.recent_facts > RECENT_FACTS_MAX {
            let oldest = self.recent.pop_front().map_or(0, |entry| entry.records.len());
            self.recent_facts -= oldest;
        }
    }

    /// The entries behind `seq` up to `last`, and the point that they follow: later than `seq` when the
    /// entries do not go back so far.
    pub(super) fn since(&self, seq: u64, last: Point) -> (Point, Vec<Entry>) {
        // Without the entry before them, nobody could tell that their history leads there.
        let Some(base) = self.recent.iter().rfind(|entry| entry.point.seq <= seq) else {
            return (last, Vec::new());
        };
        let later = |entry: &&Entry| entry.point.seq > base.point.seq;
        (base.point, self.recent.iter().filter(later).cloned().collect())
    }

    pub(super) fn gather(&mut self, next: Millis, why: &str) {
        self.is_delivering = false;
        self.state = ReplicaState::Gathering { next, why: why.to_owned() };
    }

    /// Whether nothing is decided at present.
    pub(super) fn is_hindered(&self) -> bool {
        self.state != ReplicaState::Following || self.failing.is_some()
    }

    pub(super) fn trouble(&self) -> Option<String> {
        match &self.state {
            ReplicaState::Gathering { why, .. } => Some(why.clone()),
            ReplicaState::Adopting => Some("this node takes over what the others have".to_owned()),
            ReplicaState::Following => self.failing.clone(),
        }
    }
}
