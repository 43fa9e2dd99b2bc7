//! What a sale tells the order pipeline, and what it notes when the sink took or refused an event or
//! an operator sends it again: the record that should be and how many events it concerns, or
//! nothing. Changes nothing.

use super::Sale;
use crate::{
    hold::Hold,
    id::{EventId, OfferIndex},
    limits::REQUEUE_EVENTS_MAX,
    outbox::{OrderEvent, Pending},
    record::{Author, Record},
};

impl Sale {
    /// An event of the outbox with all the sink needs to know.
    pub(crate) fn order_event(&self, id: EventId, pending: &Pending) -> OrderEvent {
        // The shop's clock is the wall clock.
        let wall = |at| self.controls.wall(at);
        let mut hold = Hold::clone(&pending.hold);
        (hold.created_at, hold.expires_at) = (wall(hold.created_at), wall(hold.expires_at));
        let sku = |offer: OfferIndex| self.spec.offers[usize::from(offer.0)].sku.clone();
        let skus = hold.items.iter().map(|item| sku(item.offer)).collect();
        let currency = self.spec.offers[0].currency;
        let (at, sale, epoch) = (wall(pending.at), self.spec.name.clone(), self.epoch);
        OrderEvent { id, at, sale, epoch, hold, skus, currency }
    }

    /// The sink took `events`; those that it took before are left out.
    pub(crate) fn delivered(&self, events: &[EventId]) -> Option<(usize, Record)> {
        let waits = |event: &EventId| self.outbox.get(*event).is_some();
        let events: Vec<EventId> = events.iter().copied().filter(waits).collect();
        let count = events.len();
        (count > 0).then_some((count, Record::Delivered { sale: self.tag, events }))
    }

    /// The sink refused `event` for good.
    pub(crate) fn dead_lettered(&self, event: EventId, why: &str) -> Option<(usize, Record)> {
        let alive = self.outbox.get(event).is_some_and(|pending| pending.dead.is_none());
        let why = why.to_owned();
        alive.then_some((1, Record::DeadLettered { sale: self.tag, event, why }))
    }

    /// An operator sends dead letters again: those of `wanted`, or all, [`REQUEUE_EVENTS_MAX`] at the
    /// most.
    pub(crate) fn requeued(
        &self,
        author: &Author,
        wanted: Option<&[EventId]>,
    ) -> Option<(usize, Record)> {
        let wants = |event: &EventId| wanted.is_none_or(|wanted| wanted.contains(event));
        let dead = self.outbox.dead().map(|(event, _)| event).filter(wants);
        let events: Vec<EventId> = dead.take(REQUEUE_EVENTS_MAX).collect();
        let (count, author) = (events.len(), author.clone());
        (count > 0).then_some((count, Record::Requeued { sale: self.tag, author, events }))
    }
}
