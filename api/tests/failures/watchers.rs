//! Event streams of hostile and hasty clients: bounded, cut when they are not read, ended at once
//! when the server stops.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::TcpStream,
    thread::{self, sleep},
    time::Duration,
};

use socket2::{Domain, Socket, Type};
use tokio::time::Instant;

use crate::{
    alone, beside_others,
    client::{Call, connect},
    shopper::Shopper,
    site::{Server, Site},
    wait_for,
};

/// Watchers who never read.
const DEAF: usize = 60;
/// A receive buffer that a few events fill.
const DEAF_BUFFER_BYTES: usize = 4 * 1024;
/// What the server may keep for each of them: one event and its task, with room to spare.
const DEAF_KB_MAX: u64 = 32;
/// Twenty seconds of patience after the buffers are full, and once more for late bytes.
const CUT_MAX: Duration = Duration::from_secs(75);
/// Watchers when the server stops.
const DRAINED: usize = 200;

fn operate(server: &Server, call: &str, body: &str) {
    let path = format!("/v1/admin/sales/demo/{call}");
    let call = Call { bearer: Some(&server.operator), body, ..Call::post(&path) };
    let answer = server.client().ask(&call);
    assert!(answer.status < 300, "{answer:?}");
}

fn ticket(server: &Server, name: &str) -> String {
    let mut shopper = Shopper::new(name.to_owned());
    shopper.enter(&mut server.client()).unwrap();
    shopper.ticket
}

fn ask(ticket: &str) -> Vec<u8> {
    Call { bearer: Some(ticket), ..Call::get("/v1/sales/demo/stream") }.bytes()
}

/// Opens a stream and reads the first bytes of the answer.
fn open(server: &Server, ticket: &str) -> (TcpStream, String) {
    let mut stream = connect(server.public).unwrap();
    stream.write_all(&ask(ticket)).unwrap();
    let mut bytes = [0; 4096];
    let read = stream.read(&mut bytes).unwrap();
    (stream, String::from_utf8_lossy(&bytes[..read]).to_ascii_lowercase())
}

#[test]
fn streams_past_their_bound_are_refused_and_a_closed_one_makes_room() {
    let _running = beside_others();
    let site = Site::new().server_option("streams_max = 2");
    let server = site.start();
    operate(&server, "pause", "");
    let [one, two, three] = ["one", "two", "three"].map(|name| ticket(&server, name));
    let first = open(&server, &one);
    let second = open(&server, &two);
    for (_, answer) in [&first, &second] {
        assert!(answer.starts_with("http/1.1 200 "), "{answer}");
    }
    let (_, answer) = open(&server, &three);
    assert!(answer.starts_with("http/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: ") && answer.contains("overloaded"), "{answer}");
    drop(first);
    wait_for("room for another stream", || open(&server, &three).1.starts_with("http/1.1 200 "));
}

#[test]
fn a_watcher_that_never_reads_is_cut_and_costs_no_memory() {
    let _measuring = alone();
    let site = Site::new().server_option(&format!("streams_max = {DEAF}"));
    let server = site.start();
    operate(&server, "pause", "");
    let one = |index| deaf(&server, &ticket(&server, &format!("deaf-{index}")));
    let deaf: Vec<_> = (0..DEAF).map(one).collect();
    let ticket = ticket(&server, "another");
    let is_full = || open(&server, &ticket).1.starts_with("http/1.1 503 ");
    assert!(is_full(), "each deaf watcher has its stream");
    let memory = server.resident_kb();
    let begun = Instant::now();
    let mut words = ["a", "b"].map(|letter| letter.repeat(1_000)).into_iter().cycle();
    while is_full() {
        assert!(begun.elapsed() < CUT_MAX, "watchers that never read are still connected");
        operate(&server, "message", &format!("{{\"message\":\"{}\"}}", words.next().unwrap()));
        sleep(Duration::from_millis(300));
    }
    let grown = server.resident_kb().saturating_sub(memory);
    eprintln!("cut after {:?}; memory grew by {grown} kB", begun.elapsed());
    assert!(grown < DEAF_KB_MAX * DEAF as u64, "memory grew by {grown} kB");
    drop(deaf);
}

/// Asks for a stream and never reads it; looks only whether it began.
fn deaf(server: &Server, ticket: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(DEAF_BUFFER_BYTES).unwrap();
    socket.connect(&server.public.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(&ask(ticket)).unwrap();
    let mut begun = [0; 12];
    while stream.peek(&mut begun).unwrap() < begun.len() {
        sleep(Duration::from_millis(1));
    }
    assert_eq!(&begun, b"HTTP/1.1 200");
    stream
}

#[test]
fn a_crowd_of_streams_ends_at_once_when_the_server_stops() {
    let _running = beside_others();
    let site = Site::new();
    let server = site.start();
    operate(&server, "pause", "");
    let one = |index| open(&server, &ticket(&server, &format!("crowd-{index}"))).0;
    let streams: Vec<_> = (0..DRAINED).map(one).collect();
    let reading = thread::spawn(move || {
        let end = |mut stream: TcpStream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        streams.into_iter().map(end).collect::<Vec<_>>()
    });
    let told = Instant::now();
    server.terminate();
    let mut last = BTreeSet::new();
    for text in reading.join().unwrap() {
        let hint = *hints(&text).last().unwrap();
        assert!(text.ends_with(&format!("retry: {hint}\n\n\r\n0\r\n\r\n")), "{text:?}");
        last.insert(hint);
    }
    assert!(last.len() > DRAINED / 2, "a crowd does not come back together: {last:?}");
    let (code, log) = server.exit();
    assert_eq!(code, Some(0), "{log}");
    assert!(told.elapsed() < Duration::from_secs(3), "took {:?}", told.elapsed());
}

/// The times a stream told its client to wait, each within what is allowed.
pub(crate) fn hints(text: &str) -> Vec<u32> {
    let hints = text.lines().filter_map(|line| line.strip_prefix("retry: "));
    let hints: Vec<u32> = hints.map(|hint| hint.trim().parse().unwrap()).collect();
    assert!(hints.iter().all(|hint| (2_000..=6_000).contains(hint)), "{hints:?}");
    hints
}
