//! Idempotency keys and crowds: one effect, the same bytes, never one unit too many.

use futures_of::all;
use serde_json::json;

use crate::{
    client::{Ask, Told, post},
    wall::{SKU, Wall, text},
};

/// Runs futures at once.
mod futures_of {
    use tokio::task::JoinSet;

    pub(super) async fn all<T: Send + 'static>(
        work: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let tasks: JoinSet<T> = work.into_iter().collect();
        tasks.join_all().await
    }
}

/// Sends one request many times at once.
async fn at_once(wall: Wall<'static>, ask: &Ask, count: usize) -> Vec<Told> {
    let client = wall.server.client;
    let asks = vec![ask.clone(); count];
    all(asks.into_iter().map(move |ask| client.tell(ask))).await
}

/// One effect, told to everyone in the same bytes, and to all but one as a replay.
fn one_answer(told: &[Told], status: u16) {
    for one in told {
        assert_eq!(one.status, status, "{}", one.text());
        assert_eq!(one.body, told[0].body);
    }
    assert_eq!(told.iter().filter(|one| !one.replayed()).count(), 1);
}

#[tokio::test]
async fn the_same_key_gives_the_same_bytes_whatever_happened_since() {
    let wall = Wall::new(json!({})).await;
    let enter = || post(wall.path("enter")).key("enter-1-of-a-fresh-shopper");
    let entered = wall.tell(enter()).await.is(200);
    let pass = text(&entered.json()["pass"]);
    let bought = wall.buy(&pass, 1, "buy-1").await.is(201);
    let id = text(&bought.json()["purchase"]);
    let step = |verb: &str| post(wall.path(&format!("purchases/{id}/{verb}"))).key("step-1");
    let confirmed = wall.backend(step("confirm")).await.is(200);
    let refunded = wall.backend(step("refund")).await.is(200);
    wall.act("message", json!({ "message": "later" })).await;
    wall.act("rate", json!({ "admission_per_second": 1 })).await;
    for (first, again) in [
        (&entered, wall.tell(enter()).await),
        (&bought, wall.buy(&pass, 1, "buy-1").await),
        (&confirmed, wall.backend(step("confirm")).await),
        (&refunded, wall.backend(step("refund")).await),
    ] {
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert!(again.replayed() && !first.replayed());
    }
    assert_eq!(wall.stats().await["entered"], 1);
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_mismatch() {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    wall.buy(&shopper.pass, 1, "k").await.is(201);
    wall.buy(&shopper.pass, 2, "k").await.refuses(422, "idempotency_mismatch");
    assert_eq!(wall.units().await, [9, 1, 0, 0]);
    // The first request is still answered, even when nothing is left.
    wall.act("restock", json!({ "sku": SKU, "units": -9 })).await;
    assert!(wall.buy(&shopper.pass, 1, "k").await.is(201).replayed());
}

#[tokio::test]
async fn a_key_means_something_for_its_shopper_call_and_sale_alone() {
    let wall = Wall::new(json!({})).await;
    let (one, other) = (wall.admitted().await, wall.admitted().await);
    let first = wall.buy(&one.pass, 1, "k").await.is(201).json();
    let second = wall.buy(&other.pass, 2, "k").await.is(201);
    assert!(!second.replayed());
    assert_ne!(first["purchase"], second.json()["purchase"]);
    for id in [text(&first["purchase"]), text(&second.json()["purchase"])] {
        let confirm = post(wall.path(&format!("purchases/{id}/confirm"))).key("k");
        assert!(!wall.backend(confirm).await.is(200).replayed());
    }
    assert_eq!(wall.units().await, [7, 0, 0, 3]);
    let elsewhere = Wall::new(json!({})).await;
    let enter = |wall: &Wall<'_>| post(wall.path("enter")).key("the-same-key-in-two-sales");
    let here = wall.tell(enter(&wall)).await.is(200).json();
    let there = elsewhere.tell(enter(&elsewhere)).await.is(200);
    assert!(!there.replayed());
    assert_ne!(here["ticket"], there.json()["ticket"]);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let wall = Wall::new(json!({ "per_shopper_max": 1 })).await;
    let shopper = wall.admitted().await;
    wall.act("restock", json!({ "sku": SKU, "units": -10 })).await;
    wall.buy(&shopper.pass, 1, "k").await.refuses(409, "sold_out");
    wall.act("restock", json!({ "sku": SKU, "units": 1 })).await;
    assert!(!wall.buy(&shopper.pass, 1, "k").await.is(201).replayed());
}

#[tokio::test]
async fn one_key_at_once_has_one_effect() {
    let wall = Wall::new(json!({})).await;
    one_answer(
        &at_once(wall, &post(wall.path("enter")).key("one-key-for-fifty-at-once"), 50).await,
        200,
    );
    assert_eq!(wall.stats().await["entered"], 1);

    let shopper = wall.admitted().await;
    let items = json!({ "items": [{ "sku": SKU, "quantity": 1 }] });
    let buy = post(wall.path("purchase")).bearer(&shopper.pass).key("k").json(&items);
    let told = at_once(wall, &buy, 50).await;
    one_answer(&told, 201);
    assert_eq!(wall.units().await, [9, 1, 0, 0]);

    let id = text(&told[0].json()["purchase"]);
    let confirm = post(wall.path(&format!("purchases/{id}/confirm"))).key("k");
    one_answer(&at_once(wall, &confirm.bearer(&wall.server.backend), 50).await, 200);
    assert_eq!(wall.units().await, [9, 0, 0, 1]);
}

#[tokio::test]
async fn opposite_steps_at_once_end_a_hold_exactly_once() {
    let wall = Wall::new(json!({})).await;
    for _ in 0..10 {
        let (_, id) = wall.held().await;
        let (confirm, release) = tokio::join!(wall.step(&id, "confirm"), wall.step(&id, "release"));
        let statuses = [confirm.status, release.status];
        assert!(statuses == [200, 409] || statuses == [409, 200], "{statuses:?}");
        let state = wall.show(&id, &wall.server.backend).await.is(200).json()["state"].clone();
        assert_eq!(state, if statuses[0] == 200 { "confirmed" } else { "released" });
        if statuses[0] == 200 {
            wall.step(&id, "refund").await.is(200);
        }
    }
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn two_purchases_of_one_shopper_at_once_do_not_pass_the_limit() {
    let wall = Wall::new(json!({ "per_shopper_max": 2 })).await;
    let shopper = wall.admitted().await;
    let buy = |key: usize| {
        let (pass, key) = (shopper.pass.clone(), format!("k{key}"));
        async move { wall.buy(&pass, 1, &key).await.status }
    };
    let mut statuses = all((0..20).map(buy)).await;
    statuses.sort_unstable();
    assert_eq!(statuses[..3], [201, 201, 409]);
    assert_eq!(wall.units().await, [8, 2, 0, 0]);
}

#[tokio::test]
async fn a_thousand_at_once_for_the_last_unit_make_one_purchase() {
    let offer = json!({ "sku": SKU, "total": 1, "price": 1, "currency": "KRW" });
    let wall = Wall::new(json!({ "offers": [offer] })).await;
    let enter = move |_| async move { wall.admitted().await.pass };
    let mut passes = Vec::new();
    for _ in 0..10 {
        passes.extend(all((0..100).map(enter)).await);
    }
    let buy = move |pass: String| async move { wall.buy(&pass, 1, "k").await };
    let told = all(passes.into_iter().map(buy)).await;
    let made: Vec<&Told> = told.iter().filter(|told| told.status == 201).collect();
    assert_eq!(made.len(), 1);
    for refused in told.iter().filter(|told| told.status != 201) {
        refused.clone().refuses(409, "sold_out");
    }
    assert_eq!(wall.units().await, [0, 1, 0, 0]);
}
