//! Operators' changes that are asked for twice, or of a sale that has changed since it was read.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Ask, ask, get, post},
    process::{CONFIG, Server},
    wall::{SKU, Wall, offer, text},
};

/// A change of every kind, and whether doing it twice would show.
fn changes(wall: &Wall<'_>) -> Vec<(Ask, Option<Ask>)> {
    let act = |act: &str| post(wall.admin(act));
    let patch = |title: &str| ask("PATCH", wall.admin("")).json(&json!({ "title": title }));
    let rate = |rate: u32| act("rate").json(&json!({ "admission_per_second": rate }));
    let restock = |units: i64| act("restock").json(&json!({ "sku": SKU, "units": units }));
    let message = |text: &str| act("message").json(&json!({ "message": text }));
    vec![
        (act("pause"), None),
        (act("resume"), None),
        (act("drain"), None),
        (act("open"), None),
        (act("close"), None),
        (patch("One"), Some(patch("Two"))),
        (rate(5), Some(rate(6))),
        (restock(50), Some(restock(51))),
        (message("one"), Some(message("two"))),
    ]
}

#[tokio::test]
async fn a_change_with_a_key_is_made_once_and_answered_the_same() {
    let wall = Wall::new(json!({})).await;
    for (index, (change, other)) in changes(&wall).into_iter().enumerate() {
        let key = format!("change-{index}");
        let first = wall.operator(change.clone().key(&key)).await.is(200);
        assert!(!first.replayed());
        // Meanwhile somebody else changes the sale.
        wall.act("message", json!({ "message": format!("after {index}") })).await;
        let before = wall.picture().await;
        let again = wall.operator(change.clone().key(&key)).await.is(200);
        assert!(again.replayed());
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
        if let Some(other) = other {
            let told = wall.operator(other.key(&key)).await;
            told.refuses(422, "idempotency_mismatch");
        }
        assert_eq!(wall.picture().await, before, "nothing was done twice");
    }
    assert_eq!(wall.units().await, [60, 0, 0, 0]);
    // A key belongs to its call: another call with it is another request.
    assert!(!wall.operator(post(wall.admin("open")).key("change-0")).await.is(200).replayed());
    // Nothing and `{}` are the same request.
    assert!(wall.operator(post(wall.admin("pause")).key("change-0").body("{}")).await.replayed());
    for bad in ["", "with space", &"x".repeat(129)] {
        let told = wall.operator(post(wall.admin("pause")).key(bad)).await;
        told.refuses(422, "invalid_request");
    }
}

#[tokio::test]
async fn a_sale_is_made_and_deleted_once_for_a_key() {
    let wall = Wall::new(json!({})).await;
    let delete = |key: &str| ask("DELETE", wall.admin("")).key(key);
    let key = |name: &str| format!("{name}-{}", wall.name());
    assert!(!wall.operator(delete(&key("gone"))).await.is(204).replayed());
    assert!(wall.operator(delete(&key("gone"))).await.is(204).replayed());
    wall.operator(delete(&key("other"))).await.refuses(404, "not_found");

    let create = |total: u64| {
        let table = json!({ "id": wall.name(), "offers": [offer(total)] });
        post("/v1/admin/sales").json(&table)
    };
    let made = wall.operator(create(3).key(&key("made"))).await.is(201);
    let again = wall.operator(create(3).key(&key("made"))).await.is(201);
    assert_eq!((again.replayed(), &again.body), (true, &made.body));
    wall.operator(create(4).key(&key("made"))).await.refuses(422, "idempotency_mismatch");
    let elsewhere = json!({ "id": format!("{}-b", wall.name()), "offers": [offer(1)] });
    let elsewhere = post("/v1/admin/sales").json(&elsewhere).key(&key("made"));
    wall.operator(elsewhere).await.refuses(422, "idempotency_mismatch");
    wall.operator(create(3).key(&key("late"))).await.refuses(409, "already_exists");
    // A late repeat of the deletion does not touch the new sale.
    assert!(wall.operator(delete(&key("gone"))).await.is(204).replayed());
    wall.operator(get(wall.admin(""))).await.is(200);
    // Nor one that was made after a further deletion.
    wall.operator(delete(&key("gone-again"))).await.is(204);
    wall.operator(create(3)).await.is(201);
    assert!(wall.operator(delete(&key("gone"))).await.is(204).replayed());
    wall.operator(get(wall.admin(""))).await.is(200);
}

#[tokio::test]
async fn what_one_operator_did_with_a_key_is_no_answer_to_another() {
    let dir = TempDir::new().unwrap();
    let keys = "[keys]\noperator = [\"operator-number-one\", \"operator-number-two\"]\n";
    let server = Server::start(dir.path(), &format!("{CONFIG}{keys}"));
    let one_of =
        |ask: Ask, who: &str| server.client.tell(ask.bearer(&format!("operator-number-{who}")));
    let table = json!({ "id": "shared", "offers": [offer(3)] });
    one_of(post("/v1/admin/sales").json(&table), "one").await.is(201);
    let pause = || post("/v1/admin/sales/shared/pause").key("pause-shared");
    assert!(!one_of(pause(), "one").await.is(200).replayed());
    one_of(post("/v1/admin/sales/shared/resume"), "two").await.is(200);
    let told = one_of(pause(), "two").await.is(200);
    assert!(!told.replayed());
    let shown = one_of(get("/v1/admin/sales/shared"), "one").await.is(200).json();
    assert_eq!(shown["paused"], true, "{shown}");
    assert!(one_of(pause(), "one").await.is(200).replayed());
}

#[tokio::test]
async fn a_keyed_change_is_known_after_a_crash() {
    let dir = TempDir::new().unwrap();
    let (key, body) = ("restocked-once", json!({ "sku": SKU, "units": 7 }));
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({})).await;
    let restock = || post(wall.admin("restock")).json(&body).key(key);
    let first = wall.operator(restock()).await.is(200);
    let (restock, name) = (restock(), wall.name().to_owned());
    let operator = server.operator.clone();
    server.kill();
    let server = Server::start(dir.path(), CONFIG);
    let again = server.client.tell(restock.bearer(&operator)).await.is(200);
    assert_eq!((again.replayed(), &again.body), (true, &first.body));
    let stats = get(format!("/v1/admin/sales/{name}/stats")).bearer(&operator);
    let stats = server.client.tell(stats).await.is(200).json();
    assert_eq!(stats["offers"][0]["total"], 17);
}

#[tokio::test]
async fn a_change_of_a_sale_that_has_changed_since_is_refused() {
    let wall = Wall::new(json!({})).await;
    let seen = wall.operator(get(wall.admin(""))).await.is(200);
    let version = seen.header("etag").unwrap().to_owned();
    assert_eq!(version, "\"1-0\"");
    let with = |change: Ask, version: &str| wall.operator(change.header("if-match", version));
    let changed = with(post(wall.admin("pause")), &version).await.is(200);
    assert_eq!(changed.header("etag"), Some("\"1-1\""));
    for (change, _) in changes(&wall) {
        let before = wall.picture().await;
        let refused = with(change.clone(), &version).await;
        assert_eq!(refused.header("etag"), Some("\"1-1\""));
        refused.refuses(412, "precondition_failed");
        with(change, "W/\"1-1\"").await.refuses(412, "precondition_failed");
        assert_eq!(wall.picture().await, before);
    }
    with(ask("DELETE", wall.admin("")), &version).await.refuses(412, "precondition_failed");
    with(post(wall.admin("resume")), "\"1-0\", \"1-1\"").await.is(200);
    with(post(wall.admin("pause")), "*").await.is(200);
    // A repeat with its key is answered, though the version has moved on by it.
    let restock = || post(wall.admin("restock")).json(&json!({ "sku": SKU, "units": 1 })).key("k");
    let first = with(restock(), "\"1-3\"").await.is(200);
    let again = with(restock(), "\"1-3\"").await.is(200);
    assert_eq!((again.replayed(), &again.body), (true, &first.body));
    assert_eq!(wall.units().await, [11, 0, 0, 0]);
    with(ask("DELETE", wall.admin("")), "\"1-4\"").await.is(204);
}

#[tokio::test]
async fn the_audit_comes_in_pages_and_names_the_fields_of_a_change() {
    let wall = Wall::new(json!({})).await;
    for round in 0..5 {
        wall.act("message", json!({ "message": round.to_string() })).await;
    }
    let changed = json!({ "hold_seconds": 9, "title": "New" });
    wall.operator(ask("PATCH", wall.admin("")).json(&changed)).await.is(200);
    let (mut seen, mut path) = (Vec::new(), format!("{}?limit=3", wall.admin("audit")));
    loop {
        let page = wall.operator(get(path)).await.is(200).json();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|entry| [text(&entry["action"]), text(&entry["detail"])]));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(items.len(), 3);
        // What happens meanwhile moves nothing between the pages.
        if seen.len() == 3 {
            wall.act("pause", Value::Null).await;
        }
        path = format!("{}?limit=3&cursor={cursor}", wall.admin("audit"));
    }
    let expected = [
        ["update", "title, hold_seconds"],
        ["message", "4"],
        ["message", "3"],
        ["message", "2"],
        ["message", "1"],
        ["message", "0"],
        ["create", ""],
    ];
    assert_eq!(seen, expected);
    let bad = wall.operator(get(format!("{}?cursor=x", wall.admin("audit")))).await;
    bad.refuses(422, "invalid_request");
}
