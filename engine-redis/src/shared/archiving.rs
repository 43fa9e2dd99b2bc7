//! Archiving a sale at one node of many: its file first, written beside the turns, then the fact.
//!
//! ```text
//!   archive, asked here ─▶ file of the sale as it stands ─▶ append the fact with its hash ─▶ follow
//!   archive, an entry   ─▶ file of the sale as it stands, with the same hash ─────────────▶ follow
//! ```
//!
//! An entry that has to wait is not kept: the next call brings it again. Until then nothing is asked of the sale.
//! A node that cannot write the file only reads the sale, and tries again. After a while it says that it does not
//! serve the sale, so that the others do not wait for it.

use engine::{
    arbiter::Decided,
    command::Reply,
    id::SaleTag,
    record::{Change, Record},
};

use super::{asked::Asked, filings::is_archive, node::Node};
use crate::store::{Entry, StoreError};

/// How often a sale is read whose file cannot be written.
const UNFILED_MS: u64 = 1_000;

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
        self.filings.look_at(sale, self.now.at);
        if let Some(failure) = self.filings.take_failure(sale) {
            return Err(failure);
        }
        let Some(digest) = self.file_of(sale) else {
            self.look_at_all();
            return Err(StoreError::NotYet("the file of a sale that is being archived is written"));
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
        } else if archives && known.is_some_and(|known| known.archive().is_none()) {
            self.filings.wait_for(sale);
            if self.file_of(sale).is_none() {
                self.look_at_all();
                return Err(StoreError::NotYet("the file of a sale that was archived is written"));
            }
        }
        Ok(())
    }

    /// Goes on with the sales whose files are written by now, and begins others that are waited for.
    pub(super) fn tend_files(&mut self) {
        let at = self.now.at;
        for tag in self.filings.look_at_all(at) {
            if let Some(replica) = self.replicas.get_mut(&tag) {
                replica.calls.stir(at);
            }
        }
        while let Some(tag) = self.filings.next() {
            match self.world.sale(tag) {
                Some(sale) if sale.archive().is_none() => {
                    self.filings.begin(sale, self.point(tag), at);
                }
                _ => self.filings.filed(tag),
            }
        }
    }

    /// What may be asked of a sale: nothing while its stream waits for its file, for this node could not follow
    /// what comes of it. `None` when it is not to be called at all.
    pub(super) fn asked_while_filing(
        &self,
        decided: &mut Decided,
        sale: SaleTag,
        asked: Asked,
    ) -> Option<Asked> {
        if !self.filings.is_awaited(sale) {
            return Some(asked);
        }
        if self.filings.has_failed(sale) {
            return None;
        }
        let Asked { asks, notes } = asked;
        let asks = asks.into_iter().map(|(index, _)| index);
        for index in asks.chain(notes.into_iter().map(|(index, _)| index)) {
            decided.replies[index] = Reply::NotYet;
        }
        Some(Asked::default())
    }

    /// Reads the sales whose files cannot be written, and says after a while that this node does not serve them.
    pub(super) async fn read_unfiled(&mut self, decided: &mut Decided) {
        let at = decided.at;
        for tag in self.filings.failed() {
            let away = self.is_away(tag);
            let Some(replica) = self.replicas.get_mut(&tag) else { continue };
            if away || !replica.is_following() || replica.calls.since(at) < UNFILED_MS {
                continue;
            }
            replica.calls.called(at);
            replica.is_delivering = false;
            let mut outcome = Ok(());
            if self.filings.is_to_part(tag, at) {
                let store = self.store().clone();
                outcome =
                    self.say_parted(&store, at, tag).await.map(|_| self.filings.set_parted(tag));
            }
            if outcome.is_ok() {
                outcome = self.catch_up(decided, tag).await.map(drop);
            }
            if let Err(error) = outcome {
                self.mend(decided, tag, &error).await;
            }
        }
    }

    /// Whether what a fact archives is what this node has, of which it has a file.
    pub(super) fn archives_own(&self, sale: SaleTag, record: &Record) -> Result<(), &'static str> {
        let Record::Changed { change, .. } = record else { return Ok(()) };
        let Change::Archive { digest } = **change else { return Ok(()) };
        let is_own = self.filings.digest(sale, self.point(sale)) == Some(digest);
        if is_own { Ok(()) } else { Err("an archive of what this node does not have") }
    }
}
