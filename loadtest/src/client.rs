//! HTTP/1.1 or HTTP/2 over a bounded pool of kept-alive connections.
//!
//! Owns sockets: at most `connections` at once, whatever the crowd's size, so that twenty
//! thousand shoppers fit a modest file-descriptor limit. Waiting for a connection is part of the
//! latency a shopper sees, because latency is measured from the intended moment by the caller.
//! With HTTP/2 `connections` bounds the requests at once, which share a thirty-second as many
//! sockets. How a socket is opened is in [`dial`], event streams are in [`stream`].
//!
//! It never repeats a request by itself. A failure says whether the request may have reached the
//! server, since that is what decides what a retry means; see [`crate::run::Run::insist`].

mod dial;
mod stream;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{HeaderMap, Method, Request, Response, Uri};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::clock::{Clock, Stamp};
use crate::wire::Problem;

pub(crate) use dial::{Dial, raise_socket_limit};
pub(crate) use stream::{Event, Stream};

/// Answers are small JSON documents; more is a server gone wrong, not data.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Ticket, pass or key for `Authorization: Bearer`; empty for none.
    pub(crate) bearer: String,
    /// `Idempotency-Key`; empty for none.
    pub(crate) key: String,
    pub(crate) body: Bytes,
}

impl Call {
    /// A read of `path`.
    pub(crate) fn get(path: impl Into<String>, bearer: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            bearer: bearer.to_owned(),
            key: String::new(),
            body: Bytes::new(),
        }
    }

    /// A change at `path`, repeatable under `key` when that is not empty.
    pub(crate) fn post(path: impl Into<String>, bearer: &str, key: impl Into<String>) -> Self {
        Self { method: Method::POST, key: key.into(), ..Self::get(path, bearer) }
    }

    /// The same with a JSON body.
    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.body = serde_json::to_vec(body).map(Bytes::from).unwrap_or_default();
        self
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// What the server asked for in `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    /// When this attempt got its turn in the pool: what came before was the generator's wait.
    pub(crate) begun: Stamp,
    /// Just before the first byte was handed to the socket.
    pub(crate) sent: Stamp,
    /// When the whole answer had arrived.
    pub(crate) done: Stamp,
}

impl Answer {
    /// The body as `T`, if it is one.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The problem's stable code; empty when the body is no problem document.
    pub(crate) fn code(&self) -> String {
        self.parse::<Problem>().unwrap_or_default().code
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct CallError {
    /// When the attempt got its turn in the pool.
    pub(crate) begun: Stamp,
    /// When it left, after which it may have been acted on: repeating it is safe only under its
    /// key. `None` when it never left, and repeating is always safe.
    pub(crate) sent: Option<Stamp>,
    cause: String,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.sent.is_some() { "no answer" } else { "not sent" };
        write!(f, "{what}: {}", self.cause)
    }
}

/// The version of HTTP spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    /// HTTP/1.1: one request at a time on a connection.
    One,
    /// HTTP/2 with prior knowledge: many at once.
    Two,
}

/// An open connection of either kind.
pub(crate) enum Connection {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(connection) => connection.send_request(request).await,
            Self::Two(connection) => connection.send_request(request).await,
        }
    }

    async fn is_ready(&mut self) -> bool {
        match self {
            Self::One(connection) => connection.ready().await.is_ok(),
            Self::Two(connection) => connection.ready().await.is_ok(),
        }
    }
}

/// Requests that share one HTTP/2 socket, on average: servers commonly allow a hundred.
const REQUESTS_PER_SOCKET: usize = 32;

/// The pool.
pub(crate) struct Client {
    dial: Dial,
    clock: Clock,
    timeout: Duration,
    connections: usize,
    /// One permit per request at once; fair, so nobody starves.
    permits: Semaphore,
    /// HTTP/1.1 connections whose last answer was read to its end: at most as many as permits.
    idle: Mutex<Vec<Connection>>,
    /// HTTP/2 connections, taken in turn. Whoever finds a place empty or broken fills it; if two
    /// do so at once, one of the sockets serves a single request.
    shared: Vec<Mutex<Option<http2::SendRequest<Full<Bytes>>>>>,
    turn: AtomicUsize,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("dial", &self.dial).finish_non_exhaustive()
    }
}

impl Client {
    /// A pool for what `dial` reaches.
    pub(crate) fn new(dial: Dial, clock: Clock, connections: usize, timeout: Duration) -> Self {
        let connections = connections.max(1);
        let sockets = connections.div_ceil(REQUESTS_PER_SOCKET);
        Self {
            dial,
            clock,
            timeout,
            connections,
            permits: Semaphore::new(connections),
            idle: Mutex::new(Vec::new()),
            shared: (0..sockets).map(|_| Mutex::new(None)).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> String {
        self.dial.address()
    }

    /// Requests that hold a connection at this moment.
    pub(crate) fn in_flight(&self) -> usize {
        self.connections - self.permits.available_permits()
    }

    /// Sends `call` once and reads the whole answer.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, CallError> {
        // The semaphore is never closed: without a permit the request simply would not wait.
        let _permit = self.permits.acquire().await.ok();
        let begun = self.clock.now();
        let not_sent = |cause: String| CallError { begun, sent: None, cause };
        let connecting = tokio::time::timeout(self.timeout, self.connection());
        let mut connection = match connecting.await {
            Ok(connection) => connection.map_err(not_sent)?,
            Err(_elapsed) => return Err(not_sent("connecting timed out".to_owned())),
        };
        let request = self.request(call).map_err(|e| not_sent(e.to_string()))?;

        let sent = self.clock.now();
        let unknown = |cause: String| CallError { begun, sent: Some(sent), cause };
        let exchange = async {
            let response = connection.send(request).await.map_err(|e| e.to_string())?;
            let status = response.status().as_u16();
            let retry_after = retry_after(response.headers());
            let body = Limited::new(response.into_body(), BODY_BYTES_MAX);
            let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok::<_, String>((status, retry_after, body))
        };
        let (status, retry_after, body) = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_elapsed| unknown(format!("none within {:?}", self.timeout)))?
            .map_err(unknown)?;
        let done = self.clock.now();
        if matches!(connection, Connection::One(_)) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(Answer { status, body, retry_after, begun, sent, done })
    }

    /// A connection that still stands, or a new one.
    async fn connection(&self) -> Result<Connection, String> {
        if self.dial.http() == Http::Two {
            return self.shared_connection().await;
        }
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = idle else { return self.dial.open().await };
            if connection.is_ready().await {
                return Ok(connection);
            }
        }
    }

    async fn shared_connection(&self) -> Result<Connection, String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.shared.len();
        let place = &self.shared[turn];
        let known = place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            let mut connection = Connection::Two(known);
            if connection.is_ready().await {
                return Ok(connection);
            }
        }
        let connection = self.dial.open().await?;
        if let Connection::Two(connection) = &connection {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.clone());
        }
        Ok(connection)
    }

    fn request(&self, call: &Call) -> hyper::http::Result<Request<Full<Bytes>>> {
        let address = self.address();
        let mut request = Request::builder().method(&call.method);
        request = match self.dial.http() {
            Http::One => request.uri(call.path.as_str()).header(HOST, address),
            Http::Two => request.uri(format!("http://{address}{}", call.path)),
        };
        if !call.bearer.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {}", call.bearer));
        }
        if !call.key.is_empty() {
            request = request.header("idempotency-key", &call.key);
        }
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(Full::new(call.body.clone()))
    }
}

/// Host and port of an `http://` URL.
pub(crate) fn authority(url: &str) -> Result<(String, u16), String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url} is not a URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("{url} must start with http:// (TLS is not spoken here)"));
    }
    let host = uri.host().ok_or_else(|| format!("{url} names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), uri.port_u16().unwrap_or(80)))
}

/// `Retry-After` in whole seconds, the only form the contract uses.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_host_and_a_port_or_are_refused() {
        assert_eq!(authority("http://127.0.0.1:8080").unwrap(), ("127.0.0.1".to_owned(), 8080));
        assert_eq!(authority("http://[::1]:81").unwrap(), ("::1".to_owned(), 81));
        assert_eq!(authority("http://shop.example/").unwrap().1, 80);
        assert!(authority("https://shop.example").is_err());
        assert!(authority("nonsense").is_err());
    }
}
