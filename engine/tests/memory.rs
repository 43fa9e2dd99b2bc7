//! What sales take of the memory, by an allocator that counts. A program of its own: nothing else may
//! allocate meanwhile.

#![expect(unsafe_code, reason = "an allocator is unsafe by its interface")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    iter,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use engine::{
    arbiter::{Arbiter as _, LocalArbiter},
    clock::{ManualClock, Millis},
    codec::Binary as _,
    command::{Ask, Command, Note, Operation, Terms},
    commit,
    disk::{Disk, real::RealDisk},
    hold::Step,
    id::{
        Currency, Epoch, EventId, HoldId, Number, OfferIndex, SaleName, SaleTag, ShopperKey,
        SinkName, Sku,
    },
    limits::{ARCHIVED_SALE_BYTES_MAX, SALE_BYTES_MAX, SEGMENT_BYTES, WARM_MS},
    outbox::SinkSet,
    outlet::{self, Offers},
    record::{Author, Change, ReplayKey},
    recovery::{self, Snapshotted},
    registry::Registry,
    sale::{Settler, TicketRef},
    scribe::{Request, Scribe, Watch},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
    world::World,
};

/// The system's allocator, and what it has given out and not taken back.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
/// The most that was out at once, since a test set it last.
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        PEAK.fetch_max(before + layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps what the interface asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}

/// Sales that are made together.
const GROUP: usize = 250;

/// Titles of ordinary length, and longer.
const TITLE: &str = "Autumn hoodies, limited";
const LONG_TITLE: &str = "A sale with a title as long as titles are";

/// When the first of many sales is made: a time as clocks have it.
const START: Millis = Millis(1_800_000_000_000);

/// Keeps other tests of this program from allocating meanwhile.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name(serial: usize) -> SaleName {
    SaleName::parse(&format!("sale-{serial}")).expect("a good name")
}

fn sink() -> SinkName {
    SinkName::parse("log").expect("a good name")
}

/// Who archives sales in time.
fn policy() -> Author {
    Author { name: "policy".to_owned() }
}

fn create(serial: usize, title: &str) -> Command {
    let offer = |sku| OfferSpec {
        sku: Sku::parse(sku).expect("a good SKU"),
        total: 1_000,
        price: 1_000,
        currency: Currency::parse("KRW").expect("a good currency"),
    };
    let spec = SaleSpec {
        name: name(serial),
        title: title.to_owned(),
        opens_at: None,
        closes_at: None,
        identity: IdentityMode::Anonymous,
        rejoin: Rejoin::Keep,
        admission_milli_per_second: 1_000_000,
        active_max: 1_000,
        claim_window_ms: 10_000,
        session_ms: 60_000,
        idle_ms: 30_000,
        hold_ms: 20_000,
        per_shopper_max: 10,
        overbook_milli: None,
        refund_restocks: true,
        offers: vec![offer("SKU-RED"), offer("SKU-BLUE")],
    };
    let author = Author { name: "operator:test".to_owned() };
    Command::Operate(Operation::Create { author, spec: Box::new(spec), replay: None })
}

/// What the shopper of a number asks for, one after the other.
fn enter(number: u64) -> Ask {
    Ask::Enter { shopper: ShopperKey(number.into()), replay: None }
}

fn buy(number: u64) -> Ask {
    let shopper = ShopperKey(number.into());
    let pass = TicketRef { epoch: Epoch(1), number: Number(number), shopper };
    let replay = ReplayKey { key: number.into(), body: 1 };
    Ask::Purchase { pass, items: [(OfferIndex(0), 1)].into_iter().collect(), replay }
}

fn confirm(number: u64) -> Ask {
    let (hold, step, by, replay) = (HoldId(number), Step::Confirm, Settler::Backend, None);
    Ask::Settle { epoch: Epoch(1), hold, step, by, replay }
}

/// What ends a sale.
fn over() -> [Change; 2] {
    [Change::Close, Change::Archive { digest: [0xA5; 32] }]
}

fn operate(sale: SaleTag, change: &Change) -> Command {
    let (author, change, terms) = (policy(), Box::new(change.clone()), Terms::default());
    Command::Operate(Operation::Change { sale, author, change, terms })
}

/// Who decides of so many archived sales.
fn arbiter_of_archived(sales: usize, title: &str) -> LocalArbiter {
    let (mut arbiter, mut at) = (LocalArbiter::default(), START);
    for from in (0..sales).step_by(GROUP) {
        let serials = || from..sales.min(from + GROUP);
        let mut decide = |commands: Vec<Command>| drop(arbiter.decide(at, &commands));
        decide(serials().map(|serial| create(serial, title)).collect());
        for change in over() {
            decide(serials().map(|serial| operate(name(serial).tag(), &change)).collect());
        }
        at = at.after(WARM_MS);
        drop(arbiter.freeze(at));
    }
    arbiter
}

/// A scribe on a directory of its own.
struct Scribing {
    scribe: Scribe,
    registry: Arc<Registry>,
    clock: Arc<ManualClock>,
    requests: Vec<Request>,
    _dir: tempfile::TempDir,
    _events: Vec<Offers>,
}

impl Scribing {
    /// On an empty directory.
    fn start() -> Self {
        Self::start_with(LocalArbiter::new)
    }

    /// With the sales of another world than the directory's, which is empty.
    fn start_with(arbiter: impl FnOnce(World) -> LocalArbiter) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).expect("it opens"));
        let clock = Arc::new(ManualClock::at(Millis(1_000_000)));
        let (world, journal, _) =
            recovery::recover(&disk, SEGMENT_BYTES, &*clock).expect("an empty disk recovers");
        let registry = Arc::new(Registry::default());
        let (outlet, events) = outlet::outlet(&[sink()]);
        let arbiter = Box::new(arbiter(world));
        let (scribe_clock, shown) = (Arc::clone(&clock), Arc::clone(&registry));
        let scribe =
            Scribe::new(scribe_clock, arbiter, journal, shown, outlet, Box::new(Unwatched));
        let requests = Vec::with_capacity(GROUP);
        Self { scribe, registry, clock, requests, _dir: dir, _events: events }
    }

    /// As many turns as these commands take.
    fn step(&mut self, commands: impl Iterator<Item = Command>) {
        for command in commands {
            let (promise, _commit) = commit::pair();
            self.requests.push(Request { command, admission: None, unpacked: None, promise });
        }
        loop {
            self.scribe.step(&mut self.requests).expect("the journal holds");
            self.clock.advance(50);
            if self.requests.is_empty() {
                break;
            }
        }
    }

    /// Makes sales in each of which so many orders are placed, and archives them.
    fn archive(&mut self, serials: Range<usize>, orders: u64) {
        let tags: Vec<SaleTag> = serials.clone().map(|serial| name(serial).tag()).collect();
        let each = |ask: fn(u64) -> Ask| {
            let all = tags.iter().flat_map(move |tag| (1..=orders).map(move |n| (*tag, n)));
            all.map(move |(tag, number)| Command::Ask(tag, ask(number)))
        };
        self.step(serials.map(|serial| create(serial, TITLE)));
        self.step(each(enter));
        self.step(each(buy));
        self.step(each(confirm));
        let events = || (1..=orders * 2).map(EventId).collect();
        self.step(tags.iter().map(|tag| {
            Command::Note(*tag, Note::Delivered { by: SinkSet::only(sink()), events: events() })
        }));
        for change in over() {
            self.step(tags.iter().map(|tag| operate(*tag, &change)));
        }
        self.clock.advance(WARM_MS);
        self.step(iter::empty());
        assert_eq!(self.scribe.world().live_sales(), 0, "all are archived");
        assert_eq!(self.scribe.world().sales().len(), 0, "and packed");
    }
}

#[test]
fn a_sale_that_no_one_came_to_takes_no_more_than_its_bound() {
    const SALES: usize = 1_000;
    let _alone = alone();
    let mut scribing = Scribing::start();
    let mut make = |serial: usize| {
        scribing.step(iter::once(create(serial, LONG_TITLE)));
    };
    // What every batch needs has been taken after a few.
    (0..100).for_each(&mut make);
    let before = BYTES.load(Ordering::Relaxed);
    (100..100 + SALES).for_each(&mut make);
    let each = (BYTES.load(Ordering::Relaxed) - before) / SALES;
    assert_eq!(scribing.registry.sales().len(), 100 + SALES);
    assert!(each <= SALE_BYTES_MAX, "{each} bytes a sale, of {SALE_BYTES_MAX}");
    // Guards the measure itself: a sale has at least its settings, twice.
    assert!(each >= 1_024, "{each} bytes a sale cannot be all");
}

/// A journal of a sale in which so many shoppers have bought, and a snapshot of it.
fn with_a_snapshot(disk: &Arc<dyn Disk>, segment_bytes: u64, buyers: u64) {
    let clock = ManualClock::at(START);
    let recovered = recovery::recover(disk, segment_bytes, &clock);
    let (world, mut journal, _) = recovered.expect("an empty disk");
    let mut arbiter = LocalArbiter::new(world);
    let mut decide = |commands: &[Command]| {
        let records = arbiter.decide(START, commands).records;
        let mut payload = Vec::new();
        for record in &records {
            record.encode(&mut payload);
        }
        journal.reserve(payload.len()).expect("room");
        let count = u32::try_from(records.len()).expect("few");
        journal.append(START, Epoch(1), count, &payload).expect("a sound disk");
    };
    let Command::Operate(Operation::Create { author, mut spec, replay }) = create(0, TITLE) else {
        unreachable!("a creation");
    };
    (spec.admission_milli_per_second, spec.active_max) = (1_000_000_000, 1_000_000);
    spec.offers[0].total = buyers;
    let sale = spec.name.tag();
    decide(&[Command::Operate(Operation::Create { author, spec, replay })]);
    for from in (1..=buyers).step_by(GROUP) {
        let crowd = from..=buyers.min(from + GROUP as u64 - 1);
        let each = |ask: fn(u64) -> Ask| -> Vec<Command> {
            crowd.clone().map(|number| Command::Ask(sale, ask(number))).collect()
        };
        decide(&each(enter));
        decide(&each(buy));
        decide(&each(confirm));
    }
    let written = recovery::snapshot_sealed(&**disk, u64::MAX).expect("a sound disk");
    assert!(matches!(written, Snapshotted::Written(_)), "{written:?}");
}

#[test]
fn a_start_from_a_snapshot_takes_little_more_memory_than_the_world_that_it_leads_to() {
    const SEGMENT: u64 = 1 << 20;
    /// Two pieces of a file, a segment, and what is small.
    const MORE: usize = 4 << 20;
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).expect("it opens"));
    with_a_snapshot(&disk, SEGMENT, 20_000);
    let before = BYTES.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let started = recovery::recover(&disk, SEGMENT, &ManualClock::at(START)).expect("sound");
    let (after, peak) = (BYTES.load(Ordering::Relaxed), PEAK.load(Ordering::Relaxed));
    let (_world, _journal, report) = started;
    assert!(report.snapshot.is_some(), "{report:?}");
    let (taken, more) = (after - before, peak - after);
    // Guards the measure itself: what is doubled would show.
    assert!(taken > 2 * MORE, "{taken} bytes");
    assert!(more <= MORE, "{more} bytes more than the {taken} of the world");
}

/// Bytes of memory that each of so many archived sales takes.
fn bytes_of_archived(sales: usize, orders: u64) -> usize {
    let mut scribing = Scribing::start();
    let archive = |scribing: &mut Scribing, serials: Range<usize>| {
        for from in serials.clone().step_by(GROUP) {
            scribing.archive(from..serials.end.min(from + GROUP), orders);
        }
    };
    archive(&mut scribing, 0..GROUP);
    let before = BYTES.load(Ordering::Relaxed);
    archive(&mut scribing, GROUP..GROUP + sales);
    assert_eq!(scribing.registry.archived().count(), GROUP + sales);
    (BYTES.load(Ordering::Relaxed) - before) / sales
}

/// Bytes of memory that each of so many archived sales takes after a start.
fn bytes_of_archived_after_start(sales: usize, title: &str) -> usize {
    let before = BYTES.load(Ordering::Relaxed);
    let scribing = Scribing::start_with(|_| arbiter_of_archived(sales, title));
    assert_eq!(scribing.registry.archived().count(), sales);
    (BYTES.load(Ordering::Relaxed) - before) / sales
}

#[test]
fn an_archived_sale_takes_no_more_than_its_bound_beside_its_holds() {
    const SALES: usize = 10_000;
    const MANY_SALES: usize = 100_000;
    let _alone = alone();
    let each = bytes_of_archived(SALES, 0);
    let with_one_order = bytes_of_archived(SALES, 1);
    let hold = with_one_order - each;
    assert!(hold <= 64, "{hold} bytes of a confirmed hold and what is kept of it");
    // Guards the measure itself: a sale has at least its texts and the hash of its file.
    assert!(each >= 120, "{each} bytes a sale cannot be all");
    let each_of_many = bytes_of_archived_after_start(MANY_SALES, LONG_TITLE);
    for each in [each, each_of_many] {
        assert!(each <= ARCHIVED_SALE_BYTES_MAX, "{each} bytes of {ARCHIVED_SALE_BYTES_MAX}");
    }
}
