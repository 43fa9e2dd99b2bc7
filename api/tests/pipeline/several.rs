//! Several sinks of one engine: one in the process, as a shop's is, and a webhook beside it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use engine::{
    hold::{HoldState, Step},
    id::{EventId, HoldId},
    outbox::{OrderEvent, SinkSet},
    sink::{Answer, Answers, Capacity, Sink},
};

use crate::{
    receiver::{Act, Ledger, Receiver, Seen},
    shop::{Shop, operator, until, webhook},
};

const BATCH_EVENTS_MAX: usize = 512;

/// Takes events in batches and keeps how each hold came to stand.
#[derive(Debug, Default)]
struct InProcess {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    orders: BTreeMap<HoldId, (u64, HoldState)>,
    events: usize,
    batches: usize,
    largest: usize,
}

impl Sink for InProcess {
    fn capacity(&self) -> Capacity {
        let (batch_events_max, batches_max) = (BATCH_EVENTS_MAX, 1);
        Capacity { batch_events_max, batches_max, pause: Duration::ZERO }
    }

    fn deliver(&self, events: Vec<Arc<OrderEvent>>) -> Answers<'_> {
        Box::pin(async move {
            // As long as a transaction takes.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let mut taken = self.taken.lock().unwrap();
            taken.batches += 1;
            taken.largest = taken.largest.max(events.len());
            for event in &events {
                taken.events += 1;
                let (id, hold) = (event.id.0, &event.hold);
                let before = taken.orders.insert(hold.id, (id, hold.state));
                assert!(before.is_none_or(|(last, _)| last < id), "in order, and each once");
            }
            vec![Answer::Taken; events.len()]
        })
    }
}

impl InProcess {
    fn events(&self) -> usize {
        self.taken.lock().unwrap().events
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sink_has_its_own_lag_dead_letters_and_place_over_restarts() {
    let shop = Shop::open_for(&["shop", "webhook"]).await;
    let (inside, ledger) = (Arc::<InProcess>::default(), Arc::<Ledger>::default());
    let refuses = |seen: &Seen| {
        if seen.json["purchase"] == "p1-1" { Act::Answer(400, "no") } else { Act::Take }
    };
    let receiver = Receiver::start(&ledger, refuses).await;
    let delivery = shop.deliver_as(0, Arc::<InProcess>::clone(&inside));
    let posts = shop.deliver_as(1, Arc::new(shop.webhook(webhook(receiver.url()))));
    shop.trade(0, 100).await;
    until("the shop has all, the webhook all but one purchase", || {
        inside.events() == 300 && shop.lag() == 3 && shop.engine.dead_letters().len() == 1
    })
    .await;
    let letter = shop.engine.dead_letters()[0].clone();
    assert_eq!((letter.sink.as_str(), letter.event.0), ("webhook", 1));
    assert_eq!(posts.status().dead_lettered_total, 1);
    assert_eq!(delivery.status().dead_lettered_total, 0);

    // After a restart the shop is shown nothing again, and the webhook only what it refused.
    let again = shop.killed_and_restarted();
    let inside_again = Arc::<InProcess>::default();
    let delivery_again = again.deliver_as(0, Arc::<InProcess>::clone(&inside_again));
    let posts_again = again.deliver_as(1, Arc::new(again.webhook(webhook(receiver.url()))));
    let hold = again.buy(1_000).await;
    until("what is new", || inside_again.events() == 1 && again.lag() == 3).await;
    let [of_shop, of_webhook] = [0, 1].map(|place| again.offers[place].by.sink);
    assert_eq!(again.engine.requeue(again.sale.tag(), operator(), of_shop, None).await, Ok(0));
    assert_eq!(again.engine.requeue(again.sale.tag(), operator(), of_webhook, None).await, Ok(1));
    until("refused again", || posts_again.status().dead_lettered_total == 1).await;
    again.settle(hold, Step::Pay).await;
    // Taken, an event is shown once more if the process is killed before that was written.
    let has_all =
        || again.engine.registry().sink_lags().any(|(sink, lag)| sink == of_shop && lag == 0);
    until("the shop goes on", || inside_again.events() == 2 && has_all()).await;

    // The webhook is given up: what only it had not taken leaves, and the shop is not shown it again.
    let alone = again.killed_and_restarted_for(&["shop"]);
    assert_eq!(alone.engine.dead_letters().len(), 0, "of a sink that is no more");
    let inside_alone = Arc::<InProcess>::default();
    let delivery_alone = alone.deliver(Arc::<InProcess>::clone(&inside_alone));
    until("nothing is left", || alone.lag() == 0).await;
    assert_eq!(inside_alone.events(), 0);

    for handle in [delivery, posts, delivery_again, posts_again, delivery_alone] {
        handle.stop();
    }
    for shop in [shop, again, alone] {
        shop.close();
    }
}

/// While a sink is added node by node, another node names only the others that it has. Its acknowledgement
/// is all that this one hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_another_nodes_list_leaves_out_goes_on_with_all_that_is_left() {
    let shop = Shop::open_for(&["shop", "webhook"]).await;
    let ledger = Arc::<Ledger>::default();
    let refuses = |seen: &Seen| {
        if seen.event_id == 1 { Act::Answer(400, "no") } else { Act::Take }
    };
    let receiver = Receiver::start(&ledger, refuses).await;
    let posts = shop.deliver_as(1, Arc::new(shop.webhook(webhook(receiver.url()))));
    let (first, second) = (shop.buy(1).await, shop.buy(2).await);
    shop.settle(second, Step::Pay).await;
    let lags = || shop.engine.registry().sink_lags().map(|(_, lag)| lag).collect::<Vec<_>>();
    until("the webhook has all but what it refused", || {
        shop.engine.dead_letters().len() == 1 && lags() == [3, 1]
    })
    .await;
    shop.settle(first, Step::Pay).await;

    let other = SinkSet::only(shop.offers[0].by.sink);
    shop.engine.delivered(shop.sale.tag(), other, vec![EventId(1)]).await.unwrap();
    until("its letter is gone with the event", || shop.engine.dead_letters().is_empty()).await;
    until("the webhook is told all that is left", || lags() == [3, 0]).await;
    let processed: Vec<u64> = ledger.processed().into_iter().map(|(id, _)| id).collect();
    assert_eq!(processed.iter().filter(|id| **id == 4).count(), 1, "{processed:?}");
    assert_eq!(processed.iter().filter(|id| **id == 2).count(), 2, "{processed:?}");

    let inside = Arc::<InProcess>::default();
    let delivery = shop.deliver_as(0, Arc::<InProcess>::clone(&inside));
    until("nothing is left", || shop.lag() == 0).await;
    assert_eq!(inside.events(), 4, "the first was on its way to it already");
    posts.stop();
    delivery.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_sink_holds_up_no_other_and_one_in_the_process_gets_batches() {
    let shop = Shop::open_for(&["shop", "webhook"]).await;
    let ledger = Arc::<Ledger>::default();
    let receiver = Receiver::start(&ledger, |_| Act::Answer(503, "later")).await;
    let posts = shop.deliver_as(1, Arc::new(shop.webhook(webhook(receiver.url()))));
    for key in 0..2_500 {
        shop.buy(key).await;
    }
    // More than the stalled one has in hand and in its channel; the shop comes up only now.
    let inside = Arc::<InProcess>::default();
    let delivery = shop.deliver_as(0, Arc::<InProcess>::clone(&inside));
    until("the shop has all", || inside.events() == 2_500).await;
    assert_eq!(shop.lag(), 2_500, "the webhook has none");
    let lags = || shop.engine.registry().sink_lags().map(|(_, lag)| lag).collect::<Vec<_>>();
    until("each its own", || lags() == [0, 2_500]).await;
    assert!(posts.status().stalled && !delivery.status().stalled);
    {
        let taken = inside.taken.lock().unwrap();
        assert!(taken.largest > 64 && taken.largest <= BATCH_EVENTS_MAX, "{}", taken.largest);
        assert!(taken.batches < 200, "{} batches", taken.batches);
    }
    delivery.stop();
    posts.stop();
    shop.close();
}
