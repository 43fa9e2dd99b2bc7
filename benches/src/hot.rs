//! A sale with one hot SKU and a thousand admitted shoppers, for the arbiter alone and for the
//! scribe with its journal.
//!
//! Units never run out here: what is measured is the selling. The order pipeline is played by a
//! receipt for all events of the batch before, since an outbox that is never emptied stops a sale.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use engine::{
    arbiter::LocalArbiter,
    clock::{Clock as _, ManualClock, Millis},
    command::{Ask, Command, Note, Operation, Reply, Wanted},
    commit::{self, Commit},
    disk::Disk,
    id::{Currency, EventId, OfferIndex, SaleName, SaleTag, ShopperKey, SinkName, Sku},
    limits::{HOLDS_MAX, SEGMENT_BYTES},
    outbox::SinkSet,
    outlet::{self, Offers},
    record::{Author, EntryStanding, ReplayKey},
    recovery,
    registry::Registry,
    sale::TicketRef,
    scribe::{Answer, Request, Scribe, Watch},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
    sync::{AtomicU64, Ordering},
    view::SaleView,
};

use crate::{Rng, now};

const SEED: u64 = 0x7275_7368_6761_7465;
const SHOPPERS: u64 = 1_000;
const START: Millis = Millis(1_800_000_000_000);
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const HOT: OfferIndex = OfferIndex(0);

/// The one sink of the order events.
///
/// # Panics
/// Never: the name is a good one.
pub fn log() -> SinkSet {
    SinkSet::only(SinkName::parse("log").expect("a good name"))
}

/// Makes the commands of the hot sale and checks the replies.
#[derive(Debug)]
pub struct Hot {
    rng: Rng,
    tag: SaleTag,
    passes: Vec<TicketRef>,
    made: u64,
    receipted: u64,
}

impl Hot {
    /// An arbiter with the sale and its shoppers, and the maker of their commands.
    pub fn arbiter() -> (LocalArbiter, Self) {
        let mut arbiter = LocalArbiter::default();
        let mut hot = Self::new();
        drop(arbiter.decide(START, &[Self::create()]));
        let replies = arbiter.decide(Self::time(), &hot.entries(SHOPPERS)).replies;
        hot.admit(replies);
        (arbiter, hot)
    }

    fn new() -> Self {
        let tag = Self::spec().name.tag();
        Self { rng: Rng::new(SEED), tag, passes: Vec::new(), made: 0, receipted: 0 }
    }

    /// When everything is decided: late enough that the gate has saved up its burst.
    pub const fn time() -> Millis {
        START.after(1_000)
    }

    /// Entries of new shoppers.
    pub fn entries(&mut self, count: u64) -> Vec<Command> {
        let sale = self.tag;
        let mut shopper = || ShopperKey(self.rng.next_u128());
        (0..count)
            .map(|_| Command::Ask(sale, Ask::Enter { shopper: shopper(), replay: None }))
            .collect()
    }

    /// Purchases of one unit each, and first the receipt for those before them.
    pub fn purchases(&mut self, count: u64) -> impl Iterator<Item = Command> {
        let events = self.receipted + 1..=self.made;
        let events: Vec<EventId> = events.map(EventId).collect();
        self.receipted = self.made;
        self.made += count;
        let receipt = (!events.is_empty())
            .then_some(Command::Note(self.tag, Note::Delivered { by: log(), events }));
        let purchases = (0..count).map(move |_| {
            let pass = usize::try_from(self.rng.next_u64() % SHOPPERS).unwrap_or(0);
            let (sale, pass) = (self.tag, self.passes[pass]);
            let replay = ReplayKey { key: self.rng.next_u128(), body: 1 };
            Command::Ask(
                sale,
                Ask::Purchase { pass, items: Wanted::from_slice(&[(HOT, 1)]), replay },
            )
        });
        receipt.into_iter().chain(purchases)
    }

    /// Whether a sale as long as this could not make `more` holds.
    pub const fn is_over(&self, more: u64) -> bool {
        self.made + more > HOLDS_MAX as u64
    }

    fn admit(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            let Reply::Entry(Ok(entry)) = reply else { unreachable!("not entered: {reply:?}") };
            let admitted = matches!(entry.answer.standing, EntryStanding::Admitted { .. });
            assert!(admitted, "an empty room lets everyone in: {entry:?}");
            let (number, shopper) = (entry.answer.number, entry.answer.shopper);
            self.passes.push(TicketRef { epoch: entry.epoch, number, shopper });
        }
        assert_eq!(self.passes.len() as u64, SHOPPERS);
    }

    fn create() -> Command {
        Self::create_as(Self::spec())
    }

    fn create_as(spec: SaleSpec) -> Command {
        let author = Author { name: "bench".to_owned() };
        Command::Operate(Operation::Create { author, spec: Box::new(spec), replay: None })
    }

    /// Another sale that is on: one shopper is let in, and two wait for the slot.
    fn other(serial: usize) -> impl Iterator<Item = Command> {
        let name = SaleName::parse(&format!("other-{serial}")).expect("a name that fits");
        let sale = name.tag();
        let spec = SaleSpec { name, active_max: 1, ..Self::spec() };
        let enter =
            move |who| Command::Ask(sale, Ask::Enter { shopper: ShopperKey(who), replay: None });
        std::iter::once(Self::create_as(spec)).chain((1..=3).map(enter))
    }

    /// The hot sale.
    fn spec() -> SaleSpec {
        let known = "a name that fits";
        let offer = OfferSpec {
            sku: Sku::parse("hot").expect(known),
            total: 1_000_000_000,
            price: 100,
            currency: Currency::parse("EUR").expect(known),
        };
        SaleSpec {
            name: SaleName::parse("hot").expect(known),
            title: String::new(),
            opens_at: None,
            closes_at: None,
            identity: IdentityMode::Anonymous,
            rejoin: Rejoin::Keep,
            admission_milli_per_second: 1_000_000_000,
            active_max: 1_000_000,
            claim_window_ms: DAY_MS,
            session_ms: DAY_MS,
            idle_ms: DAY_MS,
            hold_ms: DAY_MS,
            per_shopper_max: 1_000_000,
            overbook_milli: None,
            refund_restocks: true,
            offers: vec![offer],
        }
    }
}

/// The hot sale behind a scribe with a journal: decided, synced, published, answered.
#[derive(Debug)]
pub struct Scribed {
    hot: Hot,
    scribe: Scribe,
    view: Arc<SaleView>,
    clock: Arc<ManualClock>,
    step: Step,
    /// Kept so that the outlet has somewhere to hand events to.
    _offers: Vec<Offers>,
}

impl Scribed {
    /// Starts on an empty disk.
    pub fn start(disk: &Arc<dyn Disk>, watch: Box<dyn Watch>) -> Self {
        Self::start_among(0, disk, watch)
    }

    /// Starts on an empty disk, beside so many other sales that are on and in which people wait.
    pub fn start_among(others: usize, disk: &Arc<dyn Disk>, watch: Box<dyn Watch>) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let recovered = recovery::recover(disk, SEGMENT_BYTES, &*clock);
        let (world, journal, _) = recovered.expect("an empty disk recovers");
        let registry = Arc::new(Registry::default());
        let (outlet, offers) = outlet::outlet(&[log().sink]);
        let arbiter = Box::new(LocalArbiter::new(world));
        let scribe_clock = Arc::clone(&clock);
        let mut scribe =
            Scribe::new(scribe_clock, arbiter, journal, Arc::clone(&registry), outlet, watch);
        let mut hot = Hot::new();
        let mut step = Step::default();
        step.run(&mut scribe, None, [Hot::create()], drop);
        for serial in 0..others {
            step.run(&mut scribe, None, Hot::other(serial), drop);
        }
        clock.advance(Hot::time().since(clock.now()));
        let entries = hot.entries(SHOPPERS);
        let mut replies = Vec::new();
        step.run(&mut scribe, None, entries, |reply| replies.push(reply));
        hot.admit(replies);
        let view = registry.sale("hot").expect("the sale was made");
        assert_eq!(registry.sales().len(), others + 1);
        Self { hot, scribe, view, clock, step, _offers: offers }
    }

    /// Lets so much time go by.
    pub fn pass(&self, span_ms: u64) {
        self.clock.advance(span_ms);
    }

    /// Sells `count` units in one batch, one sync; all of it from permit to answer.
    pub fn reserve(&mut self, count: u64) {
        let before = self.hot.made;
        let commands = self.hot.purchases(count);
        let held = |reply: &Reply| matches!(reply, Reply::Purchase(Ok(made)) if !made.replayed);
        let mut made = 0;
        let count_held = |reply: Reply| made += u64::from(held(&reply));
        self.step.run(&mut self.scribe, Some(&self.view), commands, count_held);
        assert_eq!(made, count, "every reservation is made");
        let sold = self.view.counts().next().expect("one offer").held;
        assert_eq!(sold, before + count, "what was sold is what is shown");
    }

    /// Whether the sale could not make `more` holds.
    pub const fn is_over(&self, more: u64) -> bool {
        self.hot.is_over(more)
    }
}

/// One turn of the scribe: permits, promises, decision, sync, answers. Kept for its memory, as a
/// server's tasks keep theirs.
#[derive(Debug, Default)]
struct Step {
    requests: Vec<Request>,
    commits: Vec<Commit<Answer>>,
}

impl Step {
    fn run(
        &mut self,
        scribe: &mut Scribe,
        view: Option<&SaleView>,
        commands: impl IntoIterator<Item = Command>,
        on_reply: impl FnMut(Reply),
    ) {
        for command in commands {
            let admission = match (&command, view) {
                (Command::Ask(_, Ask::Purchase { items, replay, .. }), Some(view)) => {
                    Some(view.admit_purchase(items, *replay).expect("units are left"))
                }
                _ => None,
            };
            let (promise, commit) = commit::pair();
            self.requests.push(Request { command, admission, unpacked: None, promise });
            self.commits.push(commit);
        }
        scribe.step(&mut self.requests).expect("the journal holds");
        assert!(self.requests.is_empty(), "the batch was taken whole");
        let mut context = Context::from_waker(Waker::noop());
        let reply = |mut commit: Commit<Answer>| {
            let Poll::Ready(Ok(Ok(reply))) = Pin::new(&mut commit).poll(&mut context) else {
                unreachable!("a taken request is answered before the turn ends")
            };
            reply
        };
        self.commits.drain(..).map(reply).for_each(on_reply);
    }
}

/// Adds up what syncing took.
#[derive(Clone, Debug)]
pub struct SyncTimes {
    totals: Arc<[AtomicU64; 2]>,
    started: Instant,
}

impl SyncTimes {
    /// Starts at nothing; clones see the same totals.
    pub fn start() -> Self {
        Self { totals: Arc::default(), started: now() }
    }

    /// Syncs so far, and the time from write to durable.
    pub fn totals(&self) -> (u64, Duration) {
        // ORDERING: Relaxed; read by the thread that wrote them.
        let [syncs, nanos] = &*self.totals;
        (syncs.load(Ordering::Relaxed), Duration::from_nanos(nanos.load(Ordering::Relaxed)))
    }
}

impl Watch for SyncTimes {
    fn syncing(&mut self) {
        self.started = now();
    }

    fn synced(&mut self, _records: usize) {
        let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let [syncs, total] = &*self.totals;
        syncs.fetch_add(1, Ordering::Relaxed);
        total.fetch_add(nanos, Ordering::Relaxed);
    }
}
