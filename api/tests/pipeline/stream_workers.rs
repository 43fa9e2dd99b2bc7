//! The stream's other end: groups that crash, stall, catch up, and what may be trimmed for them.

use std::{collections::BTreeSet, time::Duration};

use api::pipeline::RedisStreamOptions;
use testkit::redis::{Link, Reply};

use crate::{
    shop::{Shop, stream, until},
    stream_support::{
        Entry, GROUP, KEY, acknowledge, call, count, entries, held, list, read_new, start,
    },
};

/// Entries at the most where a test wants the bound.
const BOUND: u64 = 200;

fn bounded(options: RedisStreamOptions, groups: &[&str]) -> RedisStreamOptions {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    RedisStreamOptions { stream_max: BOUND, groups, ..options }
}

fn ids(entries: &[Entry]) -> BTreeSet<u64> {
    entries.iter().map(Entry::event_id).collect()
}

/// Reads, notes and acknowledges all there is.
fn work(link: &mut Link, group: &str, done: &mut BTreeSet<u64>) {
    loop {
        let read = read_new(link, group, "steady", 64);
        if read.is_empty() {
            return;
        }
        done.extend(ids(&read));
        acknowledge(link, group, &read);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_worker_had_is_recovered_and_each_event_has_one_effect() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(stream(&redis));
    shop.trade(0, 40).await;
    until("no lag", || shop.lag() == 0).await;

    // A table with the event id as its unique key: inserting twice is a no-op.
    let mut table = BTreeSet::new();
    let mut crashing = redis.link().unwrap();
    let taken = read_new(&mut crashing, GROUP, "crashing", 50);
    table.extend(ids(&taken[..30]));
    acknowledge(&mut crashing, GROUP, &taken[..20]);
    drop(crashing);

    let mut heir = redis.link().unwrap();
    let words = ["XAUTOCLAIM", KEY, GROUP, "heir", "0", "0", "COUNT", "100"];
    let claimed = entries(&list(&call(&mut heir, &words))[1]);
    assert_eq!(ids(&claimed), ids(&taken[20..]), "all that was not acknowledged, no more");
    let again = claimed.iter().filter(|entry| !table.insert(entry.event_id())).count();
    assert_eq!(again, 10, "done before the crash and not acknowledged");
    acknowledge(&mut heir, GROUP, &claimed);
    work(&mut heir, GROUP, &mut table);
    assert_eq!(table, (1..=120).collect());
    assert_eq!(call(&mut heir, &["XPENDING", KEY, GROUP]), nothing_pending());
    pipeline.stop();
    shop.close();
}

fn nothing_pending() -> Reply {
    Reply::List(vec![Reply::Integer(0), Reply::Nil, Reply::Nil, Reply::Nil])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_group_fills_the_stream_to_its_bound_and_loses_nothing() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(bounded(stream(&redis), &[GROUP, "quick"]));
    let mut link = redis.link().unwrap();
    let (mut quick, mut slow) = (BTreeSet::new(), BTreeSet::new());
    shop.trade(0, 100).await;
    until("the bound", || pipeline.status().stalled).await;
    // One group is given half, acknowledges none of it and is gone; the other is up to date.
    let given = read_new(&mut link, GROUP, "stalled", 100);
    let mut own = redis.link().unwrap();
    for _ in 0..10 {
        work(&mut link, "quick", &mut quick);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(count(&mut own, &["XLEN", KEY]), i64::try_from(BOUND).unwrap());
    }
    assert!(shop.lag() >= 100);
    let kept = held(&mut link);
    assert!(ids(&kept).is_superset(&ids(&given)), "pending entries are kept");
    let trouble = pipeline.status().last_trouble.unwrap();
    let expected = "the stream holds 200 of 200 entries: group workers has not acknowledged";
    assert!(trouble.starts_with(expected), "{trouble}");

    // Some room for some of it: the part below the oldest that is pending.
    acknowledge(&mut link, GROUP, &given[..50]);
    slow.extend(ids(&given[..50]));
    until("room", || shop.lag() <= 50).await;
    assert_eq!(count(&mut own, &["XLEN", KEY]), i64::try_from(BOUND).unwrap());
    let kept = held(&mut link);
    assert!(ids(&kept).is_superset(&ids(&given[50..])), "pending entries are kept");

    // The rest: a worker claims what the stalled one had, and goes on.
    let words = ["XAUTOCLAIM", KEY, GROUP, "steady", "0", "0", "COUNT", "100"];
    let claimed = entries(&list(&call(&mut link, &words))[1]);
    slow.extend(ids(&claimed));
    acknowledge(&mut link, GROUP, &claimed);
    while shop.lag() > 0 {
        work(&mut link, GROUP, &mut slow);
        work(&mut link, "quick", &mut quick);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    work(&mut link, GROUP, &mut slow);
    work(&mut link, "quick", &mut quick);
    let all: BTreeSet<u64> = (1..=300).collect();
    assert_eq!((slow, quick), (all.clone(), all));
    assert!(count(&mut own, &["XLEN", KEY]) <= i64::try_from(BOUND).unwrap());
    until("an end of the stall", || !pipeline.status().stalled).await;
    assert!(shop.engine.dead_letters().is_empty());
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_group_nothing_is_trimmed() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(bounded(stream(&redis), &[]));
    shop.trade(0, 100).await;
    until("the bound", || pipeline.status().stalled && shop.lag() == 100).await;
    let mut link = redis.link().unwrap();
    assert_eq!(held(&mut link).len() as u64, BOUND);
    let trouble = pipeline.status().last_trouble.unwrap();
    assert!(trouble.ends_with("there is no consumer group"), "{trouble}");
    // The one that comes late has missed nothing.
    call(&mut link, &["XGROUP", "CREATE", KEY, "late", "0"]);
    let mut done = BTreeSet::new();
    while shop.lag() > 0 {
        work(&mut link, "late", &mut done);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    work(&mut link, "late", &mut done);
    assert_eq!(done, (1..=300).collect());
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_keep_up_never_meet_the_bound() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(bounded(stream(&redis), &[GROUP]));
    let (mut link, mut done) = (redis.link().unwrap(), BTreeSet::new());
    for round in 0..20 {
        shop.trade(round * 100, 20).await;
        until("no lag", || shop.lag() == 0).await;
        assert!(count(&mut link, &["XLEN", KEY]) <= i64::try_from(BOUND).unwrap());
        work(&mut link, GROUP, &mut done);
    }
    assert_eq!(done, (1..=1_200).collect());
    assert_eq!(pipeline.status().delayed_total, 0, "room was made before it was needed");
    pipeline.stop();
    shop.close();
}
