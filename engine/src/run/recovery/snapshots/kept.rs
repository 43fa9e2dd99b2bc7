//! The copy of a snapshot that a pruned journal begins with.
//!
//! Snapshots share the files of sales that have not changed, so damage in one of them is damage in all. Without
//! the journal's first segments that would be the end, and so a copy is made that shares no file.

use std::io;

use super::{Parts, decode, file};
use crate::{
    codec::Binary as _,
    disk::{self, Disk},
    journal::{
        JournalPoint,
        snapshot::{
            self, SNAPSHOTS_KEPT, Set, Snapshot,
            part::{self, Reader},
        },
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
    let (parts, world) = decode(&found.payload)?;
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Vec::new();
    world.encode_rest(&mut bytes);
    (parts.len() as u64).encode(&mut bytes);
    for (tag, part) in &parts {
        tag.encode(&mut bytes);
        hasher.update(&bytes);
        bytes.clear();
        let reader = Reader::open(disk, &file(found.set, *tag, part), part).ok()?;
        reader
            .rest(|piece| {
                hasher.update(piece);
            })
            .ok()?;
    }
    Some(*hasher.update(&bytes).finalize().as_bytes())
}

/// Copies a snapshot and all its files, durably. What an attempt before has copied is not copied again.
pub(crate) fn keep(disk: &dyn Disk, found: &Snapshot) -> io::Result<()> {
    for (tag, part) in &parts_of(found)? {
        let to = file(Set::Kept, *tag, part);
        part::copy(disk, &file(found.set, *tag, part), to, part)?;
    }
    disk.sync_directory()?;
    snapshot::keep(disk, found)
}

/// Removes all copies but the one that stands at `point`.
pub(crate) fn remove_other_copies(disk: &dyn Disk, point: &JournalPoint) -> io::Result<()> {
    let kept = snapshot::each(disk)?.find_map(|found| {
        let found = found.ok().flatten()?;
        (found.set == Set::Kept && found.point == *point).then_some(found)
    });
    let kept = kept.ok_or(io::ErrorKind::NotFound)?;
    let parts = parts_of(&kept)?;
    let mut names: Vec<String> =
        parts.iter().map(|(tag, part)| file(Set::Kept, *tag, part)).collect();
    names.push(snapshot::kept_name(point));
    names.sort_unstable();
    for name in snapshot::kept_names(disk)? {
        if names.binary_search(&name).is_err() {
            disk::remove_if_there(disk, &name)?;
        }
    }
    Ok(())
}

fn parts_of(found: &Snapshot) -> io::Result<Parts> {
    let decoded = decode(&found.payload).ok_or(io::ErrorKind::InvalidData)?;
    Ok(decoded.0)
}
