//! A server with a trivial handler, and a client that writes bytes as they are told.

#![expect(clippy::panic, reason = "the handler panics where a test asks for it")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use api::error::ApiError;
use api::exchange::{self, Exchange};
use api::route::Methods;
use api::server::{
    Answer, Body, Fault, Handler, Loss, Peer, Pieces, RequestBody, Server, ServerOptions,
};
use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use web::respond::{self, Cache};

/// Longer than any deadline a test sets; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) const GET: &str = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";

/// The answer to `/long`: more than the kernel keeps for a peer that does not read.
pub(crate) const LONG_BYTES: usize = 8 << 20;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");

/// Echoes lengths; `/wait` holds its answer back until a permit is given.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) calls: AtomicUsize,
    pub(crate) begun: AtomicUsize,
    pub(crate) answered: AtomicUsize,
    pub(crate) abandoned: AtomicUsize,
    pub(crate) losses: Mutex<Vec<Loss>>,
    pub(crate) gate: Arc<Semaphore>,
}

impl Handler for Echo {
    type Exchange = Exchange;

    fn begin<B>(&self, request: &Request<B>, peer: &Peer) -> Exchange {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Exchange::begin(request, peer)
    }

    fn within<T>(&self, exchange: &Exchange, work: impl FnOnce() -> T) -> T {
        exchange.id.within(work)
    }

    fn refuse(&self, fault: Fault, exchange: &Exchange) -> Response<Body> {
        exchange.refuse(fault)
    }

    fn answered(&self, exchange: Exchange, response: &mut Response<Body>) {
        exchange.sign(response);
        response.headers_mut().insert("x-answered", HeaderValue::from_static("once"));
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    fn abandoned(&self, _: Exchange) {
        self.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    fn turn_away(&self, loss: Loss) -> Response<Body> {
        exchange::turn_away(loss)
    }

    fn unreadable(&self, status: StatusCode) -> Response<Body> {
        exchange::unreadable(status)
    }

    fn lost(&self, loss: Loss) {
        self.losses.lock().unwrap().push(loss);
    }

    fn answer(&self, request: Request<RequestBody>, peer: &Arc<Peer>, _: &mut Exchange) -> Answer {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let (head, body) = request.into_parts();
        match (&head.method, head.uri.path()) {
            (&Method::GET | &Method::HEAD, "/now") => Answer::Now(say("now")),
            (&Method::GET, "/long") => {
                let body = Bytes::from(vec![b'x'; LONG_BYTES]);
                Answer::Now(respond::bytes(StatusCode::OK, PLAIN, Cache::NoStore, body))
            }
            (&Method::GET, "/often") => Answer::Now(too_often()),
            (&Method::GET, "/often-later") => Answer::later(async { too_often() }),
            (&Method::GET, "/wait") => {
                let gate = Arc::clone(&self.gate);
                Answer::later(async move {
                    gate.acquire().await.unwrap().forget();
                    say("waited")
                })
            }
            (&Method::GET, "/panic") => panic!("a fault before the answer"),
            (&Method::GET, "/panic-later") => Answer::later(async {
                tokio::task::yield_now().await;
                fault()
            }),
            (&Method::GET, "/endless") => {
                let (sender, pieces) = mpsc::channel(1);
                let body = Body::stream(Sent(pieces));
                tokio::spawn(async move {
                    while sender.send(Bytes::from(vec![b'x'; 16 * 1024])).await.is_ok() {}
                });
                Answer::Now(respond::event_stream(body))
            }
            (&Method::GET, "/events") => {
                let (sender, pieces) = mpsc::channel(1);
                let body = Body::stream(Sent(pieces));
                let mut draining = peer.draining.clone();
                tokio::spawn(async move {
                    sender.send(Bytes::from_static(b"event: place\n\n")).await.unwrap();
                    draining.begun().await;
                    sender.send(Bytes::from_static(b"retry: 1000\n\n")).await.unwrap();
                });
                Answer::Now(respond::event_stream(body))
            }
            (&Method::POST, _) => Answer::later(async move {
                match body.read(&head.headers).await {
                    Ok(bytes) => say(&format!("read {}", bytes.len())),
                    Err(fault) => ApiError::from(fault).respond(),
                }
            }),
            (&Method::OPTIONS, _) => Answer::Now(respond::options(Methods::GetPost.header())),
            _ => Answer::Now(ApiError::MethodNotAllowed { allow: Methods::GetPost }.respond()),
        }
    }
}

/// Pieces that a task sends.
struct Sent(mpsc::Receiver<Bytes>);

impl Pieces for Sent {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.poll_recv(context)
    }
}

fn too_often() -> Response<Body> {
    respond::json(StatusCode::TOO_MANY_REQUESTS, Cache::NoStore, &"too often")
}

fn fault() -> Response<Body> {
    panic!("a fault while answering")
}

fn say(words: &str) -> Response<Body> {
    respond::json(StatusCode::OK, Cache::NoStore, &words)
}

pub(crate) struct Fixture {
    pub(crate) server: Server,
    pub(crate) echo: Arc<Echo>,
    pub(crate) addr: SocketAddr,
}

/// Starts a server at a free port; `change` sets the bounds under test.
pub(crate) fn start(change: impl FnOnce(&mut ServerOptions)) -> Fixture {
    let mut options = ServerOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    change(&mut options);
    let echo = Arc::new(Echo {
        calls: AtomicUsize::new(0),
        begun: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        abandoned: AtomicUsize::new(0),
        losses: Mutex::default(),
        gate: Arc::new(Semaphore::new(0)),
    });
    let server = Server::start(&options, Arc::clone(&echo)).unwrap();
    let addr = server.local_addr();
    Fixture { server, echo, addr }
}

impl Fixture {
    pub(crate) fn calls(&self) -> usize {
        self.echo.calls.load(Ordering::Relaxed)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends bytes, then answers all that comes back until the server closes.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that has refused already may close while we still write.
        drop(stream.write_all(bytes).await);
        read_to_close(&mut stream).await
    }

    /// A plain request on a connection of its own still succeeds.
    pub(crate) async fn assert_serves(&self) {
        let request = "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = self.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// Everything until the server closes or resets.
pub(crate) async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    assert!(ended.is_ok(), "not closed; got {:?}", String::from_utf8_lossy(&bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until `marker` has come.
pub(crate) async fn read_until(stream: &mut TcpStream, marker: &str) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = timeout(PATIENCE, stream.read(&mut chunk)).await.unwrap().unwrap();
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(marker) {
            return text.into_owned();
        }
        assert!(count > 0, "closed before {marker:?}: {text:?}");
    }
}

/// How many responses stand in what was read.
pub(crate) fn responses(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}
