//! What the bare server tells a service that is mounted on it of a request, and what the service may say
//! of its answer.
//!
//! A request also has its id, as the extension [`RequestId`](crate::request_id::RequestId) and in
//! `X-Request-Id`: whatever the client sent there is replaced.

use std::net::IpAddr;
use std::sync::Arc;

/// A request's extension: who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The address it came from: the socket's, or what a listed proxy says.
    pub client: Option<IpAddr>,
    /// Whether the connection is TLS.
    pub tls: bool,
}

/// A response's extension: its body goes on for as long as the client stays, and may be silent for long. It takes
/// a place among the event streams, and its only deadline is that of a client that takes nothing. A response of the
/// type `text/event-stream` is open-ended without it. The pieces of any other body have to follow each other, and
/// all of it has to be sent in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenEnded;

/// A response's extension: the pattern of the route that made it, such as `/deals/{id}`, for metrics
/// and the access log. Never the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteLabel(pub Arc<str>);
