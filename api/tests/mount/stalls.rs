//! A mounted service that stalls, and polls beside it.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    client::{Told, get},
    server::{Bounds, Server},
};

/// A cap that is not reached: with one, an address has a share of everything else too.
const CAPPED: usize = 1_000;
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

/// Asks from an address of its own.
async fn ask_from(host: u8, addr: SocketAddr, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, host], 0).into()).unwrap();
    let mut stream = socket.connect(addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn answer_from(host: u8, addr: SocketAddr, path: &str) -> Told {
    Told::read(&mut ask_from(host, addr, &get(path)).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_of_one_address_leave_room_for_the_others() {
    let bounds = Bounds { requests_max: ROOM, connections_per_peer: CAPPED, ..Bounds::default() };
    let server = Server::start(bounds);
    let upload = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx";
    let mut uploads = Vec::new();
    for _ in 0..ROOM {
        uploads.push(ask_from(2, server.addr, upload).await);
    }
    sleep(Duration::from_millis(300)).await;
    answer_from(2, server.addr, "/hello").await.refuses(429, "too_many_requests");
    assert_eq!(answer_from(3, server.addr, "/hello").await.status, 200);
    drop(uploads);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_of_one_address_are_refused_at_its_share_and_keep_no_one_waiting() {
    let bounds = Bounds { requests_max: ROOM, bodies_max: 16, ..Bounds::default() };
    let server = Server::start(Bounds { connections_per_peer: CAPPED, ..bounds });
    let mut readers = Vec::new();
    for _ in 0..4 {
        readers.push(ask_from(2, server.addr, &get("/dripping")).await);
    }
    sleep(Duration::from_millis(300)).await;
    let mut more = JoinSet::new();
    for _ in 0..ROOM {
        more.spawn(answer_from(2, server.addr, "/dripping"));
    }
    sleep(Duration::from_millis(300)).await;
    assert_eq!(answer_from(3, server.addr, "/long/10").await.status, 200);
    for told in more.join_all().await {
        told.refuses(429, "too_many_requests");
    }
    assert_eq!(answer_from(2, server.addr, "/hello").await.status, 200, "short ones need none");
    drop(readers);
}
