//! Archiving sales that this process decides alone: their files are written beside the scribe from a snapshot and the
//! journal behind it. That may be long, so it is read once for several sales.

use std::{collections::BTreeMap, io};

use super::{RecoveryError, snapshots};
use crate::{
    arbiter::archive_file,
    disk::Disk,
    id::{SaleTag, Sequence},
};

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
        let written = open.map(|sale| archive_file::write(disk, sale, upto));
        Ok((tag, written.transpose()?))
    };
    let written: io::Result<BTreeMap<_, _>> = read.into_iter().map(write).collect();
    let durable = written.and_then(|written| disk.sync_directory().map(|()| written));
    durable.map_err(RecoveryError::Archive)
}
