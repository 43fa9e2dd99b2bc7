//! The engine cut off at every change its disk sees, and torn at every byte of its last batch.
//!
//! The workload is fixed, so that every cut is tried. After each, what was acknowledged must be
//! there, recovery run again must give the same world, and snapshot and tail must be full replay.
#![expect(clippy::panic, reason = "a helper of tests fails the test that calls it")]

use std::sync::Arc;

use engine::{
    clock::{Clock as _, ManualClock},
    command::{Ask, Command, Operation, Reply},
    disk::sim::{Crash, SimDisk},
    hold::{HoldState, Step},
    id::{Number, ShopperKey},
    recovery::{self, Snapshotted},
    spec::SaleSpec,
};

use crate::{
    audit,
    sim::{
        node::{Asked, Heard, Node, hear},
        shadow::leads,
    },
    support::{START, change, create, enter, key, purchase, settle, spec, tag, ticket},
};

const SHOPPERS: u64 = 12;

/// What the workload was told before its disk failed.
#[derive(Debug, Default)]
struct Told {
    made: bool,
    places: Vec<(Number, ShopperKey)>,
    left: Vec<Number>,
    holds: Vec<(engine::id::HoldId, HoldState)>,
}

impl Told {
    fn note(&mut self, command: &Command, reply: Reply) {
        match (command, reply) {
            (Command::Operate(Operation::Create { .. }), Reply::Changed(Ok(_))) => self.made = true,
            (_, Reply::Entry(Ok(entry))) => {
                self.places.push((entry.answer.number, entry.answer.shopper));
            }
            (Command::Ask(_, Ask::Leave { ticket }), Reply::Left(Ok(()))) => {
                self.left.push(ticket.number);
            }
            (_, Reply::Purchase(Ok(told)) | Reply::Settle(Ok(told))) => {
                self.holds.retain(|(hold, _)| *hold != told.hold.id);
                self.holds.push((told.hold.id, told.hold.state));
            }
            _ => {}
        }
    }
}

/// A batch for each step of a small sale.
fn batches() -> Vec<Vec<Command>> {
    let spec = SaleSpec { active_max: 8, hold_ms: 1_500, ..spec(&[6]) };
    let mut batches = vec![vec![create(spec)]];
    let shoppers = || 1..=SHOPPERS;
    batches.extend(shoppers().map(|n| vec![enter(n.into(), Some(key(n.into(), 1)))]));
    batches.push(vec![
        Command::Ask(tag(), Ask::Leave { ticket: ticket(11, 11) }),
        Command::Ask(tag(), Ask::Leave { ticket: ticket(1, 1) }),
    ]);
    let buy = |n: u64| purchase(ticket(n, n.into()), 1, key(u128::from(n) + 100, 1));
    batches.push((2..=7).map(buy).collect());
    batches.push(vec![settle(1, Step::Pay, Some(key(201, 1))), settle(2, Step::Release, None)]);
    batches.push(vec![settle(1, Step::Confirm, None), settle(3, Step::Confirm, None)]);
    batches.push(vec![change(engine::record::Change::Message { text: "x".repeat(900) })]);
    batches.push(vec![settle(3, Step::Refund, None)]);
    batches.push(vec![enter(13, None), enter(14, None), enter(1, None)]);
    batches
}

/// Runs the workload until something fails.
fn work(disk: &SimDisk) -> (Told, Arc<ManualClock>) {
    let (mut told, clock) = (Told::default(), Arc::new(ManualClock::at(START)));
    let Ok(mut node) = Node::start(disk, &clock) else { return (told, clock) };
    for commands in batches() {
        clock.advance(150);
        let asked: Vec<_> = commands.into_iter().map(|c| (c.clone(), node.ask(c))).collect();
        let outcome = node.step();
        for (command, asked) in asked {
            if let Asked::Waiting(mut commit) = asked
                && let Heard::Told(Ok(reply)) = hear(&mut commit)
            {
                told.note(&command, reply);
            }
        }
        if outcome.is_err() {
            break;
        }
    }
    (told, clock)
}

/// Recovers, and checks that everything acknowledged is there; then all of it again.
#[track_caller]
fn assert_recovers(disk: &SimDisk, told: &Told, clock: &Arc<ManualClock>, context: &str) {
    let node = Node::start(disk, clock).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    let hash = node.world().hash();
    assert!(!told.made || node.world().sale(tag()).is_some(), "{context}: the sale is lost");
    if let Some(sale) = node.world().sale(tag()) {
        for (number, shopper) in &told.places {
            assert_eq!(sale.shopper(*number), Some(*shopper), "{context}: {number:?}");
        }
        for number in &told.left {
            assert_eq!(sale.place(*number), engine::line::PlaceState::Left, "{context}");
        }
        for (id, state) in &told.holds {
            let found = sale.hold(*id).map(|hold| hold.state);
            let found = found.unwrap_or_else(|| panic!("{context}: {id:?} is lost"));
            assert!(leads(*state, found), "{context}: {id:?} was {state:?}, is {found:?}");
        }
    }
    drop(node);
    let (audit, replayed) = audit::of_journal(disk);
    audit.check_against(&replayed);
    assert_eq!(replayed.hash(), hash, "{context}: full replay");
    disk.crash(Crash::DropUnsynced);
    let again = Node::start(disk, clock).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    assert_eq!(again.world().hash(), hash, "{context}: recovered twice");
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_is_cut() {
    let whole = SimDisk::new();
    let (told, _) = work(&whole);
    assert_eq!((told.places.len(), told.holds.len()), (15, 6), "a sound disk takes it all");
    for cut in 0..whole.changes() {
        let seeds = [cut, cut + 1_000];
        let torn = seeds.map(|seed| [Crash::KeepSectors { seed }, Crash::KeepPrefix { seed }]);
        for crash in [Crash::Process, Crash::DropUnsynced].into_iter().chain(torn.concat()) {
            let disk = SimDisk::new();
            disk.cut_power_after(cut);
            let (told, clock) = work(&disk);
            disk.crash(crash);
            assert_recovers(&disk, &told, &clock, &format!("cut after {cut}, {crash:?}"));
        }
    }
}

const SEGMENT: &str = "journal-0000000000000001.log";

/// Where the written part of the only segment ends.
fn written(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[test]
fn a_last_batch_torn_at_any_byte_leaves_all_that_came_before_it() {
    let disk = SimDisk::new();
    let mut count = batches();
    let last = count.pop().expect("batches");
    let (before, clock) = work_through(&disk, &count);
    let start = written(&disk.contents(SEGMENT).expect("written"));
    let world = Node::start(&disk, &clock).expect("sound").world().hash();
    let mut node = Node::start(&disk, &clock).expect("sound");
    let asked: Vec<_> = last.into_iter().map(|command| node.ask(command)).collect();
    node.step().expect("sound");
    drop(asked);
    let whole = disk.contents(SEGMENT).expect("written");
    let end = written(&whole);
    assert!(start < end, "the last batch wrote something");
    for cut in start..end {
        let torn = SimDisk::new();
        let mut bytes = whole.clone();
        bytes[cut..].fill(0);
        torn.plant(SEGMENT, &bytes);
        assert_recovers(&torn, &before, &clock, &format!("torn at byte {cut}"));
        let recovered = Node::start(&torn, &clock).expect("sound").world().hash();
        assert_eq!(recovered, world, "torn at byte {cut}: exactly what came before");
    }
}

fn work_through(disk: &SimDisk, batches: &[Vec<Command>]) -> (Told, Arc<ManualClock>) {
    let (mut told, clock) = (Told::default(), Arc::new(ManualClock::at(START)));
    let mut node = Node::start(disk, &clock).expect("sound");
    for commands in batches {
        clock.advance(150);
        for command in commands {
            let Asked::Waiting(mut commit) = node.ask(command.clone()) else { continue };
            node.step().expect("sound");
            if let Heard::Told(Ok(reply)) = hear(&mut commit) {
                told.note(command, reply);
            }
        }
    }
    (told, clock)
}

#[test]
fn a_snapshot_and_the_tail_are_the_full_replay() {
    let disk = SimDisk::new();
    let (told, clock) = work(&disk);
    let mut node = Node::start(&disk, &clock).expect("sound");
    // Enough entries to seal the segment, then a few behind the snapshot.
    for shopper in 100.. {
        let _asked = node.ask(enter(shopper, Some(key(shopper, 1))));
        node.step().expect("sound");
        clock.advance(1);
        if let Snapshotted::Written(point) =
            recovery::snapshot_sealed(&disk, u64::MAX).expect("sound")
        {
            assert!(point.at <= clock.now());
            break;
        }
    }
    let hash = node.world().hash();
    drop(node);
    assert_recovers(&disk, &told, &clock, "behind a snapshot");
    let recovered = Node::start(&disk, &clock).expect("sound").world().hash();
    assert_eq!(recovered, hash, "snapshot and tail");
    assert_eq!(audit::of_journal(&disk).1.hash(), hash, "full replay");
}
