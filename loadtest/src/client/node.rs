//! One node of the service and the sockets open to it.
//!
//! Owns the kept-alive connections and the form of a request. The [`super::Client`]
//! decides how many may be in use at once, for all nodes together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http2;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};

use super::call::Call;
use super::connection::{Connection, Http};
use super::dial::Dial;

/// Nodes of one service: what is known of each is kept side by side on every request.
pub(crate) const NODES_MAX: usize = 16;

/// Requests that share one HTTP/2 socket, on average: servers commonly allow a hundred.
const REQUESTS_PER_SOCKET: usize = 32;

/// A node, by its place on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) usize);

/// The sockets to one node.
pub(super) struct Node {
    pub(super) dial: Dial,
    /// HTTP/1.1 connections whose last answer was read to its end: at most as many as permits.
    idle: Mutex<Vec<Connection>>,
    /// HTTP/2 connections, taken in turn. A request that finds a place empty or broken fills it; if two
    /// do so at once, one of the sockets serves a single request.
    shared: Vec<Mutex<Option<http2::SendRequest<Full<Bytes>>>>>,
    turn: AtomicUsize,
}

impl Node {
    /// No sockets yet, for at most `connections` requests at once.
    pub(super) fn new(dial: Dial, connections: usize) -> Self {
        let sockets = connections.div_ceil(REQUESTS_PER_SOCKET);
        Self {
            dial,
            idle: Mutex::new(Vec::new()),
            shared: (0..sockets).map(|_| Mutex::new(None)).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) fn address(&self) -> String {
        self.dial.address()
    }

    /// Takes back a connection whose answer was read to its end.
    pub(super) fn keep(&self, connection: Connection) {
        if matches!(connection, Connection::One(_)) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    /// A connection that still stands, or a new one.
    pub(super) async fn connection(&self) -> Result<Connection, String> {
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

    pub(super) fn request(&self, call: &Call) -> hyper::http::Result<Request<Full<Bytes>>> {
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
