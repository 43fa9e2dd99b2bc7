//! What takes many calls, done beside the turns: a lost sale is written into the store, a snapshot is fetched.
//!
//! ```text
//!   rebuild ─▶ write, hundreds of calls ─▶ follow the rebuild's own entry ─▶ following
//!   adopt ───▶ fetch the snapshot ─▶ journal it, some parts a turn ─▶ read on ─▶ following
//! ```
//!
//! Meanwhile nothing of that sale is decided here or followed, so its state stays as it was when the work began.
//! The other sales have their turns.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    arbiter::Decided,
    clock::Millis,
    id::{Epoch, NodeName, SaleTag},
    record::{Record, Stood},
    sale::Sale,
    stream::Point,
};
use tokio::task::{JoinSet, spawn_blocking};

use super::{Node, replica::ReplicaState};
use crate::store::{Entry, Rebuild, Snapshot, Standing, Store, StoreError};

/// Bytes of a sale in one record of the journal.
const PART_BYTES: usize = 1024 * 1024;
/// Parts of sales that are being taken over which one turn journals.
const PARTS_MAX: usize = 16;

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
enum Done {
    Written(Box<Entry>, Result<(), StoreError>),
    Fetched(Result<Box<(Snapshot, Sale)>, StoreError>),
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
}

impl Node {
    /// Begins to write a sale into the store.
    pub(super) fn begin_writing(&mut self, tag: SaleTag, writing: Writing) {
        self.set_beside(tag, "this node writes it into the store");
        let store = self.store().clone();
        let _task = self.beside.jobs.spawn(async move {
            let outcome = Box::pin(write(&store, &writing)).await;
            (tag, Done::Written(Box::new(writing.own), outcome))
        });
    }

    /// Begins to take a sale over from its snapshot.
    pub(super) fn begin_fetching(&mut self, tag: SaleTag) {
        if self.beside.takes(tag) {
            return;
        }
        self.set_beside(tag, "this node takes over what the others have");
        self.beside.fetching.insert(tag);
        let store = self.store().clone();
        let _task = self.beside.jobs.spawn(async move {
            (tag, Done::Fetched(Box::pin(fetch(&store, tag)).await.map(Box::new)))
        });
    }

    fn set_beside(&mut self, tag: SaleTag, why: &str) {
        if let Some(replica) = self.replicas.get_mut(&tag) {
            replica.is_delivering = false;
            replica.state = ReplicaState::Beside(why.to_owned());
        }
    }

    /// Takes up what was done since the last turn.
    pub(super) async fn finish(&mut self, decided: &mut Decided) {
        while let Some(done) = self.beside.jobs.try_join_next() {
            let (tag, done) = match done {
                Ok(done) => done,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => continue,
            };
            let outcome = match done {
                Done::Written(own, outcome) => {
                    outcome.and_then(|()| self.written(decided, tag, *own))
                }
                Done::Fetched(outcome) => {
                    self.beside.fetching.remove(&tag);
                    outcome.map(|fetched| self.fetched(tag, *fetched))
                }
            };
            if let Err(error) = outcome {
                self.gave_up(decided.at, tag, &error);
            }
        }
        self.take_over(decided).await;
        decided.is_more_due |= self.beside.is_busy();
    }

    /// The store has the sale as this node wrote it.
    fn written(
        &mut self,
        decided: &mut Decided,
        tag: SaleTag,
        own: Entry,
    ) -> Result<(), StoreError> {
        let epoch = own.point.epoch;
        self.follow(decided, tag, vec![own], &[])?;
        if let Some(replica) = self.replicas.get_mut(&tag) {
            (replica.epoch, replica.state) = (epoch, ReplicaState::Following);
        }
        Ok(())
    }

    fn fetched(&mut self, tag: SaleTag, fetched: (Snapshot, Sale)) {
        let (snapshot, sale) = fetched;
        let promised = self.promised_before(tag, &sale);
        self.beside.taking.insert(tag, Taking { snapshot, promised, journaled: 0 });
    }

    /// Journals the next parts of what was fetched. With its last part a sale is followed from there.
    async fn take_over(&mut self, decided: &mut Decided) {
        for _ in 0..PARTS_MAX {
            let Some(mut next) = self.beside.taking.first_entry() else { return };
            let (tag, Taking { snapshot, journaled, .. }) = (*next.key(), next.get_mut());
            let is_first = *journaled == 0;
            let end = (*journaled + PART_BYTES).min(snapshot.bytes.len());
            let (bytes, is_last) =
                (snapshot.bytes[*journaled..end].to_vec(), end == snapshot.bytes.len());
            let stood = Stood { at: snapshot.at, point: snapshot.point };
            *journaled = end;
            if is_first {
                let epoch = self.replicas.get(&tag).map_or(Epoch(0), |replica| replica.epoch);
                self.meet(decided, tag, epoch.max(stood.point.epoch));
            }
            let taken = is_last.then(|| self.beside.taking.remove(&tag)).flatten();
            let stood = is_last.then_some(stood);
            let record = Record::Adopted { sale: tag, is_first, bytes, stood };
            self.world.apply(&record, decided.at);
            decided.records.push(record);
            if let Some(Taking { snapshot, promised, .. }) = taken {
                decided.adopted.insert(tag);
                decided.at = decided.at.max(snapshot.at);
                let mut replica = self.found(snapshot.point.epoch, decided.at);
                replica.promised = promised;
                self.replicas.insert(tag, replica);
                // In the same batch, so that no reader is shown the line as it was.
                if let Err(error) = self.catch_up(decided, tag).await {
                    self.gave_up(decided.at, tag, &error);
                }
            }
        }
    }

    /// What was begun did not come to its end.
    fn gave_up(&mut self, at: Millis, tag: SaleTag, error: &StoreError) {
        self.note_failure(tag, error);
        self.give_up(tag, error);
        self.ask_again(at, tag, error);
    }
}

async fn write(store: &Store, writing: &Writing) -> Result<(), StoreError> {
    let Writing { sale, at, epoch, own, base, entries, members } = writing;
    let (at, epoch, last) = (*at, *epoch, &own.point);
    store.load(&Rebuild { sale, at, epoch, last, base, entries, members }).await?;
    store.announce(&sale.spec().name).await
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
        && store.snapshot_point(tag).await? == Some(point)
    {
        return Err(StoreError::BadSnapshot("its point is not in the stream"));
    }
    if snapshot.at > known?.at {
        // The store's clock was set back, and will be there soon.
        return Err(StoreError::Reply("a snapshot of a time that is yet to come"));
    }
    Ok((snapshot, sale))
}
