//! Reading the journal: every batch in order, every byte accounted for, nothing written.
//!
//! Owns the rule that tells a torn tail from damage. A torn tail is what one unfinished write can
//! leave: at the very end, in the last segment, with no whole batch after it. Everything else that
//! is not a batch, a header or zeros is damage, and so is a batch that does not follow the one
//! before. A segment's existence proves that all before it was synced, so only the last one can
//! have a torn tail.

use super::batch::{self, Batch, ChainHash, Decoded, HASH_BYTES};
use super::error::JournalError;
use super::segment::{self, HEADER_BYTES, Header, SEGMENT_BYTES_MAX};
use crate::clock::Millis;
use crate::disk::{self, Disk};
use crate::id::{Epoch, Sequence};

/// A point between two batches: all that is needed to read or write on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalPoint {
    /// The last record before the point; 0 if there is none.
    pub sequence: Sequence,
    /// The hash of the batch before the point.
    pub hash: ChainHash,
    /// The epoch of the batch before the point.
    pub epoch: Epoch,
    /// The latest time of any batch before the point.
    pub at: Millis,
    /// The segment that holds the point.
    pub segment: u64,
    /// The byte in that segment.
    pub offset: u64,
}

impl JournalPoint {
    /// Before the first batch.
    pub const START: Self = Self {
        sequence: Sequence(0),
        hash: ChainHash::GENESIS,
        epoch: Epoch(0),
        at: Millis(0),
        segment: 1,
        offset: HEADER_BYTES as u64,
    };

    /// The next record's number.
    pub const fn next_sequence(&self) -> Sequence {
        Sequence(self.sequence.0 + 1)
    }
}

/// How far to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// To the end. The last segment must not be written meanwhile.
    Everything,
    /// To the end of the last segment but one, which is no longer written.
    Sealed,
    /// To the end of the batch with this record, which must be durable if a writer is at work.
    UpTo(Sequence),
}

/// Takes each batch; its error stops the reading with [`JournalError::Rejected`].
pub type OnBatch<'a> = &'a mut dyn FnMut(Batch<'_>) -> Result<(), String>;

/// What a scan found.
#[derive(Debug)]
pub(super) struct Scan {
    /// After the last batch.
    pub(super) point: JournalPoint,
    pub(super) batches: u64,
    pub(super) records: u64,
    /// The last segment read, if there is one.
    pub(super) tail: Option<Tail>,
}

/// The last segment, as the scan found it.
#[derive(Debug)]
pub(super) struct Tail {
    /// Bytes of the file.
    pub(super) length: u64,
    /// Where what is not zero ends; equal to the point's offset unless the tail is torn.
    pub(super) used: u64,
    /// The bytes of its last batch; empty if the scan found none in it.
    pub(super) last_batch: Vec<u8>,
}

/// Reads from `from` as far as `extent` says.
pub(super) fn scan(
    disk: &dyn Disk,
    from: Option<JournalPoint>,
    extent: Extent,
    on_batch: OnBatch<'_>,
) -> Result<Scan, JournalError> {
    let point = from.unwrap_or(JournalPoint::START);
    let mut ordinals =
        segment::ordinals(disk).map_err(JournalError::disk("listing the journal"))?;
    ordinals.retain(|&ordinal| ordinal >= point.segment);
    if extent == Extent::Sealed {
        ordinals.pop();
    }
    if ordinals.is_empty() && point.sequence.0 > 0 && extent != Extent::Sealed {
        return Err(JournalError::damaged(point.segment, 0, "the segment is missing"));
    }
    for (ordinal, expected) in ordinals.iter().zip(point.segment..) {
        if *ordinal != expected {
            return Err(JournalError::damaged(expected, 0, "the segment is missing"));
        }
    }

    let mut walk =
        Walk { scan: Scan { point, batches: 0, records: 0, tail: None }, extent, on_batch };
    let mut bytes = Vec::new();
    for (index, &ordinal) in ordinals.iter().enumerate() {
        if walk.is_done() {
            break;
        }
        disk::read_whole(disk, &segment::name(ordinal), SEGMENT_BYTES_MAX, &mut bytes)
            .map_err(JournalError::disk("reading a journal segment"))?;
        walk.enter(ordinal, &bytes)?;
        walk.segment(&bytes, index + 1 == ordinals.len() && extent != Extent::Sealed)?;
    }
    Ok(walk.scan)
}

/// A scan in progress.
struct Walk<'a> {
    scan: Scan,
    extent: Extent,
    on_batch: OnBatch<'a>,
}

impl Walk<'_> {
    fn is_done(&self) -> bool {
        matches!(self.extent, Extent::UpTo(sequence) if self.scan.point.sequence >= sequence)
    }

    fn damaged(&self, why: &str) -> JournalError {
        let JournalPoint { segment, offset, .. } = self.scan.point;
        JournalError::Damaged { segment, offset, why: why.to_owned() }
    }

    /// Checks that a segment continues from the present point, and moves the point into it.
    fn enter(&mut self, ordinal: u64, bytes: &[u8]) -> Result<(), JournalError> {
        let header = Header::decode(bytes, ordinal)?;
        if ordinal != self.scan.point.segment {
            self.scan.point.segment = ordinal;
            self.scan.point.offset = HEADER_BYTES as u64;
        }
        let point = self.scan.point;
        let offset = usize::try_from(point.offset).unwrap_or(usize::MAX);
        if offset == HEADER_BYTES {
            let expected =
                Header { ordinal, first_sequence: point.next_sequence(), chain: point.hash };
            return if header == expected {
                Ok(())
            } else {
                Err(self.damaged("the segment does not follow what was read before it"))
            };
        }
        // A batch ends with its hash, so the bytes before the point say which batch lies there.
        let before = offset.checked_sub(HASH_BYTES).and_then(|start| bytes.get(start..offset));
        if offset > HEADER_BYTES && before == Some(&point.hash.0) {
            Ok(())
        } else {
            Err(self.damaged("the snapshot's last batch does not end here"))
        }
    }

    /// Reads on from the present point to the end of its segment.
    fn segment(&mut self, bytes: &[u8], is_last: bool) -> Result<(), JournalError> {
        let mut last_batch = 0..0;
        let mut offset = usize::try_from(self.scan.point.offset).unwrap_or(usize::MAX);
        while !self.is_done()
            && let Some(decoded) = bytes.get(offset..).and_then(batch::decode)
        {
            self.batch(&decoded)?;
            last_batch = offset..offset + decoded.length;
            offset = last_batch.end;
            self.scan.point.offset = offset as u64;
        }
        let used = if self.is_done() { offset } else { self.end(bytes, offset, is_last)? };
        self.scan.tail = Some(Tail {
            length: bytes.len() as u64,
            used: used as u64,
            last_batch: bytes[last_batch].to_vec(),
        });
        Ok(())
    }

    /// Takes a whole batch, if it follows the one before it.
    fn batch(&mut self, decoded: &Decoded<'_>) -> Result<(), JournalError> {
        let batch = decoded.batch;
        let point = self.scan.point;
        if !decoded.is_known() {
            return Err(JournalError::Version { segment: point.segment, found: decoded.version });
        }
        if batch.first_sequence != point.next_sequence() {
            return Err(self.damaged("a batch does not have the next sequence"));
        }
        if decoded.previous != point.hash {
            return Err(self.damaged("a batch does not carry the hash of the batch before it"));
        }
        if batch.epoch < point.epoch {
            return Err(self.damaged("a batch has a lower epoch than the batch before it"));
        }
        let last = point.sequence.0.checked_add(u64::from(batch.count));
        let Some(last) = last.filter(|&last| last < u64::MAX && batch.count > 0) else {
            return Err(self.damaged("a batch holds an impossible number of records"));
        };
        (self.on_batch)(batch).map_err(|why| JournalError::Rejected {
            first_sequence: batch.first_sequence.0,
            why,
        })?;
        self.scan.batches += 1;
        self.scan.records += u64::from(batch.count);
        self.scan.point.sequence = Sequence(last);
        self.scan.point.hash = batch.hash;
        self.scan.point.epoch = batch.epoch;
        self.scan.point.at = point.at.max(batch.at);
        Ok(())
    }

    /// Checks what follows the last batch of a segment, and says where it ends.
    fn end(&self, bytes: &[u8], offset: usize, is_last: bool) -> Result<usize, JournalError> {
        let rest = bytes.get(offset..).unwrap_or_default();
        let Some(last) = last_used(rest) else {
            return Ok(offset);
        };
        if !is_last {
            return Err(self.damaged("a segment that was complete ends in something else"));
        }
        if let Some(found) = batch::find(bytes, offset + 1) {
            let why = format!("no batch here, but a whole one follows at byte {found}");
            return Err(self.damaged(&why));
        }
        Ok(offset + last + 1)
    }
}

/// Where the last byte is that is not zero. Whole blocks are compared at once: a fresh segment is
/// sixteen mebibytes of zeros, which every start reads.
fn last_used(bytes: &[u8]) -> Option<usize> {
    const ZEROS: [u8; 4_096] = [0; 4_096];
    let blank = bytes.rchunks_exact(ZEROS.len()).take_while(|block| *block == ZEROS).count();
    let end = bytes.len() - blank * ZEROS.len();
    bytes[..end].iter().rposition(|&byte| byte != 0)
}
