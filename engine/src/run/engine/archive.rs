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
    sale::ChangeRefusal,
    scribe::Busy,
    view::SaleView,
};

/// How often the file is written again because something happened in the sale meanwhile. A sale that is
/// over is quiet.
const TRIES: usize = 4;

impl Engine {
    /// Archives a sale that is closed, whose holds have ended and whose order events are delivered.
    pub async fn archive(
        &self,
        sale: &SaleView,
        author: Author,
        terms: Terms,
    ) -> Result<Changed, Failure<ChangeRefusal>> {
        if self.shared {
            return Err(Failure::Refused(ChangeRefusal::Shared));
        }
        // First without a file, for a moment that never is: what speaks against it, or was answered before, is
        // told now.
        let ask = |digest, facts| {
            let terms = Terms { facts: Some(facts), ..terms.clone() };
            let change = Box::new(Change::Archive { digest });
            Operation::Change { sale: sale.tag(), author: author.clone(), change, terms }
        };
        match self.operate(ask([0; 32], u64::MAX)).await {
            Err(Failure::Refused(ChangeRefusal::MovedOn)) => {}
            answered => return answered,
        }
        for _ in 0..TRIES {
            // First how far the sale is, then how far the journal: the file is no older than the sale.
            let (facts, upto) = (sale.facts(), self.registry.durable());
            let digest = match self.archiver.write(sale.tag(), upto).await {
                Ok(digest) => digest.ok_or(Failure::Refused(ChangeRefusal::NoSale))?,
                Err(Unwritten::Stopped) => return Err(Failure::Stopped),
                Err(Unwritten::Busy) => return Err(Failure::Busy(Busy::Overloaded)),
                Err(Unwritten::Failed(RecoveryError::Archive(error))) if disk::is_full(&error) => {
                    return Err(Failure::Busy(Busy::StorageFull));
                }
                Err(Unwritten::Failed(error)) => {
                    self.registry.set_archive_trouble(Some(error.to_string()));
                    return Err(Failure::Unavailable);
                }
            };
            self.registry.set_archive_trouble(None);
            match self.operate(ask(digest, facts)).await {
                Err(Failure::Refused(ChangeRefusal::MovedOn)) => {}
                done => return done,
            }
        }
        Err(Failure::Busy(Busy::Overloaded))
    }
}
