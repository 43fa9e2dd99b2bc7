//! The durable log: batches of opaque bytes, in order, chained by hash.
//!
//! ```text
//!  reserve ─▶ append ─▶ one pwrite, one fdatasync ─▶ acknowledged
//!     │
//!     └─▶ next segment, preallocated, when the current one cannot hold the batch
//! ```
//!
//! Owns the segments, the chain, recovery and the snapshots' files. Refuses to know what a payload
//! means; the caller encodes and decodes it. Always true:
//! - [`Journal::append`] returns `Ok` only for a durable batch.
//! - After a failed sync this process appends nothing and syncs nothing again.
//! - Only the last segment is ever written, and in it only after the last acknowledged batch. The
//!   one exception is recovery, which writes the last batch again with the bytes it already has.
//! - Opening reads and checks everything before it changes anything, and changes nothing that
//!   opening again would judge differently.
//!
//! The layout is in `docs/journal-format.md`.

use std::sync::Arc;

pub use self::batch::{Batch, ChainHash};
use self::batch::{Head, encoded_len};
pub use self::error::JournalError;
pub use self::scan::{Extent, JournalPoint, OnBatch};
use self::scan::{Scan, Tail};
use self::segment::{Blank, CreateError, HEADER_BYTES, Header, SEGMENT_BYTES_MAX};
use crate::clock::Millis;
use crate::disk::{self, Disk, DiskFile, TEMPORARY_SUFFIX, is_full};
use crate::id::{Epoch, Sequence};
use crate::limits;

mod batch;
mod error;
#[cfg(test)]
mod forged;
mod format;
mod numbered;
pub(crate) mod pruned;
mod scan;
mod segment;
pub mod snapshot;

const _: () = assert!(limits::SEGMENT_BYTES <= SEGMENT_BYTES_MAX);
const _: () = assert!(
    ((HEADER_BYTES + encoded_len(limits::BATCH_BYTES_MAX)) as u64) < limits::SEGMENT_BYTES,
    "a fresh segment holds the largest batch"
);

/// How to open a journal.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// Bytes of each new segment. Segments already there keep theirs.
    pub segment_bytes: u64,
    /// Where reading begins, as a snapshot says; `None` reads everything.
    pub from: Option<JournalPoint>,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { segment_bytes: limits::SEGMENT_BYTES, from: None }
    }
}

/// What reading the journal found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Batches read, not counting those before a snapshot.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes behind the last batch that were no batch: a write the crash cut off.
    pub truncated_bytes: u64,
    /// After the last batch: where the journal goes on.
    pub point: JournalPoint,
}

/// A durable batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The number of its first record.
    pub first_sequence: Sequence,
    /// Its link in the chain.
    pub hash: ChainHash,
}

/// The journal, open for appending. One owner, no locks.
#[derive(Debug)]
pub struct Journal {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    /// After the last acknowledged batch.
    point: JournalPoint,
    /// The last segment; `None` before the first [`reserve`](Self::reserve) of a new journal.
    current: Option<Current>,
    /// The hash of a batch whose write ran out of room and that must be finished first.
    unfinished: Option<ChainHash>,
    /// Why nothing is ever appended again.
    poison: Option<String>,
    /// The batch being encoded, kept for its memory.
    buffer: Vec<u8>,
    /// What becomes the next segment, if it was made ready in time.
    spare: Option<Blank>,
    /// A preparation was begun in this segment.
    preparing: bool,
}

/// The making of a segment ahead of its time. One at a time may run.
#[derive(Debug)]
pub struct Preparation {
    disk: Arc<dyn Disk>,
    length: u64,
}

/// What came of a preparation.
#[derive(Debug)]
pub struct Prepared {
    /// `None`: it failed.
    blank: Option<Blank>,
}

impl Preparation {
    /// Does the work: tens of milliseconds for a disk.
    pub fn run(self) -> Prepared {
        Prepared { blank: Blank::ahead(&*self.disk, self.length).ok() }
    }
}

#[derive(Debug)]
struct Current {
    file: Box<dyn DiskFile>,
    /// Bytes it can hold without growing.
    length: u64,
}

/// Reads the journal without changing it, whoever else is writing it.
///
/// For the snapshotter, which follows sealed segments or reads up to a durable record, and for
/// offline verification.
pub fn read_all(
    disk: &dyn Disk,
    from: Option<JournalPoint>,
    extent: Extent,
    on_batch: OnBatch<'_>,
) -> Result<Recovery, JournalError> {
    Ok(recovery_of(&scan::scan(disk, from, extent, on_batch)?))
}

impl Journal {
    /// Reads the journal from `options.from` on, hands each batch to `on_batch`, removes a torn
    /// tail and stands ready to append.
    ///
    /// An error leaves the disk as it was, or changed in a way that opening again completes.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: JournalOptions,
        on_batch: OnBatch<'_>,
    ) -> Result<(Self, Recovery), JournalError> {
        let scan = scan::scan(&*disk, options.from, Extent::Everything, on_batch)?;
        let current = match &scan.tail {
            Some(tail) => Some(settle(&*disk, &scan.point, tail)?),
            None => None,
        };
        remove_temporaries(&*disk)?;
        // A process killed between naming a segment and syncing the name left it undurable.
        disk.sync_directory().map_err(JournalError::disk("syncing the data directory"))?;
        let journal = Self {
            disk,
            segment_bytes: options.segment_bytes.min(SEGMENT_BYTES_MAX),
            point: scan.point,
            current,
            unfinished: None,
            poison: None,
            buffer: Vec::new(),
            spare: None,
            preparing: false,
        };
        Ok((journal, recovery_of(&scan)))
    }

    /// Makes sure that the next [`append`](Self::append) finds room for `payload_bytes`, in a new
    /// segment if the present one is too short.
    pub fn reserve(&mut self, payload_bytes: usize) -> Result<(), JournalError> {
        self.check_poison()?;
        if self.holds(payload_bytes) {
            return Ok(());
        }
        if self.unfinished.is_some() {
            return Err(JournalError::Refused { why: "an unfinished batch comes first" });
        }
        if HEADER_BYTES.saturating_add(encoded_len(payload_bytes)) as u64 > self.segment_bytes {
            return Err(JournalError::Refused { why: "no segment holds so large a batch" });
        }
        self.roll()
    }

    /// Appends a batch of `count` records and returns once it is durable.
    ///
    /// [`reserve`](Self::reserve) comes first. After [`JournalError::Full`] the batch is
    /// unfinished: nothing is acknowledged, a crash may keep it or not, and only that same batch
    /// may be appended next.
    pub fn append(
        &mut self,
        at: Millis,
        epoch: Epoch,
        count: u32,
        payload: &[u8],
    ) -> Result<Appended, JournalError> {
        self.check_poison()?;
        self.check(epoch, count, payload)?;
        let first_sequence = self.point.next_sequence();
        let head = Head { epoch, first_sequence, count, at, previous: self.point.hash };
        let hash = batch::encode(&mut self.buffer, &head, payload);
        if self.unfinished.is_some_and(|unfinished| unfinished != hash) {
            return Err(JournalError::Refused { why: "an unfinished batch comes first" });
        }
        self.write(hash)?;
        self.unfinished = None;
        self.point.sequence.0 += u64::from(count);
        self.point.hash = hash;
        self.point.epoch = epoch;
        self.point.at = self.point.at.max(at);
        self.point.offset += self.buffer.len() as u64;
        Ok(Appended { first_sequence, hash })
    }

    /// What would make the next segment ready ahead of its time, to be run on another thread: once
    /// in each segment, when half of it is used. Without it the next segment is made when it is
    /// needed, and everything waits meanwhile.
    pub fn prepare(&mut self) -> Option<Preparation> {
        let half_used = |current: &Current| self.point.offset > current.length / 2;
        let wanted = !self.preparing && self.spare.is_none();
        if !wanted || !self.current.as_ref().is_some_and(half_used) || self.poison.is_some() {
            return None;
        }
        self.preparing = true;
        Some(Preparation { disk: Arc::clone(&self.disk), length: self.segment_bytes })
    }

    /// Takes what a preparation made. One that failed leaves its reason to be found by
    /// [`reserve`](Self::reserve), which then makes the segment itself.
    pub fn set_prepared(&mut self, prepared: Prepared) {
        self.spare = prepared.blank;
    }

    /// After the last durable batch: what a snapshot of the state now would carry.
    pub const fn point(&self) -> JournalPoint {
        self.point
    }

    /// Why nothing is appended any more, if so.
    pub fn poison(&self) -> Option<&str> {
        self.poison.as_deref()
    }

    fn check_poison(&self) -> Result<(), JournalError> {
        match &self.poison {
            Some(reason) => Err(JournalError::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn check(&self, epoch: Epoch, count: u32, payload: &[u8]) -> Result<(), JournalError> {
        let why = if count == 0 {
            "a batch holds at least one record"
        } else if epoch < self.point.epoch {
            "an epoch never decreases"
        } else if self.point.sequence.0 >= u64::MAX - u64::from(count) {
            "the sequences are used up"
        } else if !self.holds(payload.len()) {
            "the batch was not reserved"
        } else {
            return Ok(());
        };
        Err(JournalError::Refused { why })
    }

    /// Whether the present segment has room for a batch.
    fn holds(&self, payload_bytes: usize) -> bool {
        let end = self.point.offset.saturating_add(encoded_len(payload_bytes) as u64);
        self.current.as_ref().is_some_and(|current| end <= current.length)
    }

    /// Writes and syncs the encoded batch.
    fn write(&mut self, hash: ChainHash) -> Result<(), JournalError> {
        let current = self.current.as_ref().expect("a reserved batch has a segment");
        match disk::write_all_at(&*current.file, &self.buffer, self.point.offset) {
            Ok(()) => {}
            Err(source) if is_full(&source) => {
                self.unfinished = Some(hash);
                return Err(JournalError::Full { source });
            }
            Err(error) => return Err(self.poisoned(&format!("writing a batch failed: {error}"))),
        }
        match current.file.sync() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.poisoned(&format!("syncing a batch failed: {error}"))),
        }
    }

    /// Goes on in a new segment.
    fn roll(&mut self) -> Result<(), JournalError> {
        let ordinal = if self.current.is_some() { self.point.segment + 1 } else { 1 };
        let header =
            Header { ordinal, first_sequence: self.point.next_sequence(), chain: self.point.hash };
        let blank = match self.spare.take() {
            Some(spare) => Ok(spare),
            None => Blank::now(&*self.disk, self.segment_bytes).map_err(CreateError::Unchanged),
        };
        let length = blank.as_ref().map_or(0, |blank| blank.length);
        match blank.and_then(|blank| blank.become_segment(&*self.disk, &header)) {
            Ok(file) => {
                self.current = Some(Current { file, length });
                self.preparing = false;
                self.point.segment = ordinal;
                self.point.offset = HEADER_BYTES as u64;
                Ok(())
            }
            Err(CreateError::Unchanged(source)) if is_full(&source) => {
                Err(JournalError::Full { source })
            }
            Err(CreateError::Unchanged(source)) => Err(JournalError::Unready { source }),
            Err(CreateError::Unknown(error)) => {
                Err(self.poisoned(&format!("syncing a new segment failed: {error}")))
            }
        }
    }

    fn poisoned(&mut self, reason: &str) -> JournalError {
        self.poison = Some(reason.to_owned());
        JournalError::Poisoned { reason: reason.to_owned() }
    }
}

fn recovery_of(scan: &Scan) -> Recovery {
    let torn = |tail: &Tail| tail.used.saturating_sub(scan.point.offset);
    Recovery {
        batches: scan.batches,
        records: scan.records,
        truncated_bytes: scan.tail.as_ref().map_or(0, torn),
        point: scan.point,
    }
}

/// Makes the last segment exactly what the scan says it is: durable up to the point, zero behind.
///
/// The last batch is written again because a reader cannot know that the disk has it. A process
/// that died by a failed sync leaves pages which the kernel shows and will never write; writing
/// them makes the sync below mean something.
fn settle(disk: &dyn Disk, point: &JournalPoint, tail: &Tail) -> Result<Current, JournalError> {
    let settle = || {
        let file = disk.open(&segment::name(point.segment))?;
        disk::write_zeros_at(&*file, point.offset, tail.used)?;
        let last_batch_start = point.offset - tail.last_batch.len() as u64;
        disk::write_all_at(&*file, &tail.last_batch, last_batch_start)?;
        file.sync()?;
        Ok(Current { file, length: tail.length })
    };
    settle().map_err(JournalError::disk("settling the last segment"))
}

fn remove_temporaries(disk: &dyn Disk) -> Result<(), JournalError> {
    let remove = || {
        for name in disk.list()? {
            let prefixes = [
                segment::PREFIX,
                pruned::PREFIX,
                snapshot::PREFIX,
                snapshot::KEPT_PREFIX,
                snapshot::part::PREFIX,
                snapshot::part::PACK_PREFIX,
                snapshot::part::ARCHIVE_PREFIX,
            ];
            let ours = prefixes.iter().any(|prefix| name.starts_with(prefix));
            if ours && name.ends_with(TEMPORARY_SUFFIX) {
                disk::remove_if_there(disk, &name)?;
            }
        }
        Ok(())
    };
    remove().map_err(JournalError::disk("removing unfinished files"))
}
