//! One simulation: turns of asking, failing, deciding, hearing and checking.
#![expect(clippy::wildcard_enum_match_arm, reason = "names what it is about, passes over the rest")]

mod checks;

use std::sync::Arc;

use engine::{
    clock::{Clock as _, ManualClock, Millis},
    command::{Ask, Command, Note, Reply},
    commit::Commit,
    disk::sim::{Crash, SimDisk},
    id::SinkName,
    recovery::{self, Snapshotted},
    scribe::{Answer, Busy},
    spec::{Rejoin, SaleSpec},
};

use super::{
    chance::Chance,
    crowd::{Backend, Shopper, operate},
    node::{Asked, Heard, Node, hear},
    shadow::Shadow,
    side::Merchant,
    sink::Sink,
};
use crate::support::{START, author, create, name, sink, spec};

const SHOPPERS: u128 = 40;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Equal for equal runs.
    pub(crate) trace: Vec<u8>,
    pub(crate) turns: u64,
    pub(crate) facts: u64,
    pub(crate) acknowledged: u64,
    pub(crate) unknown: u64,
    pub(crate) busy: u64,
    pub(crate) crashes: u64,
    pub(crate) delivered: u64,
    pub(crate) letters: u64,
    /// Events that waited for a sink that was taken out.
    pub(crate) leaves: u64,
    pub(crate) snapshots: u64,
    pub(crate) archived: u64,
    pub(crate) deleted: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.turns += other.turns;
        self.facts += other.facts;
        self.acknowledged += other.acknowledged;
        self.unknown += other.unknown;
        self.busy += other.busy;
        self.crashes += other.crashes;
        self.delivered += other.delivered;
        self.letters += other.letters;
        self.leaves += other.leaves;
        self.snapshots += other.snapshots;
        self.archived += other.archived;
        self.deleted += other.deleted;
    }
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Shopper(usize),
    Backend,
    Operator,
    Merchant,
    Sink(usize),
}

#[derive(Debug)]
struct Waiting {
    who: Who,
    command: Command,
    /// The highest number that had been told to anybody when this was asked.
    last_number: u64,
    commit: Commit<Answer>,
}

pub(super) struct Simulation {
    chance: Chance,
    disk: SimDisk,
    pub(super) clock: Arc<ManualClock>,
    node: Node,
    specs: Vec<SaleSpec>,
    shoppers: Vec<Shopper>,
    backend: Backend,
    merchant: Merchant,
    /// All that there ever are; the first so many are configured.
    sinks: [Sink; 3],
    configured: usize,
    shadow: Shadow,
    waiting: Vec<Waiting>,
    trace: blake3::Hasher,
    figures: Figures,
    /// Turns until a full disk has room again.
    full_for: u64,
}

fn names(sinks: &[Sink]) -> Vec<SinkName> {
    sinks.iter().map(|sink| sink.name).collect()
}

/// Runs a seed to its end.
pub(crate) fn simulate(seed: u64, turns: u64) -> Figures {
    let mut simulation = Simulation::new(seed);
    for _ in 0..turns {
        simulation.turn();
    }
    simulation.quiesce();
    simulation.check_end();
    simulation.figures.trace = simulation.trace.finalize().as_bytes().to_vec();
    simulation.figures
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let (disk, clock) = (SimDisk::new(), Arc::new(ManualClock::at(START)));
        let sinks = ["shop", "webhook", "audit"].map(|name| Sink::new(sink(name)));
        let node = Node::start_for(&disk, &clock, &names(&sinks)).expect("an empty disk");
        let specs = specs(&mut chance);
        let count = specs.len() as u64;
        let shopper = |key| Shopper::new(key, usize::from(chance.below(count) == 0));
        let shoppers = (1..=SHOPPERS).map(shopper).collect();
        let mut simulation = Self {
            chance,
            disk,
            clock,
            node,
            specs,
            shoppers,
            backend: Backend::default(),
            merchant: Merchant::default(),
            configured: sinks.len(),
            sinks,
            shadow: Shadow::default(),
            waiting: Vec::new(),
            trace: blake3::Hasher::new(),
            figures: Figures::default(),
            full_for: 0,
        };
        for spec in simulation.specs.clone() {
            simulation.ask(Who::Operator, create(spec));
            simulation.node.step().expect("a sound disk");
        }
        simulation.hear();
        simulation
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    fn turn(&mut self) {
        self.figures.turns += 1;
        self.invite_trouble();
        self.act();
        let pause = if self.chance.hits(20) { 9_000 } else { 120 };
        self.clock.advance(self.chance.below(pause));
        self.step();
        self.take_events(30);
        self.check();
    }

    /// Lets some of the crowd ask.
    fn act(&mut self) {
        let at = self.now();
        for _ in 0..self.chance.below(8) {
            let index = usize::try_from(self.chance.below(self.shoppers.len() as u64));
            let index = index.expect("a small crowd");
            if self.is_waiting(Who::Shopper(index)) {
                continue;
            }
            let (shopper, chance) = (&mut self.shoppers[index], &mut self.chance);
            let spec = &self.specs[shopper.sale];
            if let Some(command) = shopper.act(&self.node, spec, &mut self.shadow, at, chance) {
                self.ask(Who::Shopper(index), command);
            }
        }
        if !self.is_waiting(Who::Backend) && self.chance.hits(500) {
            let command = self.backend.act(&self.shadow, &mut self.chance, false);
            self.ask_any(Who::Backend, command);
        }
        if !self.is_waiting(Who::Operator) && self.chance.hits(200) {
            let index = usize::from(self.chance.hits(500));
            let name = self.specs[index].name.clone();
            let spec = self.node.view(name.as_str()).settings().spec.clone();
            let command = operate(&spec, &mut self.chance);
            self.ask(Who::Operator, command);
        }
        if !self.is_waiting(Who::Merchant) && self.chance.hits(400) {
            let command = self.merchant.act(&self.node, &self.disk, &mut self.chance);
            self.ask_any(Who::Merchant, command);
        }
        self.pass_on_the_sinks_answers();
    }

    fn take_events(&mut self, refusals: u64) {
        for (sink, offers) in self.sinks.iter_mut().zip(&self.node.offers) {
            sink.take(offers, &mut self.chance, refusals);
        }
    }

    fn pass_on_the_sinks_answers(&mut self) {
        for index in 0..self.configured {
            if !self.is_waiting(Who::Sink(index))
                && let Some(command) = self.sinks[index].answers.front()
            {
                self.ask(Who::Sink(index), command.clone());
            }
        }
    }

    fn is_waiting(&self, who: Who) -> bool {
        self.waiting.iter().any(|waiting| waiting.who == who)
    }

    fn ask_any(&mut self, who: Who, command: Option<Command>) {
        if let Some(command) = command {
            self.ask(who, command);
        }
    }

    fn ask(&mut self, who: Who, command: Command) {
        let last_number = match &command {
            Command::Ask(sale, Ask::Enter { .. }) => self.shadow.last_number(*sale),
            _ => 0,
        };
        match self.node.ask(command.clone()) {
            Asked::Waiting(commit) => {
                self.waiting.push(Waiting { who, command, last_number, commit });
            }
            Asked::SoldOut => {
                let Command::Ask(sale, Ask::Purchase { .. }) = &command else { unreachable!() };
                let refused = engine::sale::PurchaseRefusal::SoldOut;
                let reply = Reply::Purchase(Err(refused));
                assert!(self.node.world().sale(*sale).is_some());
                self.answered(who, &command, Some(&reply));
            }
            Asked::Overloaded => self.answered(who, &command, None),
        }
    }

    /// One turn of the scribe; when it must stop, the machine goes down and comes up again.
    fn step(&mut self) {
        let outcome = self.node.step();
        if let Err(fatal) = &outcome {
            assert!(self.node.registry().is_stopped());
            assert!(fatal.reason.contains("poisoned"), "only the disk stops a scribe: {fatal:?}");
        }
        self.hear();
        if outcome.is_err() {
            self.crash();
        }
    }

    /// Hears the answers that are there.
    fn hear(&mut self) {
        for mut waiting in std::mem::take(&mut self.waiting) {
            match hear(&mut waiting.commit) {
                Heard::Waiting => self.waiting.push(waiting),
                Heard::Told(answer) => self.told(&waiting, answer),
                Heard::Abandoned => self.left_unsure(&waiting),
            }
        }
    }

    fn left_unsure(&mut self, waiting: &Waiting) {
        self.trace.update(b"unknown");
        self.figures.unknown += 1;
        if waiting.who != Who::Merchant {
            self.shadow.doubt(&waiting.command);
        }
        self.answered(waiting.who, &waiting.command, None);
    }

    fn told(&mut self, waiting: &Waiting, answer: Answer) {
        self.trace.update(format!("{answer:?}").as_bytes());
        match answer {
            Err(Busy::StorageFull | Busy::Overloaded) => {
                self.figures.busy += 1;
                self.answered(waiting.who, &waiting.command, None);
            }
            Ok(reply) => {
                self.check_order(waiting, &reply);
                if waiting.who != Who::Merchant {
                    self.shadow.acknowledge(&waiting.command, &reply);
                }
                self.answered(waiting.who, &waiting.command, Some(&reply));
            }
        }
    }

    /// Who was told a place before this was asked has a lower number.
    fn check_order(&self, waiting: &Waiting, reply: &Reply) {
        let (Who::Shopper(index), Reply::Entry(Ok(entry))) = (waiting.who, reply) else { return };
        let Command::Ask(sale, Ask::Enter { .. }) = &waiting.command else { return };
        let number = entry.answer.number;
        let new = !self.shoppers[index].unsure && !self.shadow.knows(*sale, number);
        if new && !entry.replayed {
            assert!(number.0 > waiting.last_number, "{number:?} after {}", waiting.last_number);
        }
    }

    /// Tells whoever asked; `None`: ask again.
    fn answered(&mut self, who: Who, command: &Command, reply: Option<&Reply>) {
        match who {
            Who::Shopper(index) => self.shoppers[index].hear(command, reply),
            Who::Backend => self.backend.hear(command, reply),
            Who::Operator => {}
            Who::Merchant => self.merchant.hear(reply),
            Who::Sink(index) => {
                if reply.is_some() {
                    self.sinks[index].answers.pop_front();
                }
            }
        }
    }

    /// Plans something bad, now and then; and ends what was planned for a while.
    fn invite_trouble(&mut self) {
        self.full_for = self.full_for.saturating_sub(1);
        if self.full_for == 0 {
            self.disk.set_capacity(None);
        }
        let more = self.chance.below(3);
        match self.chance.below(1_500) {
            0..6 => self.disk.cut_power_after(self.chance.below(6)),
            6..9 => self.crash(),
            9..13 => self.disk.fail_sync(1 + more),
            13..17 => self.disk.fail_write(1 + more, std::io::ErrorKind::StorageFull),
            17..20 => {
                let bytes = usize::try_from(self.chance.below(200)).expect("small");
                self.disk.shorten_write(1, bytes);
                self.disk.fail_write(2, std::io::ErrorKind::StorageFull);
            }
            20..26 => {
                self.disk.set_capacity(Some(1));
                self.full_for = 5 + self.chance.below(150);
            }
            26..36 => self.snapshot(),
            36..39 => self.restart(),
            39..50 => {
                let sink = usize::try_from(self.chance.below(3)).expect("small");
                self.sinks[sink].stalled = !self.sinks[sink].stalled;
            }
            _ => {}
        }
    }

    fn snapshot(&mut self) {
        let outcome = recovery::snapshot_sealed(&self.disk, u64::MAX);
        if matches!(outcome, Ok(Snapshotted::Written(_))) {
            self.figures.snapshots += 1;
        }
    }

    /// The power goes, or the process dies; recovery may meet the same.
    fn crash(&mut self) {
        self.figures.crashes += 1;
        let seed = self.chance.next();
        let crash = match self.chance.below(4) {
            0 => Crash::Process,
            1 => Crash::DropUnsynced,
            2 => Crash::KeepSectors { seed },
            _ => Crash::KeepPrefix { seed },
        };
        self.disk.crash(crash);
        if self.chance.hits(300) {
            self.disk.cut_power_after(self.chance.below(4));
        }
        self.restart();
    }

    fn restart(&mut self) {
        // The new machine's clock may be behind; the journal knows better.
        let behind = self.now().0 - self.chance.below(2) * self.chance.below(5_000);
        self.clock = Arc::new(ManualClock::at(Millis(behind)));
        // A fault still planned may meet the recovery; the crash after it forgets the plan.
        // Whoever starts it may have put the last sink in or taken it out.
        let configured = self.sinks.len() - usize::from(self.chance.hits(300));
        let sinks = names(&self.sinks[..configured]);
        let mut started = Node::start_for(&self.disk, &self.clock, &sinks);
        if started.is_err() {
            self.disk.crash(Crash::DropUnsynced);
            started = Node::start_for(&self.disk, &self.clock, &sinks);
        }
        self.node = started.expect("a disk without faults recovers");
        self.hear();
        assert!(self.waiting.is_empty(), "the old node's promises are gone with it");
        self.sinks.iter_mut().for_each(Sink::restart);
        self.note_configured(configured);
        self.trace.update(&self.node.world().hash());
        self.check_everything();
    }

    /// The last sink may have been put in or taken out.
    fn note_configured(&mut self, configured: usize) {
        if configured == self.configured {
            return;
        }
        let (audit, _) = crate::audit::of_journal(&self.disk);
        let last = self.sinks.last_mut().expect("three");
        if configured > self.configured {
            last.put_in(&audit);
        } else {
            last.take_out(&audit);
        }
        self.configured = configured;
    }

    /// No more trouble: everybody gets an answer, payments end, the rest expires by itself.
    fn quiesce(&mut self) {
        self.full_for = 0;
        self.disk.set_capacity(None);
        self.disk.crash(Crash::Process);
        self.restart();
        self.sinks.iter_mut().for_each(|sink| sink.stalled = false);
        for round in 0..400 {
            let retries: Vec<_> = self.shoppers.iter().map(Shopper::retry).collect();
            for (index, command) in retries.into_iter().enumerate() {
                let who = Who::Shopper(index);
                let command = command.filter(|_| !self.is_waiting(who));
                self.ask_any(who, command);
            }
            if !self.is_waiting(Who::Backend) {
                let command = self.backend.act(&self.shadow, &mut self.chance, true);
                self.ask_any(Who::Backend, command);
            }
            let made = self.specs.get(round % (self.specs.len() + 1));
            let sale = made.map_or_else(|| self.merchant.tag(), |spec| spec.name.tag());
            let sink = self.sinks[round / (self.specs.len() + 1) % self.sinks.len()].name;
            let requeue = Note::Requeue { author: author(), sink, events: None };
            self.ask(Who::Operator, Command::Note(sale, requeue));
            self.pass_on_the_sinks_answers();
            self.clock.advance(500);
            self.step();
            self.take_events(0);
            self.check();
        }
    }
}

/// Two sales unlike each other, somewhat different with every seed.
fn specs(chance: &mut Chance) -> Vec<SaleSpec> {
    let base = SaleSpec {
        claim_window_ms: 1_000,
        session_ms: 8_000,
        idle_ms: 20_000,
        hold_ms: 3_000,
        per_shopper_max: 3 + u32::try_from(chance.below(5)).expect("small"),
        active_max: 3 + u32::try_from(chance.below(8)).expect("small"),
        admission_milli_per_second: 4_000 + chance.below(40_000),
        ..spec(&[chance.below(12), chance.below(20), 3])
    };
    let tail = SaleSpec {
        name: name("tail"),
        rejoin: Rejoin::Tail,
        overbook_milli: Some(1_500),
        refund_restocks: false,
        ..base.clone()
    };
    vec![base, tail]
}
