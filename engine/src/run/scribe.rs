//! The scribe: the one writer. Drains the ring, has the batch decided, makes it durable, publishes
//! it, and only then answers.
//!
//! ```text
//!   ring ─▶ decide ─▶ encode ─▶ journal: one write, one sync ─▶ publish ─▶ answer ─▶ hand out
//!                                    │
//!                                    ├ full: keep the decided batch, refuse newcomers, try again
//!                                    └ failed: stop for good; nothing of the batch is answered
//! ```
//!
//! The next batch fills in the ring while this one syncs: large batches under load, small ones
//! without, and no timer. [`Scribe::step`] is one turn of it, with no thread and no clock of its
//! own, so that a simulation can drive it.

mod archived;
mod batch;
mod figures;
mod publishing;
mod request;
mod resting;
mod waiting;

pub use self::{
    archived::Waking,
    request::{Answer, Busy, Request},
    resting::Resting,
};

use std::{collections::BTreeSet, mem, sync::Arc};

use self::{
    batch::{Batch, Part},
    figures::Figures,
    waiting::Waiting,
};
use crate::{
    arbiter::{Arbiter, Moment},
    by_sale::BySale,
    clock::{Clock, Millis},
    command::{Ask, Command, Reply},
    commit::WakeUp,
    id::{Epoch, SaleTag},
    idle_sweep::IdleSweep,
    journal::{Journal, JournalError, Preparation, Prepared},
    limits::{self, OUTAGE_MS},
    outlet::Outlet,
    publisher::Publisher,
    purchase_admission::PurchaseAdmission,
    registry::Registry,
    sale::Sale,
    world::World,
};

/// What the journal's batches carry as epoch while one process decides alone.
const LOCAL_EPOCH: Epoch = Epoch(1);

/// Why the scribe stopped for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// What the journal said.
    pub reason: String,
}

/// Told of each sync, to time it: the engine has no clock fine enough.
pub trait Watch: Send + std::fmt::Debug {
    /// A batch is about to be written and synced.
    fn syncing(&mut self);
    /// It is durable.
    fn synced(&mut self, records: usize);
}

/// The one writer.
#[derive(Debug)]
pub struct Scribe {
    clock: Arc<dyn Clock>,
    arbiter: Box<dyn Arbiter>,
    journal: Journal,
    registry: Arc<Registry>,
    outlet: Outlet,
    watch: Box<dyn Watch>,
    publishers: BySale<Publisher>,
    /// A decided batch that the disk had no room for.
    unfinished: Option<Batch>,
    waiting: Waiting,
    /// The last batch, emptied, for its memory.
    spare: Batch,
    /// The room that could not be had, 0 while there is room. Until there is as much, nothing is
    /// decided: a small batch that still fits must not make a full disk look well.
    wanted_bytes: usize,
    figures: Figures,
    idle_sweep: IdleSweep,
    /// When archived sales are looked at next that may be packed, and whether a large one may be given away.
    pack_due: Millis,
    may_rest: bool,
    /// The last turn, for outages; `None` before the first, which comes after one.
    stepped_at: Option<Millis>,
    is_more_due: bool,
}

impl Scribe {
    /// A scribe that goes on from a recovered world.
    pub fn new(
        clock: Arc<dyn Clock>,
        arbiter: Box<dyn Arbiter>,
        journal: Journal,
        registry: Arc<Registry>,
        mut outlet: Outlet,
        watch: Box<dyn Watch>,
    ) -> Self {
        let at = clock.now();
        let publisher = |sale: &Sale| (sale.tag(), Publisher::recovered(sale, at));
        let publishers: BySale<_> = arbiter.world().sales().map(publisher).collect();
        Self::show(&registry, &publishers);
        registry.archived().set_cold(arbiter.world().cold());
        registry.set_durable(journal.point().sequence);
        registry.replace_dead_letters(outlet.dead_letters(arbiter.world()));
        registry.set_outbox_lag(arbiter.world(), outlet.sinks());
        outlet.take_up(arbiter.world());
        let mut idle_sweep = IdleSweep::new(at);
        for publisher in publishers.values() {
            let tag = publisher.view().tag();
            idle_sweep.note(tag, publisher.view().line(), at);
        }
        Self {
            clock,
            arbiter,
            journal,
            registry,
            outlet,
            watch,
            publishers,
            unfinished: None,
            waiting: Waiting::default(),
            spare: Batch::default(),
            wanted_bytes: 0,
            figures: Figures::new(at),
            idle_sweep,
            pack_due: Millis(0),
            may_rest: false,
            stepped_at: None,
            is_more_due: false,
        }
    }

    /// The state after all that was decided.
    pub fn world(&self) -> &World {
        self.arbiter.world()
    }

    /// The last call, after the last step: the journal learns that this node parted.
    pub fn close(&mut self) -> Result<(), Fatal> {
        let at = self.clock.now();
        self.waiting.refuse();
        if self.unfinished.is_some() || !self.reserve(0)? {
            // Nothing can be written, so nothing is to be heard.
            return Ok(());
        }
        let mut batch = mem::take(&mut self.spare);
        batch.decided.clear(at);
        if let Some(peers) = self.arbiter.peers_mut() {
            peers.part(&mut batch.decided, at);
        }
        batch.encode();
        self.finish(batch)
    }

    /// Where the journal stands.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The journal's next segment, to be made ready on another thread; see [`Journal::prepare`].
    pub fn prepare(&mut self) -> Option<Preparation> {
        self.journal.prepare()
    }

    /// Takes what a preparation made.
    pub fn set_prepared(&mut self, prepared: Prepared) {
        self.journal.set_prepared(prepared);
    }

    /// One turn: decides `requests` and whatever time brings, and answers once it is durable.
    /// Takes from the front of `requests` and leaves what did not fit this batch; what could not be decided
    /// yet stays here, and is asked again a tick later.
    pub fn step(&mut self, requests: &mut Vec<Request>) -> Result<(), Fatal> {
        self.is_more_due = false;
        if let Some(batch) = self.unfinished.take() {
            self.finish(batch)?;
        }
        let at = self.clock.now();
        let now = self.look_at_the_clock(at);
        self.waiting.join(requests, at);
        let (taken, bytes) = front(requests, self.arbiter.world().sales().len());
        let full = self.unfinished.is_some() || !self.reserve(bytes)?;
        self.registry.set_storage_full(full);
        if full {
            refuse(requests.drain(..));
            return Ok(());
        }
        let mut batch = mem::take(&mut self.spare);
        batch.requests.extend(requests.drain(..taken));
        self.take_unpacked(&mut batch.requests, at);
        let idle = self.idle_sweep.commands(&mut *self.arbiter, &self.publishers, at);
        let asked = batch.requests.iter().map(|request| &request.command);
        // Last, so that each reply stands where its request does.
        self.arbiter.decide_into(&mut batch.decided, now, &mut asked.chain(&idle));
        // Where many nodes decide, time is the store's.
        self.clock.not_before(batch.decided.at);
        self.is_more_due |= batch.decided.is_more_due;
        batch.encode();
        self.finish(batch)
    }

    /// Whether time has brought more than the last batch took, or the sinks have more to look at: the next
    /// turn should not wait.
    pub fn is_more_due(&self) -> bool {
        self.is_more_due
    }

    /// What time did since the last turn.
    fn look_at_the_clock(&mut self, at: Millis) -> Moment {
        let wall_offset_ms = self.clock.wall().offset_from(at);
        let after_outage = self.stepped_at.is_none_or(|last| at.since(last) >= OUTAGE_MS);
        self.registry.set_clock_offset(wall_offset_ms);
        self.stepped_at = Some(at);
        Moment { at, wall_offset_ms, after_outage }
    }

    /// Makes a decided batch durable, then publishes and answers; keeps it when the disk is full.
    fn finish(&mut self, mut batch: Batch) -> Result<(), Fatal> {
        while let Some((part, bytes)) = batch.next_part() {
            match self.write(batch.decided.at, part, bytes) {
                Ok(()) => batch.written += 1,
                Err(JournalError::Full { .. } | JournalError::Unready { .. }) => {
                    self.registry.set_storage_full(true);
                    self.unfinished = Some(batch);
                    return Ok(());
                }
                Err(error) => return Err(self.stopped(&error)),
            }
        }
        // Before anyone sees a fact of it: whoever does finds it in the journal up to here.
        self.registry.set_durable(self.journal.point().sequence);
        let adopted = mem::take(&mut batch.decided.adopted);
        let renewed = self.renewed(&batch.decided.records, adopted);
        self.publish(&batch.decided.records, batch.decided.at, &renewed);
        self.take_units(&batch.decided, &renewed);
        // All answers first, then the waking: a handler that wakes finds its neighbours ready too,
        // and one wake-up of a thread serves many.
        for (request, reply) in batch.requests.drain(..).zip(batch.decided.replies.drain(..)) {
            let request = if reply == Reply::NotYet {
                let Some(too_many) = self.waiting.add(request, batch.decided.at) else { continue };
                too_many
            } else {
                request
            };
            let wake_up = self.answer(request, reply, batch.decided.at, &renewed);
            batch.wake_ups.extend(wake_up);
        }
        batch.wake_ups.clear();
        self.spare = batch;
        let peers = self.arbiter.peers();
        let delivers = |sale| peers.is_none_or(|peers| peers.delivers(sale));
        self.is_more_due |= self.outlet.hand_out(self.arbiter.world(), delivers);
        if let Some(peers) = peers {
            self.registry.set_arbiter_troubles(peers.troubles());
        }
        let at = self.spare.decided.at;
        if at >= self.pack_due {
            self.pack(at);
        }
        self.registry.set_outbox_lag(self.arbiter.world(), self.outlet.sinks());
        Ok(())
    }

    fn write(&mut self, at: Millis, part: Part, bytes: &[u8]) -> Result<(), JournalError> {
        self.journal.reserve(bytes.len())?;
        self.watch.syncing();
        self.journal.append(at, LOCAL_EPOCH, part.records, bytes)?;
        self.watch.synced(part.records as usize);
        Ok(())
    }

    /// Whether the journal has room for a batch of `bytes`, and for what it had no room for before.
    fn reserve(&mut self, bytes: usize) -> Result<bool, Fatal> {
        let bytes = bytes.max(self.wanted_bytes);
        let (has_room, wanted_bytes) = match self.journal.reserve(bytes) {
            Ok(()) => (true, 0),
            Err(JournalError::Full { .. } | JournalError::Unready { .. }) => (false, bytes),
            Err(error) => return Err(self.stopped(&error)),
        };
        self.wanted_bytes = wanted_bytes;
        Ok(has_room)
    }

    /// The end of the scribe. First the flag, then the promises that are dropped with the batch: who
    /// is told that the outcome is unknown finds the engine stopped.
    fn stopped(&self, error: &JournalError) -> Fatal {
        self.registry.set_stopped();
        Fatal { reason: error.to_string() }
    }

    fn answer(
        &mut self,
        request: Request,
        reply: Reply,
        at: Millis,
        renewed: &BTreeSet<SaleTag>,
    ) -> Option<WakeUp<Answer>> {
        let Request { command, admission, promise, .. } = request;
        // An admission that made nothing gives its units back here, by being dropped. Its key counts
        // as asked until then: what was answered for it is published by now.
        if let Command::Ask(sale, Ask::Purchase { items, replay, .. }) = &command
            && matches!(&reply, Reply::Purchase(Ok(made)) if !made.replayed)
        {
            // A sale taken over in this batch has a view that knows the hold.
            let publisher = self.publishers.get_mut(*sale).filter(|_| !renewed.contains(sale));
            match (publisher, admission) {
                (Some(publisher), Some(admission)) => {
                    publisher.spend(admission, items, *replay, at);
                }
                (Some(publisher), None) => {
                    publisher.take_unpermitted(items.iter().copied(), Some(*replay), at);
                }
                (None, admission) => drop(admission.map(PurchaseAdmission::spend)),
            }
        }
        promise.resolve_unheard(Ok(reply))
    }
}

/// How many of the requests fit one batch, and the bytes they need beside all that time may bring.
fn front(requests: &[Request], sales: usize) -> (usize, usize) {
    let ticks = sales * limits::SALE_TICK_BYTES_MAX;
    let mut bytes = limits::SWEEP_RECORDS_MAX * 64 + limits::IDLE_PLACES_MAX * 16 + ticks;
    let mut taken = 0;
    for request in requests.iter().take(limits::BATCH_COMMANDS_MAX) {
        let more = request.command.bytes_max();
        if bytes + more > limits::BATCH_BYTES_MAX {
            break;
        }
        bytes += more;
        taken += 1;
    }
    // Nothing would ever take such a command off the front, nor any behind it.
    assert!(taken > 0 || requests.is_empty(), "the largest command fits an empty batch");
    (taken, bytes)
}

fn refuse(requests: impl Iterator<Item = Request>) {
    requests.for_each(|request| request.promise.resolve(Err(Busy::StorageFull)));
}
