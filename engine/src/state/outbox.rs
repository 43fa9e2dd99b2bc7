//! A sale's outbox: decided facts about its holds that the order pipeline has not taken yet.
//!
//! It is part of the sale's journaled state: an event enters with the fact it tells of and leaves with
//! a record that the sink took it, so that a crash at any moment delivers it again rather than not at
//! all. Events are numbered within their sale, no number twice: the facts of a sale alone
//! say which event is which, and sale and number together are the idempotency key.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    clock::Millis,
    codec::{DecodeError, Long, Sink, Source, binary_struct},
    hold::Hold,
    id::{Currency, Epoch, EventId, HoldId, SaleName, Sku},
};

/// What the order pipeline is told: a hold came to stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The event's number: with the sale, the sink's idempotency key.
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
    /// The hold as it came to stand. The sale may have forgotten it since.
    pub(crate) hold: Arc<Hold>,
    /// What the sink said when it refused the event for good.
    pub(crate) dead: Option<String>,
}

binary_struct!(Pending { at, hold, dead });

/// Events in the order they were decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outbox {
    last: u64,
    pending: BTreeMap<EventId, Pending>,
    /// Those of `pending` that are dead: `pending` is long exactly when there is no time to look through it.
    dead: BTreeSet<EventId>,
    /// The same by hold: behind them its later events stay back.
    dead_of_holds: BTreeSet<(HoldId, EventId)>,
}

impl Outbox {
    /// An outbox whose first event follows `last`.
    pub(crate) fn after_event(last: EventId) -> Self {
        Self { last: last.0, ..Self::default() }
    }

    /// The last event made, 0 before the first.
    pub(crate) fn last(&self) -> EventId {
        EventId(self.last)
    }

    /// Passes so many numbers over: no event has them.
    pub(crate) fn skip(&mut self, numbers: u64) {
        self.last += numbers;
    }

    /// Events not taken yet, dead letters included.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Events after `last`, in order.
    pub(crate) fn after(&self, last: EventId) -> impl Iterator<Item = (EventId, &Pending)> {
        let next = EventId(last.0.saturating_add(1));
        self.pending.range(next..).map(|(id, pending)| (*id, pending))
    }

    /// All events, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.pending.values()
    }

    /// One event.
    pub(crate) fn get(&self, id: EventId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// Events the sink refused for good.
    pub(crate) fn dead(&self) -> impl Iterator<Item = (EventId, &Pending)> {
        self.dead.iter().map(|id| (*id, &self.pending[id]))
    }

    /// Whether an event is not for the sink now: it is dead, or one before it of the same hold is.
    pub(crate) fn stays_back(&self, id: EventId, pending: &Pending) -> bool {
        let hold = pending.hold.id;
        let of_hold = (hold, EventId(0))..=(hold, id);
        !self.dead.is_empty() && self.dead_of_holds.range(of_hold).next().is_some()
    }

    /// Adds the next event.
    pub(crate) fn add(&mut self, at: Millis, hold: Arc<Hold>) {
        self.last += 1;
        self.pending.insert(EventId(self.last), Pending { at, hold, dead: None });
    }

    /// The sink took events; those it took before are passed over.
    pub(crate) fn delivered(&mut self, events: &[EventId]) {
        for event in events {
            if let Some(Pending { hold, dead: Some(_), .. }) = self.pending.remove(event) {
                self.dead.remove(event);
                self.dead_of_holds.remove(&(hold.id, *event));
            }
        }
    }

    /// The sink refused an event for good, or an operator sends it again.
    pub(crate) fn set_dead(&mut self, event: EventId, why: Option<String>) {
        let Some(pending) = self.pending.get_mut(&event) else { return };
        let of_hold = (pending.hold.id, event);
        if why.is_some() {
            self.dead.insert(event);
            self.dead_of_holds.insert(of_hold);
        } else {
            self.dead.remove(&event);
            self.dead_of_holds.remove(&of_hold);
        }
        pending.dead = why;
    }
}

impl Long for Outbox {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.last);
        out.put(&(self.pending.len() as u64));
        for (id, pending) in &self.pending {
            out.put(id);
            out.put(pending);
        }
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let mut outbox = Self::after_event(input.get()?);
        for _ in 0..input.get_count()? {
            let id = input.get()?;
            let event: Pending = input.get()?;
            let before = outbox.pending.last_key_value().map(|(before, _)| *before);
            if before >= Some(id) || id > outbox.last() {
                return Err(DecodeError("order events out of their order"));
            }
            if event.dead.is_some() {
                outbox.dead.insert(id);
                outbox.dead_of_holds.insert((event.hold.id, id));
            }
            outbox.pending.insert(id, event);
        }
        Ok(outbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hold::HoldState,
        id::{Number, ShopperKey},
    };

    fn hold(id: u64) -> Arc<Hold> {
        let (shopper, state, items) = (ShopperKey(1), HoldState::Held, [].into_iter().collect());
        let (created_at, expires_at) = (Millis(1), Millis(2));
        let (id, number) = (HoldId(id), Number(1));
        Arc::new(Hold { id, number, shopper, state, items, created_at, expires_at })
    }

    #[test]
    fn the_dead_are_known_through_every_change_and_after_a_snapshot() {
        let mut outbox = Outbox::default();
        let ids = |outbox: &Outbox| outbox.dead().map(|(id, _)| id.0).collect::<Vec<_>>();
        for id in 1..=4 {
            outbox.add(Millis(id), hold(id));
        }
        for event in [1, 2, 3, 9] {
            outbox.set_dead(EventId(event), Some("no".to_owned()));
        }
        assert_eq!(ids(&outbox), [1, 2, 3], "an event that is not there cannot die");
        outbox.set_dead(EventId(1), None);
        outbox.delivered(&[EventId(2), EventId(4)]);
        assert_eq!(ids(&outbox), [3]);
        let mut bytes = Vec::new();
        outbox.write(&mut bytes);
        assert_eq!(Outbox::read(&mut bytes.as_slice()), Ok(outbox));
    }
}
