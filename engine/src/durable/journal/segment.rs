//! Segments: how they are named, how they begin, and how a new one comes to be.
//!
//! A segment gets its name only once its header and its length are durable, so a named segment with a
//! bad header is damage, never the result of a crash. Segments are numbered densely from 1 and are
//! never reused, so the bytes after the last batch never hold an old batch.

use std::io;

use super::batch::{ChainHash, Fields, HASH_BYTES};
use super::error::JournalError;
use super::format::FORMAT_VERSION;
use super::numbered::Numbered;
use crate::disk::{self, Disk, DiskFile};
use crate::id::Sequence;

/// Bytes before a segment's first batch.
pub(super) const HEADER_BYTES: usize = 96;

/// A segment longer than this is refused before it is read into memory.
pub(super) const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Zeros synced together in advance: about a millisecond's work for a disk.
const PIECE_BYTES: u64 = 1 << 20;

const MAGIC: &[u8; 8] = b"RGSEGMT\n";
pub(super) const PREFIX: &str = "journal-";
const FILES: Numbered = Numbered { prefix: PREFIX, suffix: ".log" };

/// Where a segment stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Its number, dense from 1.
    pub(super) ordinal: u64,
    /// The number the first record in it has or will have.
    pub(super) first_sequence: Sequence,
    /// The hash of the last batch of the segment before.
    pub(super) chain: ChainHash,
}

impl Header {
    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        // 12..16 is reserved, zero.
        bytes[16..24].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_sequence.0.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.chain.0);
        let hash = blake3::hash(&bytes[..HEADER_BYTES - HASH_BYTES]);
        bytes[64..].copy_from_slice(hash.as_bytes());
        bytes
    }

    /// Reads the header of segment `ordinal`.
    pub(super) fn decode(bytes: &[u8], ordinal: u64) -> Result<Self, JournalError> {
        let damaged = |why: &str| JournalError::damaged(ordinal, 0, why);
        let read = || {
            let mut fields = Fields(bytes);
            let magic = fields.take::<8>()?;
            let version = fields.u32()?;
            fields.u32()?;
            let header = Self {
                ordinal: fields.u64()?,
                first_sequence: Sequence(fields.u64()?),
                chain: ChainHash(fields.take()?),
            };
            Some((magic, version, header, fields.take::<HASH_BYTES>()?))
        };
        let (magic, version, header, hash) =
            read().ok_or_else(|| damaged("the segment's header is cut short"))?;
        if &magic != MAGIC {
            return Err(damaged("the file does not begin like a segment"));
        }
        if version != FORMAT_VERSION {
            return Err(JournalError::Version { segment: ordinal, found: version });
        }
        if hash != *blake3::hash(&bytes[..HEADER_BYTES - HASH_BYTES]).as_bytes() {
            return Err(damaged("the segment's header does not match its hash"));
        }
        if header.ordinal != ordinal {
            return Err(damaged("the segment bears another segment's name"));
        }
        Ok(header)
    }
}

/// A segment's file name.
pub(super) fn name(ordinal: u64) -> String {
    FILES.name(ordinal)
}

/// The numbers of all segments on the disk, ascending.
pub(super) fn ordinals(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    FILES.all(disk)
}

/// Why a segment could not be created.
#[derive(Debug)]
pub(super) enum CreateError {
    /// Nothing has changed; trying again is safe.
    Unchanged(io::Error),
    /// What is durable is unknown.
    Unknown(io::Error),
}

/// A file that can become any segment: as long as one, all zeros, and every zero written.
///
/// Writing the zeros costs many milliseconds here and saves them many times over: a sync after an
/// overwrite need not record a change of the file's extents.
#[derive(Debug)]
pub(super) struct Blank {
    file: Box<dyn DiskFile>,
    temporary: &'static str,
    pub(super) length: u64,
}

impl Blank {
    /// Made when it is needed immediately; its zeros are synced with its header.
    pub(super) fn now(disk: &dyn Disk, length: u64) -> io::Result<Self> {
        Self::fill(disk, "journal-now.tmp", length, length)
    }

    /// Made in advance, while another segment is being written: synced piece by piece, so that the
    /// writer's syncs never wait behind more than one piece.
    pub(super) fn ahead(disk: &dyn Disk, length: u64) -> io::Result<Self> {
        let blank = Self::fill(disk, "journal-ahead.tmp", length, PIECE_BYTES)?;
        blank.file.sync()?;
        Ok(blank)
    }

    fn fill(disk: &dyn Disk, temporary: &'static str, length: u64, piece: u64) -> io::Result<Self> {
        disk::remove_if_there(disk, temporary)?;
        let file = disk.create(temporary, length)?;
        let blank = Self { file, temporary, length };
        let mut from = 0;
        while from < length {
            let to = length.min(from + piece);
            let written = disk::write_zeros_at(&*blank.file, from, to);
            let synced =
                written.and_then(|()| if to < length { blank.file.sync() } else { Ok(()) });
            if let Err(error) = synced {
                blank.discard(disk);
                return Err(error);
            }
            from = to;
        }
        Ok(blank)
    }

    /// Makes it the segment that `header` describes, durably.
    pub(super) fn become_segment(
        self,
        disk: &dyn Disk,
        header: &Header,
    ) -> Result<Box<dyn DiskFile>, CreateError> {
        if let Err(error) = disk::write_all_at(&*self.file, &header.encode(), 0) {
            self.discard(disk);
            return Err(CreateError::Unchanged(error));
        }
        self.file.sync().map_err(CreateError::Unknown)?;
        if let Err(error) = disk.rename(self.temporary, &name(header.ordinal)) {
            self.discard(disk);
            return Err(CreateError::Unchanged(error));
        }
        disk.sync_directory().map_err(CreateError::Unknown)?;
        Ok(self.file)
    }

    fn discard(&self, disk: &dyn Disk) {
        // The error that led here is the one worth reporting; the next attempt removes a leftover.
        drop(disk.remove(self.temporary));
    }
}
