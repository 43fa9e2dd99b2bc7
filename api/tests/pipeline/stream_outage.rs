//! Redis killed, frozen and gone in the middle of orders.

use std::time::Duration;

use crate::{
    shop::{Shop, stream, until},
    stream_support::{assert_whole, held, start},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_again_and_again_misses_nothing() {
    let (shop, mut redis) = (Shop::open().await, start());
    let pipeline = shop.append(stream(&redis));
    for round in 0..6 {
        shop.trade(round * 1_000, 30).await;
        redis.kill().unwrap();
        shop.trade(round * 1_000 + 500, 20).await;
        until("a stall", || pipeline.status().stalled).await;
        redis.start_again().unwrap();
    }
    until("no lag", || shop.lag() == 0).await;
    assert_whole(&held(&mut redis.link().unwrap()), 6 * 50 * 3);
    assert!(shop.engine.dead_letters().is_empty());
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_frozen_is_left_at_the_deadline_and_gets_everything_afterwards() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(stream(&redis));
    shop.trade(0, 30).await;
    until("the first events", || pipeline.status().taken_total > 30).await;
    redis.freeze().unwrap();
    shop.trade(1_000, 200).await;
    until("a stall", || pipeline.status().stalled).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(shop.lag() > 400);
    let trouble = pipeline.status().last_trouble.unwrap();
    assert!(trouble.starts_with("no answer in time"), "{trouble}");
    redis.thaw().unwrap();
    until("no lag", || shop.lag() == 0).await;
    // What was on its way when the deadline came was done after all, and then once more.
    assert_whole(&held(&mut redis.link().unwrap()), 230 * 3);
    assert!(!pipeline.status().stalled);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_when_the_process_was_killed_is_appended_again() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(stream(&redis));
    shop.trade(0, 100).await;
    let restarted = shop.killed_and_restarted();
    until("no lag", || shop.lag() == 0).await;
    pipeline.stop();
    shop.close();
    let pipeline = restarted.append(stream(&redis));
    restarted.trade(1_000, 50).await;
    until("no lag", || restarted.lag() == 0).await;
    assert_whole(&held(&mut redis.link().unwrap()), 450);
    pipeline.stop();
    restarted.close();
}
