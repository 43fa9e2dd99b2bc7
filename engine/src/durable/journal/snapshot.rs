//! Snapshots: the state at a point of the journal, so that recovery need not begin at the first
//! batch.
//!
//! Owns their files; their contents are opaque. A snapshot is there whole or not at all. One that
//! cannot be read is skipped, because an older one or the whole journal gives the same state. The
//! newest [`SNAPSHOTS_KEPT`] are kept. What a snapshot names may stand in files of its own, which several
//! snapshots share: [`part`].
//!
//! A pruned journal begins with a copy of a snapshot, which shares no file with any other: [`Set::Kept`].

use std::io;

use super::batch::{ChainHash, Fields, HASH_BYTES};
use super::format::FORMAT_VERSION;
use super::numbered::Numbered;
use super::scan::JournalPoint;
use crate::clock::Millis;
use crate::disk::{self, Disk};
use crate::id::{Epoch, Sequence};

pub(crate) mod part;

/// Snapshots on disk after one was written: the new one, and one more in case it turns out bad.
pub const SNAPSHOTS_KEPT: usize = 2;

/// Bytes before a snapshot's payload.
const HEADER_BYTES: usize = 152;
/// A snapshot longer than this, parts aside, is not written, and not read into memory.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 32;

const MAGIC: &[u8; 8] = b"RGSNAPS\n";
pub(super) const PREFIX: &str = "snapshot-";
const LATEST: Numbered = Numbered { prefix: PREFIX, suffix: ".snap" };
/// What the files of a copy begin with.
pub(super) const KEPT_PREFIX: &str = "kept-";
const KEPT: Numbered = Numbered { prefix: "kept-snapshot-", suffix: ".snap" };

/// Which of two sets of files a snapshot is of. Sets share no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// The newest ones, which share what has not changed between them.
    Latest,
    /// The copy that a pruned journal begins with.
    Kept,
}

impl Set {
    /// The name in this set of the file that is called `name` in the other.
    pub(crate) fn file(self, name: String) -> String {
        match self {
            Self::Latest => name,
            Self::Kept => format!("{KEPT_PREFIX}{name}"),
        }
    }

    const fn manifests(self) -> Numbered {
        match self {
            Self::Latest => LATEST,
            Self::Kept => KEPT,
        }
    }
}

/// A snapshot read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Where its files are.
    pub set: Set,
    /// The point of the journal whose state it holds; where reading goes on.
    pub point: JournalPoint,
    /// The state, as the caller encoded it.
    pub payload: Vec<u8>,
}

/// Writes the state at `point` durably and removes snapshots beyond the newest
/// [`SNAPSHOTS_KEPT`].
///
/// With an error that [`is_full`](disk::is_full) recognises nothing has changed. After any other the
/// snapshot may be there or not, and the journal is unchanged: a snapshot is checked by its hash and its
/// place in the journal when it is read, and the next one makes up for one that failed.
pub fn write(disk: &dyn Disk, point: &JournalPoint, payload: &[u8]) -> io::Result<()> {
    if payload.len() as u64 > SNAPSHOT_BYTES_MAX - HEADER_BYTES as u64 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    disk::write_atomically(disk, &LATEST.name(point.sequence.0), &encode(point, payload))?;
    for old in LATEST.all(disk)?.iter().rev().skip(SNAPSHOTS_KEPT) {
        disk::remove_if_there(disk, &LATEST.name(*old))?;
    }
    Ok(())
}

/// Writes a snapshot again among those that are kept. What it names must be durable there.
pub(crate) fn keep(disk: &dyn Disk, found: &Snapshot) -> io::Result<()> {
    let Snapshot { point, payload, .. } = found;
    disk::write_atomically(disk, &KEPT.name(point.sequence.0), &encode(point, payload))
}

/// The names of all files of the copies.
pub(crate) fn kept_names(disk: &dyn Disk) -> io::Result<impl Iterator<Item = String>> {
    Ok(disk.list()?.into_iter().filter(|name| name.starts_with(KEPT_PREFIX)))
}

/// The name of a copy's own file.
pub(crate) fn kept_name(point: &JournalPoint) -> String {
    KEPT.name(point.sequence.0)
}

/// The newest snapshot that can be read, if any can.
pub fn newest(disk: &dyn Disk) -> io::Result<Option<Snapshot>> {
    Ok(all(disk)?.next())
}

/// The snapshots that can be read, the newest first. Each is read when it is asked for.
pub fn all(disk: &dyn Disk) -> io::Result<impl Iterator<Item = Snapshot>> {
    Ok(each(disk)?.filter_map(|(_, found)| found.ok().flatten()))
}

/// A snapshot's own file.
#[derive(Clone, Debug)]
pub struct SnapshotFile {
    /// Which set it is of.
    pub set: Set,
    /// What it is called.
    pub name: String,
}

/// The files of snapshots, the newest first, each with its contents: `None` if its bytes are no snapshot, an
/// error if the disk does not give it.
pub fn each(
    disk: &dyn Disk,
) -> io::Result<impl Iterator<Item = (SnapshotFile, io::Result<Option<Snapshot>>)>> {
    let mut found = Vec::new();
    for set in [Set::Kept, Set::Latest] {
        found.extend(set.manifests().all(disk)?.into_iter().map(|sequence| (sequence, set)));
    }
    // Stable: of two that stand at one point the copy comes last.
    found.sort_by_key(|(sequence, _)| *sequence);
    let mut bytes = Vec::new();
    Ok(found.into_iter().rev().map(move |(sequence, set)| {
        let name = set.manifests().name(sequence);
        let read = disk::read_whole(disk, &name, SNAPSHOT_BYTES_MAX, &mut bytes);
        let is_named = |found: &Snapshot| found.point.sequence.0 == sequence;
        let found = read.map(|()| decode(&bytes, set).filter(is_named));
        (SnapshotFile { set, name }, found)
    }))
}

fn encode(point: &JournalPoint, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&point.epoch.0.to_le_bytes());
    bytes.extend_from_slice(&point.sequence.0.to_le_bytes());
    bytes.extend_from_slice(&point.at.0.to_le_bytes());
    bytes.extend_from_slice(&point.segment.to_le_bytes());
    bytes.extend_from_slice(&point.offset.to_le_bytes());
    bytes.extend_from_slice(&point.hash.0);
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(blake3::hash(payload).as_bytes());
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    debug_assert_eq!(bytes.len(), HEADER_BYTES, "the header is of fixed length");
    bytes.extend_from_slice(payload);
    bytes
}

fn decode(bytes: &[u8], set: Set) -> Option<Snapshot> {
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES)?;
    let (covered, header_hash) = header.split_at(HEADER_BYTES - HASH_BYTES);
    let mut fields = Fields(covered);
    let known = &fields.take::<8>()? == MAGIC && fields.u32()? == FORMAT_VERSION;
    if !known || header_hash != blake3::hash(covered).as_bytes() {
        return None;
    }
    let epoch = Epoch(fields.u32()?);
    let sequence = Sequence(fields.u64()?);
    let at = Millis(fields.u64()?);
    let segment = fields.u64()?;
    let offset = fields.u64()?;
    let hash = ChainHash(fields.take()?);
    let payload_bytes = fields.u64()?;
    let payload_hash = fields.take::<HASH_BYTES>()?;
    if payload.len() as u64 != payload_bytes || payload_hash != *blake3::hash(payload).as_bytes() {
        return None;
    }
    let point = JournalPoint { sequence, hash, epoch, at, segment, offset };
    Some(Snapshot { set, point, payload: payload.to_vec() })
}
