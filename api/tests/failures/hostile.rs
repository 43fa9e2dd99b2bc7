//! Slow and hostile clients: cut at their deadline, and nobody else notices.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread::{self, sleep},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    alone,
    client::{Call, connect},
    shopper::Shopper,
    site::{Server, Site},
};

/// Hostile clients of each kind.
const EACH: usize = 150;
/// The configured patience with heads and bodies.
const TIMEOUT_MS: u64 = 2_000;
/// How long a peer may leave its answers lying.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// What polls may take meanwhile, 99 of 100.
const POLL_P99_MAX: Duration = Duration::from_millis(250);

#[test]
fn slow_and_deaf_clients_are_cut_and_nobody_else_notices() {
    let _measuring = alone();
    let site = Site::new()
        .server_option(&format!("header_timeout_ms = {TIMEOUT_MS}"))
        .server_option(&format!("request_timeout_ms = {TIMEOUT_MS}"));
    let server = site.start();
    let mut shopper = Shopper::new("patient".to_owned());
    shopper.enter(&mut server.client()).unwrap();

    let started = Instant::now();
    let deaf: Vec<_> = (0..EACH).map(|_| deaf(&server)).collect();
    let heads: Vec<_> = (0..EACH).map(|_| open(&server, "GET /v1/sales HTTP/1.1\r\nHo")).collect();
    let bodies = "POST /v1/sales/demo/enter HTTP/1.1\r\nHost: shop\r\nContent-Length: 50\r\n\r\n{";
    let bodies: Vec<_> = (0..EACH).map(|_| open(&server, bodies)).collect();
    let memory = server.resident_kb();

    let drip = thread::spawn(move || {
        let heads = drip(heads);
        let bodies = drip(bodies);
        (heads, bodies, started.elapsed())
    });
    let limit = WRITE_TIMEOUT + Duration::from_secs(3);
    let slowest = poll_until(&server, &mut shopper, started + limit);
    let (heads, bodies, cut_after) = drip.join().unwrap();
    assert_eq!(heads, EACH, "slow heads that were cut");
    assert_eq!(bodies, EACH, "slow bodies that were cut");
    let limit = Duration::from_millis(TIMEOUT_MS) + Duration::from_secs(5);
    assert!(cut_after < limit, "cut after {cut_after:?} only");
    eprintln!("p99 of polls beside {} hostile clients: {slowest:?}", 3 * EACH);
    assert!(slowest < POLL_P99_MAX, "p99 of polls was {slowest:?}");
    let grown = server.resident_kb().saturating_sub(memory);
    assert!(grown < 64 * 1024, "memory grew by {grown} kB");
    // A kernel that grows a socket's buffer late takes some bytes for its owner: patience with
    // that one begins anew, once.
    let alive = || deaf.iter().filter(|stream| is_open(stream)).count();
    let deadline = started + 2 * WRITE_TIMEOUT + Duration::from_secs(3);
    while alive() > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(250));
    }
    assert_eq!(alive(), 0, "clients that never read are still connected");
    server.terminate();
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
}

fn open(server: &Server, beginning: &str) -> TcpStream {
    let mut stream = connect(server.public).unwrap();
    stream.write_all(beginning.as_bytes()).unwrap();
    stream
}

/// Asks for far more than its socket holds, and never reads.
fn deaf(server: &Server) -> TcpStream {
    let stream = connect(server.public).unwrap();
    stream.set_nonblocking(true).unwrap();
    let asked = Call::get("/openapi.json").bytes().repeat(400);
    // It takes what it takes: the rest would not be read either.
    drop((&stream).write(&asked));
    stream
}

/// Sends a byte now and then until the server has had enough; answers how many it cut.
fn drip(mut streams: Vec<TcpStream>) -> usize {
    let count = streams.len();
    let started = Instant::now();
    while !streams.is_empty() && started.elapsed() < Duration::from_secs(6) {
        streams.retain_mut(|stream| stream.write_all(b"x").is_ok() && is_open(stream));
        sleep(Duration::from_millis(100));
    }
    count - streams.len()
}

/// Whether the server has not closed yet; what it said is passed over.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut reader = stream;
    let mut bytes = vec![0; 1 << 16];
    let open = loop {
        match reader.read(&mut bytes) {
            Ok(0) => break false,
            Ok(_) => {}
            Err(error) => break error.kind() == ErrorKind::WouldBlock,
        }
    };
    stream.set_nonblocking(false).unwrap();
    open
}

/// Polls as a shopper would, a few hundred times a second; answers the 99th percentile.
fn poll_until(server: &Server, shopper: &mut Shopper, end: Instant) -> Duration {
    let mut client = server.client();
    let mut times = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        shopper.poll(&mut client).unwrap();
        times.push(asked.elapsed());
        sleep(Duration::from_millis(5));
    }
    times.sort_unstable();
    times[times.len() * 99 / 100]
}
