//! What writes the files of sales that are being archived, one at a time, each on a thread of its own.

use std::{
    sync::{Arc, Weak},
    thread,
};

use crate::{
    commit,
    disk::Disk,
    id::{SaleTag, Sequence},
    recovery::{self, RecoveryError},
    sync::{AtomicBool, Ordering},
};

/// Why there is no file.
pub(super) enum Unwritten {
    /// Another is being written.
    Busy,
    /// The engine has stopped.
    Stopped,
    Failed(RecoveryError),
}

/// What writes the files, one at a time.
#[derive(Clone, Debug)]
pub(super) struct Archiver {
    /// Not kept open by it: the directory may be opened again once the scribe has ended.
    disk: Weak<dyn Disk>,
    is_busy: Arc<AtomicBool>,
}

impl Archiver {
    pub(super) fn new(disk: &Arc<dyn Disk>) -> Self {
        Self { disk: Arc::downgrade(disk), is_busy: Arc::new(AtomicBool::new(false)) }
    }

    /// Writes the file of a sale as it stood after the record `upto`.
    pub(super) async fn write(
        &self,
        tag: SaleTag,
        upto: Sequence,
    ) -> Result<Option<[u8; 32]>, Unwritten> {
        let disk = self.disk.upgrade().ok_or(Unwritten::Stopped)?;
        // ORDERING: AcqRel pairs with the Release below: one file after the other.
        if self.is_busy.swap(true, Ordering::AcqRel) {
            return Err(Unwritten::Busy);
        }
        let (promise, written) = commit::pair();
        let is_busy = Arc::clone(&self.is_busy);
        let work = move || {
            let outcome = recovery::archive(&*disk, tag, upto);
            drop(disk);
            is_busy.store(false, Ordering::Release);
            promise.resolve(outcome);
        };
        let started = thread::Builder::new().name("rushgate-archive".to_owned()).spawn(work);
        if started.is_err() {
            self.is_busy.store(false, Ordering::Release);
            return Err(Unwritten::Busy);
        }
        let written = written.await.map_err(|_| Unwritten::Stopped)?;
        written.map_err(Unwritten::Failed)
    }
}
