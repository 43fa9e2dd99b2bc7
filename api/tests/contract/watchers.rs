//! Many event streams at once: everyone is told, in every way a stream can end.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::{Response, body::Incoming};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    client::{PATIENCE, get, post},
    wall::{Wall, text},
};

/// Watchers of one sale.
const WATCHERS: usize = 300;
/// One in so many watches over HTTP/2.
const HTTP2_EVERY: usize = 10;
/// Longer than the hub takes to tell a crowd of this size.
const TOLD: Duration = Duration::from_millis(1_500);

async fn paused() -> Wall<'static> {
    let wall = Wall::new(json!({})).await;
    wall.act("pause", Value::Null).await;
    wall
}

/// Reads a stream to its end.
fn reading(watch: Response<Incoming>) -> JoinHandle<String> {
    assert_eq!(watch.status(), 200);
    tokio::spawn(async move {
        let body = watch.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    })
}

async fn watch(wall: &Wall<'_>, ticket: &str) -> JoinHandle<String> {
    reading(wall.server.client.open(&get(wall.path("stream")).bearer(ticket)).await)
}

async fn ended(reading: JoinHandle<String>) -> String {
    timeout(PATIENCE, reading).await.expect("the stream ends").unwrap()
}

/// The places that were told, oldest first.
fn places(body: &str) -> Vec<Value> {
    let events = body.split("\n\n").filter_map(|event| event.split_once("event: place\ndata: "));
    events.map(|(_, data)| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn hundreds_of_watchers_are_all_told_and_end_with_their_admission() {
    let wall = paused().await;
    let mut watchers = Vec::new();
    for index in 0..WATCHERS {
        let ticket = wall.waiting().await;
        if index % HTTP2_EVERY == 0 {
            let ask = get(wall.path("stream")).bearer(&ticket);
            watchers.push(reading(wall.server.client.open_http2(&ask).await));
        } else {
            watchers.push(watch(&wall, &ticket).await);
        }
    }
    wall.act("message", json!({ "message": "soon" })).await;
    sleep(TOLD).await;
    wall.act("resume", Value::Null).await;
    let mut hints = std::collections::BTreeSet::new();
    for watcher in watchers {
        let body = ended(watcher).await;
        let hint = body.strip_prefix("retry: ").and_then(|rest| rest.split_once("\n\n"));
        let hint: u32 = hint.unwrap_or_else(|| unreachable!("{body}")).0.parse().unwrap();
        assert!((2_000..=6_000).contains(&hint), "{body}");
        hints.insert(hint);
        let places = places(&body);
        let told = |name: &str, value: &str| places.iter().any(|place| place[name] == value);
        assert!(told("state", "waiting") && told("message", "soon"), "{body}");
        let last = places.last().unwrap();
        assert_eq!((&last["state"], &last["position"]), (&json!("admitted"), &json!(0)), "{body}");
        assert!(last["pass"].is_string(), "{body}");
        let shown: Vec<u64> =
            places.iter().map(|place| place["position"].as_u64().unwrap()).collect();
        assert!(
            shown.is_sorted_by(|earlier, later| earlier >= later),
            "a position rose: {shown:?}"
        );
    }
    assert_eq!(wall.stats().await["active_sessions"], WATCHERS);
    assert!(hints.len() > WATCHERS / 2, "a crowd does not come back together: {hints:?}");
}

#[tokio::test]
async fn two_watchers_of_one_ticket_get_the_same_admission() {
    let wall = paused().await;
    let ticket = wall.waiting().await;
    let watchers = [watch(&wall, &ticket).await, watch(&wall, &ticket).await];
    wall.act("resume", Value::Null).await;
    let mut passes = Vec::new();
    for watcher in watchers {
        let body = ended(watcher).await;
        passes.push(text(&places(&body).last().unwrap()["pass"]));
    }
    assert_eq!(passes[0], passes[1]);
    assert_eq!(wall.stats().await["active_sessions"], 1);
}

/// One more is what a page opens that lost its connection: the server does not know it yet.
#[tokio::test]
async fn one_stream_more_of_a_ticket_ends_its_oldest_which_comes_back_late() {
    let wall = paused().await;
    let [ticket, other] = [wall.waiting().await, wall.waiting().await];
    let beside = watch(&wall, &other).await;
    let mut streams = std::collections::VecDeque::new();
    for index in 0..6 {
        // Over either protocol, with the ticket in either place.
        let ask = get(wall.path("stream")).bearer(&ticket);
        streams.push_back(match index % 2 {
            0 => reading(wall.server.client.open(&ask).await),
            _ => reading(wall.server.client.open_http2(&ask).await),
        });
        if streams.len() > 2 {
            let body = ended(streams.pop_front().unwrap()).await;
            let hint = body.rsplit_once("retry: ").unwrap().1.trim_end().parse::<u32>();
            assert!((30_000..=60_000).contains(&hint.unwrap()), "{body}");
            assert_eq!(places(&body).len(), 1, "{body}");
        }
    }
    wall.act("resume", Value::Null).await;
    for stream in streams.into_iter().chain([beside]) {
        let body = ended(stream).await;
        assert_eq!(places(&body).last().unwrap()["state"], "admitted", "{body}");
    }
}

#[tokio::test]
async fn leaving_ends_the_stream_and_moves_up_who_is_behind() {
    let wall = paused().await;
    let first = wall.waiting().await;
    let second = wall.waiting().await;
    let (left, behind) = (watch(&wall, &first).await, watch(&wall, &second).await);
    sleep(TOLD).await;
    wall.tell(post(wall.path("leave")).bearer(&first)).await.is(204);
    let body = ended(left).await;
    assert!(body.ends_with("event: gone\ndata: {\"code\":\"ticket_left\"}\n\n"), "{body}");
    sleep(TOLD).await;
    wall.act("resume", Value::Null).await;
    let body = ended(behind).await;
    let places = places(&body);
    let mut shown: Vec<&Value> = places.iter().map(|place| &place["position"]).collect();
    // Once more when the gate moves again and nobody was called yet: there is an estimate then.
    shown.dedup();
    assert_eq!(shown, [&json!(2), &json!(1), &json!(0)], "{body}");
}

/// Whoever is called already is let in by the stream alone.
#[tokio::test]
async fn a_stream_opened_when_called_claims_at_once() {
    let wall = paused().await;
    let ticket = wall.waiting().await;
    wall.act("resume", Value::Null).await;
    crate::wall::eventually(|| async { (wall.status().await["serving"] == 1).then_some(()) }).await;
    let body = ended(watch(&wall, &ticket).await).await;
    let places = places(&body);
    assert_eq!(places.len(), 1, "{body}");
    assert_eq!(places[0]["state"], "admitted");
}

/// A browser's `EventSource` comes back after every end; 204 is what stops it.
#[tokio::test]
async fn a_stream_that_ended_with_an_admission_rests() {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    let ask = get(wall.path("stream")).bearer(&shopper.ticket);
    let body = ended(watch(&wall, &shopper.ticket).await).await;
    assert!(body.contains("id: admitted\nretry: 300000\n\nevent: place\n"), "{body}");
    assert_eq!(places(&body)[0]["state"], "admitted");
    let told = wall.tell(ask.clone().header("last-event-id", "admitted")).await.is(204);
    assert!(told.body.is_empty());
    // The rest is one for the admitted alone.
    wall.act("pause", Value::Null).await;
    let waiting = wall.waiting().await;
    let ask = get(wall.path("stream")).bearer(&waiting).header("last-event-id", "admitted");
    assert_eq!(wall.server.client.open(&ask).await.status(), 200);
}
