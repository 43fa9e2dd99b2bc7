//! What operators do and see, and what each of it changes for shoppers.

use serde_json::{Value, json};

use crate::{
    client::{ask, get, post},
    wall::{SKU, Wall, eventually, keys, offer, text},
};

const ADMIN_SALE: [&str; 21] = [
    "active_max",
    "admission_per_second",
    "claim_window_seconds",
    "closes_at",
    "epoch",
    "hold_seconds",
    "id",
    "identity",
    "idle_seconds",
    "message",
    "offers",
    "opens_at",
    "order",
    "overbook",
    "paused",
    "per_shopper_max",
    "refund_restocks",
    "rejoin",
    "session_seconds",
    "state",
    "title",
];

#[tokio::test]
async fn a_sale_is_made_once_read_changed_and_deleted() {
    let wall = Wall::new(json!({ "overbook": 1.5, "closes_at": "2099-01-01T00:00:00Z" })).await;
    let told = wall.operator(get(wall.admin(""))).await.is(200);
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let sale = told.json();
    assert_eq!(keys(&sale), ADMIN_SALE);
    assert_eq!((&sale["overbook"], &sale["epoch"]), (&json!(1.5), &json!(1)));
    let listed = wall.operator(get("/v1/admin/sales?limit=1000")).await.is(200).json();
    assert!(listed["items"].as_array().unwrap().iter().any(|listed| listed["id"] == wall.name()));

    let table = json!({ "id": wall.name(), "offers": [offer(1)] });
    let create = || post("/v1/admin/sales").json(&table);
    wall.operator(create()).await.refuses(409, "already_exists");

    let patch = json!({ "title": "New", "overbook": null, "per_shopper_max": 7 });
    let patched = wall.operator(ask("PATCH", wall.admin("")).json(&patch)).await.is(200).json();
    assert_eq!((&patched["title"], &patched["overbook"]), (&json!("New"), &Value::Null));
    assert_eq!(wall.status().await["title"], "New");

    wall.delete().await.is(204);
    wall.tell(get(wall.path(""))).await.refuses(404, "not_found");
    wall.operator(get(wall.admin(""))).await.refuses(404, "not_found");
    wall.delete().await.refuses(404, "not_found");

    let again = wall.operator(create()).await.is(201).json();
    assert_eq!(again["epoch"], 2, "a sale made again has a epoch of its own");
}

#[tokio::test]
async fn what_was_issued_before_a_deletion_means_nothing_after_it() {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    wall.act("close", Value::Null).await;
    wall.delete().await.is(204);
    let table = json!({ "id": wall.name(), "offers": [offer(10)] });
    wall.operator(post("/v1/admin/sales").json(&table)).await.is(201);
    let heir = wall.admitted().await;
    assert_eq!(heir.number, shopper.number);
    wall.position(&shopper.ticket).await.refuses(401, "ticket_invalid");
    wall.tell(post(wall.path("leave")).bearer(&shopper.ticket))
        .await
        .refuses(401, "ticket_invalid");
    let refused = wall.buy(&shopper.pass, 1, "k").await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    let end = post(wall.path("sessions/s-1-1/end"));
    wall.backend(end).await.refuses(404, "not_found");
    wall.buy(&heir.pass, 1, "k").await.is(201);
    wall.show("p1-1", &wall.server.backend).await.refuses(404, "not_found");
}

#[tokio::test]
async fn a_sale_in_use_is_not_deleted() {
    let wall = Wall::new(json!({})).await;
    let (_, id) = wall.held().await;
    wall.act("close", Value::Null).await;
    assert_eq!(wall.delete().await.refuses(409, "wrong_state").json()["found"], "in_use");
    wall.step(&id, "release").await.is(200);
    // The order events of the hold have to be taken first, where there is a sink for them.
    assert!([204, 409].contains(&wall.delete().await.status));
}

#[tokio::test]
async fn a_sale_with_orders_is_not_deleted_and_they_can_be_refunded_after_its_end() {
    let wall = Wall::new(json!({})).await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        let (shopper, id) = wall.held().await;
        wall.step(&id, "confirm").await.is(200);
        orders.push((shopper, id));
    }
    wall.act("close", Value::Null).await;
    for (left, (shopper, id)) in [2, 1].into_iter().zip(&orders) {
        let refused = wall.delete().await.refuses(409, "wrong_state").json();
        assert_eq!(refused["found"], "in_use");
        let detail = text(&refused["detail"]);
        let orders = if left == 1 { "1 confirmed order" } else { "2 confirmed orders" };
        assert!(detail.contains(orders) && detail.contains("refunded"), "{detail}");
        assert_eq!(wall.show(id, &shopper.ticket).await.is(200).json()["state"], "confirmed");
        assert_eq!(wall.step(id, "refund").await.is(200).json()["state"], "refunded");
    }
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
    eventually(|| async { (wall.delete().await.status == 204).then_some(()) }).await;
}

#[tokio::test]
async fn an_archived_sale_shows_and_refunds_its_orders_and_refuses_its_crowd() {
    let wall = Wall::new(json!({})).await;
    let (shopper, id) = wall.held().await;
    let archive = || post(wall.admin("archive")).key("over-and-done-with");
    let refused = wall.operator(archive()).await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "open");
    wall.act("close", Value::Null).await;
    let refused = wall.operator(archive()).await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "in_use", "a hold is open");
    wall.step(&id, "confirm").await.is(200);
    let stale = archive().header("if-match", "\"1-0\"");
    wall.operator(stale).await.refuses(412, "precondition_failed");

    // The backend has to hear of the order first.
    let done = || async { Some(wall.operator(archive()).await).filter(|told| told.status != 409) };
    let told = eventually(done).await.is(200);
    assert_eq!(told.json()["state"], "closed");
    let again = wall.operator(archive()).await.is(200);
    assert!(again.replayed() && again.body == told.body, "{}", again.text());
    let refused = wall.operator(post(wall.admin("archive"))).await.refuses(409, "wrong_state");
    assert_eq!(refused.json()["found"], "archived");

    let crowd = [
        get(wall.path("")),
        post(wall.path("enter")),
        get(wall.path("position")).bearer(&shopper.ticket),
        get(wall.path("stream")).bearer(&shopper.ticket),
        post(wall.path("leave")).bearer(&shopper.ticket),
    ];
    for ask in crowd {
        wall.tell(ask).await.refuses(410, "sale_archived");
    }
    wall.buy(&shopper.pass, 1, "late").await.refuses(410, "sale_archived");
    let reopened = wall.operator(post(wall.admin("open"))).await.refuses(409, "wrong_state");
    assert_eq!(reopened.json()["found"], "archived");
    let table = json!({ "id": wall.name(), "offers": [offer(1)] });
    wall.operator(post("/v1/admin/sales").json(&table)).await.refuses(409, "already_exists");
    let listed = wall.operator(get("/v1/admin/sales?limit=1000")).await.is(200).json();
    assert!(listed["items"].as_array().unwrap().iter().all(|listed| listed["id"] != wall.name()));
    assert_eq!(wall.operator(get(wall.admin(""))).await.is(200).json()["state"], "closed");

    let shown = wall.show(&id, &shopper.ticket).await.is(200).json();
    assert_eq!((&shown["state"], &shown["shopper"]), (&json!("confirmed"), &shown["shopper"]));
    wall.show(&id, &shopper.pass).await.is(200);
    wall.show("p1-9", &shopper.ticket).await.refuses(404, "not_found");
    let refused = wall.step(&id, "pay").await.refuses(409, "wrong_state").json();
    assert_eq!(refused["found"], "confirmed");
    assert_eq!(wall.step(&id, "refund").await.is(200).json()["state"], "refunded");
    assert_eq!(wall.show(&id, &wall.server.backend).await.is(200).json()["state"], "refunded");
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
    eventually(|| async { (wall.delete().await.status == 204).then_some(()) }).await;
    wall.operator(get(wall.admin(""))).await.refuses(404, "not_found");
    wall.operator(post("/v1/admin/sales").json(&table)).await.is(201);
}

#[tokio::test]
async fn pause_and_resume_stop_and_move_the_gate() {
    let wall = Wall::new(json!({})).await;
    assert_eq!(wall.act("pause", Value::Null).await["paused"], true);
    let ticket = wall.waiting().await;
    let place = wall.position(&ticket).await.is(200).json();
    assert_eq!((&place["state"], &place["eta_seconds"]), (&json!("waiting"), &Value::Null));
    assert_eq!(wall.status().await["paused"], true);
    assert_eq!(wall.act("resume", Value::Null).await["paused"], false);
    eventually(|| async {
        (wall.position(&ticket).await.is(200).json()["state"] == "admitted").then_some(())
    })
    .await;
}

#[tokio::test]
async fn open_drain_and_close_move_the_sale_and_undo_each_other() {
    let wall = Wall::new(json!({ "opens_at": "2099-01-01T00:00:00Z" })).await;
    assert_eq!(wall.status().await["state"], "coming");
    wall.enter().await.refuses(409, "sale_not_open");
    assert_eq!(wall.act("open", Value::Null).await["state"], "open");
    wall.admitted().await;
    assert_eq!(wall.act("drain", Value::Null).await["state"], "draining");
    wall.enter().await.refuses(409, "sale_not_open");
    assert_eq!(wall.act("open", Value::Null).await["state"], "open");
    wall.admitted().await;
    assert_eq!(wall.act("close", Value::Null).await["state"], "closed");
    let refused = wall.operator(post(wall.admin("drain"))).await;
    assert_eq!(refused.refuses(409, "wrong_state").json()["found"], "closed");
    assert_eq!(wall.act("open", Value::Null).await["state"], "open");
    wall.admitted().await;
}

#[tokio::test]
async fn a_message_reaches_everyone_and_goes_again() {
    let wall = Wall::new(json!({})).await;
    wall.act("pause", Value::Null).await;
    let ticket = wall.waiting().await;
    let sent = "short\t\"break\"\r\n</p>\r<b>\u{1f45f}";
    let words = "short \"break\"\n</p>\n<b>\u{1f45f}";
    assert_eq!(wall.act("message", json!({ "message": sent })).await["message"], words);
    for control in ["\u{0}", "\u{1b}[31m", "\u{7f}", "\u{85}"] {
        let message = json!({ "message": format!("a{control}b") });
        let told = wall.operator(post(wall.admin("message")).json(&message)).await;
        told.refuses(422, "invalid_request");
    }
    assert_eq!(wall.status().await["message"], words);
    assert_eq!(wall.position(&ticket).await.is(200).json()["message"], words);
    assert_eq!(wall.act("message", json!({ "message": null })).await["message"], Value::Null);
    assert_eq!(wall.position(&ticket).await.is(200).json()["message"], Value::Null);
    let long = json!({ "message": "x".repeat(1_025) });
    let told = wall.operator(post(wall.admin("message")).json(&long)).await;
    told.refuses(422, "invalid_request");
}

#[tokio::test]
async fn rate_and_restock_show_and_have_bounds() {
    let wall = Wall::new(json!({})).await;
    let rated = wall.act("rate", json!({ "admission_per_second": 0.5 })).await;
    assert_eq!(rated["admission_per_second"], 0.5);
    assert_eq!(wall.status().await["admission_per_second"], 0.5);
    let more = wall.act("restock", json!({ "sku": SKU, "units": 5 })).await;
    assert_eq!(more["offers"][0]["total"], 15);
    assert_eq!(wall.units().await, [15, 0, 0, 0]);
    wall.act("restock", json!({ "sku": SKU, "units": -14 })).await;
    let before = wall.picture().await;
    for (body, field) in [
        (json!({ "sku": SKU, "units": -2 }), "units"),
        (json!({ "sku": SKU, "units": 0 }), "units"),
        (json!({ "sku": SKU, "units": 1_000_000_000 }), "units"),
        (json!({ "sku": "other", "units": 1 }), "sku"),
        (json!({ "sku": SKU }), "units"),
    ] {
        let told = wall.operator(post(wall.admin("restock")).json(&body)).await;
        assert_eq!(told.refuses(422, "invalid_request").json()["errors"][0]["field"], field);
    }
    let most = json!({ "sku": SKU, "units": 1_000_000_000 });
    let told = wall.operator(post(wall.admin("restock")).json(&most)).await;
    let message = text(&told.refuses(422, "invalid_request").json()["errors"][0]["message"]);
    assert_eq!(message, "from -1, as many as are available, to 999999999");
    let unstrand = json!({ "sku": SKU, "units": 1 });
    let told = wall.operator(post(wall.admin("unstrand")).json(&unstrand)).await;
    let message = text(&told.refuses(422, "invalid_request").json()["errors"][0]["message"]);
    assert_eq!(message, "at most 0, as many as are stranded");
    assert_eq!(wall.picture().await, before);
}

#[tokio::test]
async fn the_audit_says_who_did_what_newest_first() {
    let wall = Wall::new(json!({})).await;
    wall.act("pause", Value::Null).await;
    wall.act("message", json!({ "message": "hello" })).await;
    wall.act("rate", json!({ "admission_per_second": 2 })).await;
    wall.act("restock", json!({ "sku": SKU, "units": -3 })).await;
    let told = wall.operator(get(wall.admin("audit"))).await.is(200).json();
    assert_eq!(told["next_cursor"], Value::Null);
    let entries = told["items"].as_array().unwrap();
    let actions: Vec<String> = entries.iter().map(|entry| text(&entry["action"])).collect();
    assert_eq!(actions, ["restock", "rate", "message", "pause", "create"]);
    assert_eq!(entries[2]["detail"], "hello");
    assert_eq!(entries[0]["detail"], "-3 units of sneaker-42");
    let key_hash = blake3::hash(wall.server.operator.as_bytes()).to_hex();
    for entry in entries {
        assert_eq!(entry["author"], format!("operator-{}", &key_hash[..8]));
    }
    assert!(!told.to_string().contains(&wall.server.operator), "a key never shows");
}

#[tokio::test]
async fn stats_count_what_happened() {
    let wall = Wall::new(json!({})).await;
    let (_, id) = wall.held().await;
    wall.step(&id, "pay").await.is(200);
    wall.act("pause", Value::Null).await;
    wall.waiting().await;
    let stats = wall.stats().await;
    for (name, value) in [
        ("entered", 2),
        ("line_length", 1),
        ("departed", 0),
        ("serving", 1),
        ("active_sessions", 1),
        ("dead_letters", 0),
    ] {
        assert_eq!(stats[name], value, "{name}");
    }
    let offer = json!({ "sku": SKU, "total": 10, "available": 9, "held": 0, "paying": 1,
        "sold": 0, "stranded": 0 });
    assert_eq!(stats["offers"], json!([offer]));
}

#[tokio::test]
async fn the_outbox_is_listed_and_replayed_on_demand() {
    let wall = Wall::new(json!({})).await;
    let outbox = wall.operator(get("/v1/admin/outbox")).await.is(200).json();
    assert_eq!(keys(&outbox), ["items", "lag", "next_cursor", "sinks", "stalled"]);
    let sinks = outbox["sinks"].as_array().unwrap();
    assert!(!sinks.is_empty());
    for sink in sinks {
        assert_eq!(keys(sink), ["dead_letters", "lag", "sink", "stalled"]);
    }
    let sink = &sinks[0]["sink"];
    let replay = post("/v1/admin/outbox/replay");
    let replayed = wall.operator(replay.clone()).await.is(200).json();
    assert_eq!(keys(&replayed), ["items", "lag", "next_cursor", "sinks", "stalled"]);
    let sale = wall.name();
    for known in [
        json!({}),
        json!({ "sale": sale }),
        json!({ "sink": sink }),
        json!({ "sale": sale, "events": [7] }),
        json!({ "sale": sale, "sink": sink, "events": [7] }),
    ] {
        wall.operator(replay.clone().json(&known)).await.is(200);
    }
    for wrong in [
        json!({ "sale": sale, "events": [0] }),
        json!({ "events": [7] }),
        json!({ "sale": "no-such-sale" }),
        json!({ "sink": "no_such_sink" }),
        json!({ "sink": "No Sink" }),
    ] {
        wall.operator(replay.clone().json(&wrong)).await.refuses(422, "invalid_request");
    }
}

#[tokio::test]
async fn two_changes_of_different_fields_at_once_are_both_kept() {
    let wall = Wall::new(json!({})).await;
    for round in 1..=10 {
        let patch = |body| wall.operator(ask("PATCH", wall.admin("")).json(&body));
        let title = json!({ "title": format!("Round {round}") });
        let hold = json!({ "hold_seconds": 100 + round });
        let rate = json!({ "admission_per_second": round });
        let rate = post(wall.admin("rate")).json(&rate);
        let (title, hold, rate) = tokio::join!(patch(title), patch(hold), wall.operator(rate));
        assert_eq!([title.status, hold.status, rate.status], [200; 3]);
        let sale = wall.operator(get(wall.admin(""))).await.is(200).json();
        assert_eq!(sale["title"], format!("Round {round}"));
        assert_eq!(sale["hold_seconds"], 100 + round);
        assert_eq!(sale["admission_per_second"], f64::from(round));
    }
}
