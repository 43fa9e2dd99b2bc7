//! The real engine: its threads, its ring and a real directory, with a crowd of threads before it.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

use std::{
    path::Path,
    pin::{Pin, pin},
    sync::{
        Arc, Barrier, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use engine::{
    Engine, EngineOptions, Failure, Started,
    clock::{Clock, ManualClock, SystemClock},
    command::Terms,
    disk::{Disk, real::RealDisk, sim::SimDisk},
    hold::{HoldState, Step},
    id::{EventId, HoldId, Number, OfferIndex, ShopperKey},
    limits::{PACKED_AT_ONCE_MAX, RING_SLOTS, SEGMENT_BYTES, WARM_MS},
    line::PlaceState,
    record::{Change, ReplayKey},
    sale::{PurchaseRefusal, SettleRefusal, Settler, TicketRef},
    scribe::{Busy, Watch},
    spec::SaleSpec,
    view::SaleView,
};

use crate::support::{self, SALE, START, Unwatched, author, key, pass_of, wide};

const OFFER: OfferIndex = OfferIndex(0);

/// Wakes the thread that blocks.
struct Alarm(Thread);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Alarm(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Holds the scribe up before each sync while it is closed.
#[derive(Clone, Debug, Default)]
struct Barred(Arc<(Mutex<bool>, Condvar)>);

impl Barred {
    fn set(&self, is_closed: bool) {
        *self.0.0.lock().expect("no thread panics") = is_closed;
        self.0.1.notify_all();
    }
}

impl Watch for Barred {
    fn syncing(&mut self) {
        let closed = self.0.0.lock().expect("no thread panics");
        drop(self.0.1.wait_while(closed, |closed| *closed).expect("no thread panics"));
    }

    fn synced(&mut self, _records: usize) {}
}

fn start(directory: &Path) -> Started {
    start_watched(directory, Box::new(Unwatched))
}

fn start_watched(directory: &Path, watch: Box<dyn Watch>) -> Started {
    let disk = RealDisk::open(directory).expect("a directory of our own");
    start_with(Arc::new(disk), Arc::new(SystemClock::start()), watch)
}

fn start_with(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, watch: Box<dyn Watch>) -> Started {
    let (segment_bytes, snapshot_every_segments) = (SEGMENT_BYTES, 1);
    let sinks = vec![support::only().sink];
    let options =
        EngineOptions { segment_bytes, snapshot_every_segments, watch, sinks, shared: None };
    Engine::start(disk, clock, options).expect("it starts")
}

/// An engine with an open sale, and the sale.
fn open(directory: &Path, spec: SaleSpec) -> (Started, Arc<SaleView>) {
    let started = start(directory);
    block_on(started.engine.create(author(), spec, None)).expect("a good sale");
    let sale = started.engine.sale(SALE).expect("it was made");
    (started, sale)
}

fn enter(engine: &Engine, sale: &SaleView, shopper: u128) -> TicketRef {
    let entry = block_on(engine.enter(sale, ShopperKey(shopper), None));
    pass_of(&entry.unwrap_or_else(|failure| panic!("shopper {shopper}: {failure:?}")))
}

/// Runs `act` on as many threads, all let loose at once.
fn at_once<T: Send>(threads: u128, act: impl Fn(u128) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(usize::try_from(threads).expect("few"));
    let run = |index| {
        barrier.wait();
        act(index)
    };
    thread::scope(|scope| {
        let mut spawned = Vec::new();
        for index in 1..=threads {
            spawned.push(scope.spawn(move || run(index)));
        }
        spawned.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    })
}

fn stop(started: Started) {
    let Started { engine, running, .. } = started;
    drop(engine);
    running.join().expect("nothing failed");
}

#[test]
fn a_thousand_simultaneous_buys_of_the_last_unit_sell_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let (started, sale) = open(directory.path(), wide(1));
    let engine = &started.engine;
    let bought = at_once(1_000, |shopper| {
        let pass = enter(engine, &sale, shopper);
        block_on(engine.purchase(&sale, pass, vec![(OFFER, 1)], key(shopper, 1)))
    });
    let sold: Vec<_> = bought.iter().flatten().collect();
    assert_eq!(sold.len(), 1, "one unit, one hold");
    for refused in bought.iter().filter_map(|bought| bought.as_ref().err()) {
        assert_eq!(*refused, Failure::Refused(PurchaseRefusal::SoldOut));
    }
    let winner = &sold[0].hold;
    let released = engine.settle(&sale, winner.id, Step::Release, Settler::Backend, None);
    assert_eq!(block_on(released).expect("held").hold.state, HoldState::Released);
    assert_eq!(sale.stock().permits(OFFER), 1, "no refused buyer kept a permit");
    stop(started);
}

/// What a future comes to when it is asked once.
fn ask<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_ring_full_of_shoppers_refuses_no_payment_and_no_operator() {
    let directory = tempfile::tempdir().expect("a directory");
    let barred = Barred::default();
    let started = start_watched(directory.path(), Box::new(barred.clone()));
    let engine = &started.engine;
    block_on(engine.create(author(), wide(5), None)).expect("a good sale");
    let sale = engine.sale(SALE).expect("it was made");
    let pass = enter(engine, &sale, 1);
    let held = block_on(engine.purchase(&sale, pass, vec![(OFFER, 1)], key(1, 1))).expect("a unit");

    barred.set(true);
    let mut crowd = Vec::new();
    let refused = loop {
        let mut entry = Box::pin(engine.enter(&sale, ShopperKey(100 + crowd.len() as u128), None));
        match ask(entry.as_mut()) {
            Poll::Pending => crowd.push(entry),
            Poll::Ready(refused) => break refused,
        }
    };
    assert_eq!(refused, Err(Failure::Busy(Busy::Overloaded)));
    assert!(crowd.len() >= RING_SLOTS, "the ring is full");
    let confirm = engine.settle(&sale, held.hold.id, Step::Confirm, Settler::Backend, None);
    let mut confirmed = Box::pin(confirm);
    let mut paused = Box::pin(engine.change(sale.tag(), author(), Change::Pause, Terms::default()));
    let mut ended = Box::pin(engine.end_session(&sale, sale.epoch(), pass.number));
    assert!(ask(confirmed.as_mut()).is_pending());
    assert!(ask(paused.as_mut()).is_pending());
    assert!(ask(ended.as_mut()).is_pending());

    barred.set(false);
    assert_eq!(block_on(confirmed).expect("it was held").hold.state, HoldState::Confirmed);
    assert!(block_on(paused).is_ok());
    assert_eq!(block_on(ended), Ok(()));
    for (entry, number) in crowd.into_iter().zip(2..) {
        assert_eq!(block_on(entry).expect("it was accepted").answer.number, Number(number));
    }
    stop(started);
}

#[test]
fn simultaneous_entries_of_one_identity_give_one_number() {
    let directory = tempfile::tempdir().expect("a directory");
    let (started, sale) = open(directory.path(), wide(1));
    let numbers = at_once(64, |_| enter(&started.engine, &sale, 7).number);
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert_eq!(sale.line().issued(), numbers[0]);
    stop(started);
}

#[test]
fn one_key_asked_by_many_at_once_makes_one_hold() {
    let directory = tempfile::tempdir().expect("a directory");
    let (started, sale) = open(directory.path(), wide(1));
    let pass = enter(&started.engine, &sale, 7);
    // Again and again: who loses the race for the last unit to its own key has a few instructions to
    // do so in.
    for round in 0..20 {
        let replay = ReplayKey { key: round, body: 9 };
        let ask = || block_on(started.engine.purchase(&sale, pass, vec![(OFFER, 1)], replay));
        let holds = at_once(64, |_| ask().map(|made| made.hold));
        let first = ask().expect("answered before, though sold out").hold;
        assert!(holds.iter().all(|hold| hold.as_ref() == Ok(&first)), "{holds:?}");
        assert_eq!(sale.stock().permits(OFFER), 0);
        let released =
            started.engine.settle(&sale, first.id, Step::Release, Settler::Backend, None);
        block_on(released).expect("held");
    }
    stop(started);
}

#[test]
fn a_crowd_takes_the_last_units_and_all_of_it_is_there_after_a_restart() {
    const UNITS: u64 = 50;
    let directory = tempfile::tempdir().expect("a directory");
    let (started, sale) = open(directory.path(), wide(UNITS));
    let engine = &started.engine;
    let confirmed = at_once(24, |thread| {
        let mut confirmed = Vec::new();
        for round in 0..20 {
            let shopper = thread * 1_000 + round;
            let pass = enter(engine, &sale, shopper);
            let bought = engine.purchase(&sale, pass, vec![(OFFER, 1)], key(shopper, 1));
            let Ok(made) = block_on(bought) else { continue };
            // Every other one thinks better of it, so that units keep coming back.
            let step = if round % 2 == 0 { Step::Confirm } else { Step::Release };
            let moved = engine.settle(&sale, made.hold.id, step, Settler::Backend, None);
            let moved = block_on(moved).expect("an own hold").hold;
            if moved.state == HoldState::Confirmed {
                confirmed.push((pass, moved));
            }
        }
        confirmed
    });
    let confirmed: Vec<_> = confirmed.into_iter().flatten().collect();
    let left = i64::try_from(UNITS).expect("few") - i64::try_from(confirmed.len()).expect("few");
    assert!(left >= 0, "{} of {UNITS} units were sold", confirmed.len());
    assert_eq!(sale.stock().permits(OFFER), left, "unsold is sellable");
    let issued = sale.line().issued();
    stop(started);

    let again = start(directory.path());
    let sale = again.engine.sale(SALE).expect("it was acknowledged");
    assert_eq!(sale.line().issued(), issued);
    assert_eq!(sale.stock().permits(OFFER), left);
    for (pass, order) in confirmed {
        assert_eq!(sale.hold(order.id), Some(order));
        assert_eq!(enter(&again.engine, &sale, pass.shopper.0), pass, "a place is kept");
    }
    stop(again);
}

/// Panics on the scribe's thread once it is armed, before or after the batch is durable.
#[derive(Debug)]
struct Faulty {
    armed: Arc<AtomicBool>,
    after_sync: bool,
}

impl Watch for Faulty {
    fn syncing(&mut self) {
        assert!(self.after_sync || !self.armed.load(Ordering::SeqCst), "a fault before the sync");
    }
    fn synced(&mut self, _records: usize) {
        assert!(!self.after_sync || !self.armed.load(Ordering::SeqCst), "a fault after the sync");
    }
}

#[test]
fn a_scribe_that_panics_acknowledges_nothing_more_and_ends_with_an_error() {
    for after_sync in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = RealDisk::open(directory.path()).expect("a directory of our own");
        let armed = Arc::new(AtomicBool::new(false));
        let options = EngineOptions {
            segment_bytes: SEGMENT_BYTES,
            snapshot_every_segments: 1,
            watch: Box::new(Faulty { armed: Arc::clone(&armed), after_sync }),
            sinks: vec![support::only().sink],
            shared: None,
        };
        let clock = Arc::new(SystemClock::start());
        let Started { engine, running, .. } =
            Engine::start(Arc::new(disk), clock, options).expect("it starts");
        block_on(engine.create(author(), wide(100), None)).expect("a good sale");
        let sale = engine.sale(SALE).expect("it was made");
        let before = enter(&engine, &sale, 1);
        armed.store(true, Ordering::SeqCst);
        for shopper in 2..5 {
            let entry = block_on(engine.enter(&sale, ShopperKey(shopper), None));
            assert!(matches!(entry, Err(Failure::Stopped)), "{entry:?}");
        }
        let fatal = running.join().expect_err("the scribe panicked");
        assert_eq!(fatal.reason, "the scribe panicked");
        drop((engine, sale));

        let again = start(directory.path());
        let sale = again.engine.sale(SALE).expect("it was made");
        assert_eq!(enter(&again.engine, &sale, 1), before, "what was acknowledged is there");
    }
}

/// Sells so many orders to one shopper, and archives the sale.
fn archive_orders(engine: &Engine, orders: usize) -> TicketRef {
    let spec = SaleSpec { per_shopper_max: 100_000, ..wide(100_000) };
    block_on(engine.create(author(), spec, None)).expect("a good sale");
    let sale = engine.live_sale(SALE).expect("it was made");
    let pass = enter(engine, &sale, 1);
    let buy = |serial| engine.purchase(&sale, pass, vec![(OFFER, 1)], key(serial, 1));
    let bought: Vec<_> = (0..orders as u128)
        .map(|serial| block_on(buy(serial)).unwrap_or_else(|failure| panic!("{failure:?}")).hold.id)
        .collect();
    for hold in bought {
        block_on(engine.settle(&sale, hold, Step::Confirm, Settler::Backend, None)).expect("held");
    }
    let events = (1..=2 * orders as u64).map(EventId).collect();
    block_on(engine.delivered(sale.tag(), support::only(), events)).expect("known events");
    block_on(engine.change(sale.tag(), author(), Change::Close, Terms::default())).expect("open");
    block_on(engine.archive(&sale, author(), Terms::default())).expect("nothing is under way");
    pass
}

#[test]
fn a_large_archived_sale_is_packed_and_unpacked_beside_the_scribe_and_not_at_all_for_a_shopper() {
    let (disk, clock) = (Arc::new(SimDisk::new()), Arc::new(ManualClock::at(START)));
    let started = start_with(disk, Arc::<ManualClock>::clone(&clock), Box::new(Unwatched));
    // Until the scribe has a packed sale back, what concerns it is asked again a tick later.
    let ticking = Arc::downgrade(&clock);
    thread::spawn(move || {
        while let Some(clock) = ticking.upgrade() {
            clock.advance(1);
            thread::sleep(Duration::from_millis(1));
        }
    });
    let engine = &started.engine;
    let pass = archive_orders(engine, PACKED_AT_ONCE_MAX / 2 + 1);
    let unpacked = || engine.registry().archived().made_bytes();
    let until_packed = || {
        clock.advance(WARM_MS);
        while engine.sale_at_once(SALE).is_some() {
            thread::sleep(Duration::from_millis(1));
        }
    };
    until_packed();
    assert_eq!(unpacked(), 0);
    let sale = engine.sale(SALE).expect("archived");
    assert!(unpacked() > 0);
    let settle = |id, step, by| block_on(engine.settle(&sale, HoldId(id), step, by, None));
    let shopper = Settler::Shopper(pass.shopper);
    let bought = Failure::Refused(SettleRefusal::WrongState(HoldState::Confirmed));
    assert_eq!(settle(1, Step::Release, shopper), Err(bought));
    let stranger = Settler::Shopper(ShopperKey(9));
    let none = Failure::Refused(SettleRefusal::NoHold);
    assert_eq!(settle(1, Step::Release, stranger), Err(none));
    let confirmed = settle(1, Step::Confirm, Settler::Backend).expect("done before");
    assert_eq!(confirmed.hold.state, HoldState::Confirmed);
    assert!(unpacked() > 0, "the scribe was not asked");

    let refunded = settle(1, Step::Refund, Settler::Backend).expect("an order");
    assert_eq!((refunded.hold.state, unpacked()), (HoldState::Refunded, 0));
    let shown = engine.sale_at_once(SALE).expect("the scribe has it");
    assert!(Arc::ptr_eq(&shown, &sale), "what was unpacked for the asker");
    assert_eq!(shown.hold(HoldId(1)), Some(refunded.hold));
    let events = (1..=3).map(|event| 2 * (PACKED_AT_ONCE_MAX as u64 / 2) + event).map(EventId);
    block_on(engine.delivered(sale.tag(), support::only(), events.collect()))
        .expect("known events");
    until_packed();
    let again = settle(1, Step::Refund, Settler::Backend).expect("refunded");
    assert_eq!(again.hold.state, HoldState::Refunded);
    let second = settle(2, Step::Refund, Settler::Backend).expect("unpacked by the scribe itself");
    assert_eq!(second.hold.state, HoldState::Refunded);
    drop((sale, shown));
    stop(started);
}

/// Another node may have told the shopper already that the place was called with its entry.
#[test]
fn no_one_who_was_let_in_with_the_entry_is_ever_seen_waiting() {
    let directory = tempfile::tempdir().expect("a directory");
    let Started { engine, running, .. } = start(directory.path());
    block_on(engine.create(author(), wide(1), None)).expect("a good sale");
    let view = engine.live_sale(SALE).expect("it was made");
    let is_done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (view, is_done) = (Arc::clone(&view), Arc::clone(&is_done));
        thread::spawn(move || {
            while !is_done.load(Ordering::Relaxed) {
                let last = view.line().issued();
                let (state, _) = view.line().place(last);
                assert!(last == Number(0) || state == PlaceState::Admitted, "{last:?}: {state:?}");
            }
        })
    };
    for shopper in 1..=2_000 {
        block_on(engine.enter(&view, ShopperKey(shopper), None)).expect("it is open");
        if reader.is_finished() {
            break;
        }
    }
    is_done.store(true, Ordering::Relaxed);
    reader.join().expect("each was let in at once");
    drop((engine, view));
    running.join().expect("nothing failed");
}
