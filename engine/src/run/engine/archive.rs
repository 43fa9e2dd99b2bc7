//! Archiving a sale: its file first, written on a thread of its own, then the fact.
//!
//! The file has the sale as it stood after some record. The fact is decided only if nothing has happened in
//! the sale since, so that file and state are of one moment; otherwise it is tried again.

use super::{Engine, Failure, archiver::Unwritten};
use crate::{
    command::{Changed, Operation, Terms},
    disk,
    record::{Author, Change},
    recovery::RecoveryError,
    sale::{ChangeRefusal, InUse, Phase},
    scribe::Busy,
    view::SaleView,
};

/// How often the file is written again because something happened in the sale meanwhile. A sale that is
/// over is quiet.
const TRIES: usize = 4;

impl Engine {
    /// Archives a sale that is closed and has no open holds.
    pub async fn archive(
        &self,
        sale: &SaleView,
        author: Author,
        terms: Terms,
    ) -> Result<Changed, Failure<ChangeRefusal>> {
        if self.shared {
            return Err(Failure::Refused(ChangeRefusal::Shared));
        }
        if let Some(archive) = sale.archive() {
            // Refused, unless it was this very request.
            let change = Change::Archive { digest: archive.digest };
            return self.change(sale.tag(), author, change, terms).await;
        }
        for _ in 0..TRIES {
            // First how far the sale is, then how far the journal: the file is no older than the sale.
            let (facts, upto) = (sale.facts(), self.registry.durable());
            self.check_archivable(sale)?;
            let digest = match self.archiver.write(sale.tag(), upto).await {
                Ok(digest) => digest.ok_or(Failure::Refused(ChangeRefusal::NoSale))?,
                Err(Unwritten::Stopped) => return Err(Failure::Stopped),
                Err(Unwritten::Busy) => return Err(Failure::Busy(Busy::Overloaded)),
                Err(Unwritten::Failed(RecoveryError::Archive(error))) if disk::is_full(&error) => {
                    return Err(Failure::Busy(Busy::StorageFull));
                }
                Err(Unwritten::Failed(error)) => {
                    self.registry.set_snapshot_trouble(Some(error.to_string()));
                    return Err(Failure::Unavailable);
                }
            };
            let change = Box::new(Change::Archive { digest });
            let terms = Terms { facts: Some(facts), ..terms.clone() };
            let (tag, author) = (sale.tag(), author.clone());
            let operation = Operation::Change { sale: tag, author, change, terms };
            match self.operate(operation).await {
                Err(Failure::Refused(ChangeRefusal::MovedOn)) => {}
                done => return done,
            }
        }
        Err(Failure::Busy(Busy::Overloaded))
    }

    /// What the arbiter would refuse anyway, before a file is written for it.
    fn check_archivable(&self, sale: &SaleView) -> Result<(), Failure<ChangeRefusal>> {
        let phase = sale.phase(self.now());
        if phase != Phase::Closed {
            return Err(Failure::Refused(ChangeRefusal::WrongPhase(phase)));
        }
        let open_units: u64 = sale.counts().map(|counts| counts.held + counts.paying).sum();
        if open_units > 0 {
            let open_holds = usize::try_from(open_units).unwrap_or(usize::MAX);
            let in_use = InUse { open_holds, ..InUse::default() };
            return Err(Failure::Refused(ChangeRefusal::InUse(in_use)));
        }
        Ok(())
    }
}
