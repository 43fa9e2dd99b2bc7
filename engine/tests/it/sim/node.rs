//! One life of the engine: the real scribe, publisher, views, ring and journal, without a thread.
#![expect(clippy::wildcard_enum_match_arm, reason = "names what it is about, passes over the rest")]

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use engine::{
    arbiter::{Arbiter, LocalArbiter},
    clock::ManualClock,
    command::{Ask, Command, Operation, Terms},
    commit::{self, Commit},
    disk::{Disk, sim::SimDisk},
    id::SinkName,
    outlet::{self, Offers},
    record::Change,
    recovery::{self, RecoveryError},
    registry::Registry,
    ring::{self, Consumer, Producer},
    scribe::{Answer, Fatal, Request, Scribe},
    view::SaleView,
    world::World,
};

use crate::support::{Unwatched, author, only};

/// A batch is reserved at its largest: half a mebibyte, half as much again for a requeue, and what
/// the ring and an operator can add. A little more makes short segments.
pub(crate) const SEGMENT_BYTES: u64 = 920_000;
const RING_SLOTS: usize = 128;

/// What one asking came to so far.
#[derive(Debug)]
pub(crate) enum Asked {
    /// On its way.
    Waiting(Commit<Answer>),
    /// Refused by the stock's permits without a hop.
    SoldOut,
    /// The ring had no room.
    Overloaded,
}

#[derive(Debug)]
pub(crate) struct Node {
    scribe: Scribe,
    registry: Arc<Registry>,
    producer: Producer<Request>,
    consumer: Consumer<Request>,
    requests: Vec<Request>,
    pub(crate) offers: Vec<Offers>,
}

impl Node {
    pub(crate) fn start(disk: &SimDisk, clock: &Arc<ManualClock>) -> Result<Self, RecoveryError> {
        Self::start_for(disk, clock, &[only().sink])
    }

    /// The same, with these sinks.
    pub(crate) fn start_for(
        disk: &SimDisk,
        clock: &Arc<ManualClock>,
        sinks: &[SinkName],
    ) -> Result<Self, RecoveryError> {
        Self::start_with(disk, clock, sinks, |world| Box::new(LocalArbiter::new(world)))
    }

    /// The same, with this arbiter.
    pub(crate) fn start_with(
        disk: &SimDisk,
        clock: &Arc<ManualClock>,
        sinks: &[SinkName],
        arbiter: impl FnOnce(World) -> Box<dyn Arbiter>,
    ) -> Result<Self, RecoveryError> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let (world, journal, _) = recovery::recover(&shared, SEGMENT_BYTES, &**clock)?;
        let (producer, consumer) = ring::bounded(RING_SLOTS);
        let (outlet, offers) = outlet::outlet(sinks);
        let registry = Arc::new(Registry::default());
        let scribe = Scribe::new(
            Arc::<ManualClock>::clone(clock),
            arbiter(world),
            journal,
            Arc::clone(&registry),
            outlet,
            Box::new(Unwatched),
        );
        Ok(Self { scribe, registry, producer, consumer, requests: Vec::new(), offers })
    }

    pub(crate) fn ask(&self, command: Command) -> Asked {
        let admission = match &command {
            Command::Ask(sale, Ask::Purchase { items, replay, .. }) => {
                let views = self.registry.sales();
                let view = views.iter().find(|view| view.tag() == *sale);
                match view.map(|view| view.admit_purchase(items, *replay)) {
                    Some(Err(_)) => return Asked::SoldOut,
                    Some(Ok(admission)) => Some(admission),
                    None => None,
                }
            }
            _ => None,
        };
        let (promise, commit) = commit::pair();
        match self.producer.push(Request { command, admission, unpacked: None, promise }) {
            Ok(()) => Asked::Waiting(commit),
            Err(_) => Asked::Overloaded,
        }
    }

    /// One turn of the scribe with all that waits.
    pub(crate) fn step(&mut self) -> Result<(), Fatal> {
        self.consumer.drain(RING_SLOTS, &mut self.requests);
        self.scribe.step(&mut self.requests)?;
        // Every other segment is made ready ahead of its time, the rest when it is needed.
        if let Some(preparation) = self.scribe.prepare()
            && self.scribe.journal().point().segment.is_multiple_of(2)
        {
            self.scribe.set_prepared(preparation.run());
        }
        Ok(())
    }

    /// The last call, as when the process ends.
    pub(crate) fn close(&mut self) -> Result<(), Fatal> {
        self.scribe.close()
    }

    pub(crate) fn view(&self, name: &str) -> Arc<SaleView> {
        self.registry.sale(name).expect("a sale once acknowledged is there")
    }

    /// Writes the file of a sale and says what archives it, as the engine does; `None` if it cannot be
    /// written.
    pub(crate) fn archival(&self, disk: &SimDisk, name: &str) -> Option<Command> {
        let view = self.registry.sale(name)?;
        let (sale, facts) = (view.tag(), Some(view.facts()));
        let written = recovery::archive(disk, &[sale], self.registry.durable(), 0).ok()?;
        let digest = written[&sale]?;
        let terms = Terms { facts, ..Terms::default() };
        let change = Box::new(Change::Archive { digest });
        Some(Command::Operate(Operation::Change { sale, author: author(), change, terms }))
    }

    pub(crate) fn world(&self) -> &World {
        self.scribe.world()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// What a commit has to say.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Nothing yet.
    Waiting,
    /// What was asked for, or that the engine is busy.
    Told(Answer),
    /// It will never come: the outcome is unknown.
    Abandoned,
}

pub(crate) fn hear(commit: &mut Commit<Answer>) -> Heard {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(commit).poll(&mut context) {
        Poll::Pending => Heard::Waiting,
        Poll::Ready(Ok(answer)) => Heard::Told(answer),
        Poll::Ready(Err(_)) => Heard::Abandoned,
    }
}
