//! The outbox: decided facts about holds that the order pipeline has not taken yet.
//!
//! It is part of the journaled state: an event enters with the fact it tells of and leaves with a
//! record that the sink took it, so that a crash at any moment delivers it again rather than not at
//! all. The event's id is the idempotency key: dense, never used twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Millis,
    codec::{Binary, DecodeError, binary_struct, get_length},
    hold::{Hold, HoldState},
    id::{Currency, Epoch, EventId, HoldId, SaleName, SaleTag, Sku},
};

/// What the order pipeline is told: a hold came to stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The event's number: the sink's idempotency key.
    pub id: EventId,
    /// When it was decided.
    pub at: Millis,
    /// The sale's name.
    pub sale: SaleName,
    /// The sale's epoch.
    pub epoch: Epoch,
    /// The hold, in the state the event tells of.
    pub hold: Hold,
    /// SKUs of the hold's items, in their order.
    pub skus: Vec<Sku>,
    /// The currency of its prices.
    pub currency: Currency,
}

/// One event, as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// When it was decided.
    pub(crate) at: Millis,
    /// Which sale.
    pub(crate) sale: SaleTag,
    /// Which hold.
    pub(crate) hold: HoldId,
    /// Where it came to stand.
    pub(crate) state: HoldState,
    /// What the sink said when it refused the event for good.
    pub(crate) dead: Option<String>,
}

binary_struct!(Pending { at, sale, hold, state, dead });

/// Events in the order they were decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outbox {
    last: u64,
    pending: BTreeMap<EventId, Pending>,
    /// Those of `pending` that are dead: the scribe asks after each batch, and `pending` is long
    /// just when it has no time to look through it.
    dead: BTreeSet<EventId>,
}

impl Outbox {
    /// Events not taken yet, dead letters included.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Events after `last`, in order.
    pub(crate) fn after(&self, last: EventId) -> impl Iterator<Item = (EventId, &Pending)> {
        let next = EventId(last.0.saturating_add(1));
        self.pending.range(next..).map(|(id, pending)| (*id, pending))
    }

    /// One event.
    pub(crate) fn get(&self, id: EventId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// Events the sink refused for good.
    pub(crate) fn dead(&self) -> impl Iterator<Item = (EventId, &Pending)> {
        self.dead.iter().map(|id| (*id, &self.pending[id]))
    }

    /// Whether any event of a sale is not taken yet.
    pub(crate) fn concerns(&self, sale: SaleTag) -> bool {
        self.pending.values().any(|pending| pending.sale == sale)
    }

    /// Adds the next event.
    pub(crate) fn add(&mut self, at: Millis, sale: SaleTag, hold: HoldId, state: HoldState) {
        self.last += 1;
        self.pending.insert(EventId(self.last), Pending { at, sale, hold, state, dead: None });
    }

    /// The sink took events.
    pub(crate) fn delivered(&mut self, events: &[EventId]) {
        for event in events {
            self.pending.remove(event);
            self.dead.remove(event);
        }
    }

    /// The sink refused an event for good, or an operator sends it again.
    pub(crate) fn set_dead(&mut self, event: EventId, why: Option<String>) {
        let Some(pending) = self.pending.get_mut(&event) else { return };
        if why.is_some() {
            self.dead.insert(event);
        } else {
            self.dead.remove(&event);
        }
        pending.dead = why;
    }
}

impl Binary for Outbox {
    fn encode(&self, out: &mut Vec<u8>) {
        self.last.encode(out);
        (self.pending.len() as u64).encode(out);
        for (id, pending) in &self.pending {
            id.encode(out);
            pending.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let last = u64::decode(input)?;
        let (mut pending, mut dead) = (BTreeMap::new(), BTreeSet::new());
        for _ in 0..get_length(input)? {
            let id = EventId::decode(input)?;
            let event = Pending::decode(input)?;
            if event.dead.is_some() {
                dead.insert(id);
            }
            pending.insert(id, event);
        }
        Ok(Self { last, pending, dead })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_known_through_every_change_and_after_a_snapshot() {
        let mut outbox = Outbox::default();
        let ids = |outbox: &Outbox| outbox.dead().map(|(id, _)| id.0).collect::<Vec<_>>();
        for hold in 1..=4 {
            outbox.add(Millis(hold), SaleTag(1), HoldId(hold), HoldState::Held);
        }
        for event in [1, 2, 3, 9] {
            outbox.set_dead(EventId(event), Some("no".to_owned()));
        }
        assert_eq!(ids(&outbox), [1, 2, 3], "an event that is not there cannot die");
        outbox.set_dead(EventId(1), None);
        outbox.delivered(&[EventId(2), EventId(4)]);
        assert_eq!(ids(&outbox), [3]);
        let mut bytes = Vec::new();
        outbox.encode(&mut bytes);
        assert_eq!(Outbox::decode(&mut bytes.as_slice()), Ok(outbox));
    }
}
