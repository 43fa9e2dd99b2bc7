//! Bodies of the mounted service's answers: what they may look like, where they are dropped, when they end.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    client::{PATIENCE, Told, get},
    server::{Bounds, Server},
    sockets::Socket,
};

/// How hyper refuses a head that it cannot read.
const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What one connection is answered to these requests.
async fn on_one_connection(addr: SocketAddr, requests: &[String]) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut said = String::new();
    for request in requests {
        stream.write_all(request.as_bytes()).await.unwrap();
        // One write each: what is read together must have been written apart.
        sleep(Duration::from_millis(200)).await;
    }
    timeout(PATIENCE, stream.read_to_string(&mut said)).await.unwrap().unwrap();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_looks_like_a_refusal_of_hypers_arrives_as_it_is() {
    let server = Server::start(Bounds::default());
    let text = ["x".repeat(100), REFUSAL.to_owned()].concat();
    for path in ["/back-whole", "/back"] {
        let said = on_one_connection(server.addr, &[post(path, &text), get("/hello")]).await;
        let (first, second) = said.split_at(said.rfind("HTTP/1.1 200").unwrap());
        assert_eq!(Told::parse(first.as_bytes()).body, text, "{path}, whole");
        assert!(second.ends_with("hello"), "{said}");
    }
    // In chunks, what ends the body ends the refusal too.
    let cut = REFUSAL.strip_suffix("\r\n").unwrap();
    let chunk = format!("{:X}\r\n{cut}\r\n0\r\n\r\n", cut.len());
    let head = "POST /back HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let said = on_one_connection(server.addr, &[[head, &chunk].concat(), get("/hello")]).await;
    let (first, second) = said.split_at(said.rfind("HTTP/1.1 200").unwrap());
    assert!(first.ends_with(&chunk), "{said}");
    assert!(second.ends_with("hello"), "{said}");
}

/// Reads until the text has come.
async fn until(stream: &mut TcpStream, text: &str) {
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(text) {
        said.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
}

/// Asks, and reads until the text has come; then the stream stays open.
async fn open(addr: SocketAddr, path: &str, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(get(path).as_bytes()).await.unwrap();
    until(&mut stream, text).await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_left_unfinished_is_broken_off_and_gives_its_place_back() {
    let bounds = Bounds { bodies_max: 1, frame_ms: 1_500, answer_ms: 500, ..Bounds::default() };
    let server = Server::start(bounds);
    let started = Instant::now();
    let mut hanging = open(server.addr, "/unfinished", "half").await;
    // The only place for a long answer is taken; short ones need none.
    Told::get(server.addr, "/long/10").await.refuses(503, "deadline_exceeded");
    assert_eq!(Told::get(server.addr, "/hello").await.status, 200);
    let mut rest = Vec::new();
    drop(timeout(PATIENCE, hanging.read_to_end(&mut rest)).await.unwrap());
    assert!(!rest.ends_with(b"0\r\n\r\n"), "half a body is not taken for a whole one");
    assert!((1_400..10_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(Told::get(server.addr, "/long/10").await.status, 200);
    assert!(server.log().contains("left its answer unfinished"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_stream_may_be_silent_and_takes_a_streams_place() {
    let server = Server::start(Bounds {
        bodies_max: 1,
        frame_ms: 300,
        answer_ms: 500,
        streams_max: 2,
        ..Bounds::default()
    });
    let mut stream = open(server.addr, "/events", "hello\n\n\r\n").await;
    let second = open(server.addr, "/events", "hello\n\n\r\n").await;
    Told::get(server.addr, "/events").await.refuses(503, "overloaded");
    assert_eq!(Told::get(server.addr, "/long/10").await.status, 200, "not a long answer's place");
    let mut byte = [0];
    let silent = timeout(Duration::from_secs(1), stream.read(&mut byte)).await;
    assert!(silent.is_err(), "it goes on: {silent:?}");
    drop(second);
    let again = async {
        while Told::get(server.addr, "/events-are-there").await.status != 404
            || server.metrics().await.contains("\nrushgate_streams 2\n")
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
    drop(open(server.addr, "/events", "hello\n\n\r\n").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_without_end_is_broken_off_and_gives_its_place_back() {
    let bounds = Bounds { bodies_max: 1, sending_ms: 1_500, answer_ms: 500, ..Bounds::default() };
    let server = Server::start(bounds);
    let started = Instant::now();
    let mut dripping = open(server.addr, "/dripping", "drop").await;
    Told::get(server.addr, "/long/10").await.refuses(503, "deadline_exceeded");
    let mut rest = Vec::new();
    drop(timeout(PATIENCE, dripping.read_to_end(&mut rest)).await.unwrap());
    assert!(!rest.ends_with(b"0\r\n\r\n"), "a part of a body is not taken for a whole one");
    assert!((1_400..10_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(Told::get(server.addr, "/long/10").await.status, 200);
    assert!(server.log().contains("took too long"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn server_sent_events_take_a_streams_place_though_nothing_declares_them() {
    let bounds = Bounds { bodies_max: 1, frame_ms: 300, sending_ms: 300, ..Bounds::default() };
    let server = Server::start(Bounds { answer_ms: 500, ..bounds });
    let mut stream = open(server.addr, "/events-undeclared", "hello\n\n\r\n").await;
    let metrics = server.metrics().await;
    assert!(metrics.contains("\nrushgate_streams 1\n"), "{metrics}");
    assert_eq!(Told::get(server.addr, "/long/10").await.status, 200, "not a long answer's place");
    let silent = timeout(Duration::from_secs(1), stream.read(&mut [0])).await;
    assert!(silent.is_err(), "it goes on: {silent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_sockets_share_one_bound_that_holds_for_proxies_too() {
    let server =
        Server::start(Bounds { streams_max: 3, trusted: "\"127.0.0.0/8\"", ..Bounds::default() });
    let addr = server.addr;
    let sockets = [Socket::open(addr, "/echo").await, Socket::open(addr, "/echo").await];
    let _events = open(addr, "/events", "hello\n\n\r\n").await;
    let upgrade = "Connection: Upgrade, close\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let ask = get("/echo").replace("Connection: close", upgrade);
    Told::of(addr, &ask).await.refuses(503, "overloaded");
    let probe =
        "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA";
    let told = Told::of(addr, &get("/hello").replace("Connection: close", probe)).await;
    assert_eq!(told.status, 200, "a probe for HTTP/2 needs no place");
    let metrics = server.metrics().await;
    assert!(metrics.contains("\nrushgate_streams 3\n"), "{metrics}");
    drop(sockets);
    let freed = async {
        while !server.metrics().await.contains("\nrushgate_streams 1\n") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, freed).await.unwrap();
    drop(Socket::open(addr, "/echo").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_holds_of_the_service_is_dropped_on_the_mounts_threads() {
    let server = Server::start(Bounds::default());
    for bytes in [10, 60_000, 300_000] {
        let told = Told::get(server.addr, &format!("/owned/{bytes}")).await;
        assert_eq!((told.header("x-owned"), told.body.len()), (Some("xxxxx"), bytes));
    }
    let dropped = Told::get(server.addr, "/dropped-on").await.body;
    let threads: Vec<_> = dropped.split(',').collect();
    assert!(threads.len() >= 9, "{dropped}");
    assert!(threads.iter().all(|thread| *thread == "rushgate-mount"), "{dropped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_hears_of_a_client_what_we_know_and_nothing_that_strangers_say() {
    let ask = "GET http://user:password@shop.example/headers HTTP/1.1\r\nHost: other.example\r\n\
               X-Forwarded-Prefix: /shop\r\nTrue-Client-IP: 6.6.6.6\r\n\
               X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\n\
               X-Shopper-Id: anna\r\nX-Other: kept\r\nConnection: close\r\n\r\n";
    let server = Server::start(Bounds::default());
    let told = Told::of(server.addr, ask).await;
    assert!(told.body.contains("host: \"shop.example\"\n"), "{}", told.body);
    assert!(!told.body.contains("forwarded") && !told.body.contains("shopper"), "{}", told.body);
    assert!(!told.body.contains("6.6.6.6"), "{}", told.body);
    assert!(told.body.contains("x-other: \"kept\"\n"), "{}", told.body);
    let listed = Server::start(Bounds { trusted: "\"127.0.0.1\"", ..Bounds::default() });
    let told = Told::of(listed.addr, ask).await;
    for line in ["x-forwarded-for: \"6.6.6.6\"", "x-shopper-id: \"anna\""] {
        assert!(told.body.contains(line), "a listed proxy's word counts: {}", told.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_ahead_of_a_change_of_protocols_reaches_the_service_whole_or_not_at_all() {
    let server = Server::start(Bounds::default());
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let ask = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
               Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A masked frame, whose bytes are no head of a request.
    let frame = [0x81, 0x83, 0, 0, 0, 0, b'\n', 0, b'\n'];
    stream.write_all(&[ask.as_bytes(), &frame].concat()).await.unwrap();
    Told::read(&mut stream).await.refuses(400, "bad_request");
}
