//! The scribe's end of the order pipeline: hands durable events to the sink's thread, each sale's in
//! order.
//!
//! The channel is short and may be full at any time; what did not fit is still in the sale's outbox
//! and is offered again after the next batch. Sales take turns, so that a busy one does not hold up
//! the others. The later events of a hold wait behind its dead letter, so that a sink never sees a
//! hold's events out of order.
//!
//! It looks only at sales with facts that were noted since all their events were handed out.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::{
    id::{EventId, SaleName, SaleTag},
    limits::{OUTLET_EVENTS_MAX, OUTLET_LOOK_SALES_MAX, OUTLET_TURN_EVENTS_MAX},
    outbox::OrderEvent,
    record::Record,
    registry::{Changes, DeadLetter},
    sale::Sale,
    world::World,
};

/// The scribe's end.
#[derive(Debug)]
pub struct Outlet {
    events: Sender<OrderEvent>,
    /// The last event that was handed out, for each sale that has one.
    last: BTreeMap<SaleTag, EventId>,
    /// Sales that may have more to hand out.
    waiting: BTreeSet<SaleTag>,
    /// Sales that may have more to hand out, and that another node delivers.
    elsewhere: BTreeSet<SaleTag>,
    /// Which of those was looked at last; `None` before the first of a round.
    looked_at: Option<SaleTag>,
    /// Whose turn was last.
    served: SaleTag,
}

/// An outlet and the sink's end of it.
pub fn outlet() -> (Outlet, Receiver<OrderEvent>) {
    let (events, receiver) = bounded(OUTLET_EVENTS_MAX);
    let (last, waiting, elsewhere) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let (looked_at, served) = (None, SaleTag(u64::MAX));
    (Outlet { events, last, waiting, elsewhere, looked_at, served }, receiver)
}

impl Outlet {
    /// Takes up what a recovered world has not delivered.
    pub(crate) fn take_up(&mut self, world: &World) {
        let undelivered = world.sales().filter(|sale| sale.outbox().len() > 0);
        self.waiting.extend(undelivered.map(Sale::tag));
    }

    /// Notes a durable fact: whether there is more to hand out.
    pub(crate) fn note(&mut self, record: &Record) {
        if let Record::Held { sale, .. } | Record::Settled { sale, .. } = record {
            self.waiting.insert(*sale);
        }
    }

    /// Offers a sale's events again from `event` on: dead letters were sent back.
    pub(crate) fn go_back_to(&mut self, sale: SaleTag, event: EventId) {
        if let Some(last) = self.last.get_mut(&sale) {
            *last = EventId(event.0.saturating_sub(1)).min(*last);
        }
        self.waiting.insert(sale);
    }

    /// A sale was taken over from another node: what was handed out may have been another history's.
    pub(crate) fn start_over(&mut self, sale: SaleTag) {
        self.forget(sale);
        self.waiting.insert(sale);
    }

    /// A sale is gone, and all its events are delivered.
    pub(crate) fn forget(&mut self, sale: SaleTag) {
        self.last.remove(&sale);
        self.waiting.remove(&sale);
        self.elsewhere.remove(&sale);
    }

    /// Hands out as many durable events as fit, of the sales that this node `delivers`. Sales that
    /// another node delivers are looked at again when this node takes them over.
    pub(crate) fn hand_out(&mut self, world: &World, delivers: impl Fn(SaleTag) -> bool) {
        self.look_elsewhere(&delivers);
        while !self.events.is_full()
            && let Some(tag) = self.next()
        {
            if !delivers(tag) {
                self.waiting.remove(&tag);
                self.last.remove(&tag);
                self.elsewhere.insert(tag);
                continue;
            }
            self.served = tag;
            match world.sale(tag).map_or(Turn::Done, |sale| self.serve(sale)) {
                Turn::Done => drop(self.waiting.remove(&tag)),
                Turn::Over => {}
                Turn::Refused => return,
            }
        }
    }

    /// Looks at a few of the sales that another node delivers, in turn: whether this one does now.
    fn look_elsewhere(&mut self, delivers: impl Fn(SaleTag) -> bool) {
        let later = (self.looked_at.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let turn = self.elsewhere.range(later).copied().take(OUTLET_LOOK_SALES_MAX);
        let turn: Vec<SaleTag> = turn.collect();
        self.looked_at = turn.last().copied().filter(|_| turn.len() == OUTLET_LOOK_SALES_MAX);
        for tag in turn.into_iter().filter(|tag| delivers(*tag)) {
            self.elsewhere.remove(&tag);
            self.waiting.insert(tag);
        }
    }

    /// Whose turn it is.
    fn next(&self) -> Option<SaleTag> {
        let later = (Bound::Excluded(self.served), Bound::Unbounded);
        self.waiting.range(later).next().or_else(|| self.waiting.first()).copied()
    }

    fn serve(&mut self, sale: &Sale) -> Turn {
        let last = self.last.entry(sale.tag()).or_insert(EventId(0));
        let mut handed_out = 0;
        for (id, pending) in sale.outbox().after(*last) {
            if !sale.outbox().stays_back(id, pending) {
                if handed_out == OUTLET_TURN_EVENTS_MAX || self.events.is_full() {
                    return Turn::Over;
                }
                if self.events.try_send(sale.order_event(id, pending)).is_err() {
                    return Turn::Refused;
                }
                handed_out += 1;
            }
            *last = id;
        }
        Turn::Done
    }
}

/// What a sale's turn came to.
enum Turn {
    /// Nothing more is to be handed out.
    Done,
    /// There is more for its next turn.
    Over,
    /// The receiver of events is gone.
    Refused,
}

/// The dead letters of a world, for operators.
pub(crate) fn dead_letters(world: &World) -> Changes {
    let mut letters = Changes::new();
    for sale in world.sales() {
        letters.extend(sale.outbox().dead().map(|(event, _)| dead_letter(sale, event)));
    }
    letters
}

/// Whether some events of a sale are dead letters, as changes of the list.
pub(crate) fn note_letters(
    letters: &mut Changes,
    sale: Option<&Sale>,
    events: impl IntoIterator<Item = EventId>,
) {
    if let Some(sale) = sale {
        letters.extend(events.into_iter().map(|event| dead_letter(sale, event)));
    }
}

fn dead_letter(sale: &Sale, event: EventId) -> ((SaleName, EventId), Option<DeadLetter>) {
    let (name, epoch) = (sale.spec().name.clone(), sale.epoch());
    let letter = sale.outbox().get(event).and_then(|pending| {
        let (sale, at, hold) = (name.clone(), pending.at, pending.hold.id);
        pending.dead.clone().map(|why| DeadLetter { sale, event, at, epoch, hold, why })
    });
    ((name, event), letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arbiter::LocalArbiter,
        clock::Millis,
        command::{Ask, Command, Note, Operation},
        hold::Step,
        id::{Epoch, HoldId, Number, OfferIndex, SaleName, ShopperKey},
        record::{Author, ReplayKey},
        sale::{Settler, TicketRef},
        spec::tests::spec,
    };

    const AT: Millis = Millis(1_000);
    const DEMO: &str = "demo";

    fn tag(name: &str) -> SaleTag {
        SaleName::parse(name).unwrap().tag()
    }

    fn author() -> Author {
        Author { name: "test".to_owned() }
    }

    /// An arbiter and the outlet beside it, as a scribe has them.
    struct Shop {
        arbiter: LocalArbiter,
        outlet: Outlet,
        events: Receiver<OrderEvent>,
    }

    impl Shop {
        /// Sales whose only shopper has been let in.
        fn open(names: &[&str]) -> Self {
            let (outlet, events) = outlet();
            let mut shop = Self { arbiter: LocalArbiter::default(), outlet, events };
            for name in names {
                let create = Command::Operate(Operation::Create {
                    author: author(),
                    spec: Box::new(spec(name)),
                    replay: None,
                });
                shop.arbiter.decide(AT, &[create]);
            }
            for name in names {
                let (sale, shopper) = (tag(name), ShopperKey(7));
                shop.decide(Command::Ask(sale, Ask::Enter { shopper, replay: None }));
            }
            shop
        }

        fn decide(&mut self, command: Command) {
            let records = self.arbiter.decide(AT.after(1_000), &[command]).records;
            for record in &records {
                self.outlet.note(record);
            }
        }

        fn buy(&mut self, name: &str, key: u128) {
            let (sale, shopper) = (tag(name), ShopperKey(7));
            let pass = TicketRef { epoch: Epoch(1), number: Number(1), shopper };
            let items = smallvec::smallvec![(OfferIndex(0), 1)];
            let replay = ReplayKey { key, body: 0 };
            self.decide(Command::Ask(sale, Ask::Purchase { pass, items, replay }));
        }

        fn pay(&mut self, hold: u64) {
            let (sale, hold, by) = (tag(DEMO), HoldId(hold), Settler::Backend);
            self.decide(Command::Ask(
                sale,
                Ask::Settle { epoch: Epoch(1), hold, step: Step::Pay, by, replay: None },
            ));
        }

        /// Hands out, and takes what was handed out.
        fn offered(&mut self) -> Vec<OrderEvent> {
            self.outlet.hand_out(self.arbiter.world(), |_| true);
            self.events.try_iter().collect()
        }
    }

    fn ids(events: &[OrderEvent]) -> Vec<u64> {
        events.iter().map(|event| event.id.0).collect()
    }

    #[test]
    fn later_events_of_a_dead_letters_hold_stay_back_until_it_is_sent_again() {
        let mut shop = Shop::open(&[DEMO]);
        shop.buy(DEMO, 1);
        shop.buy(DEMO, 2);
        assert_eq!(ids(&shop.offered()), [1, 2]);

        let (sale, why) = (tag(DEMO), "no".to_owned());
        shop.decide(Command::Note(sale, Note::DeadLetter { event: EventId(1), why }));
        shop.pay(1);
        shop.pay(2);
        assert_eq!(ids(&shop.offered()), [4]);

        shop.decide(Command::Note(sale, Note::Delivered { events: vec![EventId(2)] }));
        shop.decide(Command::Note(sale, Note::Requeue { author: author(), events: None }));
        shop.outlet.go_back_to(sale, EventId(1));
        assert_eq!(ids(&shop.offered()), [1, 3, 4], "all that is pending from the dead letter on");
    }

    #[test]
    fn what_does_not_fit_the_channel_is_offered_later_and_once() {
        let mut shop = Shop::open(&[DEMO]);
        let all = OUTLET_EVENTS_MAX as u64 + 10;
        for key in 0..all {
            shop.buy(DEMO, key.into());
        }
        shop.outlet.hand_out(shop.arbiter.world(), |_| true);
        let mut seen = ids(&shop.offered());
        assert_eq!(seen.len(), OUTLET_EVENTS_MAX);
        seen.extend(ids(&shop.offered()));
        assert_eq!(seen, (1..=all).collect::<Vec<_>>());
        assert!(shop.outlet.waiting.is_empty(), "no sale is looked at that has nothing new");
    }

    #[test]
    fn a_flood_of_one_sale_keeps_no_other_waiting() {
        const OTHERS: [&str; 2] = ["one", "two"];
        let mut shop = Shop::open(&[DEMO, OTHERS[0], OTHERS[1]]);
        let flood = 2 * OUTLET_EVENTS_MAX as u64;
        for key in 0..flood {
            shop.buy(DEMO, key.into());
        }
        for (name, key) in OTHERS.iter().flat_map(|name| [(name, 1), (name, 2)]) {
            shop.buy(name, key);
        }
        let first = shop.offered();
        let of = |name: &str, events: &[OrderEvent]| {
            ids(&events.iter().filter(|e| e.sale.as_str() == name).cloned().collect::<Vec<_>>())
        };
        for name in OTHERS {
            assert_eq!(of(name, &first), [1, 2], "each sale counts from 1");
            let place = first.iter().rposition(|event| event.sale.as_str() == name).unwrap();
            assert!(place < OUTLET_TURN_EVENTS_MAX + 4, "{name} came at {place}");
        }
        let rest: Vec<OrderEvent> = [shop.offered(), shop.offered()].concat();
        let all = [of(DEMO, &first), of(DEMO, &rest)].concat();
        assert_eq!(all, (1..=flood).collect::<Vec<_>>(), "in its own order all the same");
    }

    #[test]
    fn what_a_recovered_world_has_not_delivered_is_taken_up() {
        let mut shop = Shop::open(&[DEMO, "other"]);
        shop.buy(DEMO, 1);
        shop.buy("other", 1);
        assert_eq!(ids(&shop.offered()), [1, 1]);
        let (outlet, events) = outlet();
        (shop.outlet, shop.events) = (outlet, events);
        assert_eq!(ids(&shop.offered()), [0; 0]);
        shop.outlet.take_up(shop.arbiter.world());
        assert_eq!(ids(&shop.offered()), [1, 1]);
    }
}
