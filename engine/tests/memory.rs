//! What sales take of the memory, by an allocator that counts. A program of its own: nothing else may
//! allocate meanwhile.

#![expect(unsafe_code, reason = "an allocator is unsafe by its interface")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use engine::{
    arbiter::LocalArbiter,
    clock::{ManualClock, Millis},
    command::{Command, Operation},
    commit,
    disk::{Disk, real::RealDisk},
    id::{Currency, SaleName, SinkName, Sku},
    limits::{SALE_BYTES_MAX, SEGMENT_BYTES},
    outlet,
    record::Author,
    recovery,
    registry::Registry,
    scribe::{Request, Scribe, Watch},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
};

/// The system's allocator, and what it has given out and not taken back.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
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

fn create(serial: usize) -> Command {
    let mut name = String::new();
    write!(name, "sale-{serial}").expect("text takes all");
    let offer = |sku| OfferSpec {
        sku: Sku::parse(sku).expect("a good SKU"),
        total: 1_000,
        price: 1_000,
        currency: Currency::parse("KRW").expect("a good currency"),
    };
    let spec = SaleSpec {
        name: SaleName::parse(&name).expect("a good name"),
        title: "A sale with a title as long as titles are".to_owned(),
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

#[test]
fn a_sale_that_no_one_came_to_takes_no_more_than_its_bound() {
    const SALES: usize = 1_000;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).expect("it opens"));
    let clock = Arc::new(ManualClock::at(Millis(1_000_000)));
    let (world, journal, _) =
        recovery::recover(&disk, SEGMENT_BYTES, &*clock).expect("an empty disk recovers");
    let registry = Arc::new(Registry::default());
    let (outlet, _events) = outlet::outlet(&[SinkName::parse("log").expect("a good name")]);
    let arbiter = Box::new(LocalArbiter::new(world));
    let mut scribe = Scribe::new(
        Arc::clone(&clock) as _,
        arbiter,
        journal,
        Arc::clone(&registry),
        outlet,
        Box::new(Unwatched),
    );
    let mut requests = Vec::with_capacity(1);
    let mut make = |serial: usize| {
        let (promise, _commit) = commit::pair();
        requests.push(Request {
            command: create(serial),
            admission: None,
            unpacked: None,
            promise,
        });
        scribe.step(&mut requests).expect("the journal holds");
        clock.advance(50);
    };
    // What every batch needs has been taken after a few.
    (0..100).for_each(&mut make);
    let before = BYTES.load(Ordering::Relaxed);
    (100..100 + SALES).for_each(&mut make);
    let each = (BYTES.load(Ordering::Relaxed) - before) / SALES;
    assert_eq!(registry.sales().len(), 100 + SALES);
    assert!(each <= SALE_BYTES_MAX, "{each} bytes a sale, of {SALE_BYTES_MAX}");
    // Guards the measure itself: a sale has at least its settings, twice.
    assert!(each >= 1_024, "{each} bytes a sale cannot be all");
}
