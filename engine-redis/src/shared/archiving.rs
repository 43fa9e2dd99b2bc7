//! Archiving a sale at one node of many: its file first, written beside the turns, then the fact.
//!
//! ```text
//!   archive, asked here ─▶ file of the sale as it stands ─▶ append the fact with its hash ─▶ follow
//!   archive, an entry   ─▶ file of the sale as it stands, with the same hash ─────────────▶ follow
//! ```
//!
//! Nothing is remembered of an entry that has to wait: the next call brings it again.

use engine::{
    id::SaleTag,
    record::{Change, Record},
};

use super::{filings::is_archive, node::Node};
use crate::store::{Entry, StoreError};

impl Node {
    /// The hash of the file of a sale as it stands, once it is written; it is begun here.
    pub(super) fn file_of(&mut self, tag: SaleTag) -> Option<[u8; 32]> {
        let (at, point) = (self.now.at, self.point(tag));
        self.filings.look_at(tag, at);
        let digest = self.filings.digest(tag, point);
        if let Some(sale) = self.world.sale(tag).filter(|_| digest.is_none()) {
            self.filings.begin(sale, point, at);
        }
        digest
    }

    /// The fact that a sale is archived, with the hash of its file; an error while that is not written.
    pub(super) fn with_file(&mut self, archival: Record) -> Result<Record, StoreError> {
        let Record::Changed { sale, author, replay, .. } = archival else {
            unreachable!("an archive is a change");
        };
        let Some(digest) = self.file_of(sale) else {
            self.look_at_all();
            return Err(if self.filings.is_writing(sale) {
                StoreError::NotYet("the file of a sale that is being archived is written")
            } else {
                StoreError::Reply("nothing, for the file of a sale cannot be written")
            });
        };
        let change = Box::new(Change::Archive { digest });
        Ok(Record::Changed { sale, author, change, replay })
    }

    /// Whether an entry of a sale's stream can be followed now.
    pub(super) fn may_follow(&mut self, sale: SaleTag, entry: &Entry) -> Result<(), StoreError> {
        if self.world.is_packing(sale) {
            return Err(StoreError::NotYet("an archived sale is packed"));
        }
        let known = self.world.sale(sale);
        let archives = is_archive(entry);
        if known.is_none() && self.world.is_archived(sale) {
            self.wake(sale);
        } else if archives
            && known.is_some_and(|known| known.archive().is_none())
            && self.file_of(sale).is_none()
        {
            self.look_at_all();
            return Err(StoreError::NotYet("the file of a sale that was archived is written"));
        }
        Ok(())
    }

    /// Whether what a fact archives is what this node has, of which it has a file.
    pub(super) fn archives_own(&self, sale: SaleTag, record: &Record) -> Result<(), &'static str> {
        let Record::Changed { change, .. } = record else { return Ok(()) };
        let Change::Archive { digest } = **change else { return Ok(()) };
        let is_own = self.filings.digest(sale, self.point(sale)) == Some(digest);
        if is_own { Ok(()) } else { Err("an archive of what this node does not have") }
    }
}
