//! Requests that two parsers could read differently: 400 or closed, never handed on, never a
//! second response.

use std::time::Duration;

use api::server::Loss;
use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use crate::support::{GET, read_until, responses, start};

/// What a smuggler would like to have answered as a request of its own.
const SMUGGLED: &str = "GET /now HTTP/1.1\r\nHost: b\r\n\r\n";

fn post(headers: &str, body: &str) -> String {
    format!("POST /p HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}")
}

/// Each is followed by a smuggled request on the wire.
fn ambiguous() -> Vec<(&'static str, String)> {
    let chunked = "Transfer-Encoding: chunked\r\n";
    vec![
        ("CL then TE", post(&format!("Content-Length: 5\r\n{chunked}"), "0\r\n\r\n")),
        ("TE then CL", post(&format!("{chunked}Content-Length: 5\r\n"), "0\r\n\r\n")),
        ("two CL", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")),
        ("the same CL twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
        ("CL list", post("Content-Length: 5, 5\r\n", "hello")),
        ("signed CL", post("Content-Length: +5\r\n", "hello")),
        ("negative CL", post("Content-Length: -1\r\n", "")),
        ("hex CL", post("Content-Length: 0x5\r\n", "hello")),
        ("huge CL", post("Content-Length: 18446744073709551621\r\n", "hello")),
        ("empty CL", post("Content-Length: \r\n", "")),
        ("space before colon", post("Content-Length : 5\r\n", "hello")),
        ("TE gzip", post("Transfer-Encoding: gzip\r\n", "")),
        ("TE gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
        ("TE twice", post(&format!("{chunked}{chunked}"), "0\r\n\r\n")),
        ("TE vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n")),
        ("TE in HTTP/1.0", format!("POST /p HTTP/1.0\r\nHost: a\r\n{chunked}\r\n0\r\n\r\n")),
        ("bare LF in the head", "GET /now HTTP/1.1\nHost: a\n\n".to_owned()),
        ("bare LF after a header", "GET /now HTTP/1.1\r\nHost: a\nX: y\r\n\r\n".to_owned()),
        ("bare LF ends the head", "GET /now HTTP/1.1\r\nHost: a\r\n\n".to_owned()),
        ("bare CR", "GET /now HTTP/1.1\r\nHost: a\rX: y\r\n\r\n".to_owned()),
        ("obs-fold", "GET /now HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n".to_owned()),
        ("folded first header", "GET /now HTTP/1.1\r\n Host: a\r\n\r\n".to_owned()),
        ("no Host", "GET /now HTTP/1.1\r\n\r\n".to_owned()),
        ("empty Host", "GET /now HTTP/1.1\r\nHost:\r\n\r\n".to_owned()),
        ("two Hosts", "GET /now HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned()),
        ("NUL in a value", "GET /now HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n".to_owned()),
        ("NUL in a name", "GET /now HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n".to_owned()),
        ("NUL in the path", "GET /now\0 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("no colon", "GET /now HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n".to_owned()),
        ("no version", "GET /now\r\nHost: a\r\n\r\n".to_owned()),
        ("HTTP/9.9", "GET /now HTTP/9.9\r\nHost: a\r\n\r\n".to_owned()),
        ("two spaces", "GET  /now  HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("chunk of no length", post(chunked, "\r\nhello\r\n0\r\n\r\n")),
        ("chunk length not hex", post(chunked, "5x\r\nhello\r\n0\r\n\r\n")),
        ("chunk length 0x", post(chunked, "0x5\r\nhello\r\n0\r\n\r\n")),
        ("chunk length negative", post(chunked, "-5\r\nhello\r\n0\r\n\r\n")),
        ("chunk length too long", post(chunked, "fffffffffffffffff\r\nhello\r\n0\r\n\r\n")),
        ("chunk longer than said", post(chunked, "3\r\nhello\r\n0\r\n\r\n")),
        ("chunk ends with bare LF", post(chunked, "5\nhello\r\n0\r\n\r\n")),
        ("chunk extension", post(chunked, "5;a=b\r\nhello\r\n0\r\n\r\n")),
        ("chunk extension with LF", post(chunked, "5;a\nb\r\nhello\r\n0\r\n\r\n")),
        ("trailers", post(chunked, "5\r\nhello\r\n0\r\nHost: b\r\n\r\n")),
    ]
}

fn assert_refused(name: &str, answer: &str) {
    assert!(responses(answer) <= 1, "{name}: {} responses: {answer}", responses(answer));
    let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400 ");
    assert!(refused, "{name}: {answer}");
    // A body that cannot be read is told to its request.
    let code = if answer.contains("bad_body") { "bad_body" } else { "bad_request" };
    if !answer.is_empty() {
        assert_is_a_problem(answer, code);
    }
}

/// The last of a connection's answers is a problem document under the name of its request.
fn assert_is_a_problem(answer: &str, code: &str) {
    let last = &answer[answer.rfind("HTTP/1.1 ").unwrap_or(0)..];
    let (head, body) = last.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
    assert_eq!(header("content-type: "), Some("application/problem+json"), "{answer}");
    assert_eq!(header("content-length: "), Some(body.len().to_string().as_str()), "{answer}");
    let id = header("x-request-id: ").unwrap();
    assert!(body.contains(&format!(r#""request_id":"{id}""#)), "{answer}");
    assert!(body.contains(&format!(r#""code":"{code}""#)), "{answer}");
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_refused_in_our_words_and_counted_as_lost() {
    let fixture = start(|_| {});
    // As much as is read of a head: what is unread when we close may take the answer back.
    let filled = |begin: &str| format!("{begin}{}", "x".repeat(16 * 1_024 - begin.len()));
    let many = "X: y\r\n".repeat(200);
    let cases = [
        ("nonsense\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET /now HTTP/1.1\nHost: a\n\n".to_owned(), 400, "bad_request"),
        ("GET /now HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400, "bad_request"),
        (filled("GET /"), 414, "uri_too_long"),
        (filled("GET /now HTTP/1.1\r\nHost: a\r\nX: "), 431, "head_too_large"),
        (format!("GET /now HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431, "head_too_large"),
    ];
    for (index, (request, status, code)) in cases.iter().enumerate() {
        for before in ["", GET] {
            let answer = fixture.exchange(format!("{before}{request}").as_bytes()).await;
            let last = answer.rfind("HTTP/1.1 ").map_or("", |at| &answer[at..]);
            assert!(last.starts_with(&format!("HTTP/1.1 {status} ")), "{index}: {answer}");
            assert_eq!(responses(&answer), 1 + usize::from(!before.is_empty()), "{answer}");
            assert_is_a_problem(&answer, code);
        }
    }
    let lost = || fixture.echo.losses.lock().unwrap().clone();
    for _ in 0..500 {
        if lost().len() == 2 * cases.len() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(lost(), vec![Loss::Malformed; 2 * cases.len()]);
}

#[tokio::test]
async fn ambiguous_framing_gets_400_or_nothing_and_one_response_at_most() {
    let fixture = start(|_| {});
    for (name, request) in ambiguous() {
        let answer = fixture.exchange(format!("{request}{SMUGGLED}").as_bytes()).await;
        assert_refused(name, &answer);
    }
    fixture.assert_serves().await;
}

#[tokio::test]
async fn ambiguous_framing_is_refused_however_it_is_cut_up() {
    let fixture = start(|_| {});
    for (name, request) in ambiguous() {
        let mut stream = fixture.connect().await;
        stream.set_nodelay(true).unwrap();
        for byte in request.as_bytes() {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(stream.write_all(SMUGGLED.as_bytes()).await);
        assert_refused(name, &crate::support::read_to_close(&mut stream).await);
    }
}

#[tokio::test]
async fn ambiguous_framing_after_a_good_request_does_not_spoil_its_answer() {
    let fixture = start(|_| {});
    for (name, request) in ambiguous() {
        let answer = fixture.exchange(format!("{GET}{request}{SMUGGLED}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
        assert!(responses(&answer) <= 2, "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 1, "{name}: {answer}");
    }
}

#[tokio::test]
async fn refused_framing_never_reaches_the_handler() {
    let fixture = start(|_| {});
    for (name, request) in ambiguous() {
        let in_body = name.starts_with("chunk") || name == "trailers";
        let before = fixture.calls();
        fixture.exchange(request.as_bytes()).await;
        let allowed = usize::from(in_body);
        assert!(fixture.calls() - before <= allowed, "{name} reached the handler");
    }
}

#[tokio::test]
async fn plain_requests_pass_pipelined_and_in_pieces() {
    let fixture = start(|_| {});
    let requests = [
        GET.to_owned(),
        post("Content-Length: 7\r\n", "\r\n\r\n{}\n"),
        post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\n\n\n\r\n0\r\n\r\n"),
        "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
    ]
    .concat();
    let answer = fixture.exchange(requests.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 5, "{answer}");
    assert!(answer.contains("read 7") && answer.contains("read 5"), "{answer}");

    let mut stream = fixture.connect().await;
    for piece in requests.as_bytes().chunks(3) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = crate::support::read_to_close(&mut stream).await;
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 5, "{answer}");
}

#[tokio::test]
async fn http_1_0_needs_no_host_and_closes() {
    let fixture = start(|_| {});
    let answer = fixture.exchange(b"GET /now HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}

#[tokio::test]
async fn an_unknown_method_is_told_the_known_ones() {
    let fixture = start(|_| {});
    for method in ["BREW", "TRACE", "PUT", "CONNECT"] {
        let target = if method == "CONNECT" { "a:80" } else { "/now" };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = fixture.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        assert!(answer.contains("allow: GET, HEAD, POST, OPTIONS"), "{answer}");
        assert!(answer.contains(r#""code":"method_not_allowed""#), "{answer}");
        assert_eq!(responses(&answer), 1);
    }
}

#[tokio::test]
async fn a_head_request_gets_the_head_alone() {
    let fixture = start(|_| {});
    let request = "HEAD /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = fixture.exchange(request.as_bytes()).await;
    assert!(answer.contains("content-length: 5\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_reset_at_any_byte_leaves_the_server_well() {
    let fixture = start(|_| {});
    let request = post("Content-Length: 5\r\n", "hello");
    for end in 0..=request.len() {
        let mut stream = fixture.connect().await;
        stream.write_all(&request.as_bytes()[..end]).await.unwrap();
        reset(stream);
    }
    fixture.assert_serves().await;
    for _ in 0..100 {
        if fixture.server.open_connections() == 0 {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{} connections leaked", fixture.server.open_connections());
}

/// Closes with RST rather than FIN.
fn reset(stream: tokio::net::TcpStream) {
    let socket = socket2::SockRef::from(&stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[tokio::test]
async fn a_hang_up_while_the_answer_is_made_frees_the_connection() {
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    stream.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while fixture.calls() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    reset(stream);
    for _ in 0..100 {
        if fixture.server.open_connections() == 0 {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the connection of a peer that is gone stays open");
}

#[tokio::test]
async fn an_answer_keeps_the_connection_for_the_next_request() {
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        let answer = read_until(&mut stream, "\"now\"").await;
        assert_eq!(responses(&answer), 1);
    }
    assert_eq!(fixture.server.open_connections(), 1);
}
