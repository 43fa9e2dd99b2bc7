//! The scribe's end of the order pipeline: hands durable events to the sinks' threads, each sale's in
//! order.
//!
//! Each sink has a [`Lane`] of its own, with a channel and a place in every sale, so that none waits for
//! another. The channel is short and may be full at any time; what did not fit is still in the sale's
//! outbox and is offered again after the next batch. Sales take turns, so that a busy one does not hold
//! up the others. The later events of a hold wait behind its dead letter, so that a sink never sees a
//! hold's events out of order.
//!
//! It looks only at sales with facts that were noted since all their events were handed out.

mod lane;
mod letters;
mod offers;

use std::collections::BTreeSet;

use crossbeam::channel::bounded;

pub use self::offers::{Offer, Offers};
use self::{lane::Lane, letters::note_letters};
use crate::{
    id::{EventId, SaleTag, SinkName},
    limits::{OUTLET_EVENTS_MAX, SINKS_MAX},
    outbox::SinkSet,
    record::Record,
    registry::{Changes, DeadLetters},
    sale::Sale,
    world::World,
};

/// The scribe's end.
#[derive(Debug)]
pub struct Outlet {
    lanes: Vec<Lane>,
}

/// An outlet and the sinks' ends of it, in the order of the sinks.
///
/// # Panics
/// Unless there are 1 to [`SINKS_MAX`] sinks, all of different names.
pub fn outlet(sinks: &[SinkName]) -> (Outlet, Vec<Offers>) {
    assert!((1..=SINKS_MAX).contains(&sinks.len()), "{} sinks of 1 to {SINKS_MAX}", sinks.len());
    let lane = |(index, sink): (usize, &SinkName)| {
        let others = sinks.iter().copied().filter(|other| other != sink).collect();
        let by = SinkSet { sink: *sink, others };
        assert!(by.others.len() == sinks.len() - 1, "two sinks have the name {sink}");
        let (sender, queue) = bounded(OUTLET_EVENTS_MAX);
        (Lane::new(by.clone(), index == 0, sender), Offers { by, queue })
    };
    let (lanes, offers) = sinks.iter().enumerate().map(lane).unzip();
    (Outlet { lanes }, offers)
}

impl Outlet {
    /// The sinks there are.
    pub(crate) fn sinks(&self) -> impl Iterator<Item = SinkName> {
        self.lanes.iter().map(|lane| lane.by.sink)
    }

    /// The dead letters of a world.
    pub(crate) fn dead_letters(&self, world: &World) -> Changes {
        let mut letters = Changes::new();
        for sale in world.sales() {
            for sink in self.sinks() {
                note_letters(&mut letters, sale, sink, sale.outbox().dead_of(sink));
            }
        }
        letters
    }

    /// Takes up what a recovered world has not delivered.
    pub(crate) fn take_up(&mut self, world: &World) {
        let undelivered = world.sales().filter(|sale| sale.outbox().len() > 0);
        let undelivered: BTreeSet<SaleTag> = undelivered.map(Sale::tag).collect();
        self.lanes.iter_mut().for_each(|lane| lane.take_up(&undelivered));
    }

    /// Notes a durable fact: whether there is more to hand out, and what became of dead letters. `sale`
    /// is as the whole batch left it, and `known` lists the dead letters before it.
    pub(crate) fn note(
        &mut self,
        record: &Record,
        sale: Option<&Sale>,
        known: &DeadLetters,
    ) -> Changes {
        let mut letters = Changes::new();
        if let Record::Held { sale, .. } | Record::Settled { sale, .. } = record {
            self.lanes.iter_mut().for_each(|lane| lane.note(*sale));
        }
        let Some(sale) = sale else { return letters };
        if let Record::Delivered { by, events, .. } = record {
            self.note_sinks(by, sale, known, &mut letters);
            let is_dead = |event: &EventId| known.has(&sale.spec().name, *event, by.sink);
            // Taken after all: what was kept back behind it may go.
            self.go_back(by.sink, sale, events.iter().copied().filter(is_dead), &mut letters);
        } else if let Record::DeadLettered { by, event, .. } = record {
            self.note_sinks(by, sale, known, &mut letters);
            if self.sinks().any(|sink| sink == by.sink) {
                note_letters(&mut letters, sale, by.sink, [*event]);
            }
        } else if let Record::Requeued { sink, events, .. } = record {
            self.go_back(*sink, sale, events.iter().copied(), &mut letters);
        }
        letters
    }

    /// Dead letters of a sink were sent back, or were taken after all: its events are offered again from the
    /// first on.
    fn go_back(
        &mut self,
        sink: SinkName,
        sale: &Sale,
        events: impl Iterator<Item = EventId>,
        letters: &mut Changes,
    ) {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.by.sink == sink) else { return };
        let mut events = events.peekable();
        if let Some(first) = events.peek() {
            lane.go_back_to(sale.tag(), *first);
            note_letters(letters, sale, sink, events);
        }
    }

    /// A record named the sinks there are. Those of this node that it left out, as a node does that runs
    /// with a shorter list, were forgotten with it: what they took, and what they refused.
    fn note_sinks(
        &mut self,
        by: &SinkSet,
        sale: &Sale,
        known: &DeadLetters,
        letters: &mut Changes,
    ) {
        let is_left_out = |lane: &&mut Lane| by.all().all(|named| named != lane.by.sink);
        for lane in self.lanes.iter_mut().filter(is_left_out) {
            lane.start_over(sale.tag());
            let own = known.of_sale(&sale.spec().name);
            let of_sink = own.filter(|letter| letter.sink == lane.by.sink);
            note_letters(letters, sale, lane.by.sink, of_sink.map(|letter| letter.event));
        }
    }

    /// A sale was taken over from another node: what was handed out may have been another history's.
    pub(crate) fn start_over(&mut self, sale: SaleTag) {
        self.lanes.iter_mut().for_each(|lane| lane.start_over(sale));
    }

    /// A sale is gone, and all its events are delivered.
    pub(crate) fn forget(&mut self, sale: SaleTag) {
        self.lanes.iter_mut().for_each(|lane| lane.forget(sale));
    }

    /// Hands out as many durable events as fit, of the sales that this node `delivers`. Sales that
    /// another node delivers are looked at again when this node takes them over. Returns whether it should
    /// be called again at once: there was more to look at than it may after one batch.
    pub(crate) fn hand_out(&mut self, world: &World, delivers: impl Fn(SaleTag) -> bool) -> bool {
        let mut is_more = false;
        for lane in &mut self.lanes {
            is_more |= lane.hand_out(world, &delivers);
        }
        is_more
    }
}

#[cfg(test)]
mod tests {
    use crossbeam::channel::Receiver;

    use super::*;
    use crate::{
        arbiter::LocalArbiter,
        clock::Millis,
        command::{Ask, Command, Note, Operation},
        hold::Step,
        id::{Epoch, HoldId, Number, OfferIndex, SaleName, ShopperKey},
        limits::{OUTLET_LOOK_EVENTS_MAX, OUTLET_TURN_EVENTS_MAX},
        outbox::OrderEvent,
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
        queue: Receiver<Offer>,
        letters: DeadLetters,
    }

    fn sink(name: &str) -> SinkName {
        SinkName::parse(name).unwrap()
    }

    /// The one sink of most tests.
    fn only() -> SinkSet {
        SinkSet::only(sink("log"))
    }

    fn one() -> (Outlet, Receiver<Offer>) {
        let (outlet, mut offers) = outlet(&[sink("log")]);
        (outlet, offers.remove(0).queue)
    }

    /// Takes what was handed out to be shown.
    fn shown(queue: &Receiver<Offer>) -> Vec<OrderEvent> {
        let show = |offer| match offer {
            Offer::Show(event) => event,
            Offer::Leave(..) => panic!("nothing is to leave: {offer:?}"),
            Offer::StartOver(_) => unreachable!("passed over"),
        };
        let is_event = |offer: &Offer| !matches!(offer, Offer::StartOver(_));
        queue.try_iter().filter(is_event).map(show).collect()
    }

    impl Shop {
        /// Sales whose only shopper has been let in.
        fn open(names: &[&str]) -> Self {
            let (outlet, queue) = one();
            let (arbiter, letters) = (LocalArbiter::default(), DeadLetters::default());
            let mut shop = Self { arbiter, outlet, queue, letters };
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
                let sale = self.arbiter.world().sale(record.sale());
                let changes = self.outlet.note(record, sale, &self.letters);
                self.letters = self.letters.with(changes);
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
            shown(&self.queue)
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
        shop.decide(Command::Note(sale, Note::DeadLetter { by: only(), event: EventId(1), why }));
        shop.pay(1);
        shop.pay(2);
        assert_eq!(ids(&shop.offered()), [4]);

        shop.decide(Command::Note(sale, Note::Delivered { by: only(), events: vec![EventId(2)] }));
        let (author, sink) = (author(), sink("log"));
        assert_eq!(shop.letters.len(), 1);
        shop.decide(Command::Note(sale, Note::Requeue { author, sink, events: None }));
        assert!(shop.letters.is_empty());
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
        assert_eq!(seen.len(), OUTLET_EVENTS_MAX - 1, "beside the word that all is offered");
        seen.extend(ids(&shop.offered()));
        assert_eq!(seen, (1..=all).collect::<Vec<_>>());
        assert!(
            shop.outlet.lanes[0].waiting.is_empty(),
            "no sale is looked at that has nothing new"
        );
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
        (shop.outlet, shop.queue) = one();
        assert_eq!(ids(&shop.offered()), [0; 0]);
        shop.outlet.take_up(shop.arbiter.world());
        assert_eq!(ids(&shop.offered()), [1, 1]);
    }

    /// The outlet of a shop that comes up with these sinks.
    fn restarted(shop: &mut Shop, sinks: &[&str]) -> Vec<Offers> {
        let sinks: Vec<_> = sinks.iter().map(|name| sink(name)).collect();
        let (mut outlet, offers) = outlet(&sinks);
        outlet.take_up(shop.arbiter.world());
        outlet.hand_out(shop.arbiter.world(), |_| true);
        shop.outlet = outlet;
        offers
    }

    #[test]
    fn a_sink_that_takes_nothing_holds_up_no_other_and_what_it_missed_waits_for_it() {
        let mut shop = Shop::open(&[DEMO]);
        let offers = restarted(&mut shop, &["shop", "webhook"]);
        let all = OUTLET_EVENTS_MAX as u64 + 10;
        for key in 0..all {
            shop.buy(DEMO, key.into());
        }
        let mut seen = Vec::new();
        for _ in 0..all.div_ceil(OUTLET_TURN_EVENTS_MAX as u64) {
            shop.outlet.hand_out(shop.arbiter.world(), |_| true);
            seen.extend(ids(&shown(&offers[0].queue)));
        }
        assert_eq!(seen, (1..=all).collect::<Vec<_>>());
        assert!(offers[1].queue.is_full());

        let takes = |shop: &mut Shop, by: &SinkSet, events: &[u64]| {
            let events = events.iter().copied().map(EventId).collect();
            shop.decide(Command::Note(tag(DEMO), Note::Delivered { by: by.clone(), events }));
            shop.arbiter.world().undelivered() as u64
        };
        assert_eq!(takes(&mut shop, &offers[0].by, &[1, 2]), all);
        assert_eq!(takes(&mut shop, &offers[1].by, &[1]), all - 1);
        assert_eq!(shop.arbiter.world().undelivered_to(sink("shop")) as u64, all - 2);

        let offers = restarted(&mut shop, &["shop", "webhook"]);
        let firsts = offers.iter().map(|offers| ids(&shown(&offers.queue))[0]);
        assert_eq!(firsts.collect::<Vec<_>>(), [3, 2], "each goes on where it was");

        let alone = restarted(&mut shop, &["shop"]);
        let first: Vec<_> = alone[0].queue.try_iter().take(2).collect();
        let leave = Offer::Leave(tag(DEMO), EventId(2));
        assert_eq!(first, [Offer::StartOver(tag(DEMO)), leave], "what only the other waited for");
        assert_eq!(takes(&mut shop, &alone[0].by, &[2]), all - 2);
    }

    #[test]
    fn a_batch_looks_at_a_bounded_part_of_what_a_sink_passes_over() {
        let mut shop = Shop::open(&[DEMO]);
        let all = 2 * OUTLET_LOOK_EVENTS_MAX as u64;
        for key in 0..all {
            shop.buy(DEMO, key.into());
        }
        let by = SinkSet { sink: sink("shop"), others: vec![sink("webhook")] };
        let events = (1..=all).map(EventId).collect();
        shop.decide(Command::Note(tag(DEMO), Note::Delivered { by, events }));
        let (mut outlet, offers) = outlet(&[sink("shop"), sink("webhook")]);
        outlet.take_up(shop.arbiter.world());

        let mut batches = 1;
        while outlet.hand_out(shop.arbiter.world(), |_| true) {
            batches += 1;
        }
        assert_eq!(batches, 3, "the sale's own turns count as well");
        assert_eq!(ids(&shown(&offers[0].queue)), [0; 0]);
        shop.outlet = outlet;
        shop.buy(DEMO, all.into());
        assert!(!shop.outlet.hand_out(shop.arbiter.world(), |_| true), "only what is new");
        assert_eq!(ids(&shown(&offers[0].queue)), [all + 1]);
    }

    #[test]
    fn a_sale_that_comes_back_from_another_node_is_announced_before_all_of_it_is_offered() {
        let mut shop = Shop::open(&[DEMO]);
        let here = |shop: &mut Shop, delivers: bool| {
            shop.outlet.hand_out(shop.arbiter.world(), |_| delivers);
            let offers = shop.queue.try_iter().map(|offer| match offer {
                Offer::StartOver(sale) => (sale == tag(DEMO), 0),
                Offer::Show(event) => (true, event.id.0),
                Offer::Leave(..) => (false, 0),
            });
            offers.collect::<Vec<_>>()
        };
        shop.buy(DEMO, 1);
        assert_eq!(here(&mut shop, true), [(true, 0), (true, 1)]);
        shop.buy(DEMO, 2);
        assert_eq!(here(&mut shop, true), [(true, 2)]);
        shop.buy(DEMO, 3);
        assert_eq!(here(&mut shop, false), []);
        assert_eq!(here(&mut shop, true), [(true, 0), (true, 1), (true, 2), (true, 3)]);
        shop.outlet.start_over(tag(DEMO));
        assert_eq!(here(&mut shop, true), [(true, 0), (true, 1), (true, 2), (true, 3)]);
    }

    #[test]
    fn a_sink_that_another_nodes_list_leaves_out_begins_again_and_its_dead_letters_are_gone() {
        let mut shop = Shop::open(&[DEMO]);
        let offers = restarted(&mut shop, &["shop", "webhook"]);
        shop.buy(DEMO, 1);
        shop.buy(DEMO, 2);
        shop.outlet.hand_out(shop.arbiter.world(), |_| true);
        assert_eq!(offers.iter().map(|it| ids(&shown(&it.queue)).len()).sum::<usize>(), 4);
        let took = |by: &SinkSet, event| Note::Delivered { by: by.clone(), events: vec![event] };
        shop.decide(Command::Note(tag(DEMO), took(&offers[1].by, EventId(1))));
        let (by, why) = (offers[1].by.clone(), "no".to_owned());
        shop.decide(Command::Note(tag(DEMO), Note::DeadLetter { by, event: EventId(2), why }));
        shop.pay(2);
        shop.outlet.hand_out(shop.arbiter.world(), |_| true);
        let seen: Vec<_> = offers.iter().map(|it| ids(&shown(&it.queue))).collect();
        assert_eq!(seen, [vec![3], vec![]]);
        assert_eq!(shop.letters.len(), 1);

        let other = SinkSet::only(sink("shop"));
        shop.decide(Command::Note(tag(DEMO), took(&other, EventId(2))));
        shop.outlet.hand_out(shop.arbiter.world(), |_| true);
        assert_eq!(ids(&shown(&offers[0].queue)), [0; 0]);
        assert_eq!(
            ids(&shown(&offers[1].queue)),
            [1, 3],
            "with what stayed back behind the letter"
        );
        assert!(shop.letters.is_empty(), "there is no such event any more");

        // Who takes events on another node only is no concern of this one's operators.
        let why = "no".to_owned();
        let by = SinkSet { sink: sink("audit"), others: vec![sink("shop"), sink("webhook")] };
        shop.decide(Command::Note(tag(DEMO), Note::DeadLetter { by, event: EventId(3), why }));
        assert!(shop.letters.is_empty());
    }
}
