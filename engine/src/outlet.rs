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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbiter::LocalArbiter,
        clock::Millis,
        command::Command,
        hold::Step,
        id::{Currency, Epoch, Number, OfferIndex, SaleName, ShopperKey, Sku},
        record::{Author, ReplayKey},
        sale::{Settler, TicketRef},
        spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
    };

    const AT: Millis = Millis(1_000);

    fn spec() -> SaleSpec {
        let day_ms = 86_400_000;
        let (sku, currency) = (Sku::parse("a").unwrap(), Currency::parse("EUR").unwrap());
        SaleSpec {
            name: SaleName::parse("demo").unwrap(),
            title: String::new(),
            opens_at: None,
            closes_at: None,
            identity: IdentityMode::Anonymous,
            rejoin: Rejoin::Keep,
            admission_milli_per_second: 1_000_000,
            active_max: 10,
            claim_window_ms: day_ms,
            session_ms: day_ms,
            idle_ms: day_ms,
            hold_ms: day_ms,
            per_shopper_max: 1_000_000,
            overbook_milli: None,
            refund_restocks: false,
            offers: vec![OfferSpec { sku, total: 1_000_000, price: 1, currency }],
        }
    }

    fn author() -> Author {
        Author { name: "test".to_owned() }
    }

    /// A sale whose only shopper has been let in.
    fn opened() -> LocalArbiter {
        let mut arbiter = LocalArbiter::default();
        let create = Command::Create { author: author(), spec: Box::new(spec()) };
        arbiter.decide(AT, &[create]);
        let (sale, shopper) = (spec().name.tag(), ShopperKey(7));
        arbiter.decide(AT.after(1_000), &[Command::Enter { sale, shopper, replay: None }]);
        arbiter
    }

    fn decide(arbiter: &mut LocalArbiter, command: Command) {
        arbiter.decide(AT.after(1_000), &[command]);
    }

    fn buy(arbiter: &mut LocalArbiter, key: u128) {
        let (sale, shopper) = (spec().name.tag(), ShopperKey(7));
        let pass = TicketRef { epoch: Epoch(1), number: Number(1), shopper };
        let (items, replay) = (smallvec::smallvec![(OfferIndex(0), 1)], ReplayKey { key, body: 0 });
        decide(arbiter, Command::Purchase { sale, pass, items, replay });
    }

    fn pay(arbiter: &mut LocalArbiter, hold: u64) {
        let (sale, hold, by) = (spec().name.tag(), HoldId(hold), Settler::Backend);
        decide(arbiter, Command::Settle { sale, hold, step: Step::Pay, by, replay: None });
    }

    fn offered(events: &Receiver<OrderEvent>) -> Vec<u64> {
        events.try_iter().map(|event| event.id.0).collect()
    }

    #[test]
    fn later_events_of_a_dead_letters_hold_stay_back_until_it_is_sent_again() {
        let (mut outlet, events) = outlet();
        let mut arbiter = opened();
        buy(&mut arbiter, 1);
        buy(&mut arbiter, 2);
        outlet.hand_out(arbiter.world());
        assert_eq!(offered(&events), [1, 2]);

        decide(&mut arbiter, Command::DeadLetter { event: EventId(1), why: "no".to_owned() });
        pay(&mut arbiter, 1);
        pay(&mut arbiter, 2);
        outlet.hand_out(arbiter.world());
        assert_eq!(offered(&events), [4]);

        decide(&mut arbiter, Command::Delivered { events: vec![EventId(2)] });
        decide(&mut arbiter, Command::Requeue { author: author(), events: None });
        outlet.go_back_to(EventId(1));
        outlet.hand_out(arbiter.world());
        assert_eq!(offered(&events), [1, 3, 4], "all that is pending from the dead letter on");
    }

    #[test]
    fn what_does_not_fit_the_channel_is_offered_later_and_once() {
        let (mut outlet, events) = outlet();
        let mut arbiter = opened();
        let all = OUTLET_EVENTS_MAX as u64 + 10;
        for key in 0..all {
            buy(&mut arbiter, key.into());
        }
        outlet.hand_out(arbiter.world());
        outlet.hand_out(arbiter.world());
        let mut seen = offered(&events);
        assert_eq!(seen.len(), OUTLET_EVENTS_MAX);
        outlet.hand_out(arbiter.world());
        seen.extend(offered(&events));
        assert_eq!(seen, (1..=all).collect::<Vec<_>>());
    }
}
