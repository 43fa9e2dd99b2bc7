//! Refusals that are told late: what a loop that ignores them costs.

use std::time::Duration;

use api::server::ServerOptions;
use hyper::{Method, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http2::{client, send};
use crate::support::{Fixture, GET, read_until, responses, start};

/// How late a refusal is, and a little less.
const LATE: Duration = Duration::from_millis(950);
/// Long before that.
const AT_ONCE: Duration = Duration::from_millis(500);
/// Refusals that may wait on one HTTP/2 connection.
const OF_CONNECTION_MAX: usize = 8;

fn often(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[tokio::test]
async fn a_refused_request_is_answered_a_second_late_and_nothing_is_read_meanwhile() {
    let fixture = start(|options| options.idle_timeout = Duration::from_millis(300));
    for path in ["/often", "/often-later"] {
        let (calls, asked) = (fixture.calls(), Instant::now());
        let mut stream = fixture.connect().await;
        let both = [often(path).as_bytes(), GET.as_bytes()].concat();
        stream.write_all(&both).await.unwrap();
        let other = Instant::now();
        fixture.assert_serves().await;
        assert!(other.elapsed() < AT_ONCE, "other connections do not wait");
        assert_eq!(fixture.calls(), calls + 2, "{path}: the second request waits");
        let text = read_until(&mut stream, "\"now\"").await;
        assert!(asked.elapsed() > LATE, "{path}: {:?}", asked.elapsed());
        assert!(text.starts_with("HTTP/1.1 429 "), "{text}");
        assert_eq!(responses(&text), 2, "{text}");
    }
}

#[tokio::test]
async fn exempt_networks_are_refused_at_once() {
    let exempt = |options: &mut ServerOptions| {
        options.peers.exempt = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let fixture = start(exempt);
    let (mut stream, asked) = (fixture.connect().await, Instant::now());
    for _ in 0..20 {
        stream.write_all(often("/often").as_bytes()).await.unwrap();
        read_until(&mut stream, "too often").await;
    }
    assert!(asked.elapsed() < AT_ONCE);
}

/// Sends so many requests at once on one HTTP/2 connection; how many were refused.
async fn streams(fixture: &Fixture, count: usize) -> (usize, Duration) {
    let client = client(fixture.connect().await).await;
    assert_eq!(send(client.clone(), Method::GET, "/now", 0).await.0, StatusCode::OK);
    let asked = Instant::now();
    let mut sent = JoinSet::new();
    for index in 0..count {
        let path = if index % 2 == 0 { "/often" } else { "/often-later" };
        sent.spawn(send(client.clone(), Method::GET, path, 0));
    }
    let mut refused = 0;
    while let Some(Ok((status, _))) = sent.join_next().await {
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    (refused, asked.elapsed())
}

#[tokio::test]
async fn http2_streams_wait_up_to_their_bound_and_beyond_it_the_connection_ends() {
    let fixture = start(|_| {});
    let (refused, took) = streams(&fixture, OF_CONNECTION_MAX).await;
    assert_eq!(refused, OF_CONNECTION_MAX);
    assert!(took > LATE, "{took:?}");

    let client = client(fixture.connect().await).await;
    assert_eq!(send(client.clone(), Method::GET, "/now", 0).await.0, StatusCode::OK);
    let mut sent = JoinSet::new();
    for _ in 0..=OF_CONNECTION_MAX {
        sent.spawn(send(client.clone(), Method::GET, "/often", 0));
    }
    let answers = sent.join_all().await;
    assert!(answers.iter().all(|(status, _)| *status == StatusCode::TOO_MANY_REQUESTS));
    assert!(client.is_closed(), "nothing more is taken here");
    while fixture.server.open_connections() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_proxy_is_refused_at_once_and_its_connections_serve_the_next_client() {
    let trust = |options: &mut ServerOptions| {
        options.trusted = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let fixture = start(trust);
    let (refused, took) = streams(&fixture, 4 * OF_CONNECTION_MAX).await;
    assert_eq!(refused, 4 * OF_CONNECTION_MAX);
    assert!(took < AT_ONCE, "{took:?}");
    for path in ["/often", "/often-later"] {
        let (mut stream, asked) = (fixture.connect().await, Instant::now());
        stream.write_all(&[often(path).as_bytes(), GET.as_bytes()].concat()).await.unwrap();
        let text = read_until(&mut stream, "\"now\"").await;
        assert!(text.starts_with("HTTP/1.1 429 "), "{text}");
        assert!(asked.elapsed() < AT_ONCE, "{path}: {:?}", asked.elapsed());
    }
}
