//! The public listener's handler: finds the call a request means and answers it.
//!
//! ```text
//!   request ─▶ route ─▶ authority (ticket, pass, key) ─▶ handler ─▶ engine
//!                                                          │
//!                          answered at once from atomics ◀─┴─▶ answered once durable
//! ```
//!
//! Owns dispatch, and what is noted of every answer. A handler gets verified identities and plain
//! values; it never sees a route.

use std::sync::Arc;

use bytes::Bytes;
use engine::{Engine, view::SaleView};
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    header::{HOST, HeaderValue},
};
use web::{
    caller::{Caller, Callers},
    limiter::Limiter,
    packed::Packed,
    respond::{self, Cache},
};

use crate::{
    access::AccessLog,
    accounts::Accounts,
    cors::Cors,
    error::ApiError,
    exchange::{self, Exchange},
    handlers::{Verb, admin, purchase, revoked, room, shopper, stream},
    keys::Keys,
    metrics::{Outcomes, RequestTimes},
    pipeline::Watcher,
    route::{self, Admin, Resolved, Route},
    server::{Answer, Body, Fault, Handler, Loss, Peer, RequestBody},
    token::Keyring,
    wait_estimates::WaitEstimates,
    wire::read_no_query,
};

/// Everything handlers share.
#[derive(Debug)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// Bearer keys.
    pub keys: Keys,
    /// Ticket and pass keys.
    pub keyring: Keyring,
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
    /// How the delivery of orders goes.
    pub orders: Watcher,
    /// Open event streams, bounded.
    pub streams: stream::Streams,
    /// Waits that were told and are not over.
    pub wait_estimates: WaitEstimates,
    /// What never changes while the process runs.
    pub fixed: Fixed,
    /// Events of requests.
    pub access: Arc<AccessLog>,
    /// Request times by route and status.
    pub times: RequestTimes,
    /// Entries and purchases by outcome.
    pub outcomes: Outcomes,
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

/// The handler of the public listener.
#[derive(Clone, Debug)]
pub struct Front(pub Arc<App>);

impl Handler for Front {
    type Exchange = Exchange;

    fn begin<B>(&self, request: &Request<B>, peer: &Peer) -> Exchange {
        let crossing = self.0.cors.crossing(request.uri().path(), request.headers());
        let client = self.0.callers.caller(request.headers(), peer.socket).address();
        Exchange { client, crossing, ..Exchange::begin(request, peer) }
    }

    fn answer(
        &self,
        request: Request<RequestBody>,
        peer: &Arc<Peer>,
        exchange: &mut Exchange,
    ) -> Answer {
        let uri = request.uri().clone();
        let resolved = route::resolve(request.method(), uri.path());
        if let Resolved::Call(route) = &resolved {
            exchange.route = Some(route.index());
        }
        exchange.id.within(|| match resolved {
            Resolved::Call(route) => match check_query(&route, &uri) {
                Ok(()) => call(&self.0, route, request, peer),
                Err(refusal) => Answer::Now(refusal.respond()),
            },
            Resolved::Options(allow) => {
                let mut response = respond::options(allow.header());
                exchange.crossing.preflight(request.headers(), allow, &mut response);
                Answer::Now(response)
            }
            Resolved::MethodNotAllowed(allow) => {
                refuse(&self.0, &request, peer, &ApiError::MethodNotAllowed { allow })
            }
            Resolved::NotFound => refuse(&self.0, &request, peer, &ApiError::NotFound),
        })
    }

    fn within<T>(&self, exchange: &Exchange, work: impl FnOnce() -> T) -> T {
        exchange.id.within(work)
    }

    fn refuse(&self, fault: Fault, exchange: &Exchange) -> Response<Body> {
        exchange.refuse(fault)
    }

    fn answered(&self, exchange: Exchange, response: &mut Response<Body>) {
        exchange.sign(response);
        let took = exchange.started.elapsed();
        self.0.access.answered(&exchange, response, took);
        self.0.times.record(exchange.route, response.status(), took);
        if let Some(code) = response.body().code() {
            self.0.times.refused(code);
        }
    }

    fn abandoned(&self, exchange: Exchange) {
        self.0.access.abandoned(&exchange);
        self.0.times.abandoned(exchange.route);
    }

    fn turn_away(&self, loss: Loss) -> Response<Body> {
        exchange::turn_away(loss)
    }

    fn unreadable(&self, status: StatusCode) -> Response<Body> {
        exchange::unreadable(status)
    }

    fn lost(&self, loss: Loss) {
        self.0.times.lost(loss);
    }
}

/// Refuses parameters of API calls that take none; lists read their own, and pages ignore them.
fn check_query(route: &Route<'_>, uri: &Uri) -> Result<(), ApiError> {
    let is_list = matches!(
        route,
        Route::Sales | Route::Admin(Admin::Sales | Admin::Outbox | Admin::Audit { .. })
    );
    match uri.query() {
        Some(query) if !is_list && uri.path().starts_with("/v1/") => Ok(read_no_query(query)?),
        _ => Ok(()),
    }
}

/// Answers a call that the API knows.
fn call(
    app: &Arc<App>,
    route: Route<'_>,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
) -> Answer {
    match route {
        Route::Position { sale } => {
            with_sale(app, sale, |sale| shopper::position(app, sale, &request))
        }
        Route::SaleStatus { sale } => {
            with_sale(app, sale, |sale| Answer::Now(shopper::status(app, &sale, request.headers())))
        }
        Route::Sales => Answer::Now(or_refusal(shopper::sales(app, request.uri().query()))),
        Route::Enter { sale } => with_sale(app, sale, |sale| {
            later(app, request, peer, |app, head, body| shopper::enter(app, sale, head, body))
        }),
        Route::Stream { sale } => {
            with_sale(app, sale, |sale| stream::open(app, sale, &request, peer))
        }
        Route::Leave { sale } => with_sale(app, sale, |sale| {
            later(app, request, peer, |app, head, body| shopper::leave(app, sale, head, body))
        }),
        Route::Purchase { sale } => {
            with_sale(app, sale, |sale| purchase::make(app, sale, request, peer))
        }
        Route::PurchaseShow { sale, id } => {
            with_sale(app, sale, |sale| purchase::show(app, sale, id, request.headers()))
        }
        Route::Pay { sale, id } => step(app, sale, id, Verb::Pay, request, peer),
        Route::Confirm { sale, id } => step(app, sale, id, Verb::Confirm, request, peer),
        Route::Release { sale, id } => step(app, sale, id, Verb::Release, request, peer),
        Route::Refund { sale, id } => step(app, sale, id, Verb::Refund, request, peer),
        Route::SessionEnd { sale, jti } => with_sale(app, sale, |sale| {
            let jti = jti.to_owned();
            later(app, request, peer, |app, head, body| {
                purchase::end_session(app, sale, jti, head, body)
            })
        }),
        Route::RevokedSessions => later(app, request, peer, revoked::add),
        Route::Home => Answer::Now(room::home(app, request.uri().query(), request.headers(), peer)),
        Route::Room { sale } => match app.engine.sale(sale) {
            Some(sale) => room::show(app, sale, request, peer),
            None => refuse(app, &request, peer, &ApiError::NotFound),
        },
        Route::RoomForm { sale, form } => match app.engine.sale(sale) {
            Some(sale) => {
                let form = form.to_owned();
                later(app, request, peer, |app, head, body| room::post(app, sale, form, head, body))
            }
            None => refuse(app, &request, peer, &ApiError::NotFound),
        },
        Route::Docs => {
            let page = |html| respond::page(StatusCode::OK, Cache::Hour, html);
            Answer::Now(app.fixed.reference.answer(request.headers(), page))
        }
        Route::Asset { name } => match pages::assets::find(name) {
            Some(found) => Answer::Now(asset(found, request.headers())),
            None => refuse(app, &request, peer, &ApiError::NotFound),
        },
        Route::OpenApi => {
            let json = |body| respond::bytes(StatusCode::OK, respond::JSON, Cache::Hour, body);
            Answer::Now(app.fixed.openapi.answer(request.headers(), json))
        }
        Route::Jwks => {
            let json = |body| respond::bytes(StatusCode::OK, respond::JSON, Cache::Minutes, body);
            let body = app.fixed.jwks.clone();
            Answer::Now(respond::unless_known(request.headers(), body, json))
        }
        Route::Admin(call) => admin::answer(app, call, request, peer),
    }
}

/// A file of the pages. Under the name of another build's it is not what that build meant, and may be
/// kept by no one.
fn asset(found: pages::assets::Found, request: &HeaderMap) -> Response<Body> {
    let (asset, cache) = match found {
        pages::assets::Found::Exact(asset) => (asset, Cache::Forever),
        pages::assets::Found::OtherBuild(asset) => (asset, Cache::NoStore),
    };
    let content_type = HeaderValue::from_static(asset.content_type);
    let answer = |body| respond::bytes(StatusCode::OK, content_type, cache, body);
    Packed::of_forms([asset.plain, asset.gzip, asset.brotli]).answer(request, answer)
}

/// A refusal before any handler: a page where a person may be looking, a problem elsewhere.
fn refuse(app: &App, request: &Request<RequestBody>, peer: &Peer, refusal: &ApiError) -> Answer {
    let path = request.uri().path();
    if path.starts_with("/v1/") {
        return Answer::Now(refusal.respond());
    }
    Answer::Now(room::refuse(app, request.headers(), peer, path, refusal))
}

fn with_sale(app: &App, name: &str, answer: impl FnOnce(Arc<SaleView>) -> Answer) -> Answer {
    match app.engine.sale(name) {
        Some(sale) => answer(sale),
        None => Answer::Now(ApiError::NotFound.respond()),
    }
}

fn step(
    app: &Arc<App>,
    sale: &str,
    id: &str,
    verb: Verb,
    request: Request<RequestBody>,
    peer: &Arc<Peer>,
) -> Answer {
    with_sale(app, sale, |sale| {
        let id = id.to_owned();
        later(app, request, peer, move |app, head, body| {
            purchase::step(app, sale, id, verb, head, body)
        })
    })
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
    let work = handler(Arc::clone(app), head, body);
    Answer::later(async move { or_refusal(work.await) })
}

/// A request's head, for a handler that keeps it, and its body.
pub(crate) fn split(request: Request<RequestBody>, peer: &Arc<Peer>) -> (Head, RequestBody) {
    let (mut parts, body) = request.into_parts();
    // HTTP/2 names the host in `:authority`; handlers look in one place.
    let authority =
        parts.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = authority.filter(|_| !parts.headers.contains_key(HOST)) {
        parts.headers.insert(HOST, host);
    }
    (Head { headers: parts.headers, peer: Arc::clone(peer) }, body)
}

/// The response, or the refusal's.
pub(crate) fn or_refusal(result: Result<Response<Body>, ApiError>) -> Response<Body> {
    result.unwrap_or_else(|refusal| refusal.respond())
}
