//! A journal of known batches, and what every test asks of one.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

use std::sync::Arc;

use engine::clock::Millis;
use engine::disk::Disk;
use engine::disk::sim::SimDisk;
use engine::id::{Epoch, Sequence};
use engine::journal::{
    Appended, ChainHash, Extent, Journal, JournalError, JournalOptions, JournalPoint, Recovery,
    read_all,
};

/// Small, so that a few batches roll.
pub(crate) const SEGMENT_BYTES: u64 = 2_048;
/// Bytes of a segment before its first batch.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 96;
pub(crate) const SEGMENT_1: &str = "journal-0000000000000001.log";
pub(crate) const SEGMENT_2: &str = "journal-0000000000000002.log";

/// A batch as a test keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) epoch: Epoch,
    pub(crate) first_sequence: Sequence,
    pub(crate) count: u32,
    pub(crate) at: Millis,
    pub(crate) payload: Vec<u8>,
    pub(crate) hash: ChainHash,
}

/// The input of one append.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) at: Millis,
    pub(crate) epoch: Epoch,
    pub(crate) count: u32,
    pub(crate) payload: Vec<u8>,
}

impl Input {
    /// The `index`th batch: its length, count, time and epoch all vary.
    pub(crate) fn numbered(index: usize) -> Self {
        let index_64 = index as u64;
        let length = [0, 1, 7, 8, 100, 513, 33, 1_100, 256, 9][index % 10];
        let fill = u8::try_from(index % 251).expect("below 251") + 1;
        Self {
            at: Millis(1_000 + index_64 * 10),
            epoch: Epoch(u32::try_from(index / 7).expect("a small test")),
            count: u32::try_from(index % 5).expect("below 5") + 1,
            payload: vec![fill; length],
        }
    }

    /// Reserves and appends it.
    pub(crate) fn append(&self, journal: &mut Journal) -> Result<Kept, JournalError> {
        journal.reserve(self.payload.len())?;
        let appended = self.append_reserved(journal)?;
        Ok(Kept {
            epoch: self.epoch,
            first_sequence: appended.first_sequence,
            count: self.count,
            at: self.at,
            payload: self.payload.clone(),
            hash: appended.hash,
        })
    }

    pub(crate) fn append_reserved(&self, journal: &mut Journal) -> Result<Appended, JournalError> {
        journal.append(self.at, self.epoch, self.count, &self.payload)
    }
}

pub(crate) fn options(from: Option<JournalPoint>) -> JournalOptions {
    JournalOptions { segment_bytes: SEGMENT_BYTES, from }
}

/// Opens a journal and keeps what it replays.
pub(crate) fn open_from(
    disk: &SimDisk,
    from: Option<JournalPoint>,
) -> Result<(Journal, Recovery, Vec<Kept>), JournalError> {
    let mut kept = Vec::new();
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let (journal, recovery) = Journal::open(disk, options(from), &mut |batch| {
        kept.push(Kept {
            epoch: batch.epoch,
            first_sequence: batch.first_sequence,
            count: batch.count,
            at: batch.at,
            payload: batch.payload.to_vec(),
            hash: batch.hash,
        });
        Ok(())
    })?;
    assert_eq!(recovery.batches, kept.len() as u64);
    assert_eq!(recovery.point, journal.point());
    Ok((journal, recovery, kept))
}

pub(crate) fn open(disk: &SimDisk) -> Result<(Journal, Recovery, Vec<Kept>), JournalError> {
    open_from(disk, None)
}

/// Opens a journal that must be sound.
pub(crate) fn reopen(disk: &SimDisk, context: &str) -> (Journal, Recovery, Vec<Kept>) {
    open(disk).unwrap_or_else(|error| panic!("{context}: {error}"))
}

/// Reads without opening.
pub(crate) fn read(
    disk: &SimDisk,
    from: Option<JournalPoint>,
    extent: Extent,
) -> Result<(Recovery, Vec<ChainHash>), JournalError> {
    let mut hashes = Vec::new();
    let recovery = read_all(disk, from, extent, &mut |batch| {
        hashes.push(batch.hash);
        Ok(())
    })?;
    Ok((recovery, hashes))
}

/// A disk with a journal of the batches `numbers`, and those batches.
pub(crate) fn written(numbers: impl IntoIterator<Item = usize>) -> (SimDisk, Vec<Kept>) {
    let disk = SimDisk::new();
    let (mut journal, _, _) = reopen(&disk, "a new disk");
    let kept = numbers
        .into_iter()
        .map(|number| Input::numbered(number).append(&mut journal).expect("a sound disk"))
        .collect();
    (disk, kept)
}

/// Where the batches of a segment lie, by walking their lengths.
pub(crate) fn ranges(segment: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = SEGMENT_HEADER_BYTES;
    while segment[start..].starts_with(b"RGBATCH\n") {
        let length = segment[start + 28..start + 32].try_into().expect("four bytes");
        let payload = usize::try_from(u32::from_le_bytes(length)).expect("fits");
        let end = start + 72 + payload.next_multiple_of(8) + 32;
        ranges.push(start..end);
        start = end;
    }
    ranges
}

#[track_caller]
pub(crate) fn assert_damaged<T>(result: Result<T, JournalError>, at: (u64, usize), context: &str) {
    match result.err() {
        Some(JournalError::Damaged { segment, offset, .. }) => {
            assert_eq!((segment, offset), (at.0, at.1 as u64), "{context}");
        }
        other => panic!("{context}: expected damage, got {other:?}"),
    }
}
