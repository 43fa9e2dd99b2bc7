//! From a data directory to a world: the newest snapshot, then every record after it.
//!
//! Recovery changes nothing but a torn tail, and may crash and run again at any point.

use std::{fmt, sync::Arc};

use crate::{
    clock::{Clock, Millis},
    codec::Binary as _,
    disk::Disk,
    journal::{self, Batch, Extent, Journal, JournalError, JournalOptions, JournalPoint, snapshot},
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
    let (mut world, from) = start(&**disk)?;
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

/// Writes a snapshot of everything in sealed segments. Reads only what no writer touches, so that
/// it runs beside the scribe. Answers where the snapshot stands; `None` if nothing was new.
pub fn snapshot_sealed(disk: &dyn Disk) -> Result<Option<JournalPoint>, RecoveryError> {
    let (mut world, from) = start(disk)?;
    let read = journal::read_all(disk, from, Extent::Sealed, &mut |b| replay(&mut world, &b))
        .map_err(RecoveryError::Journal)?;
    if read.records == 0 {
        return Ok(None);
    }
    snapshot::write(disk, &read.point, &world.to_bytes()).map_err(RecoveryError::Snapshot)?;
    Ok(Some(read.point))
}

/// The world of the newest snapshot, and where it stands.
fn start(disk: &dyn Disk) -> Result<(World, Option<JournalPoint>), RecoveryError> {
    match snapshot::newest(disk).map_err(RecoveryError::Snapshot)? {
        // A snapshot only shortens the way: one that another version wrote is passed over, for
        // every segment is still there.
        Some(found) => Ok(World::from_bytes(&found.payload)
            .map_or_else(|_| (World::default(), None), |world| (world, Some(found.point)))),
        None => Ok((World::default(), None)),
    }
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
    let (mut input, mut at) = (batch.payload, batch.at);
    for _ in 0..batch.count {
        let record = Record::decode(&mut input).map_err(|error| error.to_string())?;
        at = record.decided_at().unwrap_or(at);
        visit(&record, at);
    }
    if input.is_empty() { Ok(()) } else { Err("bytes left over behind the last record".to_owned()) }
}
