//! An honest server in memory, and dishonest ones.
//!
//! Owns the HTTP side: it speaks the contract over real sockets. What a sale does is in [`sale`].

mod sale;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::Channel;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use sale::Sale;

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Nothing wrong, but some requests get no answer and some 503.
    Flaky,
    Oversell,
    ForgetPurchases,
    ForgetTickets,
    DuplicateNumbers,
    JumpQueue,
    LoseReleasedUnits,
    IgnoreEntryKeys,
    /// Bots that ask often are let in before their turn.
    FavourBots,
    /// A ticket is as good as a pass.
    SellWithoutPass,
    /// A stream whose position goes up.
    RisingStream,
    /// Estimated waits are a minute too long.
    WrongEta,
    /// The gate goes at three times its pace, as if each of three nodes kept it for itself.
    TriplePace,
    /// Everyone after the first shoppers is refused.
    Full,
    /// Each node numbers the places it gives by itself.
    OwnNumbers,
    /// The second node answers 502 for half of the time, and then as ever.
    Flapping,
}

/// A status and a body.
pub(crate) type Reply = (u16, Value);

/// A problem document with `code`.
pub(crate) fn problem(status: u16, code: &str) -> Reply {
    (status, json!({"type": "about:blank", "title": code, "status": status, "code": code}))
}

/// A running fake; lives as long as the test's runtime.
#[derive(Debug)]
pub(crate) struct Fake {
    /// One for each node.
    addresses: Vec<SocketAddr>,
}

#[derive(Debug)]
struct Shared {
    fault: Fault,
    requests: AtomicU64,
    sale: Mutex<Option<Sale>>,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Fake {
    pub(crate) async fn start(fault: Fault) -> Self {
        Self::start_nodes(fault, &[Duration::ZERO]).await
    }

    /// Nodes of one sale, each so far behind it: entering and buying is decided in one place, and what
    /// a node shows of the line is what it has heard by then.
    pub(crate) async fn start_nodes(fault: Fault, behind: &[Duration]) -> Self {
        let requests = AtomicU64::new(0);
        let shared = Arc::new(Shared { fault, requests, sale: Mutex::new(None) });
        let mut addresses = Vec::new();
        for (index, behind) in behind.iter().copied().enumerate() {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(listener.local_addr().unwrap());
            let shared = Arc::clone(&shared);
            drop(tokio::spawn(async move {
                while let Ok((stream, _peer)) = listener.accept().await {
                    drop(tokio::spawn(serve(Arc::clone(&shared), Node { index, behind }, stream)));
                }
            }));
        }
        Self { addresses }
    }

    /// All nodes, as the command line takes them.
    pub(crate) fn url(&self) -> String {
        let urls: Vec<String> = self.addresses.iter().map(|at| format!("http://{at}")).collect();
        urls.join(",")
    }
}

/// Which node was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) index: usize,
    /// How far what it shows is behind what is decided.
    pub(crate) behind: Duration,
}

async fn serve(shared: Arc<Shared>, node: Node, stream: TcpStream) {
    let service = service_fn(|request| answer(Arc::clone(&shared), node, request));
    let server = auto::Builder::new(TokioExecutor::new());
    // A connection cut on purpose ends in an error; that is what it is for.
    drop(server.serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(
    shared: Arc<Shared>,
    node: Node,
    request: Request<Incoming>,
) -> Result<Response<Body>, &'static str> {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let bearer = header(AUTHORIZATION.as_str()).trim_start_matches("Bearer ").to_owned();
    let key = header("idempotency-key");
    let body = body.collect().await.map_err(|_broken| "the body broke off")?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();

    let count = shared.requests.fetch_add(1, Ordering::Relaxed);
    let flaky = shared.fault == Fault::Flaky && head.uri.path() != "/v1/admin/sales";
    if flaky && count % 11 == 3 {
        let (status, body) = problem(503, "overloaded");
        return Ok(respond(status, &body, Some("0")));
    }
    let path = head.uri.path().to_owned();
    if shared.fault == Fault::Flapping && node.index == 1 && count / 64 % 2 == 1 {
        return Ok(respond(502, &Value::Null, None));
    }
    if path.ends_with("/stream") {
        return Ok(stream(shared, node, bearer));
    }
    let (status, body) =
        dispatch(&shared, node, head.method.as_str(), &path, &Said { bearer, key, body });
    if flaky && count % 7 == 3 {
        // Acted on, not acknowledged: the connection is cut instead.
        return Err("cut on purpose");
    }
    Ok(respond(status, &body, None))
}

fn respond(status: u16, body: &Value, retry_after: Option<&str>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if let Some(seconds) = retry_after {
        response = response.header(RETRY_AFTER, seconds);
    }
    let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    response.body(Full::new(bytes).boxed_unsync()).unwrap()
}

/// Events every 20 ms until the place is admitted, or thirty have been sent: then the stream
/// breaks off, and the watcher must come back.
fn stream(shared: Arc<Shared>, node: Node, ticket: String) -> Response<Body> {
    let (mut events, body) = Channel::<Bytes, Infallible>::new(1);
    drop(tokio::spawn(async move {
        drop(events.send_data(Bytes::from("retry: 50\n\n: hello\n\n")).await);
        for count in 0..30 {
            let (status, mut place) = {
                let mut sale = shared.sale.lock().unwrap();
                let sale = sale.as_mut().unwrap();
                sale.advance();
                sale.position(&ticket, node)
            };
            if shared.fault == Fault::RisingStream && place["state"] == "waiting" {
                place["position"] = json!(1_000 + count);
            }
            let name = if status == 200 { "place" } else { "gone" };
            let event = Bytes::from(format!("event: {name}\ndata: {place}\n\n"));
            let heard = events.send_data(event).await.is_ok();
            if !heard || name == "gone" || place["state"] == "admitted" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }));
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(body.boxed_unsync())
        .unwrap()
}

/// What a request says besides where it goes.
struct Said {
    bearer: String,
    key: String,
    body: Value,
}

fn dispatch(shared: &Shared, node: Node, method: &str, path: &str, said: &Said) -> Reply {
    let Said { bearer, key, body } = said;
    let mut sale = shared.sale.lock().unwrap();
    if let ("POST", "/v1/admin/sales") = (method, path) {
        if bearer != "op" {
            return problem(401, "key_invalid");
        }
        *sale = Some(Sale::new(shared.fault, body));
        return (201, body.clone());
    }
    let Some(sale) = sale.as_mut() else { return problem(404, "sale_unknown") };
    sale.advance();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').skip(1).collect();
    match (method, parts.as_slice()) {
        ("GET", ["admin", "sales", id]) if *id == sale.id => sale.rules(),
        ("GET", ["admin", "sales", id, "stats"]) if *id == sale.id => sale.statistics(),
        ("GET", ["sales", id]) if *id == sale.id => sale.status(node),
        ("POST", ["sales", _, "enter"]) => sale.enter(key, node),
        ("GET", ["sales", _, "position"]) => sale.position(bearer, node),
        ("POST", ["sales", _, "leave"]) => sale.leave(bearer),
        ("POST", ["sales", _, "purchase"]) => sale.purchase(bearer, key, body),
        ("GET", ["sales", _, "purchases", id]) => sale.read(id),
        ("POST", ["sales", _, "purchases", id, verb]) => sale.change(id, verb),
        _ => problem(404, "route_unknown"),
    }
}
