//! The file of an archived sale: its whole byte form as it stood before, line and answers included.
//!
//! Written beside the scribe from a snapshot and the journal behind it, and durable before the fact that
//! the sale is archived, which carries its hash. Nothing that serves ever reads it: it is for audits and
//! for people. The journal behind the snapshot may be long, so it is read once for several sales.

use std::{collections::BTreeMap, io};

use super::{RecoveryError, snapshots};
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

/// Writes the files of sales as they stood after the record `upto`, which must be durable; answers the hash of
/// each, or `None` if there is no such sale then, or it is archived already. Of sales whose files in the snapshot are
/// longer than `bytes_max` together the last are left out; one at least is answered.
pub fn archive(
    disk: &dyn Disk,
    tags: &[SaleTag],
    upto: Sequence,
    bytes_max: u64,
) -> Result<BTreeMap<SaleTag, Option<[u8; 32]>>, RecoveryError> {
    let (world, read) = snapshots::with_sales(disk, tags, upto, bytes_max)?;
    let write = |tag: SaleTag| {
        // One that was archived meanwhile is whole in its file alone, which must not be written over.
        let open = world.sale(tag).filter(|sale| sale.archive().is_none());
        let Some(sale) = open else { return Ok((tag, None)) };
        let mut writer = Writer::begin(disk, name(tag, sale.epoch()))?;
        sale.write(&mut writer);
        Ok((tag, Some(writer.finish(upto)?.hash)))
    };
    let written: io::Result<BTreeMap<_, _>> = read.into_iter().map(write).collect();
    let durable = written.and_then(|written| disk.sync_directory().map(|()| written));
    durable.map_err(RecoveryError::Archive)
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
