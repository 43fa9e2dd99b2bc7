//! Archiving sales: their files first, written on a thread of its own, then the facts.
//!
//! A file has the sale as it stood after some record. The fact is decided only if nothing has happened in
//! the sale since, so that file and state are of one moment; otherwise it is tried again. Sales that are over
//! together are archived together, for the journal behind the last snapshot has to be read for their files.
//!
//! Where many nodes decide, the arbiter sees to the file, at the place of the stream where it appends the fact.

use std::sync::Arc;

use super::{
    Engine, Failure, Never,
    archiver::{Digests, Unwritten},
};
use crate::{
    command::{Changed, Operation, Terms},
    disk,
    id::{SaleTag, Sequence},
    limits::ARCHIVED_TOGETHER_MAX,
    record::{Author, Change},
    recovery::RecoveryError,
    sale::ChangeRefusal,
    scribe::Busy,
    view::SaleView,
};

/// How often the file is written again because something happened in the sale meanwhile. A sale that is
/// over is quiet.
const TRIES: usize = 4;

/// A digest and a count of facts that no sale has.
const NO_FILE: ([u8; 32], u64) = ([0; 32], u64::MAX);

impl Engine {
    /// Archives a sale that is closed, whose holds have ended and whose order events are delivered.
    pub async fn archive(
        &self,
        sale: &SaleView,
        author: Author,
        terms: Terms,
    ) -> Result<Changed, Failure<ChangeRefusal>> {
        if self.shared {
            // Its hash is the arbiter's to say.
            let change = Change::Archive { digest: [0; 32] };
            return self.change(sale.tag(), author, change, terms).await;
        }
        // First without a file, for a moment that never is: what speaks against it, or was answered before, is
        // told now.
        match self.archive_as(sale, &author, &terms, NO_FILE).await {
            Err(Failure::Refused(ChangeRefusal::MovedOn)) => {}
            answered => return answered,
        }
        for _ in 0..TRIES {
            // First how far the sale is, then how far the journal: the file is no older than the sale.
            let (facts, upto) = (sale.facts(), self.registry.durable());
            let digests = self.write_archives(vec![sale.tag()], upto).await;
            let digest = digests.map_err(Failure::unrefused)?.remove(&sale.tag()).flatten();
            let digest = digest.ok_or(Failure::Refused(ChangeRefusal::NoSale))?;
            match self.archive_as(sale, &author, &terms, (digest, facts)).await {
                Err(Failure::Refused(ChangeRefusal::MovedOn)) => {}
                done => return done,
            }
        }
        Err(Failure::Busy(Busy::Overloaded))
    }

    /// Archives as many of these sales as may be, and answers them. What speaks against one, or something that
    /// happens in it meanwhile, leaves it as it is, and so does an error all that are not archived yet.
    pub async fn archive_together(
        &self,
        sales: &[Arc<SaleView>],
        author: &Author,
    ) -> (Vec<Arc<SaleView>>, Result<(), Failure<Never>>) {
        if self.shared {
            return self.archive_each(sales, author).await;
        }
        let mut archived = Vec::new();
        for sales in sales.chunks(ARCHIVED_TOGETHER_MAX) {
            if let Err(failure) = self.archive_some(sales, author, &mut archived).await {
                return (archived, Err(failure));
            }
        }
        (archived, Ok(()))
    }

    /// The same where many nodes decide: one sale that could not be asked for, or its file written, keeps no other
    /// from being archived.
    async fn archive_each(
        &self,
        sales: &[Arc<SaleView>],
        author: &Author,
    ) -> (Vec<Arc<SaleView>>, Result<(), Failure<Never>>) {
        let (mut archived, mut outcome) = (Vec::new(), Ok(()));
        for sale in sales {
            match self.archive(sale, author.clone(), Terms::default()).await {
                Ok(_) => archived.push(Arc::clone(sale)),
                Err(Failure::Refused(_)) => {}
                Err(Failure::Busy(busy)) => outcome = Err(Failure::Busy(busy)),
                Err(Failure::Unavailable) => outcome = Err(Failure::Unavailable),
                Err(Failure::Stopped) => return (archived, Err(Failure::Stopped)),
            }
        }
        (archived, outcome)
    }

    async fn archive_some(
        &self,
        sales: &[Arc<SaleView>],
        author: &Author,
        archived: &mut Vec<Arc<SaleView>>,
    ) -> Result<(), Failure<Never>> {
        let terms = Terms::default();
        let mut open = Vec::new();
        for sale in sales {
            let probed = self.archive_as(sale, author, &terms, NO_FILE).await;
            if matches!(probed, Err(Failure::Refused(ChangeRefusal::MovedOn))) {
                open.push(Arc::clone(sale));
            }
        }
        while !open.is_empty() {
            // As above.
            let facts: Vec<u64> = open.iter().map(|sale| sale.facts()).collect();
            let upto = self.registry.durable();
            let tags = open.iter().map(|sale| sale.tag()).collect();
            let digests = self.write_archives(tags, upto).await?;
            for (sale, facts) in open.iter().zip(facts) {
                let Some(digest) = digests.get(&sale.tag()).copied().flatten() else { continue };
                match self.archive_as(sale, author, &terms, (digest, facts)).await {
                    Ok(_) => archived.push(Arc::clone(sale)),
                    Err(Failure::Stopped) => return Err(Failure::Stopped),
                    Err(_) => {}
                }
            }
            open.retain(|sale| !digests.contains_key(&sale.tag()));
        }
        Ok(())
    }

    /// Asks for the fact that a sale is archived, which has this file and has had so many facts.
    async fn archive_as(
        &self,
        sale: &SaleView,
        author: &Author,
        terms: &Terms,
        (digest, facts): ([u8; 32], u64),
    ) -> Result<Changed, Failure<ChangeRefusal>> {
        let terms = Terms { facts: Some(facts), ..terms.clone() };
        let (author, change) = (author.clone(), Box::new(Change::Archive { digest }));
        self.operate(Operation::Change { sale: sale.tag(), author, change, terms }).await
    }

    /// Has files written, and notes for operators whether that went well.
    async fn write_archives(
        &self,
        tags: Vec<SaleTag>,
        upto: Sequence,
    ) -> Result<Digests, Failure<Never>> {
        let trouble = match self.archiver.write(tags, upto).await {
            Ok(digests) => {
                self.registry.set_archive_trouble(None);
                return Ok(digests);
            }
            Err(Unwritten::Stopped) => return Err(Failure::Stopped),
            Err(Unwritten::Busy) => return Err(Failure::Busy(Busy::Overloaded)),
            Err(Unwritten::Failed(RecoveryError::Archive(error))) if disk::is_full(&error) => {
                return Err(Failure::Busy(Busy::StorageFull));
            }
            Err(Unwritten::Failed(error)) => error,
        };
        self.registry.set_archive_trouble(Some(trouble.to_string()));
        Err(Failure::Unavailable)
    }
}
