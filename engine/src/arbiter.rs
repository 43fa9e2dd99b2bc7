//! Who decides order and stock: this process alone, or Redis for many nodes.
//!
//! ```text
//!   one node     commands ─▶ LocalArbiter ─▶ records ─────────────────────────▶ journal
//!   many nodes   commands ─▶ SharedArbiter ─▶ Redis ─▶ entries of the stream ─▶ journal
//! ```
//!
//! Both decide the same: the same commands at the same time on the same state give the same records,
//! byte for byte. `sale` holds the rules; the library in `redis/function` repeats them in Lua.

mod local;
pub mod redis;
mod settings;
mod shared;

use std::fmt;

pub use self::{
    local::LocalArbiter,
    redis::RedisArbiter,
    shared::{SharedArbiter, SharedOptions},
};
use crate::{
    clock::Millis,
    command::{Command, Note, Reply},
    id::{Number, SaleTag},
    record::Record,
    world::World,
};

/// What decides a batch. Everything above it is the same with one node and with many.
pub trait Arbiter: Send + fmt::Debug {
    /// The state after all that was decided.
    fn world(&self) -> &World;

    /// Tells how far the wall clock is from engine time, and whether nothing was decided for so long
    /// that called places could not be claimed. Counts for the next batch; a store that decides goes
    /// by its own clock and what it noted of its nodes.
    fn set_time(&mut self, wall_offset_ms: i64, after_outage: bool);

    /// Decides a batch at `at`, which is never earlier than the batch before, into what may have
    /// memory from another. What it gives is applied to the world, but not acknowledged yet.
    fn decide_into(
        &mut self,
        decided: &mut Decided,
        at: Millis,
        commands: &mut dyn Iterator<Item = &Command>,
    );

    /// Whether other nodes serve the same sales.
    fn is_shared(&self) -> bool;

    /// Tells the others which numbers this node has heard of in a period (its number, and how long it
    /// is): a bit for each from `base` on. Answers whether they will know.
    fn tell_heard(
        &mut self,
        sale: SaleTag,
        period: (u64, u64),
        base: Number,
        bitmap: &[u8],
    ) -> bool;

    /// The numbers that any node has told of; `None` when that is not known.
    fn heard_by_all(&mut self, sale: SaleTag, period: u64, base: Number) -> Option<Vec<u8>>;

    /// Whether this node hands a sale's order events to the backend.
    fn delivers(&self, sale: SaleTag) -> bool;

    /// What an operator should know; empty when all is well.
    fn troubles(&self) -> Vec<String>;

    /// The last call: this process serves no more. What it still hears is decided like a batch's, and to
    /// be journaled.
    fn close(&mut self, decided: &mut Decided, at: Millis);
}

/// A decided batch: the facts, and a reply to each command in the order they came.
#[derive(Debug, Default)]
pub struct Decided {
    /// When it was decided: what the journal's batch carries.
    pub at: Millis,
    /// Facts, already applied to the arbiter's world.
    pub records: Vec<Record>,
    /// One reply to each command.
    pub replies: Vec<Reply>,
    /// Which of `records` are holds that answer no command of this batch: another node's, or one whose
    /// answer had been lost. No permit was taken for their units.
    pub others_holds: Vec<usize>,
    /// Whether time has brought more than one batch takes, so that the next should follow at once.
    pub is_more_due: bool,
}

impl Decided {
    /// Empties it, for its memory.
    fn clear(&mut self, at: Millis) {
        self.at = at;
        self.records.clear();
        self.replies.clear();
        self.others_holds.clear();
        self.is_more_due = false;
    }
}

/// What the pipeline or an operator says of a sale's order events: the record that should be and how
/// many events it concerns, or nothing. A sale is not deleted while any is undelivered, so of one that
/// is gone nothing can be said.
fn noted(world: &World, sale: SaleTag, note: &Note) -> Option<(usize, Record)> {
    let sale = world.sale(sale)?;
    match note {
        Note::Delivered { events } => sale.delivered(events),
        Note::DeadLetter { event, why } => sale.dead_lettered(*event, why),
        Note::Requeue { author, events } => sale.requeued(author, events.as_deref()),
        Note::Refresh => None,
    }
}
