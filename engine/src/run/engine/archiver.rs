//! What writes the files of sales that are being archived, for one request at a time, each on a thread of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    thread,
};

use crate::{
    commit,
    disk::Disk,
    id::{SaleTag, Sequence},
    limits::ARCHIVED_TOGETHER_BYTES,
    recovery::{self, RecoveryError},
    sync::{AtomicBool, Ordering},
};

/// Why there is no file.
pub(super) enum Unwritten {
    /// Others are being written.
    Busy,
    /// The engine has stopped.
    Stopped,
    Failed(RecoveryError),
}

/// The hash of the file of each sale; `None` if the sale is not there or archived already.
pub(super) type Digests = BTreeMap<SaleTag, Option<[u8; 32]>>;

/// What writes the files, for one request at a time.
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

    /// Writes the files of sales as they stood after the record `upto`: of the first ones, if they are large.
    pub(super) async fn write(
        &self,
        tags: Vec<SaleTag>,
        upto: Sequence,
    ) -> Result<Digests, Unwritten> {
        let disk = self.disk.upgrade().ok_or(Unwritten::Stopped)?;
        let turn = Turn::take(&self.is_busy).ok_or(Unwritten::Busy)?;
        let (promise, written) = commit::pair();
        let work = move || {
            let outcome = recovery::archive(&*disk, &tags, upto, ARCHIVED_TOGETHER_BYTES);
            drop((disk, turn));
            promise.resolve(outcome);
        };
        let started = thread::Builder::new().name("rushgate-archive".to_owned()).spawn(work);
        started.map_err(|_| Unwritten::Busy)?;
        let written = written.await.map_err(|_| Unwritten::Stopped)?;
        written.map_err(Unwritten::Failed)
    }
}

/// The turn to write files; over when this is dropped, also by a panic.
struct Turn(Arc<AtomicBool>);

impl Turn {
    fn take(is_busy: &Arc<AtomicBool>) -> Option<Self> {
        // ORDERING: AcqRel pairs with the Release of `drop`: one file after the other.
        (!is_busy.swap(true, Ordering::AcqRel)).then(|| Self(Arc::clone(is_busy)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // ORDERING: Release pairs with `take`.
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_a_file_is_written_leaves_the_turn_to_the_next() {
        let is_busy = Arc::new(AtomicBool::new(false));
        let turn = Turn::take(&is_busy).expect("free");
        assert!(Turn::take(&is_busy).is_none());
        let thread = thread::spawn(move || {
            let _turn = turn;
            panic!("a damaged record");
        });
        thread.join().expect_err("it panicked");
        assert!(Turn::take(&is_busy).is_some());
    }
}
