//! From a data directory to a world: the newest snapshot, then every record after it.
//!
//! Recovery changes nothing but a torn tail, and may crash and run again at any point. Snapshots are
//! written by [`snapshot_sealed`], beside the scribe.

mod snapshots;

pub use self::snapshots::{Snapshotted, snapshot_sealed};

use std::{fmt, sync::Arc};

use crate::{
    clock::{Clock, Millis},
    codec::Binary as _,
    disk::Disk,
    journal::{Batch, Journal, JournalError, JournalOptions, JournalPoint},
    record::Record,
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

/// Why a data directory cannot be served from.
#[derive(Debug)]
pub enum RecoveryError {
    /// The journal says why.
    Journal(JournalError),
    /// The snapshots cannot be read.
    Snapshot(std::io::Error),
    /// The sales in the data directory were decided by the arbiter of this kind.
    OtherArbiter(&'static str),
    /// The file that says which journal this is cannot be read or made.
    Incarnation(std::io::Error),
    /// What calls the store cannot be started.
    Runtime(std::io::Error),
}

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(_) => f.write_str("the journal cannot be recovered"),
            Self::Snapshot(_) => f.write_str("the snapshots cannot be read"),
            Self::OtherArbiter(kind) => write!(
                f,
                "the sales in this data directory were decided with arbiter.kind = \"{kind}\", which \
                 cannot be changed; start with that, or with an empty directory"
            ),
            Self::Incarnation(_) => {
                f.write_str("the data directory's file \"incarnation\" cannot be read or written")
            }
            Self::Runtime(_) => f.write_str("the store's client cannot be started"),
        }
    }
}

impl std::error::Error for RecoveryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Journal(source) => Some(source),
            Self::Snapshot(source) | Self::Incarnation(source) | Self::Runtime(source) => {
                Some(source)
            }
            Self::OtherArbiter(_) => None,
        }
    }
}

/// Recovers the world of a data directory and opens its journal for appending. The clock goes on
/// from the last batch's time at the earliest.
pub fn recover(
    disk: &Arc<dyn Disk>,
    segment_bytes: u64,
    clock: &dyn Clock,
) -> Result<(World, Journal, RecoveryReport), RecoveryError> {
    let (mut world, from) = snapshots::newest(&**disk)?;
    let options = JournalOptions { segment_bytes, from };
    let (journal, recovery) =
        Journal::open(Arc::clone(disk), options, &mut |batch| replay(&mut world, &batch))
            .map_err(RecoveryError::Journal)?;
    clock.not_before(recovery.point.at);
    let report = RecoveryReport {
        snapshot: from,
        records: recovery.records,
        truncated_bytes: recovery.truncated_bytes,
        point: recovery.point,
    };
    Ok((world, journal, report))
}

/// Applies a batch's records at the batch's time.
pub fn replay(world: &mut World, batch: &Batch<'_>) -> Result<(), String> {
    each_record(batch, |record, at| world.apply(record, at))
}

/// Decodes a batch's records in order, each with its time: the batch's, or that of the stream's entry.
pub fn each_record(
    batch: &Batch<'_>,
    mut visit: impl FnMut(&Record, Millis),
) -> Result<(), String> {
    try_each_record(batch, |record, at| {
        visit(record, at);
        Ok(())
    })
}

/// As [`each_record`], up to the first error of `visit`.
fn try_each_record(
    batch: &Batch<'_>,
    mut visit: impl FnMut(&Record, Millis) -> Result<(), String>,
) -> Result<(), String> {
    let (mut input, mut at) = (batch.payload, batch.at);
    for _ in 0..batch.count {
        let record = Record::decode(&mut input).map_err(|error| error.to_string())?;
        at = record.decided_at().unwrap_or(at);
        visit(&record, at)?;
    }
    if input.is_empty() { Ok(()) } else { Err("bytes left over behind the last record".to_owned()) }
}
