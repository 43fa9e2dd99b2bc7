//! The copy of a snapshot that a pruned journal begins with.
//!
//! Snapshots share the files of sales that have not changed, so damage in one of them is damage in all. Without
//! the journal's first segments that would be the end, and so a copy is made that shares no file.

use std::io;

use super::{
    manifest::{Files, Manifest},
    unfinished::is_damage,
};
use crate::{
    codec::Binary as _,
    disk::{self, Disk},
    journal::{
        JournalPoint,
        pruned::{self, Beginning},
        snapshot::{self, SNAPSHOTS_KEPT, Set, Snapshot, part},
    },
};

/// The older of the newest two snapshots that are whole, with the hash of its state. Copies do not count.
pub(crate) fn older_of_two(disk: &dyn Disk) -> io::Result<Option<(Snapshot, [u8; 32])>> {
    let latest = snapshot::all(disk)?.filter(|found| found.set == Set::Latest);
    let whole = latest.filter_map(|found| {
        let state = state_hash(disk, &found)?;
        Some((found, state))
    });
    Ok(whole.take(SNAPSHOTS_KEPT).nth(1))
}

/// The hash of the world of a snapshot, if every part of it can be read: that of
/// [`World::hash`](crate::world::World::hash), from the files alone.
fn state_hash(disk: &dyn Disk, found: &Snapshot) -> Option<[u8; 32]> {
    let (manifest, world) = Manifest::decode(found)?;
    let mut files = Files::new(disk, found.set);
    let tags = manifest.tags();
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Vec::new();
    world.encode_rest(&mut bytes);
    (tags.len() as u64).encode(&mut bytes);
    for tag in tags {
        tag.encode(&mut bytes);
        hasher.update(&bytes);
        bytes.clear();
        let hash = |piece: &[u8]| {
            hasher.update(piece);
        };
        files.pieces(tag, &manifest.place(tag)?, hash).ok()?;
    }
    Some(*hasher.update(&bytes).finalize().as_bytes())
}

/// Bytes that copying a snapshot takes on the disk, in whole blocks. What an attempt before has copied is there.
pub(crate) fn copy_bytes(disk: &dyn Disk, found: &Snapshot) -> io::Result<u64> {
    let mut bytes = in_blocks(found.payload.len() as u64);
    for (name, part) in manifest_of(found)?.files() {
        let copied = disk.open(&Set::Kept.file(name)).and_then(|file| file.len());
        if copied.ok() != Some(part.bytes) {
            bytes += in_blocks(part.bytes);
        }
    }
    Ok(bytes)
}

/// What a file of so many bytes takes, its name included.
pub(crate) const fn in_blocks(bytes: u64) -> u64 {
    const BLOCK_BYTES: u64 = 4_096;
    (bytes + BLOCK_BYTES).next_multiple_of(BLOCK_BYTES)
}

/// Copies a snapshot and all its files, durably. What an attempt before has copied is not copied again.
pub(crate) fn keep(disk: &dyn Disk, found: &Snapshot) -> io::Result<()> {
    for (name, part) in manifest_of(found)?.files() {
        part::copy(disk, &found.set.file(name.clone()), Set::Kept.file(name), part)?;
    }
    disk.sync_directory()?;
    snapshot::keep(disk, found)
}

/// Removes all copies but the one that stands at `point`; without a point all.
pub(crate) fn remove_other_copies(disk: &dyn Disk, point: Option<&JournalPoint>) -> io::Result<()> {
    let mut names = match point {
        Some(point) => files_of_copy(disk, point)?,
        None => Vec::new(),
    };
    names.sort_unstable();
    for name in snapshot::kept_names(disk)? {
        if names.binary_search(&name).is_err() {
            disk::remove_if_there(disk, &name)?;
        }
    }
    Ok(())
}

/// Whether the copy that the journal begins with is as it was written; `true` for a journal that was not pruned.
/// Nothing else reads it while newer snapshots are whole, so its damage would show when it is needed.
pub fn is_copy_whole(disk: &dyn Disk) -> io::Result<bool> {
    if !pruned::is_pruned(disk)? {
        return Ok(true);
    }
    let Some(Beginning { point, .. }) = pruned::beginning(disk)? else { return Ok(false) };
    let mut copies = snapshot::all(disk)?.filter(|found| found.set == Set::Kept);
    let Some(kept) = copies.find(|found| found.point == point) else { return Ok(false) };
    let check = || {
        manifest_of(&kept)?.files().try_for_each(|(name, part)| {
            part::Reader::open(disk, &Set::Kept.file(name), part).map(drop)
        })
    };
    match check() {
        Ok(()) => Ok(true),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// All files of the copy that stands at `point`.
fn files_of_copy(disk: &dyn Disk, point: &JournalPoint) -> io::Result<Vec<String>> {
    let mut copies = snapshot::all(disk)?.filter(|found| found.set == Set::Kept);
    let kept = copies.find(|found| found.point == *point).ok_or(io::ErrorKind::NotFound)?;
    let manifest = manifest_of(&kept)?;
    let parts = manifest.files().map(|(name, _)| Set::Kept.file(name));
    Ok(parts.chain([snapshot::kept_name(point)]).collect())
}

fn manifest_of(found: &Snapshot) -> io::Result<Manifest> {
    let (manifest, _) = Manifest::decode(found).ok_or(io::ErrorKind::InvalidData)?;
    Ok(manifest)
}
