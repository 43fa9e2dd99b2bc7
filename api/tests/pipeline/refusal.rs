//! Receivers that say no: dead letters, what waits behind them, and sending them again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use engine::hold::Step;

use crate::{
    receiver::{Act, Ledger, Receiver},
    shop::{Shop, operator, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_becomes_a_dead_letter_and_only_its_hold_waits() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let relents = Arc::new(AtomicBool::new(false));
    let relented = Arc::clone(&relents);
    let manners = move |seen: &crate::receiver::Seen| {
        if seen.json["purchase"] == "p1-1" && !relented.load(Ordering::SeqCst) {
            Act::Answer(422, "unknown\r\nsku \u{1b}[31m")
        } else {
            Act::Take
        }
    };
    let receiver = Receiver::start(&ledger, manners).await;
    let pipeline = shop.post_to(receiver.url());
    let hold = shop.buy(100).await;
    // Received by the pipeline before its hold is parked.
    shop.settle(hold, Step::Pay).await;
    until("a dead letter", || shop.engine.dead_letters().len() == 1).await;
    let letter = shop.engine.dead_letters()[0].clone();
    assert_eq!((letter.event.0, letter.hold), (1, hold));
    assert_eq!(letter.why, "422: unknown  sku ?[31m");
    assert_eq!(ledger.times(1), 3, "attempts_max");

    // Decided after the hold was parked.
    shop.settle(hold, Step::Confirm).await;
    shop.trade(0, 10).await;
    until("the others", || shop.lag() == 3).await;
    assert_eq!((ledger.times(2), ledger.times(3)), (0, 0));

    // Sent again in vain, it is a dead letter once more.
    assert_eq!(shop.requeue(&shop.sale).await, Ok(1));
    until("three more tries", || ledger.times(1) == 6).await;
    until("a dead letter again", || shop.engine.dead_letters().len() == 1).await;

    relents.store(true, Ordering::SeqCst);
    assert_eq!(shop.requeue(&shop.sale).await, Ok(1));
    until("no lag", || shop.lag() == 0).await;
    ledger.assert_whole(33);
    ledger.assert_no_replay();
    assert_eq!(ledger.processed().len(), 33);
    assert_eq!(pipeline.status().dead_lettered_total, 2);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_number_in_two_sales_are_refused_and_sent_again_apart() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let other = shop.beside("other").await;
    let relents = Arc::new(AtomicBool::new(false));
    let relented = Arc::clone(&relents);
    // Both sales' first events are refused, and of one nothing else comes through.
    let manners = move |seen: &crate::receiver::Seen| {
        let refused = seen.event_id == 1 && !relented.load(Ordering::SeqCst);
        if refused { Act::Answer(400, "no") } else { Act::Take }
    };
    let receiver = Receiver::start(&ledger, manners).await;
    let pipeline = shop.post_to(receiver.url());
    let hold = shop.buy(1).await;
    shop.settle(hold, Step::Pay).await;
    for key in 1..=3 {
        shop.buy_of(&other, key).await;
    }
    let letters = || {
        let letters = shop.engine.dead_letters();
        letters.iter().map(|one| (one.sale.as_str().to_owned(), one.event.0)).collect::<Vec<_>>()
    };
    let both = [("demo".to_owned(), 1), ("other".to_owned(), 1)];
    until("both dead letters and the others", || letters() == both && shop.lag() == 3).await;

    relents.store(true, Ordering::SeqCst);
    assert_eq!(shop.requeue(&other.sale).await, Ok(1));
    until("the other sale's", || shop.lag() == 2).await;
    assert_eq!(letters(), both[..1], "the first sale's was not sent");
    assert_eq!(shop.requeue(&shop.sale).await, Ok(1));
    until("no lag", || shop.lag() == 0).await;
    let told = |sale: &str| {
        let of = ledger.processed().into_iter().filter(|(_, json)| json["sale"] == sale);
        let mut ids: Vec<u64> = of.map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!((told("demo"), told("other")), (vec![1, 2], vec![1, 2, 3]));
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn requeueing_in_the_middle_of_a_rush_neither_loses_nor_repeats() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    // Every seventh event is refused until it has been a dead letter once.
    let manners = |seen: &crate::receiver::Seen| {
        if seen.event_id.is_multiple_of(7) && seen.times <= 3 {
            Act::Answer(400, "no")
        } else {
            Act::Take
        }
    };
    let receiver = Receiver::start(&ledger, manners).await;
    let pipeline = shop.post_to(receiver.url());
    let rush = async {
        for round in 0..40 {
            shop.trade(round * 10, 10).await;
            shop.requeue(&shop.sale).await.unwrap();
        }
    };
    rush.await;
    until("no lag", || {
        let dead = shop.engine.dead_letters().len();
        if dead > 0 {
            let (engine, sale, sink) = (shop.engine.clone(), shop.sale.tag(), shop.sink());
            tokio::spawn(async move { engine.requeue(sale, operator(), sink, None).await });
        }
        shop.lag() == 0
    })
    .await;
    ledger.assert_whole(1_200);
    ledger.assert_no_replay();
    assert_eq!(ledger.processed().len(), 1_200, "each once");
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn being_told_to_come_later_never_makes_a_dead_letter() {
    for status in [408, 425, 429, 500, 501, 502, 503, 504, 507, 599] {
        let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
        let manners = move |seen: &crate::receiver::Seen| {
            if seen.times <= 6 { Act::Answer(status, "later") } else { Act::Take }
        };
        let receiver = Receiver::start(&ledger, manners).await;
        let pipeline = shop.post_to(receiver.url());
        shop.buy(1).await;
        until("no lag", || shop.lag() == 0 && ledger.count() == 1).await;
        assert_eq!(ledger.times(1), 7);
        assert!(shop.engine.dead_letters().is_empty());
        assert_eq!(pipeline.status().delayed_total, 6);
        pipeline.stop();
        shop.close();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_refusal_and_is_not_followed() {
    let (shop, elsewhere) = (Shop::open().await, Arc::<Ledger>::default());
    let other = Receiver::start(&elsewhere, |_| Act::Take).await;
    let (ledger, to) = (Arc::<Ledger>::default(), other.url());
    let receiver = Receiver::start(&ledger, move |_| Act::Redirect(to.clone())).await;
    let pipeline = shop.post_to(receiver.url());
    shop.buy(1).await;
    until("a dead letter", || shop.engine.dead_letters().len() == 1).await;
    assert_eq!(shop.engine.dead_letters()[0].why, "307");
    assert_eq!(elsewhere.times(1), 0);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_the_receiver_fails_at_keeps_no_other_waiting() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let is_well = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_well);
    let manners = move |seen: &crate::receiver::Seen| {
        let fails = seen.json["purchase"] == "p1-1" && !mended.load(Ordering::SeqCst);
        if fails { Act::Answer(500, "a fault in the shop") } else { Act::Take }
    };
    let receiver = Receiver::start(&ledger, manners).await;
    let pipeline = shop.post_to(receiver.url());
    shop.buy(100).await;
    shop.trade(0, 50).await;
    until("the others", || shop.lag() == 1).await;
    until("more tries than a refusal gets", || ledger.times(1) > 5).await;
    assert!(!pipeline.status().stalled, "the receiver answers");
    assert!(shop.engine.dead_letters().is_empty());
    is_well.store(true, Ordering::SeqCst);
    until("no lag", || shop.lag() == 0).await;
    ledger.assert_whole(151);
    ledger.assert_no_replay();
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the receiver's pause is real time")]
async fn a_receiver_is_left_alone_for_as_long_as_it_asks_in_seconds_or_until_a_date() {
    for (status, as_date) in [(503, false), (503, true), (500, false), (500, true)] {
        let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
        let manners = move |seen: &crate::receiver::Seen| {
            let after = if as_date {
                // Dates have whole seconds: the third from now is at least two away.
                httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(3))
            } else {
                "2".to_owned()
            };
            if seen.times == 1 { Act::AnswerAfter(status, after) } else { Act::Take }
        };
        let receiver = Receiver::start(&ledger, manners).await;
        let pipeline = shop.post_to(receiver.url());
        shop.buy(1).await;
        until("the first try", || ledger.times(1) == 1).await;
        let begun = Instant::now();
        until("no lag", || shop.lag() == 0).await;
        assert!(begun.elapsed() > Duration::from_millis(1_900), "{status}: {:?}", begun.elapsed());
        assert_eq!(ledger.times(1), 2);
        pipeline.stop();
        shop.close();
    }
}
