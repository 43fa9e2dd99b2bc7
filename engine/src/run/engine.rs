//! The engine as handlers know it: reads from atomics, commands through the ring.
//!
//! Owns the scribe's thread, and one more for each snapshot of sealed segments while it is written.
//! Dropping the last handle closes the ring; the scribe finishes what was accepted and ends.

mod archive;
mod archiver;
mod thread;

use std::{
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use self::{
    archiver::Archiver,
    thread::{Snapshots, run},
};
use crate::{
    arbiter::{Arbiter, Join, LocalArbiter, archive_file::ArchiveFiles},
    clock::{Clock, Millis},
    command::{Ask, Changed, Command, Entry, HoldReply, Note, Operation, Reply, Terms, Wanted},
    commit,
    disk::Disk,
    hold::Step,
    id::{Epoch, EventId, HoldId, Number, OfferIndex, SaleName, SaleTag, ShopperKey, SinkName},
    incarnation, limits,
    outbox::SinkSet,
    outlet::{self, Offers},
    purchase_admission::PurchaseAdmission,
    record::{Author, Change, ReplayKey},
    recovery::{self, RecoveryError, RecoveryReport},
    registry::{ArchivedViews, DeadLetters, Registry},
    ring::{self, Producer, Reason},
    sale::{
        ChangeRefusal, EndRefusal, EntryRefusal, Phase, PlaceRefusal, PurchaseRefusal,
        SettleRefusal, Settler, TicketRef,
    },
    scribe::{Answer, Busy, Fatal, Request, Scribe, Watch},
    session::Session,
    spec::SaleSpec,
    turn,
    unpacked::Unpacked,
    view::SaleView,
};

/// What an engine is started with.
#[derive(Debug)]
pub struct EngineOptions {
    /// Bytes of each new journal segment.
    pub segment_bytes: u64,
    /// A snapshot is written whenever so many segments were sealed since the last.
    pub snapshot_every_segments: u64,
    /// Told of each sync.
    pub watch: Box<dyn Watch>,
    /// The sinks that take order events: 1 to [`limits::SINKS_MAX`] of different names.
    pub sinks: Vec<SinkName>,
    /// How many nodes serve together over a store; `None`: this process decides alone.
    pub shared: Option<Box<dyn Join>>,
}

/// Why a command was not answered with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure<R> {
    /// Decided against; nothing was done.
    Refused(R),
    /// Not decided; nothing was done, and trying again is safe.
    Busy(Busy),
    /// Who decides could not be asked in time: whether it was done is unknown. A retry with the same
    /// key is safe.
    Unavailable,
    /// The engine stopped: whether it was done is unknown. A retry with the same key is safe.
    Stopped,
}

/// A refusal that nothing gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

impl Failure<Never> {
    /// The same failure of a request that could be refused.
    pub fn unrefused<R>(self) -> Failure<R> {
        match self {
            Self::Refused(never) => match never {},
            Self::Busy(busy) => Failure::Busy(busy),
            Self::Unavailable => Failure::Unavailable,
            Self::Stopped => Failure::Stopped,
        }
    }
}

/// A running engine; clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Shoppers' commands.
    producer: Producer<Request>,
    /// Those of the backend and of operators, which a crowd of shoppers cannot crowd out.
    privileged: Producer<Request>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    archiver: Archiver,
    shared: bool,
}

/// The threads behind an engine.
#[derive(Debug)]
pub struct Running {
    scribe: JoinHandle<Result<(), Fatal>>,
}

impl Running {
    /// Waits until the scribe has ended: with an error if it had to stop for good.
    pub fn join(self) -> Result<(), Fatal> {
        let panicked = |_| Err(Fatal { reason: "the scribe panicked".to_owned() });
        self.scribe.join().unwrap_or_else(panicked)
    }
}

/// A freshly started engine with everything around it.
#[derive(Debug)]
pub struct Started {
    /// The handle.
    pub engine: Engine,
    /// Its threads.
    pub running: Running,
    /// Durable order events, for each sink in the order of the options.
    pub offers: Vec<Offers>,
    /// What recovery found.
    pub report: RecoveryReport,
}

impl Engine {
    /// Recovers the data on `disk` and starts serving it.
    pub fn start(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        options: EngineOptions,
    ) -> Result<Started, RecoveryError> {
        let EngineOptions { segment_bytes, snapshot_every_segments, watch, sinks, shared } =
            options;
        let (world, journal, report) = recovery::recover(&disk, segment_bytes, &*clock)?;
        let (privileged, producer, consumer) =
            ring::bounded_lanes(limits::PRIVILEGED_RING_SLOTS, limits::RING_SLOTS);
        let (outlet, offers) = outlet::outlet(&sinks);
        let registry = Arc::new(Registry::default());
        let is_shared = shared.is_some();
        if is_shared {
            // Until its first turn says otherwise.
            registry.set_arbiter_troubles(vec!["not in touch with the store yet".to_owned()]);
        }
        let arbiter: Box<dyn Arbiter> = match shared {
            None if world.is_shared() => return Err(RecoveryError::OtherArbiter("redis")),
            None => Box::new(LocalArbiter::new(world)),
            Some(_) if world.is_alone() => return Err(RecoveryError::OtherArbiter("local")),
            Some(shared) => {
                let incarnation = incarnation::of(&*disk).map_err(RecoveryError::Incarnation)?;
                let archives = ArchiveFiles::new(&disk);
                shared.join(world, incarnation, archives).map_err(RecoveryError::Runtime)?
            }
        };
        let (scribe_clock, scribe_registry) = (Arc::clone(&clock), Arc::clone(&registry));
        let scribe = Scribe::new(scribe_clock, arbiter, journal, scribe_registry, outlet, watch);
        let archiver = Archiver::new(&disk);
        let last_snapshot = report.snapshot.map_or(1, |point| point.segment);
        let pace = (segment_bytes, snapshot_every_segments.max(1));
        let snapshots = Snapshots::new(disk, pace, last_snapshot, Arc::clone(&registry));
        let engine = Self { producer, privileged, registry, clock, archiver, shared: is_shared };
        let scribe = Builder::new()
            .name("rushgate-scribe".to_owned())
            .spawn(move || {
                // Answers come later where it is refused, and nothing else.
                drop(turn::request(turn::DECIDE));
                run(scribe, consumer, snapshots)
            })
            .expect("the system can start a thread");
        Ok(Started { engine, running: Running { scribe }, offers, report })
    }

    /// The present engine time.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A sale by its name; an archived one as it was left. That has to be unpacked, if nobody asked for it
    /// lately, which takes as long as its purchases are many: not for a thread that serves others.
    pub fn sale(&self, name: &str) -> Option<Arc<SaleView>> {
        self.find_sale(name, ArchivedViews::view)
    }

    /// The same, but `None` for an archived one that would have to be unpacked.
    pub fn sale_at_once(&self, name: &str) -> Option<Arc<SaleView>> {
        self.find_sale(name, ArchivedViews::shown)
    }

    fn find_sale(
        &self,
        name: &str,
        archived: impl Fn(&ArchivedViews, SaleTag, Millis) -> Option<Arc<SaleView>>,
    ) -> Option<Arc<SaleView>> {
        self.registry.sale(name).or_else(|| {
            let tag = SaleName::parse(name)?.tag();
            let view = archived(self.registry.archived(), tag, self.now())?;
            (view.name().as_str() == name).then_some(view)
        })
    }

    /// A sale by its name, unless it is archived.
    pub fn live_sale(&self, name: &str) -> Option<Arc<SaleView>> {
        self.registry.sale(name)
    }

    /// Whether the sale of this name is archived.
    pub fn is_archived(&self, name: &str) -> bool {
        SaleName::parse(name).is_some_and(|name| self.registry.archived().has(name.tag()))
    }

    /// Whether there is a sale of this name, archived or not.
    pub fn has_sale(&self, name: &str) -> bool {
        self.live_sale(name).is_some() || self.is_archived(name)
    }

    /// All sales by name, without the archived ones.
    pub fn sales(&self) -> Vec<Arc<SaleView>> {
        self.registry.sales()
    }

    /// Health and what waits for operators.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Order events that wait for an operator.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        self.registry.dead_letters()
    }

    /// Commands waiting for the scribe.
    pub fn ring_depth(&self) -> usize {
        self.producer.depth() + self.privileged.depth()
    }

    /// A shopper enters.
    pub async fn enter(
        &self,
        sale: &SaleView,
        shopper: ShopperKey,
        replay: Option<ReplayKey>,
    ) -> Result<Entry, Failure<EntryRefusal>> {
        let Reply::Entry(entry) =
            self.send(Command::Ask(sale.tag(), Ask::Enter { shopper, replay }), None).await?
        else {
            mismatch()
        };
        entry.map_err(Failure::Refused)
    }

    /// A shopper leaves; again is no change.
    pub async fn leave(
        &self,
        sale: &SaleView,
        ticket: TicketRef,
    ) -> Result<(), Failure<PlaceRefusal>> {
        let Reply::Left(left) =
            self.send(Command::Ask(sale.tag(), Ask::Leave { ticket }), None).await?
        else {
            mismatch()
        };
        left.map_err(Failure::Refused)
    }

    /// A called shopper claims the admission; again gives the same session.
    pub async fn claim(
        &self,
        sale: &SaleView,
        ticket: TicketRef,
    ) -> Result<Session, Failure<PlaceRefusal>> {
        let Reply::Claim(session) =
            self.send(Command::Ask(sale.tag(), Ask::Claim { ticket }), None).await?
        else {
            mismatch()
        };
        session.map_err(Failure::Refused)
    }

    /// An admitted shopper buys. Refused at once, without a hop, when nothing is left to ask for,
    /// unless the key was seen before: its first asking may have got the last unit.
    pub async fn purchase(
        &self,
        sale: &SaleView,
        pass: TicketRef,
        items: Vec<(OfferIndex, u32)>,
        replay: ReplayKey,
    ) -> Result<HoldReply, Failure<PurchaseRefusal>> {
        let mut admission = sale.admit_purchase(&items, replay);
        if admission.is_err() && self.shared {
            // Another node may have sold to this very key, or a unit may have come free there.
            self.refresh(sale).await.map_err(Failure::unrefused)?;
            admission = sale.admit_purchase(&items, replay);
        }
        let admission = admission.map_err(|_| Failure::Refused(self.nothing_left(sale)))?;
        let items = Wanted::from_slice(&items);
        let command = Command::Ask(sale.tag(), Ask::Purchase { pass, items, replay });
        let Reply::Purchase(hold) = self.send(command, Some(admission)).await? else { mismatch() };
        hold.map_err(Failure::Refused)
    }

    /// What a purchase with this key is refused with whatever it asks for, by loads alone; `None` when
    /// it has to be asked, as always when several nodes sell: one of them may have sold to this key a
    /// moment ago. Few ask in vain even so, because the gate lets nobody in to nothing.
    pub fn refusal_of_all(&self, sale: &SaleView, key: u128) -> Option<PurchaseRefusal> {
        let is_certain = !self.shared && sale.refuses_all(key);
        is_certain.then(|| self.nothing_left(sale))
    }

    /// The same where several nodes sell, once this one knows what they had sold before the call.
    pub async fn refusal_of_all_shared(
        &self,
        sale: &SaleView,
        key: u128,
    ) -> Result<Option<PurchaseRefusal>, Failure<PurchaseRefusal>> {
        if !self.shared || !sale.refuses_all(key) {
            return Ok(None);
        }
        self.refresh(sale).await.map_err(Failure::unrefused)?;
        Ok(sale.refuses_all(key).then(|| self.nothing_left(sale)))
    }

    /// The refusal of a purchase that finds nothing to ask for.
    fn nothing_left(&self, sale: &SaleView) -> PurchaseRefusal {
        match sale.phase(self.now()) {
            Phase::Open | Phase::Draining => PurchaseRefusal::SoldOut,
            phase @ (Phase::Scheduled | Phase::Closed) => PurchaseRefusal::NotOpen(phase),
        }
    }

    /// A hold of the sale as `sale` shows it moves on; a step taken before is no change. A sale that
    /// was made again meanwhile has no such hold.
    pub async fn settle(
        &self,
        sale: &SaleView,
        hold: HoldId,
        step: Step,
        by: Settler,
        replay: Option<ReplayKey>,
    ) -> Result<HoldReply, Failure<SettleRefusal>> {
        let (tag, epoch) = (sale.tag(), sale.epoch());
        let command = Command::Ask(tag, Ask::Settle { epoch, hold, step, by, replay });
        // What needs no fact, as whatever a shopper asks, leaves an archived sale as it is.
        let now = self.now();
        let unasked = |sale: &Unpacked| sale.answer_step((epoch, hold), step, by, replay, now);
        let unpacked = match self.registry.archived().ask(tag, unasked) {
            Ok(answered) => return answered.map_err(Failure::Refused),
            Err(unpacked) => unpacked,
        };
        let Reply::Settle(hold) = self.send_with(command, None, unpacked).await? else {
            mismatch()
        };
        hold.map_err(Failure::Refused)
    }

    /// The backend ends a session; again is no change.
    pub async fn end_session(
        &self,
        sale: &SaleView,
        epoch: Epoch,
        number: Number,
    ) -> Result<(), Failure<EndRefusal>> {
        let command = Command::Ask(sale.tag(), Ask::EndSession { epoch, number });
        let Reply::Ended(ended) = self.send(command, None).await? else { mismatch() };
        ended.map_err(Failure::Refused)
    }

    /// Whether other nodes serve the same sales, so that one may be asked for what this has not heard of.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Returns once this node knows of a sale what any node had acknowledged before the call.
    pub async fn refresh(&self, sale: &SaleView) -> Result<(), Failure<Never>> {
        self.send(Command::Note(sale.tag(), Note::Refresh), None).await.map(drop)
    }

    /// Makes a sale.
    pub async fn create(
        &self,
        author: Author,
        spec: SaleSpec,
        replay: Option<ReplayKey>,
    ) -> Result<Changed, Failure<ChangeRefusal>> {
        let spec = Box::new(spec);
        self.operate(Operation::Create { author, spec, replay }).await
    }

    /// Changes a sale.
    pub async fn change(
        &self,
        sale: SaleTag,
        author: Author,
        change: Change,
        terms: Terms,
    ) -> Result<Changed, Failure<ChangeRefusal>> {
        let change = Box::new(change);
        self.operate(Operation::Change { sale, author, change, terms }).await
    }

    async fn operate(&self, operation: Operation) -> Result<Changed, Failure<ChangeRefusal>> {
        let unpacked = self.registry.archived().take(operation.sale());
        let command = Command::Operate(operation);
        let Reply::Changed(changed) = self.send_with(command, None, unpacked).await? else {
            mismatch()
        };
        changed.map_err(Failure::Refused)
    }

    /// A sink took events of a sale.
    pub async fn delivered(
        &self,
        sale: SaleTag,
        by: SinkSet,
        events: Vec<EventId>,
    ) -> Result<(), Failure<()>> {
        self.send(Command::Note(sale, Note::Delivered { by, events }), None).await.map(drop)
    }

    /// A sink refused an event for good. Of `why`, [`limits::TEXT_BYTES_MAX`] bytes are kept.
    pub async fn dead_letter(
        &self,
        sale: SaleTag,
        by: SinkSet,
        event: EventId,
        why: String,
    ) -> Result<(), Failure<()>> {
        let end = why.floor_char_boundary(limits::TEXT_BYTES_MAX);
        let why = why[..end].to_owned();
        self.send(Command::Note(sale, Note::DeadLetter { by, event, why }), None).await.map(drop)
    }

    /// Sends dead letters of a sale to a sink again, all without `events`; answers how many.
    pub async fn requeue(
        &self,
        sale: SaleTag,
        author: Author,
        sink: SinkName,
        events: Option<Vec<EventId>>,
    ) -> Result<usize, Failure<()>> {
        let command = Command::Note(sale, Note::Requeue { author, sink, events });
        let Reply::Noted(count) = self.send(command, None).await? else { mismatch() };
        Ok(count)
    }

    async fn send<R>(
        &self,
        command: Command,
        admission: Option<PurchaseAdmission>,
    ) -> Result<Reply, Failure<R>> {
        self.send_with(command, admission, None).await
    }

    async fn send_with<R>(
        &self,
        command: Command,
        admission: Option<PurchaseAdmission>,
        unpacked: Option<Box<Unpacked>>,
    ) -> Result<Reply, Failure<R>> {
        let (promise, commit) = commit::pair::<Answer>();
        let ring = if command.is_privileged() { &self.privileged } else { &self.producer };
        if let Err(refused) = ring.push(Request { command, admission, unpacked, promise }) {
            return Err(match refused.reason {
                Reason::Full => Failure::Busy(Busy::Overloaded),
                Reason::Closed => Failure::Stopped,
            });
        }
        match commit.await {
            Ok(Ok(Reply::Unavailable | Reply::NotYet)) => Err(Failure::Unavailable),
            Ok(Ok(Reply::StorageFull)) => Err(Failure::Busy(Busy::StorageFull)),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(busy)) => Err(Failure::Busy(busy)),
            Err(_) => Err(Failure::Stopped),
        }
    }
}

fn mismatch() -> ! {
    unreachable!("a reply's variant follows from its command's")
}
