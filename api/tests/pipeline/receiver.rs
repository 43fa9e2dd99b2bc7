//! A receiver as a shop would write one: verifies each signature, then does as the test says.
//!
//! It records what it processed even when its reply is lost, which is what a duplicate is about.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::shop::SECRET;

/// What to do with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Process it and say so.
    Take,
    /// Process it and say so after a while.
    TakeSlowly,
    /// Process it, and say so in a body that never ends.
    TakeAndTrickle,
    /// Do not process it; answer with this status and these words.
    Answer(u16, &'static str),
    /// Do not process it; answer with this status and this `Retry-After`.
    AnswerAfter(u16, String),
    /// Answer with a redirect to this place.
    Redirect(String),
    /// Do not process it and never answer.
    Hang,
    /// Do not process it and close the connection.
    Close,
    /// Process it and close the connection without a word.
    TakeAndClose,
}

type Manners = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

/// One request, as the manners are shown it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) event_id: u64,
    pub(crate) json: Value,
    /// How often this event was posted, this time included.
    pub(crate) times: usize,
}

/// What a receiver has seen over all its lives.
#[derive(Default)]
pub(crate) struct Ledger {
    requests: Mutex<Vec<u64>>,
    processed: Mutex<Vec<(u64, Value)>>,
    under_way: Mutex<(usize, usize)>,
}

impl Ledger {
    /// Events processed, in the order of processing, duplicates included.
    pub(crate) fn processed(&self) -> Vec<(u64, Value)> {
        self.processed.lock().unwrap().clone()
    }

    /// Different events processed.
    pub(crate) fn count(&self) -> usize {
        let processed = self.processed.lock().unwrap();
        processed.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>().len()
    }

    /// How often an event was posted, whatever came of it.
    pub(crate) fn times(&self, event_id: u64) -> usize {
        self.requests.lock().unwrap().iter().filter(|id| **id == event_id).count()
    }

    /// The most requests there were at once.
    pub(crate) fn under_way_max(&self) -> usize {
        self.under_way.lock().unwrap().1
    }

    /// Asserts that events `1..=last` were processed, each hold's in their order.
    pub(crate) fn assert_whole(&self, last: u64) {
        let processed = self.processed();
        let ids: BTreeSet<u64> = processed.iter().map(|(id, _)| *id).collect();
        let missing: Vec<u64> = (1..=last).filter(|id| !ids.contains(id)).collect();
        assert!(missing.is_empty(), "never processed: {missing:?}");
        assert_eq!(ids.len(), usize::try_from(last).unwrap(), "an event nobody made");
        for (purchase, story) in self.stories() {
            let mut known = BTreeSet::new();
            let firsts: Vec<u64> = story.into_iter().filter(|id| known.insert(*id)).collect();
            assert!(firsts.is_sorted(), "{purchase} out of order: {firsts:?}");
        }
    }

    /// Asserts what holds within one life of a pipeline: a duplicate only ever follows its
    /// original, with nothing of the same hold between.
    pub(crate) fn assert_no_replay(&self) {
        for (purchase, story) in self.stories() {
            assert!(story.is_sorted(), "{purchase} told again: {story:?}");
        }
    }

    fn stories(&self) -> BTreeMap<String, Vec<u64>> {
        let mut stories: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (id, json) in self.processed() {
            stories.entry(json["purchase"].to_string()).or_default().push(id);
        }
        stories
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.processed().iter().map(|(id, _)| *id).collect::<Vec<_>>())
    }
}

/// A listening receiver; dropping it takes it down, connections and all.
pub(crate) struct Receiver {
    pub(crate) addr: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start(
        ledger: &Arc<Ledger>,
        manners: impl Fn(&Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), ledger, manners, None).await
    }

    pub(crate) async fn start_at(
        addr: SocketAddr,
        ledger: &Arc<Ledger>,
        manners: impl Fn(&Seen) -> Act + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (ledger, manners): (_, Manners) = (Arc::clone(ledger), Arc::new(manners));
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (ledger, manners) = (Arc::clone(&ledger), Arc::clone(&manners));
                let tls = tls.clone();
                connections.spawn(async move {
                    match tls {
                        None => serve(socket, ledger, manners).await,
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                serve(socket, ledger, manners).await;
                            }
                        }
                    }
                });
            }
        });
        Self { addr, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/orders?shop=1", self.addr)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A body that never ends and never says anything.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, ledger: Arc<Ledger>, manners: Manners) {
    let service = service_fn(|request| {
        let (ledger, manners) = (Arc::clone(&ledger), Arc::clone(&manners));
        async move {
            {
                let mut under_way = ledger.under_way.lock().unwrap();
                under_way.0 += 1;
                under_way.1 = under_way.1.max(under_way.0);
            }
            let answered = answer(request, &ledger, &manners).await;
            ledger.under_way.lock().unwrap().0 -= 1;
            answered
        }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // A connection that a test cuts is no failure of the receiver's.
    drop(http.serve_connection(TokioIo::new(socket), service).await);
}

type Reply = Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

async fn answer(
    request: Request<Incoming>,
    ledger: &Ledger,
    manners: &Manners,
) -> Result<Reply, &'static str> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| "the request broke off")?.to_bytes();
    let header = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
    let (event_id, timestamp) = (header("rushgate-event-id"), header("rushgate-timestamp"));
    verify(SECRET, &header("rushgate-signature"), &timestamp, &event_id, &body);
    assert_eq!(
        (header("webhook-id"), header("webhook-timestamp")),
        (event_id.clone(), timestamp.clone())
    );
    verify_standard(SECRET, &header("webhook-signature"), &timestamp, &event_id, &body);
    assert_eq!(parts.headers["content-type"], "application/json");
    assert_eq!(parts.uri, "/orders?shop=1");
    let json: Value = serde_json::from_slice(&body).unwrap();
    let number = json["event_id"].as_u64().unwrap();
    assert_eq!(event_id, format!("{}-{number}", json["sale"].as_str().unwrap()));
    let event_id = number;
    ledger.requests.lock().unwrap().push(event_id);
    let seen = Seen { event_id, json, times: ledger.times(event_id) };
    let process = || ledger.processed.lock().unwrap().push((event_id, seen.json.clone()));
    let full = |status: u16, words: &'static str| {
        Response::builder().status(status).body(Full::from(words).boxed()).unwrap()
    };
    match manners(&seen) {
        Act::Take => {
            process();
            Ok(full(204, ""))
        }
        Act::TakeSlowly => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            process();
            Ok(full(200, "ok"))
        }
        Act::TakeAndTrickle => {
            process();
            Ok(Response::new(Endless.boxed()))
        }
        Act::Answer(status, words) => Ok(full(status, words)),
        Act::AnswerAfter(status, after) => {
            let mut reply = full(status, "");
            reply.headers_mut().insert("retry-after", after.parse().unwrap());
            Ok(reply)
        }
        Act::Redirect(to) => {
            let mut reply = full(307, "");
            reply.headers_mut().insert("location", to.parse().unwrap());
            Ok(reply)
        }
        Act::Hang => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            Err("hung")
        }
        Act::Close => Err("closed"),
        Act::TakeAndClose => {
            process();
            Err("closed after processing")
        }
    }
}

/// What the document tells receivers to do.
pub(crate) fn verify(secret: &[u8], header: &str, timestamp: &str, event_id: &str, body: &[u8]) {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(format!("{timestamp}.{event_id}.").as_bytes());
    mac.update(body);
    let digits = mac.finalize().into_bytes();
    let hex: String = digits.iter().flat_map(|b| [b >> 4, b & 0xf]).fold(
        String::from("v1="),
        |mut hex, digit| {
            hex.push(char::from_digit(u32::from(digit), 16).unwrap());
            hex
        },
    );
    assert!(header.split(',').any(|one| one == hex), "no right signature in {header}");
}

/// What verifiers of Standard Webhooks do.
fn verify_standard(secret: &[u8], header: &str, timestamp: &str, id: &str, body: &[u8]) {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert!(header.split(' ').any(|one| one == right), "no right signature in {header}");
}
