//! What a sale tells the order pipeline, and what it notes when a sink took or refused an event or
//! an operator sends it again: the record that should be and how many events it concerns, or
//! nothing. Changes nothing.

use std::collections::BTreeSet;

use super::Sale;
use crate::{
    hold::Hold,
    id::{EventId, OfferIndex, SinkName},
    limits::REQUEUE_EVENTS_MAX,
    outbox::{OrderEvent, Pending, SinkSet},
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
        let sale_created_at = self.created_at;
        OrderEvent { id, at, sale, epoch, sale_created_at, hold, skus, currency }
    }

    /// A sink took `events`. Those are left out of which that changes nothing.
    pub(crate) fn delivered(&self, by: &SinkSet, events: &[EventId]) -> Option<(usize, Record)> {
        let is_news = |event: &EventId| {
            self.outbox.get(*event).is_some_and(|pending| {
                !self.outbox.has_taken(by.sink, pending) || self.outbox.is_last(by, pending)
            })
        };
        let events: Vec<EventId> = events.iter().copied().filter(is_news).collect();
        let (count, by) = (events.len(), by.clone());
        (count > 0).then_some((count, Record::Delivered { sale: self.tag, by, events }))
    }

    /// A sink refused `event` for good.
    pub(crate) fn dead_lettered(
        &self,
        by: &SinkSet,
        event: EventId,
        why: &str,
    ) -> Option<(usize, Record)> {
        let pending = self.outbox.get(event)?;
        let is_known = self.outbox.has_taken(by.sink, pending)
            || self.outbox.why_dead(by.sink, event).is_some();
        let (by, why) = (by.clone(), why.to_owned());
        (!is_known).then_some((1, Record::DeadLettered { sale: self.tag, by, event, why }))
    }

    /// An operator sends dead letters of a sink again: those of `wanted`, or all, but no more than
    /// [`REQUEUE_EVENTS_MAX`].
    pub(crate) fn requeued(
        &self,
        author: &Author,
        sink: SinkName,
        wanted: Option<&[EventId]>,
    ) -> Option<(usize, Record)> {
        let is_dead = |event: &EventId| self.outbox.why_dead(sink, *event).is_some();
        let events: Vec<EventId> = match wanted {
            None => self.outbox.dead_of(sink).take(REQUEUE_EVENTS_MAX).collect(),
            Some(wanted) => {
                let wanted: BTreeSet<EventId> = wanted.iter().copied().collect();
                wanted.into_iter().filter(is_dead).take(REQUEUE_EVENTS_MAX).collect()
            }
        };
        let (count, author) = (events.len(), author.clone());
        (count > 0).then_some((count, Record::Requeued { sale: self.tag, author, sink, events }))
    }
}
