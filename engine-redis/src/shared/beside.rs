//! What takes many calls, done beside the turns: a lost sale is written into the store, a snapshot is fetched.
//!
//! ```text
//!   rebuild ─▶ write, hundreds of calls ─▶ follow the rebuild's own entry ─▶ following
//!   adopt ───▶ fetch the snapshot ─▶ journal it, some parts a turn ─▶ read on ─▶ following
//! ```
//!
//! Meanwhile nothing of that sale is decided here or followed, so its state stays as it was when the work began.
//! The other sales have their turns.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
};

use engine::{
    clock::Millis,
    id::{Epoch, NodeName, SaleTag},
    record::Stood,
    sale::Sale,
    stream::Point,
};
use tokio::task::{JoinSet, spawn_blocking};

use crate::store::{Entry, Rebuild, Snapshot, Standing, Store, StoreError};

/// Bytes of a sale in one record of the journal.
const PART_BYTES: usize = 1024 * 1024;

/// The work under way, at most one piece for each sale.
#[derive(Debug, Default)]
pub(super) struct Beside {
    jobs: JoinSet<(SaleTag, Done)>,
    /// Sales that are being fetched.
    fetching: BTreeSet<SaleTag>,
    /// Sales that were fetched and are being journaled.
    taking: BTreeMap<SaleTag, Taking>,
}

/// What a piece of work came to.
#[derive(Debug)]
pub(super) enum Done {
    Written(Box<Entry>, Result<(), StoreError>),
    Fetched(Result<Box<(Snapshot, Sale)>, StoreError>),
}

/// The next part of a fetched sale, to be journaled.
#[derive(Debug)]
pub(super) struct Part {
    pub sale: SaleTag,
    pub is_first: bool,
    pub bytes: Vec<u8>,
    /// What it is of.
    pub stood: Stood,
    pub is_last: bool,
    /// What this node promised and the snapshot does not know of; told with the last part.
    pub promised: Option<Vec<u64>>,
}

/// A fetched sale on its way into the journal.
#[derive(Debug)]
struct Taking {
    snapshot: Snapshot,
    /// What this node promised and the snapshot does not know of.
    promised: Option<Vec<u64>>,
    /// Bytes journaled.
    journaled: usize,
}

/// A sale to be written into the store, with all that goes along.
#[derive(Debug)]
pub(super) struct Writing {
    pub sale: Sale,
    pub at: Millis,
    pub epoch: Epoch,
    /// The rebuild's own entry, the last of `entries`.
    pub own: Entry,
    pub base: Point,
    pub entries: Vec<Entry>,
    pub members: Vec<(NodeName, Standing)>,
}

impl Beside {
    /// Whether turns should follow each other, for the work goes on only in them.
    pub(super) fn is_busy(&self) -> bool {
        !self.jobs.is_empty() || !self.taking.is_empty()
    }

    /// Whether a sale is being taken over.
    pub(super) fn takes(&self, tag: SaleTag) -> bool {
        self.fetching.contains(&tag) || self.taking.contains_key(&tag)
    }

    /// Begins to write a sale into the store.
    pub(super) fn write(&mut self, store: Store, tag: SaleTag, writing: Writing) {
        let _task = self.jobs.spawn(async move {
            let outcome = Box::pin(write(&store, &writing)).await;
            (tag, Done::Written(Box::new(writing.own), outcome))
        });
    }

    /// Begins to fetch a sale's snapshot.
    pub(super) fn fetch(&mut self, store: Store, tag: SaleTag) {
        self.fetching.insert(tag);
        let _task = self.jobs.spawn(async move {
            (tag, Done::Fetched(Box::pin(fetch(&store, tag)).await.map(Box::new)))
        });
    }

    /// A piece of work that is done.
    pub(super) fn done(&mut self) -> Option<(SaleTag, Done)> {
        loop {
            let (tag, done) = match self.jobs.try_join_next()? {
                Ok(done) => done,
                Err(error) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                Err(_) => continue,
            };
            if matches!(done, Done::Fetched(_)) {
                self.fetching.remove(&tag);
            }
            return Some((tag, done));
        }
    }

    /// A fetched sale is to be journaled, part by part.
    pub(super) fn take_over(
        &mut self,
        tag: SaleTag,
        snapshot: Snapshot,
        promised: Option<Vec<u64>>,
    ) {
        self.taking.insert(tag, Taking { snapshot, promised, journaled: 0 });
    }

    /// The next part of what was fetched.
    pub(super) fn next_part(&mut self) -> Option<Part> {
        let mut next = self.taking.first_entry()?;
        let (sale, Taking { snapshot, journaled, .. }) = (*next.key(), next.get_mut());
        let begin = *journaled;
        let end = (begin + PART_BYTES).min(snapshot.bytes.len());
        let (bytes, is_last) = (snapshot.bytes[begin..end].to_vec(), end == snapshot.bytes.len());
        let stood = Stood { at: snapshot.at, point: snapshot.point };
        *journaled = end;
        let promised = if is_last { next.remove().promised } else { None };
        Some(Part { sale, is_first: begin == 0, bytes, stood, is_last, promised })
    }
}

async fn write(store: &Store, writing: &Writing) -> Result<(), StoreError> {
    let Writing { sale, at, epoch, own, base, entries, members } = writing;
    let (at, epoch, last) = (*at, *epoch, &own.point);
    store.load(&Rebuild { sale, at, epoch, last, base, entries, members }).await?;
    let name = &sale.spec().name;
    if sale.archive().is_some() {
        store.announce_archived(name).await
    } else {
        store.announce(name).await
    }
}

/// The snapshot of a sale, and the sale, if it could have come about and is of the stream's history. A large
/// one is read on a thread of its own.
async fn fetch(store: &Store, tag: SaleTag) -> Result<(Snapshot, Sale), StoreError> {
    let Some(snapshot) = store.snapshot(tag).await? else {
        return Err(StoreError::Reply("no snapshot yet of a sale whose stream was trimmed"));
    };
    let point = snapshot.point;
    let read = spawn_blocking(move || {
        let sale = Sale::restored(&snapshot.bytes, snapshot.at);
        (snapshot, sale)
    });
    let (snapshot, sale) = read.await.map_err(|_| StoreError::Reply("nothing in time"))?;
    let sale = sale.map_err(StoreError::BadSnapshot)?;
    if sale.tag() != tag {
        return Err(StoreError::BadSnapshot("it is of another sale"));
    }
    let known = store.facts(tag, &point, 1).await;
    // Unless the sale was rebuilt meanwhile, and its snapshots gone.
    if matches!(known, Err(StoreError::Diverged { .. }))
        && store.snapshot_head(tag).await?.is_some_and(|head| head.point == point)
    {
        return Err(StoreError::BadSnapshot("its point is not in the stream"));
    }
    if snapshot.at > known?.at {
        // The store's clock was set back, and will be there soon.
        return Err(StoreError::Reply("a snapshot of a time that is yet to come"));
    }
    Ok((snapshot, sale))
}
