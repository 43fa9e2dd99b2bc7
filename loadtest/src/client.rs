//! HTTP/1.1 over a bounded pool of kept-alive connections.
//!
//! Owns sockets: at most `connections` at once, whatever the crowd's size, so that twenty
//! thousand shoppers fit a modest file-descriptor limit. Waiting for a connection is part of the
//! latency a shopper sees, because latency is measured from the intended moment by the caller.
//!
//! It never repeats a request by itself. A failure says whether the request may have reached the
//! server, since that is what decides what a retry means; see [`crate::run::Run::insist`].

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{HeaderMap, Method, Uri};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::clock::{Clock, Stamp};
use crate::wire::Problem;

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
pub(crate) enum CallError {
    /// The request never left: repeating it is always safe.
    NotSent(String),
    /// It may have been acted on: repeating it is safe only under its key.
    Unknown { sent: Stamp, cause: String },
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(cause) => write!(f, "not sent: {cause}"),
            Self::Unknown { cause, .. } => write!(f, "no answer: {cause}"),
        }
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// The pool.
pub(crate) struct Client {
    host: String,
    port: u16,
    clock: Clock,
    timeout: Duration,
    connections: usize,
    /// One permit per socket allowed; fair, so nobody starves.
    permits: Semaphore,
    /// Connections whose last answer was read to its end. Holds at most as many as permits.
    idle: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A pool for `http://host:port`; other schemes are refused with a reason.
    pub(crate) fn new(
        url: &str,
        clock: Clock,
        connections: usize,
        timeout: Duration,
    ) -> Result<Self, String> {
        let (host, port) = authority(url)?;
        let connections = connections.max(1);
        Ok(Self {
            host,
            port,
            clock,
            timeout,
            connections,
            permits: Semaphore::new(connections),
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Requests that hold a connection at this moment.
    pub(crate) fn in_flight(&self) -> usize {
        self.connections - self.permits.available_permits()
    }

    /// Sends `call` once and reads the whole answer.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, CallError> {
        let _permit =
            self.permits.acquire().await.map_err(|error| CallError::NotSent(error.to_string()))?;
        let connecting = tokio::time::timeout(self.timeout, self.connection());
        let mut connection = match connecting.await {
            Ok(connection) => connection.map_err(CallError::NotSent)?,
            Err(_elapsed) => return Err(CallError::NotSent("connecting timed out".to_owned())),
        };
        let request = self.request(call).map_err(|e| CallError::NotSent(e.to_string()))?;

        let sent = self.clock.now();
        let unknown = |cause: String| CallError::Unknown { sent, cause };
        let exchange = async {
            let response = connection.send_request(request).await.map_err(|e| e.to_string())?;
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
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(Answer { status, body, retry_after, sent, done })
    }

    /// An idle connection that still stands, or a new one.
    async fn connection(&self) -> Result<Connection, String> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = idle else { break };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let address = (self.host.as_str(), self.port);
        let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (connection, driver) =
            handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        // The driver's error reaches whoever waits on `connection`; nobody else wants it.
        drop(tokio::spawn(driver));
        Ok(connection)
    }

    fn request(&self, call: &Call) -> hyper::http::Result<hyper::Request<Full<Bytes>>> {
        let mut request = hyper::Request::builder()
            .method(&call.method)
            .uri(call.path.as_str())
            .header(HOST, self.address());
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
