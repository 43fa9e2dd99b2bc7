//! Everything that goes down and comes back: the receiver, this process, the disk's free space.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use api::pipeline::{LogOptions, OrderLog, WebhookOptions};
use engine::{
    Failure,
    command::Terms,
    hold::Step,
    id::ShopperKey,
    record::{Author, Change},
    scribe::Busy,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    receiver::{Act, Ledger, Receiver},
    shop::{Shop, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_down_gets_everything_in_order_and_the_lag_goes_to_zero() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::Take).await;
    let pipeline = shop.post_to(receiver.url());
    shop.trade(0, 20).await;
    until("the first events", || ledger.count() >= 30).await;

    let addr = receiver.addr;
    drop(receiver);
    // More than the channel and the book hold together.
    shop.trade(1_000, 1_200).await;
    until("a stall", || pipeline.status().stalled).await;
    assert!(shop.lag() > 3_000);
    assert!(pipeline.status().last_trouble.is_some());

    let _again = Receiver::start_at(addr, &ledger, |_| Act::Take, None).await;
    until("no lag", || shop.lag() == 0).await;
    ledger.assert_whole(3_660);
    ledger.assert_no_replay();
    assert!(shop.engine.dead_letters().is_empty());
    assert!(!pipeline.status().stalled);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_when_the_process_was_killed_is_delivered_again() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::TakeSlowly).await;
    let pipeline = shop.post_to(receiver.url());
    shop.trade(0, 200).await;
    until("some events", || ledger.count() > 50).await;
    let restarted = shop.killed_and_restarted();
    pipeline.stop();
    shop.close();
    let pipeline = restarted.post_to(receiver.url());
    restarted.trade(1_000, 50).await;
    until("no lag", || restarted.lag() == 0).await;
    ledger.assert_whole(750);
    pipeline.stop();
    restarted.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_and_what_waits_behind_it_survive_a_restart() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let receiver = Receiver::start(&ledger, |_| Act::Answer(400, "no")).await;
    let pipeline = shop.post_to(receiver.url());
    let hold = shop.buy(1).await;
    until("a dead letter", || shop.engine.dead_letters().len() == 1).await;
    shop.settle(hold, Step::Pay).await;
    pipeline.stop();
    let restarted = shop.killed_and_restarted();
    shop.close();

    let receiver = Receiver::start(&ledger, |_| Act::Take).await;
    let pipeline = restarted.post_to(receiver.url());
    restarted.settle(hold, Step::Confirm).await;
    restarted.buy(2).await;
    until("the other hold", || restarted.lag() == 3).await;
    assert_eq!(restarted.engine.dead_letters()[0].why, "400: no");
    assert_eq!(restarted.requeue(&restarted.sale).await, Ok(1));
    until("no lag", || restarted.lag() == 0).await;
    ledger.assert_whole(4);
    ledger.assert_no_replay();
    pipeline.stop();
    restarted.close();
}

/// Fills the journal's segment, while the disk has no room for another, until it has no room for
/// a command of a few hundred bytes.
async fn fill(shop: &Shop) {
    shop.disk.set_capacity(Some(0));
    let mut at_once = 512;
    while at_once > 0 {
        let mut changes = JoinSet::new();
        for _ in 0..at_once {
            let (engine, sale) = (shop.engine.clone(), Arc::clone(&shop.sale));
            let (author, text) = (Author { name: "operator".to_owned() }, "x".repeat(1_000));
            let change = Change::Message { text };
            changes.spawn(async move {
                engine.change(sale.tag(), author, change, Terms::default()).await
            });
        }
        if changes.join_all().await.contains(&Err(Failure::Busy(Busy::StorageFull))) {
            at_once /= 2;
        }
    }
    let mut shopper = 1;
    while shop.engine.enter(&shop.sale, ShopperKey(shopper), None).await.is_ok() {
        shopper += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_the_disk_has_no_room_for_is_repeated_and_the_event_is_not() {
    let (shop, directory) = (Shop::open().await, TempDir::new().unwrap());
    for key in 0..100 {
        shop.buy(key).await;
    }
    fill(&shop).await;
    let log = OrderLog::open(LogOptions::in_directory(directory.path().to_owned())).unwrap();
    let pipeline = shop.deliver(Arc::new(log));
    until("all events taken", || pipeline.status().taken_total == 100).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(shop.lag(), 100, "nothing is acknowledged while the disk is full");
    shop.disk.set_capacity(None);
    until("no lag", || shop.lag() == 0).await;
    pipeline.stop();
    let text = fs::read_to_string(directory.path().join("orders-000001.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 100);
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a test's patience is real time")]
async fn stopping_waits_for_what_is_under_way_and_not_for_ever() {
    let (shop, ledger) = (Shop::open().await, Arc::<Ledger>::default());
    let manners = |seen: &crate::receiver::Seen| {
        if seen.event_id == 1 { Act::TakeSlowly } else { Act::Hang }
    };
    let receiver = Receiver::start(&ledger, manners).await;
    let pipeline = shop.post_to(receiver.url());
    shop.buy(1).await;
    until("the posting", || ledger.times(1) == 1).await;
    pipeline.stop();
    // Acknowledged before the end; the figure follows a moment after the acknowledgement.
    until("no lag", || shop.lag() == 0).await;

    let options = WebhookOptions {
        attempt_timeout: Duration::from_mins(1),
        ..crate::shop::webhook(receiver.url())
    };
    let pipeline = shop.deliver(Arc::new(shop.webhook(options)));
    shop.buy(2).await;
    until("the posting", || ledger.times(2) == 1).await;
    let begun = Instant::now();
    pipeline.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(shop.lag(), 1);
    let restarted = shop.killed_and_restarted();
    let receiver = Receiver::start(&ledger, |_| Act::Take).await;
    let pipeline = restarted.post_to(receiver.url());
    until("no lag", || restarted.lag() == 0).await;
    ledger.assert_whole(2);
    pipeline.stop();
    restarted.close();
    shop.close();
}
