//! HTTP/2 by prior knowledge: served, bounded, drained.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use crate::support::{Fixture, PATIENCE, start};

pub(crate) type Client = SendRequest<Full<Bytes>>;

pub(crate) async fn client<S>(stream: S) -> Client
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn send(
    mut client: Client,
    method: Method,
    path: &str,
    body: usize,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://a{path}"))
        .body(Full::new(Bytes::from(vec![b'x'; body])))
        .unwrap();
    let response = timeout(PATIENCE, client.send_request(request)).await.unwrap().unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn prior_knowledge_is_served_with_the_same_bounds() {
    let fixture = start(|_| {});
    let client = client(fixture.connect().await).await;
    let (status, body) = send(client.clone(), Method::GET, "/now", 0).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "\"now\""));
    let (_, body) = send(client.clone(), Method::POST, "/p", 16 * 1024).await;
    assert_eq!(body, "\"read 16384\"");
    let (status, _) = send(client.clone(), Method::POST, "/p", 16 * 1024 + 1).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, body) = send(client.clone(), Method::HEAD, "/now", 0).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    let (status, _) = send(client, Method::PUT, "/now", 0).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn no_more_streams_run_at_once_than_allowed() {
    let fixture = start(|options| options.http2_streams_max = 4);
    let client = client(fixture.connect().await).await;
    // The server's settings arrive with the first answer.
    send(client.clone(), Method::GET, "/now", 0).await;
    let waiting: Vec<_> =
        (0..10).map(|_| tokio::spawn(send(client.clone(), Method::GET, "/wait", 0))).collect();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(fixture.calls(), 1 + 4);
    fixture.echo.gate.add_permits(10);
    for one in waiting {
        assert_eq!(one.await.unwrap().0, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let fixture = start(|options| options.idle_timeout = Duration::from_millis(300));
    let client = client(fixture.connect().await).await;
    send(client.clone(), Method::GET, "/now", 0).await;
    let closed = async {
        while fixture.server.open_connections() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, closed).await.unwrap();
    drop(client);
}

#[tokio::test]
async fn the_drain_lets_streams_finish() {
    let fixture = start(|_| {});
    let client = client(fixture.connect().await).await;
    let waiting = tokio::spawn(send(client.clone(), Method::GET, "/wait", 0));
    while fixture.calls() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let gate = Arc::clone(&fixture.echo.gate);
    let shutdown = tokio::spawn(fixture.server.shutdown(Duration::from_secs(5)));
    sleep(Duration::from_millis(100)).await;
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().0, StatusCode::OK);
    assert_eq!(shutdown.await.unwrap(), 0);
    drop(client);
}

/// One frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `GET http://a/now` in HPACK without a table.
const GET_NOW: &[u8] = b"\x82\x86\x04\x04/now\x01\x01a";

/// Waits until the server has closed every connection, reading and dropping what it says.
async fn closed_by_server(fixture: &Fixture, mut stream: tokio::net::TcpStream) {
    let mut dropped = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut dropped)).await.expect("not closed"));
    fixture.assert_serves().await;
}

#[tokio::test]
async fn a_peer_that_never_opens_its_window_is_cut() {
    let fixture = start(|options| options.write_timeout = Duration::from_millis(300));
    let mut stream = fixture.connect().await;
    // SETTINGS_INITIAL_WINDOW_SIZE (4) = 0
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let request = frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_NOW);
    stream.write_all(&[PREFACE, &settings, &request].concat()).await.unwrap();
    closed_by_server(&fixture, stream).await;
    assert_eq!(fixture.calls(), 2);
}

/// A peer that is told to end may leave its connection open: it is closed for a newcomer.
#[tokio::test]
async fn a_connection_that_is_told_to_end_makes_room() {
    const REQUESTS: u8 = 9;
    let fixture = start(|options| options.connections_max = 1);
    let mut stream = fixture.connect().await;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    for index in 0..REQUESTS {
        let often = b"\x82\x86\x04\x06/often\x01\x01a";
        let request = frame(HEADERS, END_STREAM | END_HEADERS, 2 * index + 1, often);
        stream.write_all(&request).await.unwrap();
    }
    while fixture.echo.answered.load(Ordering::Relaxed) < usize::from(REQUESTS) {
        sleep(Duration::from_millis(5)).await;
    }
    // Its refusals are told after a second, and after one more it has been idle for long enough.
    sleep(Duration::from_millis(2_200)).await;
    let mut read = vec![0; 4_096];
    assert!(timeout(PATIENCE, stream.read(&mut read)).await.unwrap().unwrap() > 0, "still open");
    fixture.assert_serves().await;
    closed_by_server(&fixture, stream).await;
}

#[tokio::test]
async fn headers_that_never_end_are_cut() {
    let fixture = start(|options| {
        options.idle_timeout = Duration::from_millis(500);
        options.header_read_timeout = Duration::from_millis(500);
    });
    let mut stream = fixture.connect().await;
    let opening =
        [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(HEADERS, END_STREAM, 1, GET_NOW)].concat();
    stream.write_all(&opening).await.unwrap();
    for _ in 0..200 {
        // An empty literal header: one more byte of nothing each time.
        let more = frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y");
        if stream.write_all(&more).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    closed_by_server(&fixture, stream).await;
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    let flood: Vec<u8> = (0..100_u8)
        .flat_map(|index| {
            let id = 2 * index + 1;
            let request = frame(HEADERS, END_STREAM | END_HEADERS, id, GET_NOW);
            [request, frame(RST_STREAM, 0, id, &[0, 0, 0, 8])].concat()
        })
        .collect();
    drop(stream.write_all(&flood).await);
    closed_by_server(&fixture, stream).await;
}

/// What a client may send before any of it is read, on one stream and on the connection.
#[tokio::test]
async fn a_connection_takes_in_64_kib_before_it_is_read() {
    const SETTINGS_INITIAL_WINDOW_SIZE: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;
    let fixture = start(|_| {});
    let mut stream = fixture.connect().await;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    let (mut connection, mut of_stream) = (65_535_u32, 65_535_u32);
    let read = async {
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[2])];
            stream.read_exact(&mut payload).await.unwrap();
            if head[3] == WINDOW_UPDATE && head[8] == 0 {
                connection += u32::from_be_bytes(payload.clone().try_into().unwrap());
            }
            for setting in payload.chunks_exact(6).filter(|_| head[3] == SETTINGS) {
                if setting[1] == SETTINGS_INITIAL_WINDOW_SIZE {
                    of_stream = u32::from_be_bytes(setting[2..].try_into().unwrap());
                }
            }
        }
    };
    assert!(timeout(Duration::from_millis(300), read).await.is_err(), "it stays open");
    assert_eq!((connection, of_stream), (65_535, 65_535));
}
