//! What handlers share, and how they take up a request.

use std::sync::Arc;

use bytes::Bytes;
use engine::Engine;
use hyper::{HeaderMap, Request, Response};
use web::{
    caller::{Caller, Callers, Scheme},
    limiter::Limiter,
    packed::Packed,
};

use crate::{
    access::AccessLog,
    accounts::Accounts,
    archiving::Unpacking,
    cors::Cors,
    error::ApiError,
    exchange,
    keys::Keys,
    metrics::{Outcomes, RequestTimes},
    mount::Mount,
    pipeline::Watcher,
    server::{Answer, Body, Outcome, Peer, RequestBody},
    streams::Streams,
    token::Keyring,
    wait_estimates::WaitEstimates,
};

/// Everything handlers share.
#[derive(Debug)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Bearer keys.
    pub keys: Keys,
    /// Ticket and pass keys.
    pub keyring: Arc<Keyring>,
    /// Tells shoppers by the shop's tokens, if that is configured.
    pub accounts: Option<Arc<Accounts>>,
    /// Tells callers apart.
    pub callers: Callers,
    /// Pages of other origins that may call the API.
    pub cors: Cors,
    /// Whether the room page's cookies are `Secure` even when a request looks like plain HTTP.
    pub cookie_secure: bool,
    /// How often one may enter.
    pub limiter: Limiter,
    /// Whether the built-in page may pay for a purchase by itself: demos only.
    pub demo_payment: bool,
    /// How the delivery of orders goes, for each sink.
    pub orders: Vec<Watcher>,
    /// Open event streams, bounded.
    pub streams: Streams,
    /// Waits that were told and are not over.
    pub wait_estimates: Arc<WaitEstimates>,
    /// Unpacks archived sales that are asked for.
    pub unpacking: Unpacking,
    /// Answers what the route table does not know.
    pub mount: Option<Mount>,
    /// What never changes while the process runs.
    pub fixed: Fixed,
    /// Events of requests.
    pub access: Arc<AccessLog>,
    /// Request times by route and status.
    pub times: RequestTimes,
    /// Entries and purchases by outcome.
    pub outcomes: Outcomes,
}

impl App {
    /// How cookies are made for the browser that sent these headers, and which of its own count.
    pub fn cookie_scheme(&self, headers: &HeaderMap, peer: &Peer) -> Scheme {
        if self.cookie_secure {
            return Scheme::Https;
        }
        self.callers.caller(headers, peer.socket).scheme()
    }
}

/// Bodies made once at start.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// `/openapi.json`.
    pub openapi: Packed,
    /// `/docs`.
    pub reference: Packed,
    /// `/.well-known/jwks.json`.
    pub jwks: Bytes,
}

/// A request's head, for a handler that goes on after the dispatch.
#[derive(Debug)]
pub struct Head {
    /// Its headers.
    pub headers: HeaderMap,
    /// The other end.
    pub peer: Arc<Peer>,
}

impl Head {
    /// Who sent the request.
    pub fn caller<'a>(&'a self, app: &'a App) -> Caller<'a> {
        app.callers.caller(&self.headers, self.peer.socket)
    }
}

/// Runs a handler that reads a body or waits for the engine.
pub(crate) fn later<F, W>(
    app: &Arc<App>,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
    handler: F,
) -> Answer
where
    F: FnOnce(Arc<App>, Head, RequestBody) -> W,
    W: Future<Output = Result<Response<Body>, ApiError>> + Send + 'static,
{
    let (head, body) = split(request, peer);
    Answer::later(handler(Arc::clone(app), head, body))
}

/// A request's head, for a handler that keeps it, and its body.
pub(crate) fn split(request: Request<RequestBody>, peer: &Arc<Peer>) -> (Head, RequestBody) {
    let (mut parts, body) = request.into_parts();
    exchange::name_host(&mut parts);
    (Head { headers: parts.headers, peer: Arc::clone(peer) }, body)
}

impl Outcome for Result<Response<Body>, ApiError> {
    fn into_response(self) -> Response<Body> {
        or_refusal(self)
    }
}

/// The response, or the refusal's.
pub(crate) fn or_refusal(result: Result<Response<Body>, ApiError>) -> Response<Body> {
    result.unwrap_or_else(|refusal| refusal.respond())
}
