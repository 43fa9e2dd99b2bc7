//! The arbiter of one node of many: Redis decides, this node follows.
//!
//! ```text
//!   commands ─▶ calls, one a sale ─▶ Redis ─▶ entries ─▶ follow: mark, facts ─▶ the scribe's journal
//!                     │ lost, restarted, rebuilt                      ▲
//!                     └─▶ gather: catch up, quorum, rebuild ──────────┤
//!                         adopt: take a snapshot over ────────────────┘
//! ```
//!
//! Owns the world as far as this node has followed it, and a replica state for each sale: how it stands
//! with the sale's stream. Everything happens in a turn of the scribe, one turn after the other, but for what
//! takes many calls and goes on beside them (`beside`). What cannot be asked in time is answered
//! `Reply::Unavailable`, and what has to wait until this node has joined the others `Reply::NotYet`.

mod adopt;
mod archiving;
mod asked;
mod beside;
mod breaker;
mod calls;
mod catch_up;
mod due;
mod filings;
mod gather;
mod listed;
mod node;
mod packed;
mod parting;
mod replica;
mod returning;
mod saving;
mod servers;
mod settings;
mod turn;
mod unsaved;
mod waking;

use std::io;

use engine::{
    arbiter::{Arbiter, Decided, Join, Moment, Peers, archive_file::ArchiveFiles},
    clock::Millis,
    command::Command,
    id::{Number, SaleTag},
    sale::Sale,
    world::{Packed, World},
};
use tokio::runtime::{Builder, Runtime};

use self::node::Node;
pub use self::node::SharedOptions;
use crate::store::Heard;

/// The arbiter of one node of many.
#[derive(Debug)]
pub struct SharedArbiter {
    runtime: Runtime,
    node: Node,
}

impl SharedArbiter {
    /// An arbiter that goes on from `world`. Connects with the first batch: a store that is away stops
    /// decisions, not the node.
    pub fn new(world: World, options: SharedOptions, archives: ArchiveFiles) -> io::Result<Self> {
        // Driven by the scribe's own thread, in whose turn every call begins and ends.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, node: Node::new(world, options, archives) })
    }
}

impl Join for SharedOptions {
    fn join(
        mut self: Box<Self>,
        world: World,
        incarnation: u32,
        archives: ArchiveFiles,
    ) -> io::Result<Box<dyn Arbiter>> {
        self.node = self.node.of_journal(incarnation);
        Ok(Box::new(SharedArbiter::new(world, *self, archives)?))
    }
}

impl Arbiter for SharedArbiter {
    fn world(&self) -> &World {
        &self.node.world
    }

    fn decide_into(
        &mut self,
        decided: &mut Decided,
        now: Moment,
        commands: &mut dyn Iterator<Item = &Command>,
    ) {
        decided.clear(now.at);
        let Self { runtime, node } = self;
        node.now = now;
        runtime.block_on(node.turn(decided, commands));
    }

    fn warm_up(&mut self, sale: Sale, at: Millis) {
        let tag = sale.tag();
        self.node.world.warm_up(sale, at);
        self.node.wake(tag);
    }

    fn wants_unpacked(&self) -> Option<SaleTag> {
        self.node.wants_unpacked()
    }

    fn freeze(&mut self, at: Millis) -> Vec<Packed> {
        self.node.freeze(at)
    }

    fn rest(&mut self, at: Millis) -> Option<Sale> {
        self.node.rest(at)
    }

    fn set_packed(&mut self, packed: Packed) {
        self.node.world.set_packed(packed);
    }

    fn peers(&self) -> Option<&dyn Peers> {
        Some(self)
    }

    fn peers_mut(&mut self) -> Option<&mut dyn Peers> {
        Some(self)
    }
}

impl Peers for SharedArbiter {
    fn tell_heard(
        &mut self,
        sale: SaleTag,
        (period, period_ms): (u64, u64),
        base: Number,
        bitmap: &[u8],
    ) -> bool {
        let Some(store) = self.node.reachable(sale) else { return false };
        let told =
            self.runtime.block_on(store.hear(sale, &Heard { period, period_ms, base, bitmap }));
        told.map_err(|error| self.node.note_failure(sale, &error)).is_ok()
    }

    fn heard_by_all(&mut self, sale: SaleTag, period: u64, base: Number) -> Option<Vec<u8>> {
        let store = self.node.reachable(sale)?;
        let heard = self.runtime.block_on(store.heard(sale, period, base));
        heard.map_err(|error| self.node.note_failure(sale, &error)).ok().flatten()
    }

    fn delivers(&self, sale: SaleTag) -> bool {
        self.node.replicas.get(&sale).is_some_and(|replica| replica.is_delivering)
    }

    fn troubles(&self) -> Vec<String> {
        self.node.troubles.clone()
    }

    fn part(&mut self, decided: &mut Decided, at: Millis) {
        decided.clear(at);
        let Self { runtime, node } = self;
        runtime.block_on(node.part(decided));
    }
}
