//! One request from its head to its answer, whichever listener it came to.
//!
//! Owns the request's name and what is known of it when it is over. A handler never sees it: what a
//! handler refuses finds the name by itself ([`RequestId::current`]).

use std::net::IpAddr;

use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::time::Instant;
use web::request_id::{RequestId, X_REQUEST_ID};
use web::trace::TraceId;

use crate::cors::Crossing;
use crate::error::ApiError;
use crate::server::{Body, Fault, Loss, Peer};

/// A request that is being answered.
#[derive(Debug)]
pub struct Exchange {
    /// Its name, in the answer and in the log.
    pub id: RequestId,
    /// The trace it belongs to, if its sender says so.
    pub trace: Option<TraceId>,
    /// Its method.
    pub method: Method,
    /// The address it came from: the socket's, or what a listed proxy says.
    pub client: Option<IpAddr>,
    /// When its head had been read.
    pub started: Instant,
    /// The call it means, as [`Route::index`](crate::route::Route::index) counts them; `None` until
    /// that is known, and if it means none.
    pub route: Option<usize>,
    /// What its browser is told, if a page of another origin may be asking.
    pub crossing: Crossing,
}

impl Exchange {
    /// Of a request that was just read.
    pub fn begin<B>(request: &Request<B>, peer: &Peer) -> Self {
        let headers = request.headers();
        Self {
            id: given_id(headers, peer).unwrap_or_else(RequestId::next),
            trace: TraceId::of(headers),
            method: request.method().clone(),
            client: Some(peer.socket.addr.ip().to_canonical()),
            started: Instant::now(),
            route: None,
            crossing: Crossing::Unmarked,
        }
    }

    /// The answer to what the server refuses by itself.
    pub fn refuse(&self, fault: Fault) -> Response<Body> {
        if fault == Fault::Panicked {
            // The panic stands in the log just before.
            tracing::error!(request_id = %self.id, "the answer to this request panicked");
        }
        self.id.within(|| ApiError::from(fault).respond())
    }

    /// Names the request in its answer, and says who may have it.
    pub fn sign(&self, response: &mut Response<Body>) {
        response.headers_mut().insert(X_REQUEST_ID, self.id.header());
        self.crossing.mark(response);
    }
}

/// Writes the host of a request's target into `Host`, where handlers look: HTTP/2 names it in `:authority`, and
/// in HTTP/1.1 a target that names a host outweighs the header (RFC 9112, 3.2.2). A name and password before the host
/// are no part of it.
pub fn name_host(parts: &mut Parts) {
    let authority = parts.uri.authority().and_then(|authority| {
        let (_, host) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
        HeaderValue::from_str(host).ok()
    });
    if let Some(host) = authority {
        parts.headers.insert(HOST, host);
    }
}

/// The id that a listed proxy gave the request; no one else may give one.
fn given_id(headers: &HeaderMap, peer: &Peer) -> Option<RequestId> {
    if !peer.socket.trusted {
        return None;
    }
    // Of several, none is known to be the proxy's: it may have added its own to that of its client.
    let mut given = headers.get_all(X_REQUEST_ID).iter();
    let only = given.next().filter(|_| given.next().is_none());
    only.and_then(RequestId::given)
}

/// The answer to a connection that is not let in. Its request is never read.
pub fn turn_away(loss: Loss) -> Response<Body> {
    let full = loss == Loss::PeerFull;
    unread(&if full { ApiError::TooManyConnections } else { ApiError::Full })
}

/// The answer to a request whose head cannot be read.
pub fn unreadable(status: StatusCode) -> Response<Body> {
    let response = unread(&match status {
        StatusCode::URI_TOO_LONG => ApiError::UriTooLong,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ApiError::HeadTooLarge,
        _ => ApiError::BadRequest("the request is not HTTP, or can be read in two ways"),
    });
    let request_id = response.headers().get(X_REQUEST_ID);
    tracing::debug!(?request_id, %status, "refused a request whose head cannot be read");
    response
}

/// The answer to what nobody has read.
fn unread(error: &ApiError) -> Response<Body> {
    let id = RequestId::next();
    let mut response = id.within(|| error.respond());
    response.headers_mut().insert(X_REQUEST_ID, id.header());
    response
}
