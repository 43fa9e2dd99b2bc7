//! The files of sales that are being archived at this node: which are written, and of which place of the stream.

use std::{
    collections::BTreeMap,
    io,
    sync::mpsc::{Receiver, TryRecvError, sync_channel},
};

use engine::{
    arbiter::archive_file::ArchiveFiles, clock::Millis, disk, id::SaleTag, sale::Sale,
    stream::Point,
};
use tokio::task::spawn_blocking;

use crate::store::{Entry, StoreError};

/// How long after a file that could not be written it is tried again.
const FILE_PAUSE_MS: u64 = 1_000;
/// How long a sale is served whose file cannot be written. Shorter than the silence after which the others part a
/// node, for then they would wait for it longer.
const PARTING_MS: u64 = 10_000;
/// Files that are written at once: each has a copy of its sale.
const FILES_AT_ONCE_MAX: usize = 2;

/// The files of sales that are being archived.
#[derive(Debug)]
pub(super) struct Filings {
    files: ArchiveFiles,
    of: BTreeMap<SaleTag, Filing>,
    /// Sales whose stream says that they are archived, which is not followed here before the file is written.
    awaited: BTreeMap<SaleTag, Awaited>,
}

/// A file that the stream of a sale waits for.
#[derive(Debug, Default)]
struct Awaited {
    /// Since when it could not be written, if it was tried in vain, and why not.
    trouble: Option<(Millis, String)>,
    /// This node has said that it does not serve the sale until then.
    has_parted: bool,
}

/// How far the file is of a sale that is being archived.
#[derive(Debug)]
enum Filing {
    Writing { of: Point, outcome: Receiver<io::Result<[u8; 32]>> },
    Written { of: Point, digest: [u8; 32] },
    Failed { at: Millis, why: io::Error },
}

impl Filings {
    pub(super) fn new(files: ArchiveFiles) -> Self {
        Self { files, of: BTreeMap::new(), awaited: BTreeMap::new() }
    }

    /// The stream of a sale waits for its file.
    pub(super) fn wait_for(&mut self, tag: SaleTag) {
        self.awaited.entry(tag).or_default();
    }

    /// Whether the stream of a sale waits for its file.
    pub(super) fn is_awaited(&self, tag: SaleTag) -> bool {
        self.awaited.contains_key(&tag)
    }

    /// Whether it does, and the file could not be written.
    pub(super) fn has_failed(&self, tag: SaleTag) -> bool {
        self.awaited.get(&tag).is_some_and(|awaited| awaited.trouble.is_some())
    }

    /// Sales whose streams wait for files that could not be written.
    pub(super) fn failed(&self) -> Vec<SaleTag> {
        self.awaited.keys().copied().filter(|tag| self.has_failed(*tag)).collect()
    }

    /// Whether this node is to say of such a sale that it does not serve it: it has failed for long.
    pub(super) fn is_to_part(&self, tag: SaleTag, at: Millis) -> bool {
        let Some(Awaited { trouble: Some((since, _)), has_parted }) = self.awaited.get(&tag) else {
            return false;
        };
        !has_parted && at.since(*since) >= PARTING_MS
    }

    /// It has said so now.
    pub(super) fn set_parted(&mut self, tag: SaleTag) {
        if let Some(awaited) = self.awaited.get_mut(&tag) {
            awaited.has_parted = true;
        }
    }

    /// A sale whose stream waits for a file that is still to be begun, if one may be begun.
    pub(super) fn next(&self) -> Option<SaleTag> {
        let is_new = |tag: &SaleTag| !self.of.contains_key(tag);
        self.awaited.keys().copied().find(is_new).filter(|_| self.has_room())
    }

    fn has_room(&self) -> bool {
        let writing = self.of.keys().filter(|tag| self.is_writing(**tag));
        writing.count() < FILES_AT_ONCE_MAX
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

    /// Why a file could not be written that an operator asked for. It is told once, and then begun again.
    pub(super) fn take_failure(&mut self, tag: SaleTag) -> Option<StoreError> {
        if self.is_awaited(tag) || !matches!(self.of.get(&tag), Some(Filing::Failed { .. })) {
            return None;
        }
        let Some(Filing::Failed { why, .. }) = self.of.remove(&tag) else { return None };
        Some(if disk::is_full(&why) {
            StoreError::StorageFull
        } else {
            StoreError::Reply("nothing, for the file of a sale cannot be written")
        })
    }

    /// The sale is archived, or gone, or another history of it was taken over.
    pub(super) fn filed(&mut self, tag: SaleTag) {
        self.of.remove(&tag);
        self.awaited.remove(&tag);
    }

    /// Sales whose streams wait for files that cannot be written, and why not.
    pub(super) fn troubles(&self) -> impl Iterator<Item = (SaleTag, &str)> {
        self.awaited.iter().filter_map(|(tag, awaited)| {
            let (_, why) = awaited.trouble.as_ref()?;
            Some((*tag, why.as_str()))
        })
    }

    /// Takes up what came of all files; answers those that are written by now.
    pub(super) fn look_at_all(&mut self, at: Millis) -> Vec<SaleTag> {
        let mut written: Vec<SaleTag> =
            self.of.keys().copied().filter(|tag| self.is_writing(*tag)).collect();
        for tag in &written {
            self.look_at(*tag, at);
        }
        written.retain(|tag| matches!(self.of.get(tag), Some(Filing::Written { .. })));
        written
    }

    /// Takes up what came of the file of a sale.
    pub(super) fn look_at(&mut self, tag: SaleTag, at: Millis) {
        let Some(Filing::Writing { of, outcome }) = self.of.get(&tag) else { return };
        let of = *of;
        let done = match outcome.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(done) => done,
            Err(TryRecvError::Disconnected) => Err(io::Error::other("its writer ended")),
        };
        if let (Err(why), Some(awaited)) = (&done, self.awaited.get_mut(&tag)) {
            let since = awaited.trouble.as_ref().map_or(at, |(since, _)| *since);
            awaited.trouble = Some((since, why.to_string()));
        }
        let done = match done {
            Ok(digest) => Filing::Written { of, digest },
            Err(why) => Filing::Failed { at, why },
        };
        self.of.insert(tag, done);
    }

    /// Begins to write the file of a sale as it stands, unless one is being written or was tried just now, or too
    /// many others are.
    pub(super) fn begin(&mut self, sale: &Sale, of: Point, at: Millis) {
        match self.of.get(&sale.tag()) {
            Some(Filing::Writing { .. }) => return,
            Some(Filing::Failed { at: failed, .. }) if at.since(*failed) < FILE_PAUSE_MS => return,
            Some(Filing::Failed { .. } | Filing::Written { .. }) | None => {}
        }
        if !self.has_room() {
            return;
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
