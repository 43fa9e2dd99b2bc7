//! When a snapshot is put beside the stream: by what the stream has that the last one has not.

use engine::clock::Millis;

use crate::store::Entry;

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

/// What the stream has that no snapshot of this node has.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    entries: u64,
    facts: u64,
    /// The last snapshot's length: the stream may become as long, so that snapshots cost no more than
    /// the facts do.
    saved_bytes: u64,
    /// One is to be put whatever the stream has: there may be no new one since this node began to deliver.
    is_wanted: bool,
    /// Not before then: the last one failed.
    not_before: Millis,
}

impl Unsaved {
    /// The stream has another entry.
    pub(super) fn add(&mut self, entry: &Entry) {
        self.entries += 1;
        self.facts += entry.records.len() as u64;
    }

    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether a snapshot is due.
    pub(super) fn is_due(&self, at: Millis) -> bool {
        let bytes = self.facts * FACT_BYTES;
        let is_long = bytes >= SNAPSHOT_BYTES.max(self.saved_bytes);
        let is_worth_it = bytes >= self.saved_bytes / SNAPSHOT_PART;
        let are_many = self.entries >= SNAPSHOT_ENTRIES && is_worth_it;
        let is_due = is_long || are_many || self.entries >= SNAPSHOT_ENTRIES_MAX;
        at >= self.not_before && (self.is_wanted || is_due)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_sale_is_put_when_what_happened_is_worth_it_and_before_the_stream_forgets() {
        const LARGE: usize = 170 * 1024 * 1024;
        let due_after = |saved_bytes, facts_of_entry: u64| {
            let mut unsaved = Unsaved::default();
            unsaved.saved(saved_bytes);
            while !unsaved.is_due(Millis(0)) {
                unsaved.entries += 1;
                unsaved.facts += facts_of_entry;
            }
            unsaved.entries
        };
        assert_eq!(due_after(0, 1), SNAPSHOT_ENTRIES);
        assert_eq!(due_after(LARGE, 1), SNAPSHOT_ENTRIES_MAX, "four times as seldom");
        assert_eq!(due_after(LARGE, 50), SNAPSHOT_ENTRIES, "a seventh of it is new");
        let facts_of_last = LARGE as u64 / FACT_BYTES;
        assert_eq!(due_after(LARGE, facts_of_last.div_ceil(100)), 100, "as much as it is long");
    }
}
