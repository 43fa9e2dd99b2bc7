//! The access log: what it says of a request, what it never says, and how much it says at the most.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Duration, sleep};

use crate::{
    client::{Told, ask, get, post},
    process::{CONFIG, Server},
    wall::{Wall, eventually},
};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const PROXY: [u8; 4] = [127, 0, 0, 2];

fn start(dir: &TempDir, options: &str) -> Server {
    let log = format!("format = \"json\"\n{options}");
    Server::start(dir.path(), &CONFIG.replace("filter = \"debug\"", &log))
}

/// All events of the access log so far.
fn events(server: &Server) -> Vec<Value> {
    let log = server.log();
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["target"] == "access").collect()
}

/// The one event of an answer.
async fn event_of(server: &Server, told: &Told) -> Value {
    let id = told.header("x-request-id").unwrap();
    let event =
        eventually(|| async { events(server).into_iter().find(|event| event["request_id"] == id) })
            .await;
    assert_eq!(events(server).iter().filter(|event| event["request_id"] == id).count(), 1);
    event
}

#[tokio::test]
async fn an_event_names_the_request_who_asked_and_what_came_of_it_and_no_secret() {
    let dir = TempDir::new().unwrap();
    let server = start(&dir, "access_sample = 1\naccess_per_second = 1000");
    let wall = Wall::on(&server, json!({})).await;
    let shopper = wall.admitted().await;
    let told = server.client.tell(
        get(wall.path("position"))
            .bearer(&shopper.ticket)
            .header("traceparent", TRACEPARENT)
            .header("x-forwarded-for", "198.51.100.7")
            .header("x-request-id", "from-the-proxy")
            .from(PROXY),
    );
    let told = told.await.is(200);
    let event = event_of(&server, &told).await;
    for (field, value) in [
        ("message", json!("answered")),
        ("request_id", json!("from-the-proxy")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("client", json!("198.51.100.7")),
        ("method", json!("GET")),
        ("route", json!("/v1/sales/{sale}/position")),
        ("status", json!(200)),
        ("bytes", json!(told.body.len())),
        ("code", Value::Null),
        ("why", json!("sample")),
    ] {
        assert_eq!(event[field], value, "{field} of {event}");
    }
    assert!(event["ms"].as_f64().is_some_and(|ms| (0.001..1_000.0).contains(&ms)), "{event}");

    let refused = wall.buy("no-pass", 1, "a-secret-key").await.refuses(401, "pass_invalid");
    let event = event_of(&server, &refused).await;
    assert_eq!((&event["why"], &event["code"]), (&json!("refused"), &json!("pass_invalid")));
    assert_eq!((&event["client"], &event["trace_id"]), (&json!("127.0.0.1"), &Value::Null));
    let lost = server.client.tell(get("/v1/../etc/passwd?token=t0ken")).await;
    assert_eq!(event_of(&server, &lost).await["route"], "unmatched");
    let page = server.client.tell(get("/s/none?token=t0ken")).await.is(404);
    let event = event_of(&server, &page).await;
    assert_eq!((&event["route"], &event["code"]), (&json!("/s/{sale}"), &json!("not_found")));
    let bare = server.client.raw(b"GET /v1/sales HTTP/1.1\r\n\r\n").await;
    let id = bare.split("x-request-id: ").nth(1).unwrap().split('\r').next().unwrap();
    eventually(|| async {
        events(&server).iter().any(|event| event["request_id"] == id).then_some(())
    })
    .await;

    let log = server.log();
    for secret in [&*shopper.ticket, &*shopper.pass, "no-pass", "a-secret-key", "t0ken", "passwd"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(events(&server).iter().all(|event| !event.to_string().contains(wall.name())));
}

#[tokio::test]
async fn without_a_sample_only_what_is_odd_is_told() {
    let dir = TempDir::new().unwrap();
    let server = start(&dir, "access_sample = 0");
    let wall = Wall::on(&server, json!({})).await;
    wall.held().await;
    server.client.tell(get("/v1/sales/none")).await.refuses(404, "not_found");
    wall.buy(&wall.admitted().await.pass, 11, "k").await.refuses(409, "sold_out");
    let odd = server.client.tell(get("/v1/admin/sales").bearer("wrong")).await;
    let odd = odd.refuses(401, "unauthorized");
    let event = event_of(&server, &odd).await;
    assert_eq!(event["route"], "/v1/admin/sales");
    assert_eq!(events(&server), [event]);
}

#[tokio::test]
async fn a_method_of_somebodys_own_is_not_written_out() {
    let dir = TempDir::new().unwrap();
    let server = start(&dir, "access_sample = 0");
    let method = "A".repeat(12_000);
    let told =
        server.client.tell(ask(&method, "/v1/sales")).await.refuses(405, "method_not_allowed");
    assert_eq!(event_of(&server, &told).await["method"], "other");
    assert!(!server.log().contains("AAAA"));
}

#[tokio::test]
async fn a_storm_of_refusals_is_bounded_a_second_and_what_is_left_out_is_counted() {
    let dir = TempDir::new().unwrap();
    let server = start(&dir, "access_sample = 0\naccess_per_second = 3");
    let asked = 40;
    for _ in 0..asked {
        server.client.tell(post("/v1/sales/x/enter").header("host", "")).await.is(400);
    }
    let told = eventually(|| async {
        let (told, left): (Vec<_>, Vec<_>) =
            events(&server).into_iter().partition(|event| event["message"] == "answered");
        let left: u64 = left.iter().map(|event| event["left_out"].as_u64().unwrap()).sum();
        (told.len() as u64 + left == asked).then_some(told)
    })
    .await;
    assert!(told.len() >= 3 && told.len() < 40, "{}", told.len());
    // Another kind has room of its own, and a second later so has this one.
    sleep(Duration::from_millis(1_100)).await;
    let odd = server.client.tell(get("/v1/admin/sales")).await.refuses(401, "unauthorized");
    event_of(&server, &odd).await;
}

#[tokio::test]
async fn a_filter_turns_the_access_log_off_alone() {
    let dir = TempDir::new().unwrap();
    let server = start(&dir, "access_sample = 1\nfilter = \"info,access=off\"");
    server.client.tell(get("/v1/admin/sales")).await.refuses(401, "unauthorized");
    sleep(Duration::from_millis(100)).await;
    assert!(events(&server).is_empty() && server.log().contains("recovered"), "{}", server.log());
}
