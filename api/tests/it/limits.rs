//! Each bound at n − 1, n and n + 1, and each deadline against a peer that dawdles.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{
    Fixture, GET, LONG_BYTES, PATIENCE, read_to_close, read_until, responses, start,
};

const BODY_MAX: usize = 16 * 1024;
/// How long a connection has to be idle before it makes room for a newcomer, and a little more.
const IDLE_MIN: Duration = Duration::from_millis(1_100);

fn sized(length: usize) -> Vec<u8> {
    let mut request = format!(
        "POST /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.resize(request.len() + length, b'x');
    request
}

fn chunked(length: usize, piece: usize) -> Vec<u8> {
    let mut request = b"POST /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
        .to_vec();
    let mut left = length;
    while left > 0 {
        let now = left.min(piece);
        request.extend_from_slice(format!("{now:x}\r\n").as_bytes());
        request.resize(request.len() + now, b'x');
        request.extend_from_slice(b"\r\n");
        left -= now;
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

#[tokio::test]
async fn a_body_may_have_exactly_16_kib() {
    let fixture = start(|_| {});
    for make in [sized, |length| chunked(length, 1000), |length| chunked(length, 1 << 20)] {
        for length in [BODY_MAX - 1, BODY_MAX] {
            let answer = fixture.exchange(&make(length)).await;
            assert!(answer.contains(&format!("read {length}")), "{length}: {answer}");
        }
        for length in [BODY_MAX + 1, BODY_MAX + 40_000] {
            let answer = fixture.exchange(&make(length)).await;
            assert!(answer.starts_with("HTTP/1.1 413 "), "{length}: {answer}");
            assert!(answer.contains(r#""code":"body_too_large""#), "{answer}");
            assert_eq!(responses(&answer), 1);
        }
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let fixture = start(|_| {});
    let request = "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ";
    let answer = fixture.exchange(format!("{request}16385\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let mut stream = fixture.connect().await;
    stream.write_all(format!("{request}5\r\n\r\n").as_bytes()).await.unwrap();
    read_until(&mut stream, "100 Continue\r\n\r\n").await;
    stream.write_all(b"hello").await.unwrap();
    read_until(&mut stream, "read 5").await;
}

#[tokio::test]
async fn a_head_has_bounds() {
    let fixture = start(|_| {});
    let long = "x".repeat(70_000);
    let many = "X: y\r\n".repeat(200);
    for (request, statuses) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), ["414", "431"]),
        (format!("GET /now HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), ["431", "400"]),
        (format!("GET /now HTTP/1.1\r\nHost: a\r\n{long}: y\r\n\r\n"), ["431", "400"]),
        (format!("GET /now HTTP/1.1\r\nHost: a\r\n{many}\r\n"), ["431", "400"]),
    ] {
        let answer = fixture.exchange(request.as_bytes()).await;
        let known = statuses.iter().any(|s| answer.starts_with(&format!("HTTP/1.1 {s} ")));
        assert!(answer.is_empty() || known, "{answer}");
        assert!(responses(&answer) <= 1);
    }
    assert_eq!(fixture.calls(), 0);
    fixture.assert_serves().await;
}

#[tokio::test]
async fn a_head_that_fits_the_buffer_passes() {
    let fixture = start(|_| {});
    let filler = "x".repeat(12_000);
    let request =
        format!("GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {filler}\r\n\r\n");
    assert!(fixture.exchange(request.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

/// Writes a byte at a time until the server closes; answers how long that took.
async fn dawdle(stream: &mut TcpStream, pause: Duration) -> Duration {
    let started = Instant::now();
    let mut byte = [0];
    while started.elapsed() < PATIENCE {
        if stream.write_all(b"x").await.is_err() {
            break;
        }
        if let Ok(Ok(0) | Err(_)) = timeout(pause, stream.read(&mut byte)).await {
            break;
        }
    }
    started.elapsed()
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_at_its_deadline() {
    let limit = Duration::from_millis(400);
    let fixture = start(|options| options.header_read_timeout = limit);
    for opening in ["", "GET /now HTTP/1.1\r\nX-Slow: "] {
        let mut stream = fixture.connect().await;
        stream.write_all(opening.as_bytes()).await.unwrap();
        let took = dawdle(&mut stream, Duration::from_millis(20)).await;
        assert!(took < limit * 4, "{opening:?} lived {took:?}");
    }
    // The second head of a connection has its own deadline, from its own first byte.
    let mut stream = fixture.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut stream, "\"now\"").await;
    sleep(limit * 2).await;
    stream.write_all(b"GET /now HTTP/1.1\r\nX: ").await.unwrap();
    let took = dawdle(&mut stream, Duration::from_millis(20)).await;
    assert!(took > limit / 2 && took < limit * 4, "the second head lived {took:?}");
    assert_eq!(fixture.calls(), 1);
    fixture.assert_serves().await;
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let fixture = start(|options| options.header_read_timeout = Duration::from_millis(300));
    let mut stream = fixture.connect().await;
    assert_eq!(read_to_close(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_trickles_gets_408_or_is_cut() {
    let fixture = start(|options| options.request_timeout = Duration::from_millis(400));
    let started = Instant::now();
    let head = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nxx";
    let answer = fixture.exchange(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(responses(&answer), 1);
    assert!(started.elapsed() < Duration::from_secs(3));

    let mut stream = fixture.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    dawdle(&mut stream, Duration::from_millis(20)).await;
    assert!(started.elapsed() < Duration::from_secs(6), "a trickle keeps a body alive");
    fixture.assert_serves().await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_503_and_unknown() {
    let fixture = start(|options| options.request_timeout = Duration::from_millis(200));
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let answer = read_until(&mut stream, "deadline_exceeded").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let limit = Duration::from_millis(500);
    let fixture = start(|options| options.idle_timeout = limit);
    let mut stream = fixture.connect().await;
    for _ in 0..4 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        read_until(&mut stream, "\"now\"").await;
        sleep(limit / 2).await;
    }
    let started = Instant::now();
    assert_eq!(read_to_close(&mut stream).await, "");
    assert!(started.elapsed() < limit * 3);

    let mut waiting = fixture.connect().await;
    waiting.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(limit * 3).await;
    fixture.echo.gate.add_permits(1);
    read_until(&mut waiting, "waited").await;
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_cut() {
    let fixture = start(|options| options.write_timeout = Duration::from_millis(300));
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let closed = async {
        while fixture.calls() == 0 || fixture.server.open_connections() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, closed).await.unwrap();
    fixture.assert_serves().await;
}

#[tokio::test]
async fn a_reader_that_reads_is_not_cut() {
    let fixture = start(|options| options.write_timeout = Duration::from_millis(300));
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let started = Instant::now();
    let mut buffer = vec![0; 64 * 1024];
    while started.elapsed() < Duration::from_millis(1200) {
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        sleep(Duration::from_millis(1)).await;
    }
}

/// Opens a connection whose request is under way until the gate lets it through.
async fn busy(fixture: &Fixture) -> TcpStream {
    let before = fixture.calls();
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while fixture.calls() == before {
        sleep(Duration::from_millis(2)).await;
    }
    stream
}

/// Opens a connection, uses it once and leaves it open.
async fn idle(fixture: &Fixture) -> TcpStream {
    let mut stream = fixture.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "\"now\"").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stream
}

#[tokio::test]
async fn the_connection_cap_holds_at_exactly_its_number() {
    const MAX: usize = 3;
    let fixture = start(|options| options.connections_max = MAX);
    let mut open = Vec::new();
    for _ in 0..MAX {
        open.push(busy(&fixture).await);
    }
    sleep(IDLE_MIN).await;
    let answer = fixture.exchange(GET.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
    assert!(answer.contains(r#""code":"overloaded""#), "{answer}");
    assert_eq!(responses(&answer), 1);

    drop(open.pop());
    while fixture.server.open_connections() == MAX {
        sleep(Duration::from_millis(5)).await;
    }
    fixture.assert_serves().await;
}

#[tokio::test]
async fn a_server_full_of_idle_connections_serves_a_newcomer() {
    const MAX: usize = 5;
    let fixture = start(|options| options.connections_max = MAX);
    let mut working = busy(&fixture).await;
    let mut events = fixture.connect().await;
    events.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_until(&mut events, "event: place").await;
    // One that was used, one that said nothing, one that stopped in the middle of a head.
    let mut used = idle(&fixture).await;
    let mut silent = fixture.connect().await;
    let mut half = fixture.connect().await;
    half.write_all(b"GET /now HTTP/1.1\r\nHo").await.unwrap();
    let answer = timeout(Duration::from_millis(200), fixture.exchange(GET.as_bytes())).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 503 "), "each is too young to be closed");

    sleep(IDLE_MIN).await;
    let mut newcomers = Vec::new();
    for (gone, what) in [(&mut used, "used"), (&mut silent, "silent")] {
        newcomers.push(idle(&fixture).await);
        let closed = timeout(Duration::from_secs(1), read_to_close(gone)).await;
        assert_eq!(closed.ok().as_deref(), Some(""), "the {what} one was idle for longest");
    }
    let answer = fixture.exchange(GET.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "the others are young or in use: {answer}");
    half.write_all(b"st: a\r\n\r\n").await.unwrap();
    let answer = read_until(&mut half, "\"now\"").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "a head has the time it has: {answer}");
    fixture.echo.gate.add_permits(1);
    read_until(&mut working, "waited").await;
    drop(newcomers);
    assert!(timeout(Duration::from_millis(50), events.read(&mut [0])).await.is_err(), "open");
}

/// Opens a connection that has read the beginning of a long answer, slowly.
async fn slow_reader(fixture: &Fixture) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(fixture.addr).await.unwrap();
    stream.write_all(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1_024]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_slow_reader_is_not_cut_to_make_room() {
    let fixture = start(|options| options.connections_max = 2);
    let mut slow = slow_reader(&fixture).await;
    let mut used = idle(&fixture).await;
    sleep(IDLE_MIN).await;
    let newcomer = idle(&fixture).await;
    let closed = timeout(Duration::from_secs(1), read_to_close(&mut used)).await;
    assert_eq!(closed.ok().as_deref(), Some(""), "the idle one goes");
    assert!(fixture.exchange(GET.as_bytes()).await.starts_with("HTTP/1.1 503 "));
    let mut rest = vec![0; LONG_BYTES - 1_024];
    timeout(PATIENCE, slow.read_exact(&mut rest)).await.unwrap().unwrap();
    slow.write_all(GET.as_bytes()).await.unwrap();
    read_until(&mut slow, "\"now\"").await;
    drop(newcomer);
}

#[tokio::test]
async fn a_slow_reader_of_http2_is_not_cut_to_make_room() {
    let fixture = start(|options| options.connections_max = 2);
    let mut client = crate::http2::client(fixture.connect().await).await;
    let request = hyper::Request::get("http://a/long").body(Full::default()).unwrap();
    let response = client.send_request(request).await.unwrap();
    // Its window fills up, and the socket has nothing more to carry.
    sleep(Duration::from_millis(300)).await;
    let mut used = idle(&fixture).await;
    sleep(IDLE_MIN).await;
    let newcomer = idle(&fixture).await;
    let closed = timeout(Duration::from_secs(1), read_to_close(&mut used)).await;
    assert_eq!(closed.ok().as_deref(), Some(""), "the idle one goes");
    let body = timeout(PATIENCE, response.into_body().collect()).await.unwrap().unwrap();
    assert_eq!(body.to_bytes().len(), LONG_BYTES);
    drop(newcomer);
}

#[tokio::test]
async fn http2_requests_and_streams_keep_their_connection() {
    let fixture = start(|options| options.connections_max = 1);
    let client = crate::http2::client(fixture.connect().await).await;
    let path = |path| crate::http2::send(client.clone(), hyper::Method::GET, path, 0);
    let waiting = tokio::spawn(path("/wait"));
    sleep(IDLE_MIN).await;
    assert!(fixture.exchange(GET.as_bytes()).await.starts_with("HTTP/1.1 503 "));
    fixture.echo.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().0, hyper::StatusCode::OK);
    assert_eq!(path("/now").await.0, hyper::StatusCode::OK);
    sleep(IDLE_MIN).await;
    drop(idle(&fixture).await);
}

#[tokio::test]
async fn a_peer_has_its_share_of_the_connections_and_others_are_served() {
    let fixture = start(|options| {
        options.peers.connections_max = 2;
        options.peers.exempt = vec!["127.0.0.3".parse().unwrap()];
        options.trusted = vec!["127.0.0.4".parse().unwrap()];
    });
    let open = [busy(&fixture).await, busy(&fixture).await];
    let asked = Instant::now();
    let answer = fixture.exchange(GET.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: "), "{answer}");
    assert!(answer.contains(r#""code":"too_many_requests""#), "{answer}");
    assert!(asked.elapsed() > Duration::from_millis(900), "a loop is slowed down");
    for (host, most) in [(2, 2), (3, 5), (4, 5)] {
        let mut streams = Vec::new();
        for _ in 0..most {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(([127, 0, 0, host], 0).into()).unwrap();
            let mut stream = socket.connect(fixture.addr).await.unwrap();
            stream.write_all(GET.as_bytes()).await.unwrap();
            let answer = read_until(&mut stream, "HTTP/1.1 ").await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "127.0.0.{host}: {answer}");
            streams.push(stream);
        }
        drop(streams);
    }
    drop(open);
}
