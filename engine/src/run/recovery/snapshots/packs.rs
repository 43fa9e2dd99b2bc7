//! Writing packs: what goes into a new one, and when an old one is written again.

use std::{collections::BTreeMap, io};

use super::{
    manifest::{Files, Manifest, Pack, Span},
    unfinished::{Unfinished, is_damage},
};
use crate::{
    disk::Disk,
    id::{SaleTag, Sequence},
    journal::snapshot::part::{self, PackName, Writer},
    limits::PACK_BYTES,
    world::World,
};

/// A pack shorter than this goes into the next one that is written, so that there are few.
const SMALL_BYTES: u64 = PACK_BYTES / 8;

/// The packs that a snapshot writes.
pub(super) struct Packing<'a> {
    disk: &'a dyn Disk,
    written: Sequence,
    /// The one that is being written.
    open: Option<(Writer<'a>, BTreeMap<SaleTag, Span>)>,
    done: BTreeMap<PackName, Pack>,
}

impl<'a> Packing<'a> {
    /// Packs of a snapshot after the record `written`.
    pub(super) const fn new(disk: &'a dyn Disk, written: Sequence) -> Self {
        Self { disk, written, open: None, done: BTreeMap::new() }
    }

    /// Adds a sale of the world.
    pub(super) fn add(&mut self, world: &World, tag: SaleTag) -> io::Result<()> {
        self.put(tag, |writer| world.write_part(tag, writer))
    }

    /// Takes over what is left of packs that are mostly unnamed, and of short ones if a pack is written anyway:
    /// a byte is copied at most about as often as another was dropped, and there is at most one short pack.
    pub(super) fn take_over(
        &mut self,
        manifest: &mut Manifest,
        files: &Files<'_>,
    ) -> Result<(), Unfinished> {
        let is_written = self.open.is_some() || !self.done.is_empty();
        let is_due = |pack: &Pack| {
            let is_short = pack.part.bytes < SMALL_BYTES && is_written;
            is_short || pack.named_bytes() * 2 < pack.part.bytes
        };
        let due: Vec<PackName> =
            manifest.packs.iter().filter(|(_, pack)| is_due(pack)).map(|(name, _)| *name).collect();
        for name in due {
            let Some(pack) = manifest.packs.remove(&name) else { continue };
            // Checked and copied as it was read once: a second reading may not be the first.
            let bytes = files.whole_pack(name, &pack.part).map_err(|error| {
                if is_damage(&error) { Unfinished::Unreadable } else { error.into() }
            })?;
            for (tag, span) in pack.sales {
                let sale = span.of(&bytes).ok_or(Unfinished::Unreadable)?;
                self.put(tag, |writer| writer.append(sale))?;
            }
        }
        Ok(())
    }

    /// Makes what was added durable, but for the names, and names it in the manifest.
    pub(super) fn finish(mut self, manifest: &mut Manifest) -> io::Result<()> {
        self.close()?;
        manifest.packs.append(&mut self.done);
        Ok(())
    }

    fn put(&mut self, tag: SaleTag, write: impl FnOnce(&mut Writer<'a>)) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|(writer, _)| writer.length() >= PACK_BYTES) {
            self.close()?;
        }
        if self.open.is_none() {
            let writer = Writer::begin(self.disk, part::pack_name(self.name()))?;
            self.open = Some((writer, BTreeMap::new()));
        }
        let (writer, sales) = self.open.as_mut().expect("opened just now");
        let offset = writer.length();
        write(writer);
        let bytes = writer.length() - offset;
        let short = |length| u32::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge);
        sales.insert(tag, Span { offset: short(offset)?, bytes: short(bytes)? });
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        let name = self.name();
        if let Some((writer, sales)) = self.open.take() {
            let part = writer.finish(self.written)?;
            self.done.insert(name, Pack { part, sales });
        }
        Ok(())
    }

    fn name(&self) -> PackName {
        let ordinal = u32::try_from(self.done.len()).expect("a pack holds megabytes");
        PackName { written: self.written, ordinal }
    }
}
