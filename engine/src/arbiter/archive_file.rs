//! The file of an archived sale: its whole byte form as it stood before, line and answers included.
//!
//! Durable before the fact that the sale is archived, which carries its hash. Nothing that serves ever reads it: it
//! is for audits and for people.

use std::{
    io,
    sync::{Arc, Weak},
};

use crate::{
    codec::Long as _,
    disk::Disk,
    id::{Epoch, SaleTag, Sequence},
    journal::snapshot::part::{self, Part, Reader, Writer},
    sale::Sale,
};

/// Its name.
pub(crate) fn name(tag: SaleTag, epoch: Epoch) -> String {
    format!("{}{:016x}-{:010}.sale", part::ARCHIVE_PREFIX, tag.0, epoch.0)
}

/// Writes the file of a sale, which stands as the record `upto` left it; answers its hash. The name is durable
/// after the next sync of the directory.
pub(crate) fn write(disk: &dyn Disk, sale: &Sale, upto: Sequence) -> io::Result<[u8; 32]> {
    let mut writer = Writer::begin(disk, name(sale.tag(), sale.epoch()))?;
    sale.write(&mut writer);
    Ok(writer.finish(upto)?.hash)
}

/// What writes these files for a node of many, whose arbiter has the sale as it stands at a place of its stream.
/// At that place every node writes the same bytes.
#[derive(Clone, Debug)]
pub struct ArchiveFiles {
    /// Not kept open by it: the directory may be opened again once the scribe has ended.
    disk: Weak<dyn Disk>,
}

impl ArchiveFiles {
    /// Files on `disk`.
    pub fn new(disk: &Arc<dyn Disk>) -> Self {
        Self { disk: Arc::downgrade(disk) }
    }

    /// Writes the file of a sale that is not archived yet; answers its hash once it is durable.
    pub fn write(&self, sale: &Sale) -> io::Result<[u8; 32]> {
        assert!(sale.archive().is_none(), "an archived sale is whole in its file alone");
        let disk = self.disk.upgrade().ok_or(io::ErrorKind::NotFound)?;
        // Which record it stands behind is in no file.
        let hash = write(&*disk, sale, Sequence(0))?;
        disk.sync_directory()?;
        Ok(hash)
    }
}

/// Reads the file of a sale back, if it is the one with this hash.
pub(crate) fn read(
    disk: &dyn Disk,
    tag: SaleTag,
    epoch: Epoch,
    hash: [u8; 32],
) -> io::Result<Sale> {
    let name = name(tag, epoch);
    let bytes = disk.open(&name)?.len()?;
    let mut reader = Reader::open(disk, &name, &Part { written: Sequence(0), bytes, hash })?;
    Sale::read(&mut reader).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
