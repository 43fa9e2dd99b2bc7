//! The drain: what was accepted is answered, what idles is closed, what hangs is cut.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::support::{GET, read_to_close, read_until, start};

const GRACE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_request_in_flight_is_answered_and_told_to_close() {
    let fixture = start(|_| {});
    let mut idle = fixture.connect().await;
    idle.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut idle, "\"now\"").await;
    let mut busy = fixture.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while fixture.calls() < 2 {
        sleep(Duration::from_millis(5)).await;
    }

    let (addr, gate) = (fixture.addr, Arc::clone(&fixture.echo.gate));
    let shutdown = tokio::spawn(fixture.server.shutdown(GRACE));
    assert_eq!(read_to_close(&mut idle).await, "", "an idle connection is closed at once");
    assert!(TcpStream::connect(addr).await.is_err(), "the listener is still open");
    assert!(!shutdown.is_finished());
    gate.add_permits(1);
    let answer = read_to_close(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("waited"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn a_connection_accepted_last_still_gets_its_answer() {
    let fixture = start(|_| {});
    let mut late = fixture.connect().await;
    let shutdown = tokio::spawn(fixture.server.shutdown(GRACE));
    sleep(Duration::from_millis(50)).await;
    late.write_all(GET.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut late).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn streams_end_with_a_retry_hint() {
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_until(&mut stream, "event: place").await;
    let started = Instant::now();
    let shutdown = tokio::spawn(fixture.server.shutdown(GRACE));
    let rest = read_to_close(&mut stream).await;
    assert!(rest.contains("retry: 1000") && rest.ends_with("0\r\n\r\n"), "{rest:?}");
    assert_eq!(shutdown.await.unwrap(), 0);
    assert!(started.elapsed() < GRACE);
}

#[tokio::test]
async fn what_outlives_the_grace_is_cut() {
    let fixture = start(|_| {});
    let mut stuck = fixture.connect().await;
    stuck.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while fixture.calls() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    assert_eq!(fixture.server.shutdown(Duration::from_millis(200)).await, 1);
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(read_to_close(&mut stuck).await, "");
}
