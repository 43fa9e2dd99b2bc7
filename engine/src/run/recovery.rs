//! From a data directory to a world: the newest snapshot, then every record after it.
//!
//! Recovery changes nothing but a torn tail, and removes snapshots that turned out damaged. It may crash and run
//! again at any point. Snapshots are written by [`snapshot_sealed`], beside the scribe.

pub(crate) mod archive;
mod error;
mod records;
pub(crate) mod snapshots;

pub use self::{
    archive::archive,
    error::RecoveryError,
    records::each_record,
    snapshots::{Snapshotted, is_copy_whole, snapshot_sealed},
};

use std::sync::Arc;

use crate::{
    clock::Clock,
    disk::Disk,
    journal::{Batch, Journal, JournalOptions, JournalPoint},
    world::World,
};

/// What recovery found.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryReport {
    /// Where the snapshot stood, if there was one.
    pub snapshot: Option<JournalPoint>,
    /// Records applied after it.
    pub records: u64,
    /// Bytes of a write that the crash cut off.
    pub truncated_bytes: u64,
    /// Where the journal goes on.
    pub point: JournalPoint,
}

/// Recovers the world of a data directory and opens its journal for appending. The clock goes on
/// from the last batch's time at the earliest.
pub fn recover(
    disk: &Arc<dyn Disk>,
    segment_bytes: u64,
    clock: &dyn Clock,
) -> Result<(World, Journal, RecoveryReport), RecoveryError> {
    let mut start = snapshots::newest(&**disk)?;
    let from = start.from;
    let options = JournalOptions { segment_bytes, from };
    let (journal, recovery) =
        Journal::open(Arc::clone(disk), options, &mut |batch| replay(&mut start.world, &batch))
            .map_err(RecoveryError::Journal)?;
    start.remove_damaged(&**disk).map_err(RecoveryError::Snapshot)?;
    clock.not_before(recovery.point.at);
    let report = RecoveryReport {
        snapshot: from,
        records: recovery.records,
        truncated_bytes: recovery.truncated_bytes,
        point: recovery.point,
    };
    Ok((start.world, journal, report))
}

/// Applies a batch's records at the batch's time.
pub fn replay(world: &mut World, batch: &Batch<'_>) -> Result<(), String> {
    each_record(batch, |record, at| world.apply(record, at))?;
    // However many sales were archived, few of them are unpacked at once.
    world.freeze(batch.at);
    Ok(())
}
