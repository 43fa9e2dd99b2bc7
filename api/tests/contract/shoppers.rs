//! What shoppers do before they buy: status, entering, position, claim, leaving, the stream, and
//! all the ways a place ends.

use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    client::{PATIENCE, ask, get, post},
    wall::{SKU, Wall, eventually, keys, text},
};

const PLACE: [&str; 13] = [
    "ahead",
    "eta_seconds",
    "expires_at",
    "line_length",
    "message",
    "number",
    "pass",
    "pass_expires_at",
    "poll_after_ms",
    "position",
    "sale",
    "serving",
    "state",
];

async fn paused(changes: Value) -> Wall<'static> {
    let wall = Wall::new(changes).await;
    wall.act("pause", Value::Null).await;
    wall
}

#[tokio::test]
async fn a_status_is_the_same_for_everyone_and_may_be_cached() {
    let wall = Wall::new(json!({ "admission_per_second": 12.5 })).await;
    let told = wall.tell(get(wall.path(""))).await.is(200);
    assert_eq!(told.header("cache-control"), Some("public, max-age=1, stale-while-revalidate=5"));
    assert_eq!(told.header("content-type"), Some("application/json"));
    let status = told.json();
    assert_eq!(
        keys(&status),
        [
            "admission_per_second",
            "closes_at",
            "draw",
            "epoch",
            "line_length",
            "message",
            "offers",
            "opens_at",
            "paused",
            "sale",
            "serving",
            "state",
            "title",
        ]
    );
    assert_eq!(status["state"], "open");
    assert_eq!(status["admission_per_second"], 12.5);
    let offer = json!({ "sku": SKU, "price": 99_000, "currency": "KRW", "total": 10,
        "available": 10, "state": "available" });
    assert_eq!(status["offers"], json!([offer]));
    let head = wall.tell(ask("HEAD", wall.path(""))).await.is(200);
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn the_list_has_open_and_coming_sales_and_no_closed_ones() {
    let open = Wall::new(json!({})).await;
    let coming = Wall::new(json!({ "opens_at": "2099-01-01T00:00:00Z" })).await;
    let closed = Wall::new(json!({})).await;
    closed.act("close", Value::Null).await;
    let told = open.tell(get("/v1/sales?limit=1000")).await.is(200);
    assert_eq!(told.header("cache-control"), Some("public, max-age=1, stale-while-revalidate=5"));
    let listed = told.json();
    let state = |wall: &Wall<'_>| {
        let sales = listed["items"].as_array().unwrap();
        sales.iter().find(|s| s["sale"] == wall.name()).map(|sale| text(&sale["state"]))
    };
    assert_eq!(state(&open).as_deref(), Some("open"));
    assert_eq!(state(&coming).as_deref(), Some("coming"));
    assert_eq!(state(&closed), None);
    coming.enter().await.refuses(409, "sale_not_open");
    closed.enter().await.refuses(409, "sale_not_open");
}

#[tokio::test]
async fn defect_6_a_place_waits_is_called_and_is_claimed_by_its_poll() {
    let wall = paused(json!({})).await;
    let first = wall.enter().await.is(202);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let first = first.json();
    let mut with_ticket = PLACE.to_vec();
    with_ticket.push("ticket");
    assert_eq!(keys(&first), with_ticket);
    assert_eq!((&first["state"], &first["number"]), (&json!("waiting"), &json!(1)));
    assert_eq!((&first["pass"], &first["pass_expires_at"]), (&Value::Null, &Value::Null));
    let second = wall.waiting().await;

    let told = wall.position(&second).await.is(200);
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let place = told.json();
    assert_eq!(keys(&place), PLACE);
    for (name, value) in
        [("number", 2), ("position", 2), ("ahead", 1), ("serving", 0), ("line_length", 2)]
    {
        assert_eq!(place[name], value, "{name}");
    }
    assert!(place["poll_after_ms"].as_u64().unwrap() >= 1_000);

    wall.act("resume", Value::Null).await;
    let admitted = eventually(|| async {
        let place = wall.position(&second).await.is(200).json();
        (place["state"] == "admitted").then_some(place)
    })
    .await;
    assert_eq!((&admitted["position"], &admitted["serving"]), (&json!(0), &json!(2)));
    assert!(admitted["pass"].is_string() && admitted["pass_expires_at"].is_string());
    let again = wall.position(&second).await.is(200).json();
    assert_eq!(again["pass"], admitted["pass"], "one admission has one pass");
    wall.buy(&text(&admitted["pass"]), 1, "k").await.is(201);
}

#[tokio::test]
async fn who_is_let_in_at_once_is_told_200_with_the_pass() {
    let wall = Wall::new(json!({})).await;
    let told = wall.enter().await.is(200);
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let place = told.json();
    assert_eq!((&place["state"], &place["position"]), (&json!("admitted"), &json!(0)));
    assert_eq!(place["expires_at"], place["pass_expires_at"]);
}

#[tokio::test]
async fn leaving_is_idempotent_and_moves_the_rest_up() {
    let wall = paused(json!({})).await;
    let (first, second) = (wall.waiting().await, wall.waiting().await);
    for _ in 0..2 {
        let left = wall.tell(post(wall.path("leave")).bearer(&first)).await.is(204);
        assert!(left.body.is_empty());
    }
    wall.position(&first).await.refuses(410, "ticket_left");
    wall.tell(get(wall.path("stream")).bearer(&first)).await.refuses(410, "ticket_left");
    let place = wall.position(&second).await.is(200).json();
    assert_eq!((&place["number"], &place["position"]), (&json!(2), &json!(1)));
    let stats = wall.stats().await;
    assert_eq!((&stats["departed"], &stats["line_length"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn an_entry_repeated_after_its_place_is_left_gives_a_new_place_and_a_ticket_that_is_good() {
    let wall = paused(json!({})).await;
    let again = || post(wall.path("enter")).key("2f1c7a50-3f0e-4a8e-9a51-6a9f0b7c1d22");
    let first = wall.tell(again()).await.is(202).json();
    let repeated = wall.tell(again()).await.is(202);
    assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
    assert_eq!(repeated.json(), first);
    wall.tell(post(wall.path("leave")).bearer(&text(&first["ticket"]))).await.is(204);
    let fresh = wall.tell(again()).await.is(202);
    assert_eq!(fresh.header("idempotent-replayed"), None);
    let fresh = fresh.json();
    assert_eq!((&first["number"], &fresh["number"]), (&json!(1), &json!(2)));
    let place = wall.position(&text(&fresh["ticket"])).await.is(200).json();
    assert_eq!((&place["number"], &place["state"]), (&json!(2), &json!("waiting")));
    assert_eq!(wall.tell(again()).await.is(202).json(), fresh);
}

#[tokio::test]
async fn leaving_after_admission_frees_the_slot_for_the_next() {
    let wall = Wall::new(json!({ "active_max": 1 })).await;
    let first = wall.admitted().await;
    let second = wall.waiting().await;
    assert_eq!(wall.position(&second).await.json()["state"], "waiting");
    wall.tell(post(wall.path("leave")).bearer(&first.ticket)).await.is(204);
    wall.position(&first.ticket).await.refuses(410, "ticket_left");
    wall.buy(&first.pass, 1, "k").await.refuses(401, "pass_expired");
    eventually(|| async {
        (wall.position(&second).await.is(200).json()["state"] == "admitted").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_place_not_heard_of_departs_and_one_that_polls_stays() {
    let wall = paused(json!({ "idle_seconds": 1 })).await;
    let (silent, polling) = (wall.waiting().await, wall.waiting().await);
    eventually(|| async {
        let place = wall.position(&polling).await.is(200).json();
        (place["position"] == 1).then_some(())
    })
    .await;
    wall.position(&silent).await.refuses(410, "ticket_expired");
}

#[tokio::test]
async fn scenario_8_an_unclaimed_call_and_an_over_session_free_their_slots() {
    let wall =
        paused(json!({ "claim_window_seconds": 1, "session_seconds": 1, "active_max": 1 })).await;
    let (unclaimed, next) = (wall.waiting().await, wall.waiting().await);
    wall.act("resume", Value::Null).await;
    let claimed = eventually(|| async {
        let place = wall.position(&next).await;
        let admitted = place.status == 200 && place.json()["state"] == "admitted";
        admitted.then(|| place.json())
    })
    .await;
    wall.position(&unclaimed).await.refuses(410, "ticket_expired");
    let pass = text(&claimed["pass"]);
    eventually(|| async { (wall.stats().await["active_sessions"] == 0).then_some(()) }).await;
    wall.position(&next).await.refuses(410, "ticket_expired");
    wall.buy(&pass, 1, "late").await.refuses(401, "pass_expired");
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn a_stream_tells_places_and_ends_with_the_admission() {
    let wall = paused(json!({})).await;
    let ticket = wall.waiting().await;
    let watch = wall.server.client.open(&get(wall.path("stream")).bearer(&ticket)).await;
    assert_eq!(watch.status(), 200);
    assert_eq!(watch.headers()["content-type"], "text/event-stream");
    assert_eq!(watch.headers()["cache-control"], "no-store");
    let reading = tokio::spawn(async move { watch.into_body().collect().await });
    sleep(std::time::Duration::from_millis(700)).await;
    wall.act("message", json!({ "message": "two\nlines" })).await;
    sleep(std::time::Duration::from_millis(700)).await;
    wall.act("resume", Value::Null).await;
    let body = timeout(PATIENCE, reading).await.unwrap().unwrap().unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.starts_with("retry: "), "{body}");
    let mut places: Vec<Value> = Vec::new();
    for event in body.split("\n\n").filter(|event| event.starts_with("event: ")) {
        let data = event.strip_prefix("event: place\ndata: ").unwrap();
        places.push(serde_json::from_str(data).unwrap());
        assert_eq!(keys(places.last().unwrap()), PLACE);
    }
    let states: Vec<&str> = places.iter().map(|place| place["state"].as_str().unwrap()).collect();
    assert_eq!((states.first(), states.last()), (Some(&"waiting"), Some(&"admitted")), "{body}");
    assert!(places.iter().any(|place| place["message"] == "two\nlines"), "{body}");
    assert!(places.last().unwrap()["pass"].is_string());
}

#[tokio::test]
async fn defect_6_the_line_of_a_sold_out_or_closed_sale_is_told_so() {
    let wall = Wall::new(json!({ "active_max": 1, "overbook": 1.0 })).await;
    wall.act("restock", json!({ "sku": SKU, "units": -9 })).await;
    let (_, purchase) = wall.held().await;
    let waiting = wall.waiting().await;
    wall.step(&purchase, "confirm").await.is(200);
    assert_eq!(wall.position(&waiting).await.is(200).json()["state"], "sold_out");
    assert_eq!(wall.status().await["state"], "sold_out");
    assert_eq!(wall.status().await["offers"][0]["state"], "sold_out");
    wall.act("close", Value::Null).await;
    assert_eq!(wall.position(&waiting).await.is(200).json()["state"], "closed");
    assert_eq!(wall.status().await["state"], "closed");
}

#[tokio::test]
async fn beside_a_full_room_no_wait_is_made_up() {
    let wall = Wall::new(json!({ "active_max": 1, "session_seconds": 600 })).await;
    wall.admitted().await;
    let entered = wall.enter().await.is(202).json();
    assert_eq!(entered["eta_seconds"], Value::Null, "no slot was seen to fall free");
    let place = wall.position(&text(&entered["ticket"])).await.is(200).json();
    assert_eq!((&place["state"], &place["eta_seconds"]), (&json!("waiting"), &Value::Null));
}
