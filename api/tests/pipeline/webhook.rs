//! The webhook with receivers that behave, stumble and lose their replies.

use std::{sync::Arc, time::Duration};

use api::pipeline::{EventFilter, Secret, WebhookOptions};
use engine::hold::Step;

use crate::{
    receiver::{Act, Ledger, Receiver},
    shop::{SECRET, Shop, until, webhook},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_told_step_by_step_in_signed_json() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::Take).await;
    let pipeline = shop.post_to(receiver.url());
    let hold = shop.buy(1).await;
    for step in [Step::Pay, Step::Confirm, Step::Refund] {
        shop.settle(hold, step).await;
    }
    until("four events", || ledger.count() == 4).await;
    until("no lag", || shop.lag() == 0).await;
    let told: Vec<_> = ledger.processed().into_iter().map(|(_, json)| json).collect();
    let events = ["purchase.held", "purchase.paying", "purchase.confirmed", "purchase.refunded"];
    for (json, event) in told.iter().zip(events) {
        assert_eq!(json["event"], event);
        assert_eq!(json["purchase"], "p1-1");
        assert_eq!(json["shopper"], "0000000000000000000000000000feed");
        assert_eq!((&json["amount"], &json["currency"]), (&99_000.into(), &"KRW".into()));
    }
    assert_eq!(pipeline.status().taken_total, 4);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_secrets_rotate_both_sign() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::Take).await;
    let newer = Secret::new(b"the secret that comes after it!!".to_vec()).unwrap();
    let known = Secret::new(SECRET.to_vec()).unwrap();
    for secrets in [vec![newer.clone(), known.clone()], vec![known, newer]] {
        let options = WebhookOptions { secrets, ..webhook(receiver.url()) };
        let pipeline = shop.deliver(Arc::new(shop.webhook(options)));
        let before = ledger.count();
        shop.buy(before as u128).await;
        until("the event", || ledger.count() > before).await;
        until("no lag", || shop.lag() == 0).await;
        pipeline.stop();
    }
    shop.close();
}

/// A receiver that does `first` on every event's first posting and takes it afterwards.
async fn stumbles(first: Act) -> (Shop, Arc<Ledger>) {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let manners = move |seen: &crate::receiver::Seen| {
        if seen.times == 1 { first.clone() } else { Act::Take }
    };
    let receiver = Receiver::start(&ledger, manners).await;
    let pipeline = shop.post_to(receiver.url());
    shop.trade(0, 4).await;
    until("all events", || ledger.count() == 12).await;
    until("no lag", || shop.lag() == 0).await;
    ledger.assert_whole(12);
    ledger.assert_no_replay();
    assert!(shop.engine.dead_letters().is_empty());
    assert!(!pipeline.status().stalled);
    pipeline.stop();
    (shop, ledger)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_passes_and_the_event_is_taken_once() {
    let (shop, ledger) = stumbles(Act::Answer(500, "oops")).await;
    assert_eq!(ledger.processed().len(), 12);
    assert_eq!(ledger.times(1), 2);
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_is_asked_again_after_the_deadline() {
    let (shop, ledger) = stumbles(Act::Hang).await;
    assert_eq!(ledger.processed().len(), 12);
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connection_is_tried_again() {
    let (shop, ledger) = stumbles(Act::Close).await;
    assert_eq!(ledger.processed().len(), 12);
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_brings_the_same_event_id_again() {
    let (shop, ledger) = stumbles(Act::TakeAndClose).await;
    let processed = ledger.processed();
    assert_eq!(processed.len(), 24);
    let first = processed.iter().filter(|(id, _)| *id == 1).collect::<Vec<_>>();
    assert_eq!(first.len(), 2);
    assert_eq!(first[0], first[1], "the same event, in the same words");
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_counts_even_if_its_body_never_ends() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::TakeAndTrickle).await;
    let pipeline = shop.post_to(receiver.url());
    shop.buy(1).await;
    until("no lag", || pipeline.status().taken_total == 1 && shop.lag() == 0).await;
    assert_eq!(ledger.times(1), 1);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_posted_side_by_side_up_to_the_bound() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::TakeSlowly).await;
    shop.trade(0, 30).await;
    let attempt_timeout = Duration::from_secs(10);
    let options = WebhookOptions { in_flight_max: 4, attempt_timeout, ..webhook(receiver.url()) };
    let pipeline = shop.deliver(Arc::new(shop.webhook(options)));
    until("no lag", || shop.lag() == 0).await;
    ledger.assert_whole(90);
    ledger.assert_no_replay();
    assert_eq!(ledger.under_way_max(), 4);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_wanted_events_are_posted_and_the_others_count_as_taken() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::Take).await;
    let events =
        ["confirmed", "released"].iter().filter_map(|name| EventFilter::of(name)).collect();
    let options = WebhookOptions { events, ..webhook(receiver.url()) };
    let pipeline = shop.deliver(Arc::new(shop.webhook(options)));
    shop.trade(0, 10).await;
    until("no lag", || shop.lag() == 0).await;
    let told: Vec<_> =
        ledger.processed().into_iter().map(|(_, json)| json["state"].clone()).collect();
    assert_eq!(told.len(), 10);
    assert!(told.iter().all(|state| state == "confirmed" || state == "released"), "{told:?}");
    assert_eq!(pipeline.status().taken_total, 30);
    pipeline.stop();
    shop.close();
}
