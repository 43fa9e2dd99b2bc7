//! Requests of the mounted service: bodies of every size, deadlines, panics, labels.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    client::{Told, get},
    server::{Bounds, Server},
};

const MIB: usize = 1024 * 1024;

/// Uploads so many bytes of which each piece is sent as `piece` says.
async fn upload(server: &Server, framing: &str, pieces: impl Iterator<Item = Vec<u8>>) -> Told {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head =
        format!("POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{framing}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for piece in pieces {
        // A refused upload is not read to its end.
        if stream.write_all(&piece).await.is_err() {
            break;
        }
    }
    Told::read(&mut stream).await
}

fn chunk(bytes: usize) -> Vec<u8> {
    [format!("{bytes:x}\r\n").as_bytes(), &vec![b'x'; bytes], b"\r\n"].concat()
}

fn chunked(chunks: usize, bytes: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..chunks).map(move |_| chunk(bytes)).chain([b"0\r\n\r\n".to_vec()])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_20_mib_arrives_with_a_length_and_in_chunks() {
    let server = Server::start(Bounds::default());
    let framing = format!("Content-Length: {}", 20 * MIB);
    let told = upload(&server, &framing, (0..20).map(|_| vec![b'x'; MIB])).await;
    assert_eq!((told.status, told.body), (200, (20 * MIB).to_string()));
    let told = upload(&server, "Transfer-Encoding: chunked", chunked(40, MIB / 2)).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.body, (20 * MIB).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_bound_is_413_and_the_hot_path_keeps_its_own_bound() {
    let server = Server::start(Bounds { body_bytes_max: 100_000, ..Bounds::default() });
    for bytes in [100_000, 100_001] {
        let framing = format!("Content-Length: {bytes}");
        let told = upload(&server, &framing, [vec![b'x'; bytes]].into_iter()).await;
        let in_chunks = upload(&server, "Transfer-Encoding: chunked", chunked(1, bytes)).await;
        if bytes == 100_000 {
            assert_eq!((told.status, in_chunks.status), (200, 200));
        } else {
            told.refuses(413, "body_too_large");
            in_chunks.refuses(413, "body_too_large");
        }
    }
    // Of a long one the sender reads the refusal before it sends anything, if it waits.
    let told =
        upload(&server, "Content-Length: 99999999\r\nExpect: 100-continue", std::iter::empty())
            .await;
    told.refuses(413, "body_too_large");
    let hot = Told::of(
        server.addr,
        &format!(
            "POST /v1/sales/demo/enter HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\
             Content-Type: application/json\r\nConnection: close\r\n\r\n{}",
            "x".repeat(20_000)
        ),
    )
    .await;
    hot.refuses(413, "body_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_15_seconds_comes_while_the_hot_path_gives_up_after_its_own_time() {
    let server = Server::start(Bounds { request_timeout_ms: 1_000, ..Bounds::default() });
    let addr = server.addr;
    let slow = tokio::spawn(async move { Told::get(addr, "/slow/15000").await });
    let started = Instant::now();
    let hot = "POST /v1/sales/demo/enter HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\
               Content-Type: application/json\r\nConnection: close\r\n\r\n";
    Told::of(addr, hot).await.refuses(408, "request_timeout");
    assert!((900..4_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    let told = slow.await.unwrap();
    assert_eq!((told.status, told.body.as_str()), (200, "slow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn past_its_deadline_an_answer_is_503_a_body_408_and_the_connection_goes_on() {
    let server = Server::start(Bounds { answer_ms: 500, body_ms: 1_200, ..Bounds::default() });
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(1_300)).await;
    stream.write_all(get("/hello").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let second = text.rfind("HTTP/1.1 200").unwrap_or_else(|| unreachable!("{text}"));
    let late = Told::parse(&text.as_bytes()[..second]);
    late.refuses(503, "deadline_exceeded");
    assert!(late.header("retry-after").is_some());
    assert!(text.ends_with("hello"), "{text}");

    // As long as pieces come the answer is not due, and the whole body is in the end.
    let framing = "Content-Length: 1000000";
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = format!("POST /upload HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let started = Instant::now();
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while !String::from_utf8_lossy(&bytes).ends_with('}') {
        let count = reading.read(&mut piece).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece[..count]);
    }
    Told::parse(&bytes).refuses(408, "request_timeout");
    assert!(started.elapsed() > Duration::from_millis(1_100), "{:?}", started.elapsed());
    dripping.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_500_with_its_request_id_and_one_in_a_task_or_a_body_ends_only_that() {
    let server = Server::start(Bounds::default());
    let told = Told::get(server.addr, "/panic").await;
    told.refuses(500, "internal");
    let id = told.header("x-request-id").unwrap();
    assert!(!told.body.contains("a fault"), "internal text never leaves");
    let told = Told::get(server.addr, "/panic-apart").await;
    assert_eq!(told.status, 200);
    assert!(told.body.contains("panicked"), "{told:?}");
    let told = Told::get(server.addr, "/broken").await;
    assert_eq!(told.status, 200);
    assert!(!told.body.ends_with("0\r\n\r\n"), "half a body is not taken for a whole one");
    let log = server.log();
    assert!(log.contains("a fault of the service") && log.contains(id), "{log}");
    assert_eq!(Told::get(server.addr, "/hello").await.status, 200);
    server.terminate();
    server.ended_well();
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_known_answers_and_long_bodies_are_framed_as_they_are() {
    let server = Server::start(Bounds::default());
    let told = Told::of(server.addr, &get("/hello").replace("GET", "HEAD")).await;
    assert_eq!((told.status, told.body.as_str()), (200, ""));
    assert_eq!(told.header("content-length"), Some("5"));
    let told = Told::get(server.addr, "/known").await;
    assert_eq!((told.status, told.body.as_str()), (304, ""));
    assert_eq!((told.header("etag"), told.header("transfer-encoding")), (Some("\"7\""), None));
    let told = Told::get(server.addr, "/long/100").await;
    assert_eq!(told.header("transfer-encoding"), Some("chunked"));
    assert!(told.body.ends_with("0\r\n\r\n"));
    assert_eq!(told.body.matches('x').count(), 2_000_000);
    // The connection goes on after a body that came from elsewhere.
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"GET /long/3 HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    stream.write_all(get("/hello").as_bytes()).await.unwrap();
    let told = Told::read(&mut stream).await;
    assert!(told.body.ends_with("hello") && told.body.contains("HTTP/1.1 200"), "{}", told.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_learns_who_asks_and_its_answers_are_counted_by_route() {
    let server = Server::start(Bounds::default());
    let request = get("/who").replace("Host: a", "Host: a\r\nX-Request-Id: mine");
    let told = Told::of(server.addr, &request).await;
    let id = told.header("x-request-id").unwrap();
    assert_ne!(id, "mine", "no one but a listed proxy names a request");
    assert_eq!(told.body, format!("{id} 127.0.0.1 false"));
    for deal in ["7", "8"] {
        assert_eq!(Told::get(server.addr, &format!("/deals/{deal}")).await.body, deal);
    }
    assert_eq!(Told::get(server.addr, "/nothing").await.status, 404);
    // The engine's own come first, and it alone says what is wrong with them.
    Told::get(server.addr, "/v1/sales/none").await.refuses(404, "not_found");
    assert_eq!(Told::get(server.addr, "/v1/sales").await.status, 200);
    let tunnel = "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n";
    assert_eq!(Told::of(server.addr, tunnel).await.status, 404);
    let metrics = server.metrics().await;
    for line in [
        "rushgate_http_request_seconds_count{route=\"/deals/{id}\",status=\"200\"} 2",
        "rushgate_http_request_seconds_count{route=\"mount\",status=\"404\"} 1",
        "rushgate_http_request_seconds_count{route=\"/v1/sales\",status=\"200\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_takes_nothing_from_the_next() {
    let server = Server::start(Bounds { requests_max: 1, answer_ms: 1_500, ..Bounds::default() });
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(get("/never").as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    drop(stream);
    // What it asked for goes on, until its deadline gives the place back.
    Told::get(server.addr, "/hello").await.refuses(503, "overloaded");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(Told::get(server.addr, "/hello").await.status, 200);
}
