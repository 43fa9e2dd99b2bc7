//! What a snapshot of the world is: a file for each sale, or for many that are archived, and a manifest that
//! says which of them together are the state at a point of the journal.
//!
//! ```text
//!   snapshot-42.snap ─┬─▶ sale-<a>-17.snap    as it was written by an earlier snapshot
//!                     ├─▶ sale-<b>-42.snap    changed since
//!                     ├─▶ pack-42-0.snap      archived sales
//!                     └── the rest: deleted names, points of streams
//! ```
//!
//! A sale's file is written when the sale has changed, and then named by every snapshot until it
//! changes again. A file that no kept snapshot names is removed. So a snapshot reads and writes the
//! sales that the journal tells of since the last one, and no others.

mod kept;
mod manifest;
mod packs;
mod unfinished;

pub use self::kept::is_copy_whole;
pub(crate) use self::kept::{copy_bytes, in_blocks, keep, older_of_two, remove_other_copies};

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
};

use self::{
    manifest::{Files, Manifest, Place},
    packs::Packing,
    unfinished::{Unfinished, is_damage},
};
use super::{error::RecoveryError, records::try_each_record};
use crate::{
    clock::Millis,
    codec::Binary as _,
    disk::{self, Disk},
    id::{SaleTag, Sequence},
    journal::{
        self, Extent, JournalPoint, Recovery,
        snapshot::{
            self, Set, Snapshot,
            part::{self, Writer},
        },
    },
    record::Record,
    world::World,
};

/// What came of an attempt to write a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshotted {
    /// It stands here.
    Written(JournalPoint),
    /// The last snapshot, which stands here if there is one, holds everything in sealed segments.
    Unchanged(Option<JournalPoint>),
    /// More would have to be written than allowed.
    Deferred,
}

/// What a start begins with.
#[derive(Default)]
pub(super) struct Start {
    pub(super) world: World,
    /// Where its snapshot stands, if there is one.
    pub(super) from: Option<JournalPoint>,
    /// The own files of newer snapshots that are damaged.
    damaged: Vec<String>,
}

impl Start {
    /// Removes the damaged snapshots, now that the journal was read without them: the next one is not to name
    /// their files again, and they are not to count among those that are kept.
    pub(super) fn remove_damaged(&self, disk: &dyn Disk) -> io::Result<()> {
        self.damaged.iter().try_for_each(|name| disk::remove_if_there(disk, name))
    }
}

/// The world of the newest snapshot that can be read with all its parts, and where it stands. A
/// snapshot only shortens the way: one that cannot be read is passed over.
pub(super) fn newest(disk: &dyn Disk) -> Result<Start, RecoveryError> {
    let mut start = Start::default();
    for (file, read) in snapshot::each(disk).map_err(RecoveryError::Snapshot)? {
        let read = read.and_then(|found| {
            let found = found.ok_or(ErrorKind::InvalidData)?;
            Ok((whole(disk, &found)?, found.point))
        });
        match read {
            Ok((world, point)) => return Ok(Start { world, from: Some(point), ..start }),
            Err(error) if is_damage(&error) && file.set == Set::Latest => {
                start.damaged.push(file.name);
            }
            // The disk may give it at another time; and a copy is for audits, too.
            Err(_) => {}
        }
    }
    Ok(start)
}

/// Writes a snapshot of everything in sealed segments, unless files of more than `bytes_max` would be
/// replaced. Reads only what no writer touches, so that it runs beside the scribe.
pub fn snapshot_sealed(disk: &dyn Disk, bytes_max: u64) -> Result<Snapshotted, RecoveryError> {
    for found in snapshot::all(disk).map_err(RecoveryError::Snapshot)? {
        let Some((manifest, world)) = Manifest::decode(&found) else { continue };
        let is_copy = found.set == Set::Kept;
        // A copy is the last that there is: the next snapshot does not wait.
        let bytes_max = if is_copy { u64::MAX } else { bytes_max };
        let mut successor = Successor::new(disk, found.set, manifest, world, bytes_max);
        let taken_up = if is_copy { successor.take_up_all() } else { Ok(()) };
        match taken_up.and_then(|()| successor.write(Some(found.point))) {
            Err(Unfinished::Unreadable) => {}
            Err(Unfinished::TooMuch) => return Ok(Snapshotted::Deferred),
            Err(Unfinished::Failed(error)) => return Err(error),
            Ok(written) => return Ok(written),
        }
    }
    match Successor::from_nothing(disk, bytes_max).write(None) {
        Ok(written) => Ok(written),
        Err(Unfinished::Failed(error)) => Err(error),
        Err(Unfinished::Unreadable | Unfinished::TooMuch) => {
            unreachable!("without a snapshot before it no file is read or replaced")
        }
    }
}

/// The world of a snapshot that stands at `point` and can be read with all its parts, if its hash is `state`.
pub(crate) fn at(
    disk: &dyn Disk,
    point: &JournalPoint,
    state: [u8; 32],
) -> io::Result<Option<World>> {
    let mut there = snapshot::all(disk)?.filter(|found| found.point == *point);
    let world = |found: Snapshot| whole(disk, &found).ok().filter(|world| world.hash() == state);
    Ok(there.find_map(world))
}

/// The oldest snapshot after `point` that can be read with all its parts, and its world.
pub(crate) fn first_after(
    disk: &dyn Disk,
    point: &JournalPoint,
) -> io::Result<Option<(JournalPoint, World)>> {
    let later = snapshot::all(disk)?.filter(|found| found.point.sequence > point.sequence);
    // The newest comes first.
    let mut later: Vec<Snapshot> = later.collect();
    let world = |found: Snapshot| whole(disk, &found).ok().map(|world| (found.point, world));
    later.reverse();
    Ok(later.into_iter().find_map(world))
}

/// A world that has the first of the sales `tags` as they stood after the record `upto`, which must be durable, and
/// no others; and which those are. Files of `bytes_max` or little more are read for them, or a single one.
pub(super) fn with_sales(
    disk: &dyn Disk,
    tags: &[SaleTag],
    upto: Sequence,
    bytes_max: u64,
) -> Result<(World, BTreeSet<SaleTag>), RecoveryError> {
    let extent = Extent::UpTo(upto);
    for found in snapshot::all(disk).map_err(RecoveryError::Snapshot)? {
        let Some((manifest, world)) = Manifest::decode(&found) else { continue };
        let mut successor = Successor::new(disk, found.set, manifest, world, u64::MAX);
        let taken_up = successor.take_up_only(tags, bytes_max);
        match taken_up.and_then(|()| successor.read(Some(found.point), extent)) {
            Err(Unfinished::Failed(error)) => return Err(error),
            Err(Unfinished::Unreadable | Unfinished::TooMuch) => {}
            Ok(_) => return Ok((successor.world, successor.only.unwrap_or_default())),
        }
    }
    let mut successor = Successor::from_nothing(disk, u64::MAX);
    let only: BTreeSet<SaleTag> = tags.iter().copied().collect();
    successor.only = Some(only.clone());
    match successor.read(None, extent) {
        Err(Unfinished::Failed(error)) => Err(error),
        Ok(_) | Err(Unfinished::Unreadable | Unfinished::TooMuch) => Ok((successor.world, only)),
    }
}

/// The world of a snapshot, if every part of it can be read.
fn whole(disk: &dyn Disk, found: &Snapshot) -> io::Result<World> {
    let (manifest, mut world) = Manifest::decode(found).ok_or(ErrorKind::InvalidData)?;
    Files::new(disk, found.set).read_all(&manifest, &mut world)?;
    Ok(world)
}

/// A snapshot in the making: what follows from another and the journal behind it.
struct Successor<'a> {
    disk: &'a dyn Disk,
    /// Reads the one before.
    files: Files<'a>,
    /// Files of the sales as they stood.
    manifest: Manifest,
    /// Sales that have changed, and the rest.
    world: World,
    changed: BTreeSet<SaleTag>,
    /// Bytes of the files that are replaced.
    replaced: u64,
    bytes_max: u64,
    /// The only sales whose facts matter; `None`: all do.
    only: Option<BTreeSet<SaleTag>>,
    /// What made the reading of the journal end early.
    stopped: Option<Unfinished>,
}

impl<'a> Successor<'a> {
    fn new(disk: &'a dyn Disk, set: Set, manifest: Manifest, world: World, bytes_max: u64) -> Self {
        let (files, changed) = (Files::new(disk, set), BTreeSet::new());
        let (replaced, only, stopped) = (0, None, None);
        Self { disk, files, manifest, world, changed, replaced, bytes_max, only, stopped }
    }

    /// What follows from the whole journal.
    fn from_nothing(disk: &'a dyn Disk, bytes_max: u64) -> Self {
        Self::new(disk, Set::Latest, Manifest::default(), World::default(), bytes_max)
    }

    /// Reads every sale as it stood, so that the file of each is written again: those of the copy that a pruned
    /// journal begins with are of that copy alone.
    fn take_up_all(&mut self) -> Result<(), Unfinished> {
        self.changed = self.manifest.tags();
        self.changed.clone().into_iter().try_for_each(|tag| self.take_up(tag))
    }

    /// Reads the first of these sales as they stood, until they are long enough together. No others matter.
    fn take_up_only(&mut self, tags: &[SaleTag], bytes_max: u64) -> Result<(), Unfinished> {
        let mut only = BTreeSet::new();
        for tag in tags {
            if only.insert(*tag) {
                self.take_up(*tag)?;
            }
            if self.replaced >= bytes_max {
                break;
            }
        }
        self.changed.clone_from(&only);
        self.only = Some(only);
        Ok(())
    }

    fn write(mut self, from: Option<JournalPoint>) -> Result<Snapshotted, Unfinished> {
        let read = self.read(from, Extent::Sealed)?;
        if read.records == 0 {
            return Ok(Snapshotted::Unchanged(from));
        }
        let written = self.write_files(&read.point);
        // What is not named is of no use, whether the snapshot came to be or found no room.
        let removed = remove_unnamed(self.disk);
        written?;
        removed?;
        Ok(Snapshotted::Written(read.point))
    }

    /// Reads the journal on.
    fn read(&mut self, from: Option<JournalPoint>, extent: Extent) -> Result<Recovery, Unfinished> {
        let disk = self.disk;
        let read = journal::read_all(disk, from, extent, &mut |batch| {
            try_each_record(&batch, |record, at| self.take(record, at))?;
            self.world.freeze(batch.at);
            Ok(())
        });
        match self.stopped.take() {
            Some(stopped) => Err(stopped),
            None => Ok(read?),
        }
    }

    /// Applies a record, with the sale that it is of read first.
    fn take(&mut self, record: &Record, at: Millis) -> Result<(), String> {
        let tag = record.sale();
        if self.only.as_ref().is_some_and(|only| !only.contains(&tag)) {
            return Ok(());
        }
        if !matches!(record, Record::Followed { .. } | Record::Met { .. })
            && self.changed.insert(tag)
        {
            self.stopped = self.take_up(tag).err();
            if self.stopped.is_some() {
                return Err("the snapshot before it does not serve".to_owned());
            }
        }
        self.world.apply(record, at);
        Ok(())
    }

    /// Reads a sale as it stood.
    fn take_up(&mut self, tag: SaleTag) -> Result<(), Unfinished> {
        let Some(place) = self.manifest.place(tag) else { return Ok(()) };
        self.replaced += match &place {
            Place::Own(part) => part.bytes,
            Place::Packed(.., span) => span.bytes.into(),
        };
        if self.replaced > self.bytes_max {
            return Err(Unfinished::TooMuch);
        }
        let read = self.files.read(tag, &place, &mut self.world);
        read.map_err(|_| Unfinished::Unreadable)
    }

    /// Writes the files of sales that have changed, then the manifest.
    fn write_files(&mut self, point: &JournalPoint) -> Result<(), Unfinished> {
        let there = self.world.parts();
        let mut packing = Packing::new(self.disk, point.sequence);
        for tag in &self.changed {
            self.manifest.remove(*tag);
            if self.world.packs_small(*tag) {
                packing.add(&self.world, *tag)?;
            } else if there.contains(tag) {
                let name = part::name(*tag, point.sequence);
                let mut writer = Writer::begin(self.disk, name)?;
                self.world.write_part(*tag, &mut writer);
                self.manifest.own.insert(*tag, writer.finish(point.sequence)?);
            }
        }
        packing.take_over(&mut self.manifest, &self.files)?;
        packing.finish(&mut self.manifest)?;
        self.disk.sync_directory()?;
        let mut payload = Vec::new();
        self.manifest.encode(&mut payload);
        self.world.encode_rest(&mut payload);
        Ok(snapshot::write(self.disk, point, &payload)?)
    }
}

/// Removes parts that no snapshot names. A snapshot that the disk does not give now may name any of them.
fn remove_unnamed(disk: &dyn Disk) -> io::Result<()> {
    let mut named = BTreeSet::new();
    for (_, found) in snapshot::each(disk)? {
        let Some(found) = found?.filter(|found| found.set == Set::Latest) else { continue };
        let Some((manifest, _)) = Manifest::decode(&found) else { continue };
        named.extend(manifest.files().map(|(name, _)| name));
    }
    for name in part::names(disk)?.filter(|name| !named.contains(name)) {
        disk::remove_if_there(disk, &name)?;
    }
    Ok(())
}
