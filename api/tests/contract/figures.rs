//! What the figures of the operations listener say of refusals, of connections that came to nothing
//! and of sales that are gone.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{
    client::{ask, get, post},
    process::{CONFIG, Server},
    wall::{Wall, eventually},
};

pub(crate) async fn figures(server: &Server) -> String {
    server.ops.tell(get("/metrics")).await.text()
}

/// The value of a series; `None` if there is no such series.
pub(crate) fn value(figures: &str, series: &str) -> Option<f64> {
    let line = figures.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

/// Waits until a series has a value.
async fn reaches(server: &Server, series: &str, expected: f64) {
    eventually(|| async {
        (value(&figures(server).await, series) == Some(expected)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_series_of_a_sale_end_with_it_and_those_of_a_namesake_count_from_zero() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let series = |figures: &str| figures.lines().filter(|line| !line.starts_with('#')).count();
    let mut first = None;
    for round in 0..150 {
        let wall = Wall::on(&server, json!({})).await;
        wall.act("pause", Value::Null).await;
        wall.waiting().await;
        let with = figures(&server).await;
        assert!(with.contains(&format!("rushgate_line_length{{sale=\"{}\"}} 1", wall.name())));
        wall.act("close", Value::Null).await;
        wall.operator(ask("DELETE", format!("/v1/admin/sales/{}", wall.name()))).await.is(204);
        let without = figures(&server).await;
        assert!(!without.contains("{sale=\""), "of sale {round}: {without}");
        // One scrape more, since the first of all has not been counted yet.
        if round > 0 {
            let now = series(&without);
            assert_eq!(*first.get_or_insert(now), now, "{without}");
        }
    }

    let table = json!({ "id": "again", "offers": [{ "sku": "x", "total": 1, "price": 1, "currency": "USD" }] });
    let entered = "rushgate_enter_total{sale=\"again\",outcome=\"waiting\"}";
    for _ in 0..2 {
        server.client.tell(operator(&server, post("/v1/admin/sales")).json(&table)).await.is(201);
        server.client.tell(operator(&server, post("/v1/admin/sales/again/pause"))).await;
        let enter = post("/v1/sales/again/enter").key("a-key-of-22-characters");
        server.client.tell(enter).await.is(202);
        assert_eq!(value(&figures(&server).await, entered), Some(1.0));
        server.client.tell(operator(&server, post("/v1/admin/sales/again/close"))).await.is(200);
        let delete = ask("DELETE", "/v1/admin/sales/again");
        server.client.tell(operator(&server, delete)).await.is(204);
    }
}

fn operator(server: &Server, ask: crate::client::Ask) -> crate::client::Ask {
    ask.bearer(&server.operator)
}

#[tokio::test]
async fn refusals_and_what_came_to_nothing_are_counted_by_their_reason() {
    let dir = TempDir::new().unwrap();
    let config =
        CONFIG.replace("[server]", "[server]\nheader_timeout_ms = 200\nrequest_timeout_ms = 300");
    let server = Server::start(dir.path(), &config);
    let client = server.client;
    client.tell(get("/v1/sales/none")).await.refuses(404, "not_found");
    client.raw(b"GET /v1/sales HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await;
    client.raw(b"GET /v1/sales HTTP/1.1\nHost: a\n\n").await;
    client.raw(b"GET /v1/sal").await;
    let wall = Wall::on(&server, json!({})).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: 9\r\n\r\n",
        wall.path("enter"),
        server.operator
    );
    let late = client.raw(head.as_bytes()).await;
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");

    for (series, expected) in [
        ("rushgate_http_problems_total{code=\"not_found\"}", 1.0),
        ("rushgate_http_problems_total{code=\"bad_request\"}", 1.0),
        ("rushgate_http_problems_total{code=\"request_timeout\"}", 1.0),
        (
            "rushgate_http_request_seconds_count{route=\"/v1/sales/{sale}/enter\",status=\"408\"}",
            1.0,
        ),
        ("rushgate_connections_lost_total{reason=\"malformed\"}", 1.0),
        ("rushgate_connections_lost_total{reason=\"head_late\"}", 1.0),
        ("rushgate_connections_lost_total{reason=\"full\"}", 0.0),
    ] {
        reaches(&server, series, expected).await;
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_in_time_and_counts_no_more() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(
        dir.path(),
        &CONFIG.replace("[server]", "[server]\nheader_timeout_ms = 2000"),
    );
    let mut silent = TcpStream::connect(server.client.addr).await.unwrap();
    reaches(&server, "rushgate_connections", 1.0).await;
    let late = "rushgate_connections_lost_total{reason=\"head_late\"}";
    assert_eq!(value(&figures(&server).await, late), Some(0.0));

    let end = timeout(Duration::from_secs(6), silent.read(&mut [0; 64])).await;
    assert_eq!(end.expect("closed in time").ok(), Some(0), "without an answer to nothing");
    reaches(&server, "rushgate_connections", 0.0).await;
    assert_eq!(value(&figures(&server).await, late), Some(1.0));
}

#[tokio::test]
async fn open_connections_streams_and_limited_addresses_are_shown() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    for series in ["rushgate_connections", "rushgate_streams", "rushgate_limiter_buckets"] {
        reaches(&server, series, 0.0).await;
    }
    let wall = Wall::on(&server, json!({})).await;
    wall.act("pause", Value::Null).await;
    let ticket = wall.waiting().await;
    let mut stream = TcpStream::connect(server.client.addr).await.unwrap();
    let path = wall.path("stream");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ticket}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 512]).await.unwrap() > 0);
    reaches(&server, "rushgate_connections", 1.0).await;
    reaches(&server, "rushgate_streams", 1.0).await;
    drop(stream);
    reaches(&server, "rushgate_streams", 0.0).await;
    let buckets = value(&figures(&server).await, "rushgate_limiter_buckets");
    // A bucket is full again after a fraction of a second, and then it is none.
    assert!(buckets.is_some_and(|buckets| buckets <= 2.0), "{buckets:?}");
    let present: Value = server.ops.tell(get("/readyz")).await.json();
    assert_eq!(present["status"], "ready");
}
