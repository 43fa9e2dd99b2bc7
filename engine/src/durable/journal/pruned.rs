//! What is kept of segments that an operator had removed: where the journal begins since, and the hash of all
//! that came before.
//!
//! The file is durable before the first segment is removed, and the copy of the snapshot that it names before
//! that: there replays and audits begin from then on. Those of an earlier pruning are removed last.

use std::io;

use super::batch::{ChainHash, Fields, HASH_BYTES};
use super::format::FORMAT_VERSION;
use super::numbered::Numbered;
use super::scan::JournalPoint;
use super::segment;
use crate::clock::Millis;
use crate::disk::{self, Disk};
use crate::id::{Epoch, Sequence};

pub(super) const PREFIX: &str = "pruned-";
const FILES: Numbered = Numbered { prefix: PREFIX, suffix: ".cert" };
const MAGIC: &[u8; 8] = b"RGPRUNE\n";
/// A file longer than this is not read.
const BYTES_MAX: u64 = 1 << 30;

/// A pruned journal's beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// Where the snapshot stands that replays begin with. Segments before its own may be gone.
    pub(crate) point: JournalPoint,
    /// What was proven of the journal up to there, as the caller encoded it.
    pub(crate) proven: Vec<u8>,
}

/// Whether the journal's first segment is gone.
pub(crate) fn is_pruned(disk: &dyn Disk) -> io::Result<bool> {
    Ok(segment::ordinals(disk)?.first().is_some_and(|first| *first > 1))
}

/// The newest such file that can be read, if there is one.
pub(crate) fn beginning(disk: &dyn Disk) -> io::Result<Option<Beginning>> {
    let mut bytes = Vec::new();
    for sequence in FILES.all(disk)?.into_iter().rev() {
        disk::read_whole(disk, &FILES.name(sequence), BYTES_MAX, &mut bytes)?;
        if let Some(beginning) = decode(&bytes).filter(|found| found.point.sequence.0 == sequence) {
            return Ok(Some(beginning));
        }
    }
    Ok(None)
}

/// Keeps `beginning`, and then removes all segments before it. If that is cut short, doing it again
/// completes it. Answers how many were removed. What an earlier pruning wrote is replaced by `beginning`.
pub(crate) fn prune(disk: &dyn Disk, beginning: &Beginning) -> io::Result<usize> {
    let sequence = beginning.point.sequence.0;
    disk::write_atomically(disk, &FILES.name(sequence), &encode(beginning))?;
    let ordinals = segment::ordinals(disk)?;
    let old: Vec<u64> =
        ordinals.into_iter().filter(|ordinal| *ordinal < beginning.point.segment).collect();
    for ordinal in &old {
        disk.remove(&segment::name(*ordinal))?;
        // In their order, whatever a crash leaves: the rest must not have a hole.
        disk.sync_directory()?;
    }
    for earlier in FILES.all(disk)?.into_iter().filter(|earlier| *earlier < sequence) {
        disk::remove_if_there(disk, &FILES.name(earlier))?;
    }
    Ok(old.len())
}

fn encode(beginning: &Beginning) -> Vec<u8> {
    let Beginning { point, proven } = beginning;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&point.epoch.0.to_le_bytes());
    for number in [point.sequence.0, point.at.0, point.segment, point.offset] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&point.hash.0);
    bytes.extend_from_slice(proven);
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Beginning> {
    let (covered, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    let mut fields = Fields(covered);
    let known = &fields.take::<8>()? == MAGIC && fields.u32()? == FORMAT_VERSION;
    if !known || hash != blake3::hash(covered).as_bytes() {
        return None;
    }
    let epoch = Epoch(fields.u32()?);
    let (sequence, at) = (Sequence(fields.u64()?), Millis(fields.u64()?));
    let (segment, offset) = (fields.u64()?, fields.u64()?);
    let hash = ChainHash(fields.take()?);
    let point = JournalPoint { sequence, hash, epoch, at, segment, offset };
    Some(Beginning { point, proven: fields.0.to_vec() })
}
