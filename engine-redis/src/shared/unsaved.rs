//! When a snapshot is put beside the stream: by what the stream has that the last one has not. And those that are
//! on their way.

use std::collections::BTreeMap;

use engine::{
    clock::Millis,
    id::{Epoch, SaleTag},
};
use tokio::task::JoinHandle;

use crate::store::{Entry, SnapshotHead, StoreError};

/// A snapshot is put beside the stream after so many bytes of facts, or as many as the last one is long.
const SNAPSHOT_BYTES: u64 = 8 * 1024 * 1024;
/// After so many entries it is put when their facts are this part of the last one: many small entries make
/// a late node read long, and a large sale costs much to put.
const SNAPSHOT_ENTRIES: u64 = 8_192;
const SNAPSHOT_PART: u64 = 8;
/// After so many it is put in any case, before the stream drops entries that no snapshot has.
const SNAPSHOT_ENTRIES_MAX: u64 = 32_768;
/// What a fact takes in the stream.
const FACT_BYTES: u64 = 64;
/// How long after a snapshot that failed the next is put.
const SNAPSHOT_PAUSE_MS: u64 = 1_000;

/// How long a stream has to be before a node that begins to deliver asks which snapshot there is.
const SNAPSHOT_ENTRIES_FEW: u64 = 1_024;

/// What the stream has that the last snapshot has not.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    entries: u64,
    facts: u64,
    /// The last snapshot's length: the stream may become as long, so that snapshots cost no more than
    /// the facts do.
    saved_bytes: u64,
    /// Another node may have put one since this node's last, or none for long.
    is_doubted: bool,
    /// One is to be put whatever the stream has: there is none, or it is far behind.
    is_wanted: bool,
    /// One is on its way.
    is_being_put: bool,
    /// Not before then: the last one failed.
    not_before: Millis,
}

/// What is to be done about a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// To ask which one there is.
    Look,
    Put,
}

/// What came of that.
#[derive(Debug)]
pub(super) enum Saved {
    /// Which snapshot there is.
    Looked(Result<Option<SnapshotHead>, StoreError>),
    /// One of so many bytes was put, or another node's is there.
    Put(Result<u64, StoreError>),
}

/// Archived sales whose snapshots are put at once. They are small, and after a loss of the store there may be many.
const ARCHIVED_AT_ONCE_MAX: usize = 16;

/// Snapshots on their way, at most one of each sale. Of those that are not archived, one at a time.
#[derive(Debug, Default)]
pub(super) struct Saving(BTreeMap<SaleTag, Save>);

/// One of them.
#[derive(Debug)]
pub(super) struct Save {
    pub epoch: Epoch,
    pub is_archived: bool,
    pub outcome: JoinHandle<Saved>,
}

impl Saving {
    /// Whether one of this sale may begin.
    pub(super) fn has_room(&self, tag: SaleTag, is_archived: bool) -> bool {
        let most = if is_archived { ARCHIVED_AT_ONCE_MAX } else { 1 };
        let running = self.0.values().filter(|save| save.is_archived == is_archived).count();
        running < most && !self.0.contains_key(&tag)
    }

    pub(super) fn insert(&mut self, tag: SaleTag, save: Save) {
        self.0.insert(tag, save);
    }

    /// Those that are done.
    pub(super) fn take_done(&mut self) -> Vec<(SaleTag, Save)> {
        self.0.extract_if(.., |_, save| save.outcome.is_finished()).collect()
    }
}

/// Whether a stream has its first entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    There,
    /// The sale was rebuilt: its stream begins somewhere in its history.
    Lost,
}

impl Unsaved {
    /// The stream has another entry.
    pub(super) fn add(&mut self, entry: &Entry) {
        self.entries += 1;
        self.facts += entry.records.len() as u64;
    }

    /// Another node delivered until now, or the sale was rebuilt. A stream that has its beginning and has come
    /// to `seq` needs no snapshot while it is short.
    pub(super) fn doubt(&mut self, seq: u64, beginning: Beginning) {
        self.is_doubted |= seq >= SNAPSHOT_ENTRIES_FEW || beginning == Beginning::Lost;
    }

    /// There may be none: another node may be about to put one, so this one looks a little later.
    pub(super) fn doubt_later(&mut self, at: Millis) {
        self.is_doubted = true;
        self.not_before = self.not_before.max(at.after(SNAPSHOT_PAUSE_MS));
    }

    /// Whether there is one, as far as this node knows, and none is to be put because it was lost.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_wanted && !self.is_doubted && !self.is_being_put
    }

    pub(super) fn need(&self, at: Millis) -> Need {
        if at < self.not_before {
            return Need::Nothing;
        }
        let bytes = self.facts * FACT_BYTES;
        let is_long = bytes >= SNAPSHOT_BYTES.max(self.saved_bytes);
        let is_worth_it = bytes >= self.saved_bytes / SNAPSHOT_PART;
        let are_many = self.entries >= SNAPSHOT_ENTRIES && is_worth_it;
        let is_due = is_long || are_many || self.entries >= SNAPSHOT_ENTRIES_MAX;
        match (self.is_wanted, self.is_doubted, is_due) {
            (true, _, _) | (false, false, true) => Need::Put,
            (false, true, _) => Need::Look,
            (false, false, false) => Need::Nothing,
        }
    }

    /// How long a snapshot is expected to be.
    pub(super) fn bytes_before(&self) -> usize {
        let bytes = usize::try_from(self.saved_bytes).unwrap_or(0);
        bytes + bytes / 8
    }

    /// One is to be put: the sale was archived or written again, and the store dropped the last one with that.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// There is none.
    pub(super) fn found_none(&mut self) {
        (self.is_wanted, self.is_doubted) = (true, false);
    }

    /// There is one of so many bytes that lacks so many of the stream's entries.
    pub(super) fn found(&mut self, lacking: u64, bytes: u64) {
        // Of the facts in the entries that it lacks, this node may have counted more or fewer.
        self.facts = self.facts.saturating_mul(lacking).checked_div(self.entries).unwrap_or(0);
        (self.entries, self.saved_bytes, self.is_doubted) = (lacking, bytes, false);
        self.is_wanted = lacking >= SNAPSHOT_ENTRIES;
    }

    /// One is on its way.
    pub(super) fn begin(&mut self) {
        *self = Self { saved_bytes: self.saved_bytes, is_being_put: true, ..Self::default() };
    }

    /// One of so many bytes is there.
    pub(super) fn saved(&mut self, bytes: u64) {
        (self.saved_bytes, self.is_being_put) = (bytes, false);
    }

    /// It did not arrive.
    pub(super) fn failed(&mut self, at: Millis) {
        (self.is_wanted, self.is_being_put) = (true, false);
        self.not_before = at.after(SNAPSHOT_PAUSE_MS);
    }

    /// Which one there is could not be learned.
    pub(super) fn not_found(&mut self, at: Millis) {
        self.not_before = at.after(SNAPSHOT_PAUSE_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_sale_is_put_when_what_happened_is_worth_it_and_before_the_stream_forgets() {
        const LARGE: u64 = 170 * 1024 * 1024;
        let due_after = |saved_bytes: u64, facts_of_entry: u64| {
            let mut unsaved = Unsaved::default();
            unsaved.saved(saved_bytes);
            while unsaved.need(Millis(0)) == Need::Nothing {
                unsaved.entries += 1;
                unsaved.facts += facts_of_entry;
            }
            unsaved.entries
        };
        assert_eq!(due_after(0, 1), SNAPSHOT_ENTRIES);
        assert_eq!(due_after(LARGE, 1), SNAPSHOT_ENTRIES_MAX, "four times as seldom");
        assert_eq!(due_after(LARGE, 50), SNAPSHOT_ENTRIES, "a seventh of it is new");
        let facts_of_last = LARGE / FACT_BYTES;
        assert_eq!(due_after(LARGE, facts_of_last.div_ceil(100)), 100, "as much as it is long");
    }

    #[test]
    fn who_begins_to_deliver_puts_none_while_the_last_one_is_not_far_behind() {
        let unsaved_of = |entries| Unsaved { entries, facts: 9 * entries, ..Unsaved::default() };
        let at = Millis(0);
        let mut new = unsaved_of(3);
        new.doubt(3, Beginning::There);
        assert_eq!(new.need(at), Need::Nothing, "a short stream is read from its beginning");
        new.doubt(3, Beginning::Lost);
        assert_eq!(new.need(at), Need::Look);
        new.found_none();
        assert_eq!(new.need(at), Need::Put);
        let mut taken_over = unsaved_of(SNAPSHOT_ENTRIES_MAX);
        taken_over.doubt(SNAPSHOT_ENTRIES_MAX, Beginning::There);
        assert_eq!(taken_over.need(at), Need::Look);
        taken_over.found(8, 170);
        assert_eq!((taken_over.need(at), taken_over.facts), (Need::Nothing, 72));
        taken_over.doubt(SNAPSHOT_ENTRIES_MAX, Beginning::There);
        taken_over.found(SNAPSHOT_ENTRIES, 170);
        assert_eq!(taken_over.need(at), Need::Put);
    }
}
