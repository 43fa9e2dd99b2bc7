//! Every request ends in one answer or in none, and the handler hears which; what never became a
//! request is told apart from it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use api::server::Loss;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::support::{Fixture, GET, PATIENCE, read_to_close, read_until, responses, start};

/// Waits until as many requests were begun, answered and abandoned.
async fn counts(fixture: &Fixture, expected: [usize; 3]) {
    let echo = &fixture.echo;
    let until = Instant::now() + PATIENCE;
    loop {
        let counters = [&echo.begun, &echo.answered, &echo.abandoned];
        let found = counters.map(|counter| counter.load(Ordering::Relaxed));
        if found == expected {
            return;
        }
        assert!(Instant::now() < until, "begun, answered, abandoned: {found:?}, not {expected:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn losses(fixture: &Fixture, expected: &[Loss]) {
    let until = Instant::now() + PATIENCE;
    while *fixture.echo.losses.lock().unwrap() != expected {
        let found = fixture.echo.losses.lock().unwrap().clone();
        assert!(Instant::now() < until, "{found:?}, not {expected:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn every_answer_passes_the_handler_once_refusals_and_late_ones_included() {
    let fixture = start(|options| options.request_timeout = Duration::from_millis(200));
    let close = "Host: a\r\nConnection: close\r\n";
    let requests = [
        format!("GET /now HTTP/1.1\r\n{close}\r\n"),
        format!("HEAD /now HTTP/1.1\r\n{close}\r\n"),
        "GET /now HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET /now HTTP/1.1\r\nHost: b\r\n{close}\r\n"),
        format!("GET /wait HTTP/1.1\r\n{close}\r\n"),
        format!("GET /panic HTTP/1.1\r\n{close}\r\n"),
        format!("GET /panic-later HTTP/1.1\r\n{close}\r\n"),
        format!("POST /p HTTP/1.1\r\n{close}Content-Length: 20000\r\n\r\n{}", "x".repeat(20_000)),
        format!("POST /p HTTP/1.1\r\n{close}Content-Length: 5\r\n\r\n"),
    ];
    for request in &requests {
        let answer = fixture.exchange(request.as_bytes()).await;
        assert_eq!(responses(&answer), 1, "{answer}");
        assert_eq!(answer.matches("x-answered: once\r\n").count(), 1, "{request}: {answer}");
    }
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let head = read_until(&mut stream, "event: place").await;
    assert!(head.contains("x-answered: once\r\n"), "{head}");
    counts(&fixture, [requests.len() + 1, requests.len() + 1, 0]).await;
    losses(&fixture, &[]).await;
}

#[tokio::test]
async fn a_request_whose_client_went_away_is_abandoned_not_answered() {
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    counts(&fixture, [1, 0, 0]).await;
    drop(stream);
    counts(&fixture, [1, 0, 1]).await;
    fixture.echo.gate.add_permits(1);
    fixture.assert_serves().await;
    counts(&fixture, [2, 1, 1]).await;
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_noticed_though_only_hyper_answers_it() {
    let fixture = start(|_| {});
    for request in [
        "GET /now HTTP/1.1\r\nHost: a\nX: y\r\n\r\n".to_owned(),
        "GET /now HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"
            .to_owned(),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(70_000)),
        "G ET\r\n\r\n".to_owned(),
    ] {
        fixture.exchange(request.as_bytes()).await;
    }
    losses(&fixture, &[Loss::Malformed; 4]).await;
    counts(&fixture, [0, 0, 0]).await;
}

#[tokio::test]
async fn connections_that_are_full_late_or_not_read_are_noticed() {
    let fixture = start(|options| {
        options.connections_max = 1;
        options.header_read_timeout = Duration::from_millis(300);
        options.write_timeout = Duration::from_millis(300);
    });
    let mut first = fixture.connect().await;
    first.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut first, "now").await;
    let refused = read_to_close(&mut fixture.connect().await).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("too many connections"), "{refused}");
    losses(&fixture, &[Loss::Full]).await;
    drop(first);

    read_to_close(&mut admitted(&fixture, b"GET /now").await).await;
    losses(&fixture, &[Loss::Full, Loss::HeadLate]).await;
    let unread = admitted(&fixture, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    losses(&fixture, &[Loss::Full, Loss::HeadLate, Loss::NotReading]).await;
    drop(unread);
}

/// A connection that was let in and has sent this, once the one before is gone.
async fn admitted(fixture: &Fixture, bytes: &[u8]) -> TcpStream {
    let until = Instant::now() + PATIENCE;
    while fixture.server.open_connections() > 0 {
        assert!(Instant::now() < until, "a connection is still open");
        sleep(Duration::from_millis(5)).await;
    }
    let mut stream = fixture.connect().await;
    stream.write_all(bytes).await.unwrap();
    stream
}

#[tokio::test]
async fn tls_handshakes_that_fail_or_take_too_long_are_told_apart() {
    let secured = crate::tls::secured(|options| {
        options.header_read_timeout = Duration::from_millis(300);
    });
    let fixture = &secured.fixture;
    fixture.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    losses(fixture, &[Loss::Tls]).await;
    read_to_close(&mut fixture.connect().await).await;
    losses(fixture, &[Loss::Tls, Loss::TlsLate]).await;
}
