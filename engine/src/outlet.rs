//! The scribe's end of the order pipeline: hands durable events to the sink's thread, in order.
//!
//! The channel is short and may be full at any time; what did not fit is still in the outbox and is
//! offered again after the next batch. Behind a dead letter the later events of the same hold stay
//! back, so that a sink never sees a hold's story out of order.

use std::collections::HashSet;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::{
    id::{EventId, HoldId, SaleTag},
    limits::OUTLET_EVENTS_MAX,
    outbox::OrderEvent,
    registry::DeadLetter,
    world::World,
};

/// The scribe's end.
#[derive(Debug)]
pub struct Outlet {
    events: Sender<OrderEvent>,
    /// The last event handed out.
    last: EventId,
}

/// An outlet and the sink's end of it.
pub fn outlet() -> (Outlet, Receiver<OrderEvent>) {
    let (events, receiver) = bounded(OUTLET_EVENTS_MAX);
    (Outlet { events, last: EventId(0) }, receiver)
}

impl Outlet {
    /// Hands out as many durable events as fit.
    pub(crate) fn hand_out(&mut self, world: &World) {
        let outbox = world.outbox();
        if outbox.after(self.last).next().is_none() {
            return;
        }
        let mut parked: HashSet<(SaleTag, HoldId)> = HashSet::new();
        for (_, dead) in outbox.dead().take_while(|(id, _)| *id <= self.last) {
            parked.insert((dead.sale, dead.hold));
        }
        for (id, pending) in outbox.after(self.last) {
            if pending.dead.is_some() {
                parked.insert((pending.sale, pending.hold));
            }
            if !parked.contains(&(pending.sale, pending.hold)) {
                let event = world.order_event(id).expect("an event outlives its sale's deletion");
                if self.events.try_send(event).is_err() {
                    return;
                }
            }
            self.last = id;
        }
    }

    /// Offers again from `event` on: dead letters were sent back.
    pub(crate) fn go_back_to(&mut self, event: EventId) {
        self.last = self.last.min(EventId(event.0.saturating_sub(1)));
    }
}

/// The dead letters of a world, for operators.
pub(crate) fn dead_letters(world: &World) -> Vec<DeadLetter> {
    let letter = |(event, pending): (EventId, &crate::outbox::Pending)| {
        let found = world.sale(pending.sale)?;
        let (sale, epoch) = (found.spec().name.clone(), found.epoch());
        let why = pending.dead.clone()?;
        Some(DeadLetter { event, at: pending.at, sale, epoch, hold: pending.hold, why })
    };
    world.outbox().dead().filter_map(letter).collect()
}
