//! The files of sales that are being archived at this node: which are written, and of which place of the stream.

use std::{
    collections::BTreeMap,
    io,
    sync::mpsc::{Receiver, TryRecvError, sync_channel},
};

use engine::{
    arbiter::archive_file::ArchiveFiles, clock::Millis, id::SaleTag, sale::Sale, stream::Point,
};
use tokio::task::spawn_blocking;

use crate::store::Entry;

/// How long after a file that could not be written it is tried again.
const FILE_PAUSE_MS: u64 = 1_000;

/// The files of sales that are being archived.
#[derive(Debug)]
pub(super) struct Filings {
    files: ArchiveFiles,
    of: BTreeMap<SaleTag, Filing>,
}

/// How far the file is of a sale that is being archived.
#[derive(Debug)]
enum Filing {
    Writing { of: Point, outcome: Receiver<io::Result<[u8; 32]>> },
    Written { of: Point, digest: [u8; 32] },
    Failed { at: Millis, why: String },
}

impl Filings {
    pub(super) fn new(files: ArchiveFiles) -> Self {
        Self { files, of: BTreeMap::new() }
    }

    /// Whether the file of a sale is being written.
    pub(super) fn is_writing(&self, tag: SaleTag) -> bool {
        matches!(self.of.get(&tag), Some(Filing::Writing { .. }))
    }

    /// The hash of the file of a sale as it stood at `point`, if it is written.
    pub(super) fn digest(&self, tag: SaleTag, point: Point) -> Option<[u8; 32]> {
        match self.of.get(&tag) {
            Some(Filing::Written { of, digest }) if *of == point => Some(*digest),
            _ => None,
        }
    }

    /// The sale is archived, or gone.
    pub(super) fn filed(&mut self, tag: SaleTag) {
        self.of.remove(&tag);
    }

    /// Sales whose files cannot be written, and why.
    pub(super) fn troubles(&self) -> impl Iterator<Item = (SaleTag, &str)> {
        self.of.iter().filter_map(|(tag, filing)| match filing {
            Filing::Failed { why, .. } => Some((*tag, why.as_str())),
            Filing::Writing { .. } | Filing::Written { .. } => None,
        })
    }

    /// Takes up what came of the file of a sale.
    pub(super) fn look_at(&mut self, tag: SaleTag, at: Millis) {
        let Some(Filing::Writing { of, outcome }) = self.of.get(&tag) else { return };
        let of = *of;
        let done = match outcome.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(Ok(digest)) => Filing::Written { of, digest },
            Ok(Err(error)) => Filing::Failed { at, why: error.to_string() },
            Err(TryRecvError::Disconnected) => {
                Filing::Failed { at, why: "its writer ended".to_owned() }
            }
        };
        self.of.insert(tag, done);
    }

    /// Begins to write the file of a sale as it stands, unless one is being written or was tried just now.
    pub(super) fn begin(&mut self, sale: &Sale, of: Point, at: Millis) {
        match self.of.get(&sale.tag()) {
            Some(Filing::Writing { .. }) => return,
            Some(Filing::Failed { at: failed, .. }) if at.since(*failed) < FILE_PAUSE_MS => return,
            Some(Filing::Failed { .. } | Filing::Written { .. }) | None => {}
        }
        let (tell, outcome) = sync_channel(1);
        let (files, copy) = (self.files.clone(), sale.clone());
        let _task = spawn_blocking(move || drop(tell.send(files.write(&copy))));
        self.of.insert(sale.tag(), Filing::Writing { of, outcome });
    }
}

/// Whether an entry is the change with which a sale is archived. An operator's change is one of its own.
pub(super) fn is_archive(entry: &Entry) -> bool {
    matches!(entry.records.as_slice(), [record] if record.is_archival())
}
