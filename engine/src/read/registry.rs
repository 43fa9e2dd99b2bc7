//! What handlers find sales and the engine's health by: swapped as a whole, read without a lock.

mod archived;
mod dead_letters;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use arc_swap::{ArcSwap, ArcSwapOption};

pub(crate) use self::dead_letters::Changes;
pub use self::{
    archived::ArchivedViews,
    dead_letters::{DeadLetter, DeadLetters},
};
use crate::{
    id::{Sequence, SinkName},
    sync::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    view::SaleView,
    world::World,
};

/// The read side of everything.
#[derive(Debug, Default)]
pub struct Registry {
    sales: ArcSwap<Sales>,
    archived: ArchivedViews,
    durable: AtomicU64,
    dead_letters: ArcSwap<DeadLetters>,
    storage_full: AtomicBool,
    stopped: AtomicBool,
    outbox_lag: AtomicU64,
    /// The same for each sink.
    sink_lags: OnceLock<Box<[(SinkName, AtomicU64)]>>,
    snapshot_trouble: ArcSwapOption<String>,
    archive_trouble: ArcSwapOption<String>,
    arbiter_troubles: ArcSwap<Vec<String>>,
    clock_offset_ms: AtomicI64,
}

/// The sales that are not archived.
#[derive(Debug, Default)]
struct Sales {
    /// Every request asks, so that a look-up takes as long among ten thousand as with one.
    by_name: HashMap<Box<str>, Arc<SaleView>>,
    /// By name.
    in_order: Vec<Arc<SaleView>>,
}

// ORDERING: Relaxed on every flag and figure below: each is a word for operators that publishes
// nothing else; the maps carry their own ordering.
impl Registry {
    /// A sale by its name.
    pub fn sale(&self, name: &str) -> Option<Arc<SaleView>> {
        self.sales.load().by_name.get(name).map(Arc::clone)
    }

    /// All sales, in the order of their names.
    pub fn sales(&self) -> Vec<Arc<SaleView>> {
        self.sales.load().in_order.clone()
    }

    /// Archived sales.
    pub fn archived(&self) -> &ArchivedViews {
        &self.archived
    }

    /// The last record that is durable. What a sale's view shows is durable up to it at least.
    pub fn durable(&self) -> Sequence {
        // ORDERING: Relaxed; a reader of a sale's facts has acquired what was stored before them.
        Sequence(self.durable.load(Ordering::Relaxed))
    }

    pub(crate) fn set_durable(&self, sequence: Sequence) {
        self.durable.store(sequence.0, Ordering::Relaxed);
    }

    /// Order events that wait for an operator, by sale and number.
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        self.dead_letters.load_full()
    }

    /// Whether writes are refused because the disk is full.
    pub fn is_storage_full(&self) -> bool {
        self.storage_full.load(Ordering::Relaxed)
    }

    /// Whether the scribe has stopped, so that nothing is decided any more.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Order events decided and not yet taken by every sink.
    pub fn outbox_lag(&self) -> u64 {
        self.outbox_lag.load(Ordering::Relaxed)
    }

    /// Order events decided and not yet taken by a sink, for each that there is.
    pub fn sink_lags(&self) -> impl Iterator<Item = (SinkName, u64)> {
        let lags = self.sink_lags.get().into_iter().flatten();
        lags.map(|(sink, lag)| (*sink, lag.load(Ordering::Relaxed)))
    }

    /// Why the last snapshot could not be written, if so: recovery takes longer, nothing is lost.
    pub fn snapshot_trouble(&self) -> Option<Arc<String>> {
        self.snapshot_trouble.load_full()
    }

    /// Why the file of a sale to be archived could not be written the last time, if so: the sale stays as it is.
    pub fn archive_trouble(&self) -> Option<Arc<String>> {
        self.archive_trouble.load_full()
    }

    pub(crate) fn set_archive_trouble(&self, trouble: Option<String>) {
        self.archive_trouble.store(trouble.map(Arc::new));
    }

    pub(crate) fn set_snapshot_trouble(&self, trouble: Option<String>) {
        self.snapshot_trouble.store(trouble.map(Arc::new));
    }

    pub(crate) fn replace(&self, views: impl Iterator<Item = Arc<SaleView>>) {
        let mut in_order: Vec<Arc<SaleView>> = views.collect();
        in_order.sort_unstable_by(|one, other| one.name().cmp(other.name()));
        let named = |view: &Arc<SaleView>| (view.name().as_str().into(), Arc::clone(view));
        let by_name = in_order.iter().map(named).collect();
        self.sales.store(Arc::new(Sales { by_name, in_order }));
    }

    /// Replaces the whole list.
    pub(crate) fn replace_dead_letters(&self, dead: Changes) {
        self.dead_letters.store(Arc::new(DeadLetters::default().with(dead)));
    }

    pub(crate) fn change_dead_letters(&self, changes: Changes) {
        if !changes.is_empty() {
            let after = self.dead_letters.load().with(changes);
            self.dead_letters.store(Arc::new(after));
        }
    }

    pub(crate) fn set_storage_full(&self, full: bool) {
        self.storage_full.store(full, Ordering::Relaxed);
    }

    /// What the arbiter wants operators to know; empty when all is well.
    pub fn arbiter_troubles(&self) -> Arc<Vec<String>> {
        self.arbiter_troubles.load_full()
    }

    pub(crate) fn set_arbiter_troubles(&self, troubles: Vec<String>) {
        // Asked after every batch, and nearly always as before: reading it costs no shared write.
        if **self.arbiter_troubles.load() != troubles {
            self.arbiter_troubles.store(Arc::new(troubles));
        }
    }

    pub(crate) fn set_stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// How far the wall clock is ahead of engine time, in milliseconds: it was stepped by so much
    /// since the start, or is so far from where the journal had it.
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_clock_offset(&self, offset_ms: i64) {
        self.clock_offset_ms.store(offset_ms, Ordering::Relaxed);
    }

    /// Shows what waits, in all and for each of `sinks`, which are always the same.
    pub(crate) fn set_outbox_lag(&self, world: &World, sinks: impl Iterator<Item = SinkName>) {
        self.outbox_lag.store(world.undelivered() as u64, Ordering::Relaxed);
        let lags = || sinks.map(|sink| (sink, AtomicU64::new(0))).collect();
        for (sink, lag) in self.sink_lags.get_or_init(lags) {
            lag.store(world.undelivered_to(*sink) as u64, Ordering::Relaxed);
        }
    }
}
