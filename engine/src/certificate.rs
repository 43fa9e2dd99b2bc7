//! The sale certificate: an offline audit of a journal's facts by rules of its own.
//!
//! Knows nothing of how decisions are made. It keeps the plainest books that can hold the promises
//! (who has which number, where each unit is) and names every fact that breaks one, instead of
//! stopping at the first. What the hash chain proves about the bytes, this proves about the story.
//!
//! It shares with the engine how records, changed specs and sales taken over are read, and no rule. It
//! proves neither the pace of admission, nor the cap on sessions, nor that deadlines were kept. It does
//! not look at the delivery of order events either: neither whether what a sink took or refused was ever
//! decided, nor whether a sale was deleted with events that a sink had not taken.

mod book;
mod proof;
mod pruned;

use std::{collections::BTreeMap, mem};

use self::book::Book;
pub use self::{
    book::{LeftBehind, LeftHold},
    proof::{ArchiveCertificate, Gap, OfferCertificate, PrunedCertificate, SaleCertificate},
    pruned::{PruneError, Pruned, prune, prune_past_gap},
};
use crate::{
    arbiter::archive_file,
    clock::Millis,
    codec::Binary as _,
    disk::Disk,
    id::{Epoch, SaleTag},
    journal::{self, ChainHash, Extent, JournalError},
    record::Record,
    recovery::each_record,
    sale::Sale,
};

/// The most violations listed; one is enough.
const VIOLATIONS_MAX: usize = 100;

/// What a journal proves.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Records read.
    pub records: u64,
    /// Bytes behind the last batch that a crash cut off.
    pub truncated_bytes: u64,
    /// The hash of the last batch, which covers all before it.
    pub chain_hash: ChainHash,
    /// When the last batch was decided.
    pub at: Millis,
    /// Each sale that ever was, deleted ones first.
    pub sales: Vec<SaleCertificate>,
    /// What this node had acknowledged and the others went on without, in the order it was left.
    pub left_behind: Vec<LeftBehind>,
    /// Broken promises, in the order they were broken; empty if all were kept.
    pub violations: Vec<String>,
    /// What cannot be proven from what is there, and breaks no promise.
    pub unproven: Vec<String>,
    /// What was proven of segments that are gone.
    pub pruned: Option<PrunedCertificate>,
}

/// Audits the journal on `disk`, which no process may be writing. Changes nothing.
pub fn certify(disk: &dyn Disk) -> Result<Certificate, JournalError> {
    let mut auditor = Auditor::begin(disk)?;
    let read = auditor.read(disk, Extent::Everything)?;
    auditor.check_archives(disk);
    Ok(auditor.certificate(&read))
}

#[derive(Debug, Default)]
struct Auditor {
    records: u64,
    books: BTreeMap<SaleTag, Book>,
    closed: Vec<SaleCertificate>,
    epochs: BTreeMap<SaleTag, Epoch>,
    last_at: BTreeMap<SaleTag, Millis>,
    adopting: BTreeMap<SaleTag, Vec<u8>>,
    left_behind: Vec<LeftBehind>,
    gaps: Vec<Gap>,
    /// The last of them, if no certificate has it yet: the records may still be there.
    new_gap: Option<Gap>,
    violations: Vec<String>,
    unproven: Vec<String>,
    /// What was proven before segments were removed.
    pruned: Option<PrunedCertificate>,
}

impl Auditor {
    /// Reads on as far as `extent` says.
    fn read(&mut self, disk: &dyn Disk, extent: Extent) -> Result<journal::Recovery, JournalError> {
        let from = self.pruned.as_ref().map(|pruned| pruned.point);
        journal::read_all(disk, from, extent, &mut |batch| {
            let mut sequence = batch.first_sequence.0;
            each_record(&batch, |record, at| {
                self.take(record, at, sequence);
                sequence += 1;
            })
        })
    }

    fn take(&mut self, record: &Record, at: Millis, sequence: u64) {
        self.records += 1;
        let mut faults = Vec::new();
        self.check_time(record, at, &mut faults);
        if let Record::Created { epoch, spec, .. } = record {
            let tag = spec.name.tag();
            if self.epochs.insert(tag, *epoch).is_some_and(|before| before >= *epoch) {
                faults.push(format!("sale {} is made again in no later epoch", spec.name));
            }
            if self.books.insert(tag, Book::open(spec, *epoch)).is_some() {
                faults.push(format!("sale {} is made twice", spec.name));
            }
        } else if let Record::Adopted { .. } = record {
            self.adopt(record, &mut faults);
        } else if !matches!(record, Record::Followed { .. } | Record::Met { .. }) {
            match self.books.get_mut(&record.sale()) {
                Some(book) => book.take(record, &mut faults),
                None => faults.push("a fact of a sale that is not there".to_owned()),
            }
        }
        if record.is_deletion() {
            self.closed.extend(self.books.remove(&record.sale()).map(|book| book.certificate()));
        }
        let room = VIOLATIONS_MAX.saturating_sub(self.violations.len());
        let named = faults.into_iter().map(|fault| format!("record {sequence}: {fault}"));
        self.violations.extend(named.take(room));
    }

    /// Time never runs backwards in a sale. Sales that many nodes serve have each that of its stream.
    fn check_time(&mut self, record: &Record, at: Millis, faults: &mut Vec<String>) {
        if let Record::Adopted { sale, stood, .. } = record {
            // Another history may not have come as far.
            if let Some(stood) = stood {
                self.last_at.insert(*sale, stood.at);
            }
            return;
        }
        if let Record::Met { .. } = record {
            // These facts carry the journal's time, between facts of the sale's own time.
            return;
        }
        let last_at = self.last_at.entry(record.sale()).or_default();
        if at < *last_at {
            faults.push("time runs backwards".to_owned());
        }
        *last_at = at.max(*last_at);
    }

    fn adopt(&mut self, record: &Record, faults: &mut Vec<String>) {
        let Record::Adopted { sale, is_first, bytes, stood } = record else {
            unreachable!("called for a part of a sale only");
        };
        let whole = self.adopting.entry(*sale).or_default();
        if *is_first {
            whole.clear();
        }
        whole.extend_from_slice(bytes);
        if stood.is_some() {
            match Sale::decode(&mut mem::take(whole).as_slice()) {
                Ok(adopted) => {
                    self.epochs.insert(*sale, adopted.epoch());
                    let mut book = Book::adopted(&adopted);
                    if let Some(before) = self.books.get(sale) {
                        self.left_behind.extend(before.left_behind(&book));
                        book.keep_archive(before, &adopted);
                    }
                    self.books.insert(*sale, book);
                }
                Err(error) => faults.push(format!("a sale taken over: {error}")),
            }
        }
    }

    /// Holds the files of archived sales against what the journal says of them.
    fn check_archives(&mut self, disk: &dyn Disk) {
        for (tag, book) in &mut self.books {
            let Some(digest) = book.archive().map(|archive| archive.digest) else { continue };
            match archive_file::read(disk, *tag, book.epoch(), digest) {
                Ok(sale) => self.violations.extend(book.compare(&sale)),
                Err(error) => self.unproven.push(format!(
                    "sale {}: its line and places are not proven beyond the journal's facts: file {}: {error}",
                    book.name(),
                    archive_file::name(*tag, book.epoch()),
                )),
            }
        }
    }

    fn certificate(self, read: &journal::Recovery) -> Certificate {
        let mut sales = self.closed;
        sales.extend(self.books.values().map(Book::certificate));
        Certificate {
            records: read.records + self.pruned.as_ref().map_or(0, |pruned| pruned.records),
            truncated_bytes: read.truncated_bytes,
            chain_hash: read.point.hash,
            at: read.point.at,
            sales,
            left_behind: self.left_behind,
            violations: self.violations,
            unproven: self.unproven,
            pruned: self.pruned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbiter::LocalArbiter,
        command::{Ask, Command, Operation},
        hold::Step,
        id::{HoldId, Number, OfferIndex, ShopperKey},
        record::{Author, Change, ReplayKey},
        sale::{Settler, TicketRef},
    };

    /// The faults of a journal in which shopper 1 buys a unit and `author` then deletes the sale.
    fn faults_of_deletion_by(author: Author) -> Vec<String> {
        let at = Millis(1_000);
        let spec = crate::spec::tests::spec("demo");
        let sale = spec.name.tag();
        let operator = Author { name: "operator".to_owned() };
        let (shopper, number, epoch) = (ShopperKey(1), Number(1), Epoch(1));
        let pass = TicketRef { epoch, number, shopper };
        let replay = ReplayKey { key: 1, body: 0 };
        let (hold, step, by) = (HoldId(1), Step::Confirm, Settler::Backend);
        let commands = [
            Command::Operate(Operation::Create {
                author: operator,
                spec: Box::new(spec),
                replay: None,
            }),
            Command::Ask(sale, Ask::Enter { shopper, replay: None }),
            Command::Ask(
                sale,
                Ask::Purchase { pass, items: [(OfferIndex(0), 1)].into_iter().collect(), replay },
            ),
            Command::Ask(sale, Ask::Settle { epoch, hold, step, by, replay: None }),
        ];
        let (mut arbiter, mut auditor) = (LocalArbiter::default(), Auditor::default());
        for command in &commands {
            for record in arbiter.decide(at, [command]).records {
                auditor.take(&record, at, 0);
            }
        }
        assert_eq!(auditor.violations, [""; 0]);
        let change = Box::new(Change::Delete);
        auditor.take(&Record::Changed { sale, author, change, replay: None }, at, 9);
        auditor.violations
    }

    #[test]
    fn a_sale_that_was_deleted_with_an_order_breaks_a_promise() {
        let operator = Author { name: "operator".to_owned() };
        let faults = faults_of_deletion_by(operator);
        assert_eq!(faults, ["record 9: deleted with 1 open holds and orders"]);
        assert_eq!(
            faults_of_deletion_by(Author::store()),
            [""; 0],
            "the refund may be missing here"
        );
    }
}
