//! One batch as bytes: a fixed head, the payload, and the hash that is checksum and chain link.
//!
//! Owns the layout in `docs/journal-format.md`. Knows nothing of files or of the batch before.
//! Every byte of a batch is under its hash, padding included, so no flipped bit goes unseen.

use std::fmt;

use super::format::FORMAT_VERSION;
use crate::clock::Millis;
use crate::id::{Epoch, Sequence};

/// Everything in a segment starts at a multiple of this.
pub(super) const ALIGNMENT: usize = 8;
/// Bytes of a batch before its payload.
pub(super) const HEAD_BYTES: usize = 72;
/// Bytes of a hash.
pub(super) const HASH_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"RGBATCH\n";

/// A link of the journal's hash chain: the BLAKE3 hash of a batch, which covers the hash of the
/// batch before it, and so everything since the beginning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// The link before the first batch.
    pub const GENESIS: Self = Self([0; 32]);
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A batch read back from the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The epoch under which it was decided.
    pub epoch: Epoch,
    /// The number of its first record.
    pub first_sequence: Sequence,
    /// How many records it holds, at least one.
    pub count: u32,
    /// When it was decided.
    pub at: Millis,
    /// Its records, as the caller encoded them.
    pub payload: &'a [u8],
    /// Its link in the chain.
    pub hash: ChainHash,
}

/// What a batch says of itself, apart from its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) epoch: Epoch,
    pub(super) first_sequence: Sequence,
    pub(super) count: u32,
    pub(super) at: Millis,
    pub(super) previous: ChainHash,
}

/// A batch found whole: its hash is right. Whether it follows its predecessor is not checked here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoded<'a> {
    pub(super) version: u32,
    pub(super) batch: Batch<'a>,
    pub(super) previous: ChainHash,
    /// Bytes it takes in the segment.
    pub(super) length: usize,
}

impl Decoded<'_> {
    /// Whether this version of the code may read the payload.
    pub(super) fn is_known(&self) -> bool {
        self.version == FORMAT_VERSION
    }
}

/// Bytes a batch takes in its segment; for an impossible payload, more than any segment has.
pub(super) const fn encoded_len(payload_bytes: usize) -> usize {
    let padded = payload_bytes.saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    padded.saturating_add(HEAD_BYTES + HASH_BYTES)
}

/// Replaces `buffer` with a batch and gives its hash. The payload's length must fit a `u32`.
pub(super) fn encode(buffer: &mut Vec<u8>, head: &Head, payload: &[u8]) -> ChainHash {
    let payload_bytes = u32::try_from(payload.len()).expect("a payload is shorter than a segment");
    buffer.clear();
    buffer.extend_from_slice(MAGIC);
    buffer.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    buffer.extend_from_slice(&head.epoch.0.to_le_bytes());
    buffer.extend_from_slice(&head.first_sequence.0.to_le_bytes());
    buffer.extend_from_slice(&head.count.to_le_bytes());
    buffer.extend_from_slice(&payload_bytes.to_le_bytes());
    buffer.extend_from_slice(&head.at.0.to_le_bytes());
    buffer.extend_from_slice(&head.previous.0);
    debug_assert_eq!(buffer.len(), HEAD_BYTES, "the head is of fixed length");
    buffer.extend_from_slice(payload);
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
    let hash = ChainHash(*blake3::hash(buffer).as_bytes());
    buffer.extend_from_slice(&hash.0);
    hash
}

/// The batch at the start of `bytes`, if one is there whole.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded<'_>> {
    let mut fields = Fields(bytes);
    if &fields.take::<8>()? != MAGIC {
        return None;
    }
    let version = fields.u32()?;
    let epoch = Epoch(fields.u32()?);
    let first_sequence = Sequence(fields.u64()?);
    let count = fields.u32()?;
    let payload_bytes = usize::try_from(fields.u32()?).ok()?;
    let at = Millis(fields.u64()?);
    let previous = ChainHash(fields.take()?);
    let payload = fields.0.get(..payload_bytes)?;

    let length = encoded_len(payload_bytes);
    let (covered, stored) = bytes.get(..length)?.split_at(length - HASH_BYTES);
    let hash = ChainHash(*blake3::hash(covered).as_bytes());
    if stored != hash.0 {
        return None;
    }
    let batch = Batch { epoch, first_sequence, count, at, payload, hash };
    Some(Decoded { version, batch, previous, length })
}

/// The first offset at or after `from` where a whole batch lies, wherever it belongs.
pub(super) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    (from.next_multiple_of(ALIGNMENT)..bytes.len())
        .step_by(ALIGNMENT)
        .find(|&offset| decode(&bytes[offset..]).is_some())
}

/// Takes fixed-size little-endian fields off the front of some bytes.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
