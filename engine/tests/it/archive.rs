//! Archived sales: nothing that was bought is lost with the crowd, wherever the power is cut.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

use std::{collections::BTreeMap, sync::Arc};

use engine::{
    certificate::{self, PruneError},
    clock::{Clock as _, ManualClock},
    codec::Binary as _,
    command::{Ask, Command, Note, Operation, Reply},
    disk::sim::{Crash, SimDisk},
    hold::{HoldState, Step},
    id::{Epoch, EventId, HoldId, Number, Sequence, ShopperKey},
    limits::WARM_MS,
    record::{Change, Record, Stood},
    recovery,
    sale::{ChangeRefusal, EntryRefusal, InUse, PurchaseRefusal, Sale, SettleRefusal},
    spec::SaleSpec,
    stream::Point,
    world::World,
};

use crate::{
    audit,
    sim::{
        node::{Asked, Heard, Node, hear},
        shadow::leads,
    },
    support::{
        self, SALE, START, author, change, create, enter, key, purchase, settle, spec, tag, ticket,
    },
};

/// A node that is asked one thing a turn, and what it has acknowledged.
struct Shop {
    disk: SimDisk,
    clock: Arc<ManualClock>,
    node: Node,
    told: Told,
}

#[derive(Clone, Debug, Default)]
struct Told {
    is_archived: bool,
    is_deleted: bool,
    holds: BTreeMap<HoldId, HoldState>,
}

impl Shop {
    fn start(disk: &SimDisk, clock: &Arc<ManualClock>) -> Option<Self> {
        let node = Node::start(disk, clock).ok()?;
        let (disk, clock) = (disk.clone(), Arc::clone(clock));
        Some(Self { disk, clock, node, told: Told::default() })
    }

    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(START));
        Self::start(&SimDisk::new(), &clock).expect("an empty disk")
    }

    /// Asks and takes a turn; `None` when the disk failed.
    fn ask(&mut self, command: &Command) -> Option<Reply> {
        self.clock.advance(50);
        let asked = self.node.ask(command.clone());
        let outcome = self.node.step();
        let Asked::Waiting(mut commit) = asked else { panic!("{asked:?}") };
        let heard = hear(&mut commit);
        outcome.ok()?;
        let Heard::Told(Ok(reply)) = heard else { return None };
        match (command, &reply) {
            (Command::Operate(Operation::Change { change, .. }), Reply::Changed(Ok(_))) => {
                self.told.is_archived |= matches!(**change, Change::Archive { .. });
                self.told.is_deleted |= **change == Change::Delete;
            }
            (_, Reply::Purchase(Ok(told)) | Reply::Settle(Ok(told))) => {
                self.told.holds.insert(told.hold.id, told.hold.state);
            }
            _ => {}
        }
        Some(reply)
    }

    fn archive(&mut self) -> Option<Reply> {
        let archival = self.node.archival(&self.disk, SALE)?;
        self.ask(&archival)
    }

    /// A sale in which 1 and 2 have bought, 3 gave a hold up, 4 waits, and that is closed.
    fn sell(&mut self) -> Option<()> {
        self.ask(&create(SaleSpec { active_max: 3, ..spec(&[6]) }))?;
        for number in 1..=4_u64 {
            self.clock.advance(1_000);
            self.ask(&enter(number.into(), Some(key(number.into(), 1))))?;
        }
        for number in 1..=3_u64 {
            let pass = ticket(number, number.into());
            self.ask(&purchase(pass, 1, key(u128::from(number) + 100, 1)))?;
        }
        self.ask(&settle(1, Step::Confirm, None))?;
        self.ask(&settle(2, Step::Pay, None))?;
        self.ask(&settle(2, Step::Confirm, Some(key(202, 1))))?;
        self.ask(&settle(3, Step::Release, None))?;
        self.ask(&change(Change::Close)).map(drop)
    }

    /// Lets the sale be packed again.
    fn rest(&mut self) -> Option<()> {
        self.clock.advance(WARM_MS);
        self.node.step().ok()
    }

    /// The sink takes events.
    fn deliver(&mut self, events: std::ops::RangeInclusive<u64>) -> Option<()> {
        let events = events.map(EventId).collect();
        self.ask(&Command::Note(tag(), Note::Delivered { by: support::only(), events })).map(drop)
    }

    /// All of it, until the disk fails.
    fn work(&mut self) -> Option<()> {
        self.sell()?;
        self.deliver(1..=7)?;
        self.archive()?;
        self.ask(&settle(1, Step::Refund, Some(key(301, 1))))?;
        self.deliver(8..=8)?;
        self.rest()?;
        self.ask(&settle(2, Step::Refund, None))?;
        self.deliver(9..=9)?;
        self.ask(&change(Change::Delete)).map(drop)
    }
}

fn hold(world: &World, id: HoldId) -> Option<HoldState> {
    let archived = world.archived_sale(tag());
    let sale = world.sale(tag()).or(archived.as_ref())?;
    sale.hold(id).map(|hold| hold.state)
}

#[track_caller]
fn assert_recovers(disk: &SimDisk, told: &Told, clock: &Arc<ManualClock>, context: &str) {
    let node = Node::start(disk, clock).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    let world = node.world();
    let hash = world.hash();
    let is_gone = !world.is_archived(tag()) && world.sale(tag()).is_none();
    assert!(!told.is_deleted || is_gone, "{context}: deleted, and still there");
    assert!(!told.is_archived || is_gone || world.is_archived(tag()), "{context}: not archived");
    for (id, state) in told.holds.iter().filter(|_| !is_gone) {
        let found = hold(world, *id).unwrap_or_else(|| panic!("{context}: {id:?} is lost"));
        assert!(leads(*state, found), "{context}: {id:?} was {state:?}, is {found:?}");
    }
    drop(node);
    let (audit, replayed) = audit::of_journal(disk);
    audit.check_against(&replayed);
    assert_eq!(replayed.hash(), hash, "{context}: full replay");
    let certificate = certificate::certify(disk).expect("a sound journal");
    assert_eq!(certificate.violations, [""; 0], "{context}");
    assert_eq!(certificate.unproven, [""; 0], "{context}: the file was durable first");
    disk.crash(Crash::DropUnsynced);
    let again = Node::start(disk, clock).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    assert_eq!(again.world().hash(), hash, "{context}: recovered twice");
}

#[test]
fn what_was_bought_in_an_archived_sale_survives_a_cut_at_any_change() {
    let mut whole = Shop::new();
    whole.work().expect("a sound disk takes it all");
    assert!(whole.told.is_archived && whole.told.is_deleted);
    for cut in 0..whole.disk.changes() {
        let torn = [Crash::KeepSectors { seed: cut }, Crash::KeepPrefix { seed: cut }];
        for crash in [Crash::Process, Crash::DropUnsynced].into_iter().chain(torn) {
            let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(START)));
            disk.cut_power_after(cut);
            let told = Shop::start(&disk, &clock).map_or_else(Told::default, |mut shop| {
                shop.work();
                shop.told
            });
            disk.crash(crash);
            assert_recovers(&disk, &told, &clock, &format!("cut after {cut}, {crash:?}"));
        }
    }
}

#[test]
fn a_failed_sync_at_any_point_of_archiving_loses_nothing_that_was_bought() {
    let mut whole = Shop::new();
    whole.work().expect("a sound disk");
    for failing in 1..=whole.disk.syncs() {
        let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(START)));
        disk.fail_sync(failing);
        let told = Shop::start(&disk, &clock).map_or_else(Told::default, |mut shop| {
            shop.work();
            shop.told
        });
        disk.crash(Crash::Process);
        assert_recovers(&disk, &told, &clock, &format!("sync {failing} fails"));
    }
}

#[test]
fn an_archived_sale_shows_and_refunds_what_was_bought_and_takes_nothing_else() {
    let mut shop = Shop::new();
    shop.sell().expect("a sound disk");
    shop.deliver(1..=7).expect("a sound disk");
    assert!(matches!(shop.archive(), Some(Reply::Changed(Ok(_)))));
    for is_packed in [false, true] {
        if is_packed {
            shop.rest().expect("a sound disk");
            assert!(shop.node.world().sale(tag()).is_none(), "nothing concerns it");
        }
        let refused = shop.ask(&enter(9, None));
        let is_refused = matches!(
            refused,
            Some(Reply::Entry(Err(EntryRefusal::NoSale | EntryRefusal::NotOpen(_))))
        );
        assert!(is_refused, "{refused:?}");
        let bought = shop.ask(&purchase(ticket(4, 4), 1, key(400, 1)));
        let is_refused = matches!(
            bought,
            Some(Reply::Purchase(Err(PurchaseRefusal::NoSale | PurchaseRefusal::NotOpen(_))))
        );
        assert!(is_refused, "{bought:?}");
        let reopened = shop.ask(&change(Change::Open));
        let archived = Some(Reply::Changed(Err(ChangeRefusal::Archived)));
        assert_eq!(reopened, archived);
        let again = shop.ask(&create(spec(&[6])));
        assert_eq!(again, Some(Reply::Changed(Err(ChangeRefusal::NameTaken))));
        let paid = shop.ask(&settle(3, Step::Pay, None));
        let ended = SettleRefusal::WrongState(HoldState::Released);
        assert_eq!(paid, Some(Reply::Settle(Err(ended))));

        let number = 1 + u64::from(is_packed);
        let refund = settle(number, Step::Refund, Some(key(300 + u128::from(number), 1)));
        let Some(Reply::Settle(Ok(first))) = shop.ask(&refund) else { panic!("refunded") };
        assert_eq!(first.hold.state, HoldState::Refunded);
        let Some(Reply::Settle(Ok(repeat))) = shop.ask(&refund) else { panic!("the same") };
        assert_eq!((repeat.hold, repeat.replayed), (first.hold, true));
        let told = shop.node.offers[0].queue.try_iter().filter_map(support::shown);
        let told: Vec<_> = told.map(|event| event.id.0).collect();
        assert_eq!(told.last(), Some(&(7 + number)), "the sink is told of the refund: {told:?}");
        shop.deliver(7 + number..=7 + number).expect("a sound disk");
    }
    let Some(Reply::Changed(Ok(_))) = shop.ask(&change(Change::Delete)) else { panic!("no order") };
    let Some(Reply::Changed(Ok(_))) = shop.ask(&create(spec(&[6]))) else { panic!("a free name") };
    let epoch = shop.node.world().sale(tag()).expect("made again").epoch();
    assert_eq!(epoch.0, 2, "old tickets are of another sale");
}

#[test]
fn a_sale_that_is_unpacked_goes_by_the_clock_as_it_is_by_then() {
    const HOUR_MS: i64 = 3_600_000;
    let mut shop = Shop::new();
    shop.sell().expect("the disk holds");
    shop.deliver(1..=7).expect("the disk holds");
    shop.archive().expect("the disk holds");
    shop.rest().expect("the disk holds");
    assert!(shop.node.world().sale(tag()).is_none(), "it is packed");
    shop.clock.step_wall(HOUR_MS);
    let refunded = shop.ask(&settle(1, Step::Refund, None));
    assert!(matches!(refunded, Some(Reply::Settle(Ok(_)))), "{refunded:?}");
    // The refund's event is told with a time by it.
    let sale = shop.node.world().sale(tag()).expect("it is unpacked");
    assert_eq!(sale.controls().clock_offset_ms, HOUR_MS);
}

#[test]
fn a_sale_that_is_not_over_is_not_archived() {
    let mut shop = Shop::new();
    shop.ask(&create(spec(&[6]))).expect("a sound disk");
    shop.ask(&enter(1, None)).expect("a sound disk");
    shop.ask(&purchase(ticket(1, 1), 1, key(1, 1))).expect("a sound disk");
    let open = shop.archive();
    assert!(matches!(open, Some(Reply::Changed(Err(ChangeRefusal::WrongPhase(_))))), "{open:?}");
    shop.ask(&change(Change::Close)).expect("a sound disk");
    let held = shop.archive();
    assert!(matches!(held, Some(Reply::Changed(Err(ChangeRefusal::InUse(_))))), "{held:?}");
    shop.ask(&settle(1, Step::Confirm, None)).expect("a sound disk");
    shop.deliver(1..=1).expect("a sound disk");
    let why = "the sink's own reasons".to_owned();
    let letter = Note::DeadLetter { by: support::only(), event: EventId(2), why };
    shop.ask(&Command::Note(tag(), letter)).expect("a disk");
    let undelivered = shop.archive();
    let waits = InUse { undelivered: 1, ..InUse::default() };
    assert_eq!(undelivered, Some(Reply::Changed(Err(ChangeRefusal::InUse(waits)))));
    shop.deliver(2..=2).expect("a sound disk");
    let archival = shop.node.archival(&shop.disk, SALE).expect("a sound disk");
    shop.ask(&Command::Ask(tag(), Ask::Leave { ticket: ticket(1, 1) })).expect("a sound disk");
    let moved = shop.ask(&archival);
    assert_eq!(moved, Some(Reply::Changed(Err(ChangeRefusal::MovedOn))), "the file is of before");
    assert!(matches!(shop.archive(), Some(Reply::Changed(Ok(_)))));
}

#[test]
fn a_file_that_is_missing_or_another_is_named_by_the_certificate() {
    let mut shop = Shop::new();
    shop.sell().expect("a sound disk");
    shop.deliver(1..=7).expect("a sound disk");
    shop.archive().expect("a sound disk");
    let proven = |disk: &SimDisk| {
        let certificate = certificate::certify(disk).expect("a sound journal");
        assert_eq!(certificate.violations, [""; 0]);
        let archive = certificate.sales[0].archive.expect("archived");
        assert_eq!(archive.is_proven, certificate.unproven.is_empty());
        assert_eq!(certificate.sales[0].entered, 4);
        archive.is_proven
    };
    assert!(proven(&shop.disk));
    let upto = Sequence(certificate::certify(&shop.disk).expect("a sound journal").records);
    let again = recovery::archive(&shop.disk, &[tag()], upto, 0).expect("a sound disk");
    assert_eq!(again, [(tag(), None)].into(), "its file is written once");
    assert!(proven(&shop.disk));
    let names = engine::disk::Disk::list(&shop.disk).expect("powered");
    let file = names.iter().find(|name| name.starts_with("archive-")).expect("written");
    let other = shop.disk.copy();
    other.flip(file, 100, 1).expect("within");
    assert!(!proven(&other));
    let kept = |disk| matches!(certificate::prune(disk), Err(PruneError::Unproven(_)));
    assert!(kept(&other), "the journal is the last to know");
    let missing = shop.disk.copy();
    engine::disk::Disk::remove(&missing, file).expect("there");
    assert!(!proven(&missing) && kept(&missing));
}

/// As a node of many takes a sale over that was archived meanwhile, or whose archiving the others never heard of.
#[test]
fn the_history_that_is_taken_over_says_whether_a_sale_is_archived() {
    let mut shop = Shop::new();
    shop.sell().expect("a sound disk");
    shop.deliver(1..=7).expect("a sound disk");
    let mut world = shop.node.world().clone();
    let bytes = |world: &World| {
        let mut bytes = Vec::new();
        world.sale(tag()).expect("it is there").encode(&mut bytes);
        bytes
    };
    let open = bytes(&world);
    assert!(matches!(shop.archive(), Some(Reply::Changed(Ok(_)))));
    let (archived, at) = (bytes(shop.node.world()), shop.clock.now());
    Sale::restored(&archived, at).expect("it could have come about");
    let take_over = |world: &mut World, bytes: &[u8]| {
        let (sale, bytes) = (tag(), bytes.to_vec());
        let stood = Some(Stood { at, point: Point::START });
        world.apply(&Record::Adopted { sale, is_first: true, bytes, stood }, at);
    };
    for is_packed in [false, true] {
        take_over(&mut world, &archived);
        assert_eq!((world.live_sales(), world.archived_sales()), (0, 1));
        let entered = Record::Entered { sale: tag(), number: Number(1), shopper: ShopperKey(9) };
        assert!(world.follows(tag(), &entered, at).is_err(), "nobody enters it");
        if is_packed {
            assert_eq!(world.freeze(at.after(WARM_MS)).len(), 1);
        }
        take_over(&mut world, &open);
        assert_eq!((world.live_sales(), world.archived_sales()), (1, 0));
        assert!(!world.is_archived(tag()) && bytes(&world) == open);
    }
}

#[test]
fn no_rebuild_makes_places_in_an_archived_sale_and_none_is_archived_that_is_not_closed() {
    let mut shop = Shop::new();
    let change = Box::new(Change::Archive { digest: [7; 32] });
    let archival = Record::Changed { sale: tag(), author: author(), change, replay: None };
    let at = shop.clock.now();
    assert!(shop.node.world().follows(tag(), &archival, at).is_err(), "it is open");
    shop.sell().expect("a sound disk");
    shop.deliver(1..=7).expect("a sound disk");
    let at = shop.clock.now();
    assert_eq!(shop.node.world().follows(tag(), &archival, at), Ok(()), "it is closed");
    assert!(matches!(shop.archive(), Some(Reply::Changed(Ok(_)))));
    let (world, at) = (shop.node.world(), shop.clock.now());
    let rebuilt = |stranded: Vec<u64>, skipped: u32| {
        let (sale, epoch, missing) = (tag(), Epoch(2), Vec::new());
        let rebuilt =
            Record::Rebuilt { sale, epoch, after: 9, missing, stranded, skipped, skipped_holds: 3 };
        world.follows(tag(), &rebuilt, at).is_ok()
    };
    assert!(rebuilt(vec![0], 0) && rebuilt(Vec::new(), 0));
    assert!(!rebuilt(vec![0], 1), "places that nobody entered");
    assert!(!rebuilt(vec![1], 0), "units that nobody can have bought");
}
