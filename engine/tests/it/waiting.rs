//! Requests of a sale that its node has yet to join.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use engine::{
    arbiter::{Arbiter, Decided, LocalArbiter, Moment},
    clock::ManualClock,
    command::{Command, Reply},
    commit::Commit,
    disk::sim::SimDisk,
    limits::{NOT_YET_MAX, TICK_MS},
    scribe::Answer,
    world::World,
};

use crate::{
    sim::node::{Asked, Heard, Node, hear},
    support::{START, create, enter, name, only, spec, tag},
};

/// Decides nothing of the test's sale before its node has joined, as the arbiter of many nodes does.
#[derive(Debug)]
struct Joining {
    inner: LocalArbiter,
    has_joined: Arc<AtomicBool>,
}

impl Arbiter for Joining {
    fn world(&self) -> &World {
        self.inner.world()
    }

    fn decide_into(
        &mut self,
        decided: &mut Decided,
        now: Moment,
        commands: &mut dyn Iterator<Item = &Command>,
    ) {
        let commands: Vec<&Command> = commands.collect();
        let has_joined = self.has_joined.load(Ordering::Relaxed);
        let is_asked = |command: &&Command| has_joined || command.sale() != tag();
        let mut asked = commands.iter().copied().filter(is_asked);
        self.inner.decide_into(decided, now, &mut asked);
        let mut replies = std::mem::take(&mut decided.replies).into_iter();
        let mut decided_of = || replies.next().expect("one to each");
        let reply = |command: &&Command| {
            if is_asked(command) { decided_of() } else { Reply::NotYet }
        };
        decided.replies = commands.iter().map(reply).collect();
    }
}

struct Test {
    clock: Arc<ManualClock>,
    has_joined: Arc<AtomicBool>,
    node: Node,
}

impl Test {
    /// A node that has yet to join the test's sale, and serves another.
    fn start() -> Self {
        let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(START)));
        let has_joined = Arc::new(AtomicBool::new(true));
        let gate = Arc::clone(&has_joined);
        let joining = |world| {
            let inner = LocalArbiter::new(world);
            Box::new(Joining { inner, has_joined: gate }) as Box<dyn Arbiter>
        };
        let node = Node::start_with(&disk, &clock, &[only().sink], joining).expect("an empty disk");
        let mut test = Self { clock, has_joined, node };
        test.ask(create(spec(&[9])));
        test.node.step().expect("the disk holds");
        test.has_joined.store(false, Ordering::Relaxed);
        test
    }

    fn ask(&self, command: Command) -> Commit<Answer> {
        let Asked::Waiting(commit) = self.node.ask(command) else { unreachable!("there is room") };
        commit
    }

    /// A turn, some milliseconds after the last.
    fn step(&mut self) {
        self.clock.advance(5);
        self.node.step().expect("the disk holds");
    }
}

fn number(commit: &mut Commit<Answer>) -> Option<u64> {
    match hear(commit) {
        Heard::Waiting => None,
        Heard::Told(Ok(Reply::Entry(Ok(entry)))) => Some(entry.answer.number.0),
        other @ (Heard::Told(_) | Heard::Abandoned) => unreachable!("{other:?}"),
    }
}

#[test]
fn who_waits_until_the_node_has_joined_is_asked_every_tick_and_overtaken_by_no_one() {
    let mut test = Test::start();
    let mut waiting: Vec<Commit<Answer>> = Vec::new();
    // A crowd: one comes with every turn.
    for shopper in 1..=30 {
        waiting.push(test.ask(enter(shopper, None)));
        test.step();
    }
    assert!(waiting.iter_mut().all(|commit| number(commit).is_none()));
    test.has_joined.store(true, Ordering::Relaxed);
    for shopper in 31..=31 + u128::from(TICK_MS / 5) {
        waiting.push(test.ask(enter(shopper, None)));
        test.step();
    }
    let numbers: Vec<_> = waiting.iter_mut().map(number).collect();
    let in_order: Vec<_> = (1..=numbers.len() as u64).map(Some).collect();
    assert_eq!(numbers, in_order, "within a tick, in the order they came");
}

#[test]
fn other_sales_go_on_meanwhile_and_whoever_waits_at_the_end_is_told_that_nothing_was_decided() {
    let mut test = Test::start();
    let mut waiting = test.ask(enter(1, None));
    test.step();
    let other = engine::spec::SaleSpec { name: name("other"), ..spec(&[9]) };
    let mut made = test.ask(create(other));
    test.step();
    assert!(matches!(hear(&mut made), Heard::Told(Ok(Reply::Changed(Ok(_))))));
    test.node.close().expect("the disk holds");
    assert!(matches!(hear(&mut waiting), Heard::Told(Ok(Reply::Unavailable))));
}

#[test]
fn no_more_wait_than_the_bound_and_the_rest_are_refused_at_once() {
    let mut test = Test::start();
    let mut waiting = Vec::new();
    for shopper in 0..NOT_YET_MAX as u128 {
        waiting.push(test.ask(enter(shopper, None)));
        if shopper % 100 == 99 {
            // The clock stands, so none is asked again.
            test.node.step().expect("the disk holds");
        }
    }
    let mut late = test.ask(enter(u128::MAX, None));
    test.node.step().expect("the disk holds");
    assert!(matches!(hear(&mut late), Heard::Told(Ok(Reply::Unavailable))));
    assert!(waiting.iter_mut().all(|commit| number(commit).is_none()));
}
