//! The life of a purchase: bought, shown, paid, confirmed, given up, refunded, expired.

use serde_json::{Value, json};

use crate::{
    client::{get, post},
    wall::{PRICE, SKU, Wall, eventually, keys, text},
};

const PURCHASE: [&str; 9] = [
    "amount",
    "created_at",
    "currency",
    "expires_at",
    "items",
    "purchase",
    "sale",
    "shopper",
    "state",
];

#[tokio::test]
async fn a_purchase_is_told_in_full_and_shown_to_its_shopper_and_to_keys() {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    let told = wall.buy(&shopper.pass, 2, "k").await.is(201);
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(told.header("cache-control"), Some("no-store"));
    assert!(!told.replayed());
    let bought = told.json();
    assert_eq!(keys(&bought), PURCHASE);
    assert_eq!((&bought["state"], &bought["sale"]), (&json!("held"), &json!(wall.name())));
    assert_eq!((&bought["amount"], &bought["currency"]), (&json!(2 * PRICE), &json!("KRW")));
    let item = json!({ "sku": SKU, "quantity": 2, "price": PRICE });
    assert_eq!(bought["items"], json!([item]));
    let id = text(&bought["purchase"]);
    for token in [&shopper.pass, &wall.server.backend, &wall.server.operator] {
        let shown = wall.show(&id, token).await.is(200);
        assert_eq!(shown.body, told.body);
        assert_eq!(shown.header("cache-control"), Some("no-store"));
    }
    let other = wall.admitted().await;
    wall.show(&id, &other.pass).await.refuses(404, "not_found");
    wall.show("p1-999999", &wall.server.backend).await.refuses(404, "not_found");
}

#[tokio::test]
async fn paid_and_confirmed_and_refunded_each_once_and_repeats_are_200() {
    let wall = Wall::new(json!({})).await;
    let (_, id) = wall.held().await;
    for (verb, state, units) in [
        ("pay", "paying", [9, 0, 1, 0]),
        ("confirm", "confirmed", [9, 0, 0, 1]),
        ("refund", "refunded", [10, 0, 0, 0]),
    ] {
        for _ in 0..2 {
            let told = wall.step(&id, verb).await.is(200).json();
            assert_eq!(keys(&told), PURCHASE);
            assert_eq!(told["state"], state);
            assert_eq!(wall.units().await, units, "{verb}");
        }
    }
}

#[tokio::test]
async fn a_step_that_cannot_apply_names_the_state_it_found() {
    let wall = Wall::new(json!({})).await;
    let (_, held) = wall.held().await;
    let refused = wall.step(&held, "refund").await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "held");
    wall.step(&held, "release").await.is(200);
    for verb in ["pay", "confirm", "refund"] {
        let refused = wall.step(&held, verb).await.refuses(409, "wrong_state").json();
        assert_eq!(refused["found"], "released", "{verb}");
    }
    // What is held may be confirmed without a word of payment.
    let (_, quick) = wall.held().await;
    wall.step(&quick, "confirm").await.is(200);
    for verb in ["pay", "release"] {
        let refused = wall.step(&quick, verb).await.refuses(409, "wrong_state").json();
        assert_eq!(refused["found"], "confirmed", "{verb}");
    }
    wall.step(&quick, "refund").await.is(200);
    let refused = wall.step(&quick, "confirm").await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "refunded");
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn a_shopper_gives_a_hold_up_but_not_one_being_paid() {
    let wall = Wall::new(json!({})).await;
    let (shopper, id) = wall.held().await;
    let release = || post(wall.path(&format!("purchases/{id}/release"))).bearer(&shopper.pass);
    wall.step(&id, "pay").await.is(200);
    let refused = wall.tell(release()).await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "paying");
    // The backend may: payment failed.
    wall.step(&id, "release").await.is(200);
    let (shopper, id) = wall.held().await;
    let release = || post(wall.path(&format!("purchases/{id}/release"))).bearer(&shopper.pass);
    for _ in 0..2 {
        assert_eq!(wall.tell(release()).await.is(200).json()["state"], "released");
    }
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
    wall.buy(&shopper.pass, 2, "again").await.is(201);
}

#[tokio::test]
async fn a_refund_puts_units_back_only_if_the_sale_says_so() {
    let wall = Wall::new(json!({ "refund_restocks": false })).await;
    let (_, id) = wall.held().await;
    wall.step(&id, "confirm").await.is(200);
    wall.step(&id, "refund").await.is(200);
    let stats = wall.stats().await;
    assert_eq!(stats["offers"][0]["available"], 9);
}

#[tokio::test]
async fn a_hold_not_paid_expires_and_one_being_paid_does_not() {
    let wall = Wall::new(json!({ "hold_seconds": 1 })).await;
    let (shopper, forgotten) = wall.held().await;
    let (_, paying) = wall.held().await;
    wall.step(&paying, "pay").await.is(200);
    eventually(|| async {
        let state = wall.show(&forgotten, &shopper.pass).await.is(200).json()["state"].clone();
        (state == "expired").then_some(())
    })
    .await;
    assert_eq!(wall.units().await, [9, 0, 1, 0]);
    let refused = wall.step(&forgotten, "confirm").await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "expired");
    assert_eq!(wall.show(&paying, &wall.server.backend).await.json()["state"], "paying");
}

#[tokio::test]
async fn limits_and_stock_are_kept_and_nothing_is_taken_by_a_refusal() {
    let wall = Wall::new(json!({ "per_shopper_max": 3 })).await;
    wall.act("restock", json!({ "sku": SKU, "units": -6 })).await;
    let shopper = wall.admitted().await;
    wall.buy(&shopper.pass, 4, "four").await.refuses(409, "limit_exceeded");
    wall.buy(&shopper.pass, 2, "two").await.is(201);
    wall.buy(&shopper.pass, 2, "over").await.refuses(409, "limit_exceeded");
    let other = wall.admitted().await;
    wall.buy(&other.pass, 3, "three").await.refuses(409, "sold_out");
    assert_eq!(wall.units().await, [2, 2, 0, 0]);
    wall.buy(&other.pass, 2, "rest").await.is(201);
    assert_eq!(wall.status().await["offers"][0]["state"], "all_held");
    wall.buy(&shopper.pass, 1, "none").await.refuses(409, "sold_out");
}

#[tokio::test]
async fn an_ended_session_frees_its_slot_and_kills_its_pass() {
    let wall = Wall::new(json!({ "active_max": 1 })).await;
    let (shopper, id) = wall.held().await;
    let next = wall.waiting().await;
    let end = || post(wall.path(&format!("sessions/s-1-{}/end", shopper.number)));
    for _ in 0..2 {
        wall.backend(end()).await.is(204);
    }
    wall.buy(&shopper.pass, 1, "after").await.refuses(401, "pass_expired");
    wall.position(&shopper.ticket).await.refuses(410, "ticket_expired");
    eventually(|| async {
        (wall.position(&next).await.is(200).json()["state"] == "admitted").then_some(())
    })
    .await;
    // The hold made meanwhile lives on.
    wall.step(&id, "confirm").await.is(200);
    for unknown in ["s-1-999", "s-2-1", "s-1-0", "x"] {
        let ask = post(wall.path(&format!("sessions/{unknown}/end")));
        wall.backend(ask).await.refuses(404, "not_found");
    }
}

#[tokio::test]
async fn a_purchase_of_several_offers_is_all_or_nothing() {
    let wall = Wall::new(json!({
        "per_shopper_max": 10,
        "offers": [
            { "sku": "a", "total": 5, "price": 100, "currency": "USD" },
            { "sku": "b:1", "total": 1, "price": 250, "currency": "USD" },
        ],
    }))
    .await;
    let shopper = wall.admitted().await;
    let buy = |key: &str, a: u32, b: u32| {
        let items =
            json!({ "items": [{ "sku": "a", "quantity": a }, { "sku": "b:1", "quantity": b }] });
        post(wall.path("purchase")).bearer(&shopper.pass).key(key).json(&items)
    };
    wall.tell(buy("much", 1, 2)).await.refuses(409, "sold_out");
    let available = |stats: &Value| {
        let offers = stats["offers"].as_array().unwrap();
        offers.iter().map(|offer| offer["available"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(available(&wall.stats().await), [5, 1]);
    let bought = wall.tell(buy("fits", 2, 1)).await.is(201).json();
    assert_eq!((&bought["amount"], &bought["currency"]), (&json!(450), &json!("USD")));
    assert_eq!(available(&wall.stats().await), [3, 0]);
}

#[tokio::test]
async fn a_sale_not_open_sells_nothing_but_settles_what_was_sold() {
    let wall = Wall::new(json!({})).await;
    let (shopper, id) = wall.held().await;
    wall.act("drain", Value::Null).await;
    wall.buy(&shopper.pass, 1, "draining").await.is(201);
    wall.enter().await.refuses(409, "sale_not_open");
    wall.act("close", Value::Null).await;
    wall.buy(&shopper.pass, 1, "closed").await.refuses(409, "sale_not_open");
    wall.step(&id, "confirm").await.is(200);
    let shown = wall.tell(get(wall.path(&format!("purchases/{id}"))).bearer(&shopper.pass)).await;
    assert_eq!(shown.is(200).json()["state"], "confirmed");
}

#[tokio::test]
async fn when_nothing_is_left_the_answer_comes_before_the_body_is_read() {
    let wall = Wall::new(json!({ "offers": [{ "sku": "sneaker-42", "total": 1, "price": 1,
        "currency": "KRW" }] }))
    .await;
    let (first, other) = (wall.admitted().await, wall.admitted().await);
    let bought = wall.buy(&first.pass, 1, "last").await.is(201).text();
    assert_eq!(wall.buy(&first.pass, 1, "last").await.is(201).text(), bought, "a known key");
    assert_eq!(wall.buy("x", 1, "k").await.is(401).code(), "pass_invalid");

    // The body is no JSON, and the connection serves the next request all the same.
    let path = wall.path("purchase");
    let asked = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k\r\n\
         Content-Length: 9\r\n\r\nnot JSON!GET {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        other.pass,
        wall.path("")
    );
    let told = wall.server.client.raw(asked.as_bytes()).await;
    let (refused, status) = told.split_once("HTTP/1.1 200").expect(&told);
    assert!(refused.starts_with("HTTP/1.1 409") && refused.contains("sold_out"), "{told}");
    assert!(status.contains(r#""state":"all_held""#), "{told}");
}
