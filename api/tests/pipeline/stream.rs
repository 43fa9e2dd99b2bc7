//! The Redis Stream while all goes well, and what Redis will never take.

use std::{fs, sync::Arc, time::Duration};

use api::pipeline::{RedisStream, RedisStreamOptions};
use engine::hold::Step;
use outbound::Trust;
use rcgen::generate_simple_self_signed;
use serde_json::Value;
use tempfile::TempDir;
use testkit::redis::Reply;

use crate::{
    shop::{Shop, stream, until},
    stream_support::{GROUP, KEY, assert_whole, call, count, held, list, start, start_at, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_told_step_by_step_in_fields_and_in_json() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(stream(&redis));
    let hold = shop.buy(1).await;
    for step in [Step::Pay, Step::Confirm, Step::Refund] {
        shop.settle(hold, step).await;
    }
    until("no lag", || shop.lag() == 0).await;
    let told = held(&mut redis.link().unwrap());
    let states = ["held", "paying", "confirmed", "refunded"];
    assert_eq!(told.len(), states.len());
    for ((entry, state), event_id) in told.iter().zip(states).zip(1..) {
        let names: Vec<&str> = entry.fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["at", "body", "event_id", "purchase", "sale", "state"]);
        let body: Value = serde_json::from_str(&entry.fields["body"]).unwrap();
        for name in ["at", "purchase", "sale", "state"] {
            assert_eq!(body[name], *entry.fields[name], "{name}");
        }
        assert_eq!((entry.event_id(), &*entry.fields["state"]), (event_id, state));
        assert_eq!(body["event_id"], event_id);
        assert_eq!(body["event"], format!("purchase.{state}"));
        assert_eq!(body["shopper"], "0000000000000000000000000000feed");
    }
    assert_eq!(pipeline.status().taken_total, 4);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_appended_once_and_a_purchases_in_their_order() {
    let (shop, redis) = (Shop::open().await, start());
    shop.trade(0, 600).await;
    let pipeline = shop.append(stream(&redis));
    shop.trade(1_000, 100).await;
    until("no lag", || shop.lag() == 0).await;
    let told = held(&mut redis.link().unwrap());
    assert_eq!(told.len(), 2_100);
    assert_whole(&told, 2_100);
    assert_eq!(pipeline.status().delayed_total, 0);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_made_at_the_start_as_soon_as_redis_is_there() {
    let mut redis = start();
    redis.kill().unwrap();
    let stream = Arc::new(RedisStream::new(stream(&redis)).unwrap());
    let greeting = tokio::spawn(Arc::clone(&stream).greet());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!greeting.is_finished());
    redis.start_again().unwrap();
    tokio::time::timeout(Duration::from_secs(20), greeting).await.unwrap().unwrap();
    let mut link = redis.link().unwrap();
    let groups = call(&mut link, &["XINFO", "GROUPS", KEY]);
    assert_eq!(text(&list(&list(&groups)[0])[1]), GROUP);
    assert_eq!(list(&groups).len(), 1);
    // A second start finds the group as its workers left it.
    stream.greet().await;
    assert_eq!(list(&call(&mut link, &["XINFO", "GROUPS", KEY])).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_cleared_gets_its_groups_back() {
    let (shop, redis) = (Shop::open().await, start());
    let pipeline = shop.append(stream(&redis));
    shop.trade(0, 10).await;
    until("no lag", || shop.lag() == 0).await;
    let mut link = redis.link().unwrap();
    assert_eq!(count(&mut link, &["DEL", KEY]), 1);
    // The first of these finds it cleared, the next makes the group.
    shop.trade(100, 2).await;
    until("no lag", || shop.lag() == 0).await;
    assert_eq!(list(&call(&mut link, &["XINFO", "GROUPS", KEY])).len(), 1);
    assert_eq!(held(&mut link).len(), 6);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_is_trouble_for_an_operator_and_no_dead_letter() {
    let (shop, redis) = (Shop::open().await, start());
    let mut link = redis.link().unwrap();
    let pipeline = shop.append(stream(&redis));
    // At first the group is refused; the second time the connection is in use, and the entry is.
    for key in 1..=2 {
        call(&mut link, &["DEL", KEY]);
        assert_eq!(call(&mut link, &["SET", KEY, "something else"]), Reply::bulk("OK"));
        let before = pipeline.status().delayed_total;
        shop.buy(key).await;
        until("many tries", || pipeline.status().delayed_total > before + 5).await;
        let status = pipeline.status();
        let trouble = status.last_trouble.unwrap();
        assert!(trouble.starts_with("WRONGTYPE"), "{trouble}");
        assert!(status.stalled);
        assert_eq!((status.refused_total, status.dead_lettered_total), (0, 0));
        assert_eq!(count(&mut link, &["DEL", KEY]), 1);
        until("no lag", || shop.lag() == 0).await;
        assert_eq!(held(&mut link).len(), 1);
    }
    assert!(shop.engine.dead_letters().is_empty());
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_missing_right_are_told_and_mended_without_a_restart() {
    let (shop, (redis, port)) = (Shop::open().await, start_at("--port", &[]));
    let mut link = redis.link().unwrap();
    let rights = ["~rushgate:*", "+xlen", "+xtrim", "+xinfo", "+xpending", "+xgroup"];
    let user = [&["ACL", "SETUSER", "rushgate", "on", ">other"][..], &rights].concat();
    assert_eq!(call(&mut link, &user), Reply::bulk("OK"));
    let url = format!("redis://rushgate:word@127.0.0.1:{port}");
    let pipeline = shop.append(RedisStreamOptions { url, ..stream(&redis) });
    let troubled = |with: &str| {
        let trouble = pipeline.status().last_trouble;
        trouble.is_some_and(|trouble| trouble.starts_with(with))
    };
    shop.buy(1).await;
    until("a refused password", || troubled("WRONGPASS")).await;
    assert_eq!(call(&mut link, &["ACL", "SETUSER", "rushgate", ">word"]), Reply::bulk("OK"));
    until("a missing right", || troubled("NOPERM")).await;
    assert_eq!(call(&mut link, &["ACL", "SETUSER", "rushgate", "+xadd"]), Reply::bulk("OK"));
    until("no lag", || shop.lag() == 0).await;
    assert_whole(&held(&mut link), 1);
    assert!(!pipeline.status().stalled);
    pipeline.stop();
    shop.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_to_a_redis_that_proves_who_it_is_and_to_no_other() {
    let (shop, files) = (Shop::open().await, TempDir::new().unwrap());
    let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = files.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (cert, key) = (file("cert", own.cert.pem()), file("key", own.signing_key.serialize_pem()));
    let tls = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &cert];
    let (redis, port) = start_at("--tls-port", &[&tls[..], &["--tls-auth-clients", "no"]].concat());
    let url = format!("rediss://localhost:{port}");
    let trusting = |pem: String| RedisStreamOptions {
        url: url.clone(),
        trust: Trust::Pem(pem.into_bytes()),
        ..stream(&redis)
    };

    let pipeline = shop.append(trusting(other.cert.pem()));
    shop.buy(1).await;
    until("several tries", || pipeline.status().delayed_total > 3).await;
    assert!(held(&mut redis.link().unwrap()).is_empty());
    pipeline.stop();

    let restarted = shop.killed_and_restarted();
    let pipeline = restarted.append(trusting(own.cert.pem()));
    until("no lag", || restarted.lag() == 0).await;
    assert_whole(&held(&mut redis.link().unwrap()), 1);
    pipeline.stop();
    restarted.close();
    shop.close();
}
