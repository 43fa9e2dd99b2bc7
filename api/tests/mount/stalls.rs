//! A mounted service that stalls, and polls beside it.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    client::Told,
    server::{Bounds, Server},
};

const ROOM: usize = 32;
const POLLS: usize = 1_000;

/// The 99th percentile of polls, one after the other on a connection.
async fn p99(addr: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut times = Vec::with_capacity(POLLS);
    let mut bytes = [0; 4096];
    for _ in 0..POLLS {
        let started = Instant::now();
        stream.write_all(b"GET /v1/sales/demo HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..count].starts_with(b"HTTP/1.1 200 "));
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times[POLLS * 99 / 100]
}

/// Asks for two seconds; how often it was refused, and how often not.
async fn ask_on(addr: SocketAddr) -> (usize, usize) {
    let (mut refused, mut other) = (0, 0);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        let told = Told::get(addr, "/hello").await;
        if told.status == 503 {
            refused += 1;
        } else {
            other += 1;
        }
        sleep(Duration::from_millis(5)).await;
    }
    (refused, other)
}

/// What the room is full of; `/busy` takes the runtime's threads as well.
async fn stalled_by(path: &'static str) {
    let server = Server::start(Bounds { requests_max: ROOM, ..Bounds::default() });
    let addr = server.addr;
    let before = p99(addr).await;
    let mut stalled = JoinSet::new();
    for _ in 0..ROOM {
        stalled.spawn(async move { Told::get(addr, path).await });
    }
    sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    let told = Told::get(addr, "/hello").await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    told.refuses(503, "overloaded");
    assert!(told.header("retry-after").is_some());
    let mut asking = JoinSet::new();
    for _ in 0..8 {
        asking.spawn(ask_on(addr));
    }
    let during = p99(addr).await;
    assert!(
        during <= before * 4 + Duration::from_millis(20),
        "polls took {during:?} of {path}, {before:?} before"
    );
    let (refused, other) =
        asking.join_all().await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(refused > 0 && other == 0, "{refused} refused, {other} not");
    stalled.abort_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_room_is_told_at_once_and_polls_keep_their_time() {
    stalled_by("/never").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_takes_its_threads_for_itself_takes_none_of_the_others() {
    stalled_by("/busy").await;
}
