//! Which files together are the sales of a snapshot.
//!
//! Most sales have a file each. Archived ones stand together in *packs*: a hundred thousand files would have to
//! be opened one after the other. A pack is written once, like any file of a snapshot. When one of its sales
//! changes, the manifest no longer names that sale in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, ErrorKind},
};

use crate::{
    codec::{Binary, DecodeError, binary_struct},
    disk::Disk,
    id::SaleTag,
    journal::snapshot::{
        Set, Snapshot,
        part::{self, PackName, Part, Reader},
    },
    world::World,
};

/// The files of a snapshot's sales.
#[derive(Clone, Debug, Default)]
pub(super) struct Manifest {
    /// Sales that have a file of their own.
    pub(super) own: BTreeMap<SaleTag, Part>,
    /// Files of many sales.
    pub(super) packs: BTreeMap<PackName, Pack>,
}

/// A file of many sales.
#[derive(Clone, Debug)]
pub(super) struct Pack {
    pub(super) part: Part,
    /// Its sales that have not changed since.
    pub(super) sales: BTreeMap<SaleTag, Span>,
}

/// Where in a pack a sale is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) offset: u32,
    pub(super) bytes: u32,
}

binary_struct!(Manifest { own, packs });
binary_struct!(Pack { part, sales });
binary_struct!(Span { offset, bytes });

/// The file a sale is in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Own(Part),
    Packed(PackName, Part, Span),
}

impl Manifest {
    /// The manifest of a snapshot, and the world without its parts.
    pub(super) fn decode(found: &Snapshot) -> Option<(Self, World)> {
        let input = &mut found.payload.as_slice();
        let read = (<Self as Binary>::decode(input).ok()?, World::decode_rest(input).ok()?);
        input.is_empty().then_some(read)
    }

    /// All sales.
    pub(super) fn tags(&self) -> BTreeSet<SaleTag> {
        let packed = self.packs.values().flat_map(|pack| pack.sales.keys());
        self.own.keys().chain(packed).copied().collect()
    }

    /// Where a sale is.
    pub(super) fn place(&self, tag: SaleTag) -> Option<Place> {
        let packed = || {
            let mut packs = self.packs.iter();
            packs.find_map(|(name, pack)| {
                pack.sales.get(&tag).map(|span| Place::Packed(*name, pack.part, *span))
            })
        };
        self.own.get(&tag).map(|part| Place::Own(*part)).or_else(packed)
    }

    /// Names a sale no longer.
    pub(super) fn remove(&mut self, tag: SaleTag) {
        self.own.remove(&tag);
        for pack in self.packs.values_mut() {
            pack.sales.remove(&tag);
        }
        self.packs.retain(|_, pack| !pack.sales.is_empty());
    }

    /// All files, as they are called among the latest.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, &Part)> {
        let own = self.own.iter().map(|(tag, part)| (part::name(*tag, part.written), part));
        own.chain(self.packs.iter().map(|(name, pack)| (part::pack_name(*name), &pack.part)))
    }
}

impl Pack {
    /// Bytes of it that are named.
    pub(super) fn named_bytes(&self) -> u64 {
        self.sales.values().map(|span| u64::from(span.bytes)).sum()
    }
}

impl Span {
    /// The sale in its pack.
    pub(super) fn of(self, pack: &[u8]) -> Option<&[u8]> {
        pack.get(self.offset as usize..)?.get(..self.bytes as usize)
    }
}

/// Reads the sales of a snapshot, in whatever order. A pack is checked when the first of its sales is read.
pub(super) struct Files<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) set: Set,
    checked: BTreeSet<PackName>,
}

impl<'a> Files<'a> {
    pub(super) const fn new(disk: &'a dyn Disk, set: Set) -> Self {
        Self { disk, set, checked: BTreeSet::new() }
    }

    /// Reads all sales into a world, each pack at once.
    pub(super) fn read_all(&self, manifest: &Manifest, world: &mut World) -> io::Result<()> {
        for (tag, part) in &manifest.own {
            self.read_own(*tag, part, world)?;
        }
        for (name, Pack { part, sales }) in &manifest.packs {
            let bytes = self.whole_pack(*name, part)?;
            for (tag, span) in sales {
                read_packed(world, *tag, span.of(&bytes).ok_or(ErrorKind::InvalidData)?)?;
            }
        }
        Ok(())
    }

    /// The contents of a pack, read once.
    pub(super) fn whole_pack(&self, name: PackName, part: &Part) -> io::Result<Vec<u8>> {
        part::read_whole(self.disk, &self.set.file(part::pack_name(name)), part)
    }

    /// Reads a sale into a world.
    pub(super) fn read(
        &mut self,
        tag: SaleTag,
        place: &Place,
        world: &mut World,
    ) -> io::Result<()> {
        match place {
            Place::Own(part) => self.read_own(tag, part, world),
            Place::Packed(name, part, span) => {
                let bytes = self.bytes_of(*name, part, *span)?;
                read_packed(world, tag, &bytes)
            }
        }
    }

    /// Hands out the byte form of a sale, piece by piece.
    pub(super) fn pieces(
        &mut self,
        tag: SaleTag,
        place: &Place,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        match place {
            Place::Own(part) => self.open_own(tag, part)?.rest(each),
            Place::Packed(name, part, span) => {
                each(&self.bytes_of(*name, part, *span)?);
                Ok(())
            }
        }
    }

    /// A sale's bytes in a pack.
    fn bytes_of(&mut self, name: PackName, part: &Part, span: Span) -> io::Result<Vec<u8>> {
        let file = self.set.file(part::pack_name(name));
        if !self.checked.contains(&name) {
            Reader::open(self.disk, &file, part)?;
            self.checked.insert(name);
        }
        part::read_span(self.disk, &file, span.offset.into(), span.bytes as usize)
    }

    fn open_own(&self, tag: SaleTag, part: &Part) -> io::Result<Reader> {
        Reader::open(self.disk, &self.set.file(part::name(tag, part.written)), part)
    }

    fn read_own(&self, tag: SaleTag, part: &Part, world: &mut World) -> io::Result<()> {
        world.read_part(tag, &mut self.open_own(tag, part)?).map_err(damaged)
    }
}

fn read_packed(world: &mut World, tag: SaleTag, mut bytes: &[u8]) -> io::Result<()> {
    world.read_part(tag, &mut bytes).map_err(damaged)?;
    if bytes.is_empty() { Ok(()) } else { Err(ErrorKind::InvalidData.into()) }
}

fn damaged(error: DecodeError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
