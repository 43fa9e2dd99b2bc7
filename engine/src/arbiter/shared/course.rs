//! How a node stands with the stream of each sale.

use std::collections::VecDeque;

use super::super::redis::Entry;
use crate::{clock::Millis, id::Epoch, stream::Point};

/// Entries kept for nodes that are a little behind when this one has to rebuild the store.
const RECENT_ENTRIES_MAX: usize = 1_024;
/// How often a sale that is lost is asked for.
pub(super) const GATHER_MS: u64 = 100;

/// One sale.
#[derive(Debug)]
pub(super) struct Course {
    /// The epoch of the stream.
    pub epoch: Epoch,
    pub standing: Standing,
    /// The last call: the gate's tick is due so long after it.
    pub called_at: Millis,
    /// Whether this node hands the order events on.
    pub is_courier: bool,
    /// When the others were looked after last.
    pub roll_called_at: Millis,
    /// Facts of this node that nobody else had were left behind: how many entries.
    pub forsaken: u64,
    /// The last entries, oldest first.
    pub recent: VecDeque<Entry>,
}

/// Whether the store and this node have the same history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
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

impl Course {
    pub(super) fn at(epoch: Epoch) -> Self {
        Self {
            epoch,
            standing: Standing::Following,
            called_at: Millis(0),
            is_courier: false,
            roll_called_at: Millis(0),
            forsaken: 0,
            recent: VecDeque::new(),
        }
    }

    pub(super) fn remember(&mut self, entry: Entry) {
        if self.recent.len() >= RECENT_ENTRIES_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(entry);
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
        self.is_courier = false;
        self.standing = Standing::Gathering { next, why: why.to_owned() };
    }

    pub(super) fn trouble(&self) -> Option<String> {
        match &self.standing {
            Standing::Gathering { why, .. } => Some(why.clone()),
            Standing::Adopting => Some("this node takes over what the others have".to_owned()),
            Standing::Following if self.forsaken > 0 => Some(format!(
                "{} entries that only this node had were left behind when the others went on \
                 without it; `rushgate verify` shows them",
                self.forsaken
            )),
            Standing::Following => None,
        }
    }
}
