//! How many order events wait, over all sales: in all, and for each sink.

use std::collections::BTreeMap;

use crate::{id::SinkName, outbox::Outbox, record::Record, sale::Sale};

/// What the outboxes of all sales hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    events: usize,
    /// How many of them each sink has taken that took any.
    taken: BTreeMap<SinkName, usize>,
}

/// What was counted of a sale before a fact changed it.
#[derive(Clone, Copy)]
pub(super) enum Before {
    /// All of it was taken out.
    Removed,
    /// So many events; the fact changes nothing of what was taken.
    Events(usize),
}

impl Backlog {
    /// Events that some sink has not taken.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Events that a sink has not taken.
    pub(super) fn events_for(&self, sink: SinkName) -> usize {
        self.events - self.taken.get(&sink).copied().unwrap_or(0)
    }

    /// Counts an outbox.
    pub(super) fn add(&mut self, outbox: &Outbox) {
        self.events += outbox.len();
        for (sink, taken) in outbox.taken() {
            *self.taken.entry(sink).or_default() += taken;
        }
    }

    /// Takes an outbox out of the count.
    pub(super) fn remove(&mut self, outbox: &Outbox) {
        self.events -= outbox.len();
        for (sink, taken) in outbox.taken() {
            let known = self.taken.get_mut(&sink).expect("it was counted");
            *known -= taken;
            if *known == 0 {
                self.taken.remove(&sink);
            }
        }
    }

    /// A fact is about to change a sale.
    pub(super) fn before(&mut self, fact: &Record, sale: &Sale) -> Before {
        if matches!(fact, Record::Delivered { .. } | Record::DeadLettered { .. }) {
            self.remove(sale.outbox());
            Before::Removed
        } else {
            Before::Events(sale.outbox().len())
        }
    }

    /// The fact has changed it.
    pub(super) fn changed(&mut self, before: Before, sale: &Sale) {
        match before {
            Before::Removed => self.add(sale.outbox()),
            Before::Events(before) => self.events = self.events + sale.outbox().len() - before,
        }
    }
}
