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

use engine::view::SaleView;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri, header::HeaderValue};
use web::{
    packed::Packed,
    respond::{self, Cache},
};

use crate::{
    app::{App, later, or_refusal},
    error::ApiError,
    exchange::{self, Exchange},
    found::Found,
    handlers::{Verb, admin, purchase, revoked, room, shopper, stream},
    mount,
    route::{self, Admin, MOUNTED, Resolved, Route},
    server::{Answer, Body, Fault, Handler, Loss, Peer, RequestBody},
    wire::read_no_query,
};

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
        let mount = self.0.mount.as_ref().filter(|_| mount::takes(request.method()));
        exchange.route = match &resolved {
            Resolved::Call(route) => Some(route.index()),
            Resolved::NotFound => mount.map(|_| MOUNTED),
            Resolved::Options(_) | Resolved::MethodNotAllowed(_) => None,
        };
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
            Resolved::NotFound => match mount {
                Some(mount) => mount.answer(request, peer, exchange),
                None => refuse(&self.0, &request, peer, &ApiError::NotFound),
            },
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
        if exchange.route == Some(MOUNTED) {
            self.0.times.record_mounted(mount::label(response), response.status(), took);
        } else {
            self.0.times.record(exchange.route, response.status(), took);
        }
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
            with_live_sale(app, sale, |sale| shopper::position(app, sale, &request))
        }
        Route::SaleStatus { sale } => with_live_sale(app, sale, |sale| {
            Answer::Now(shopper::status(app, &sale, request.headers()))
        }),
        Route::Sales => Answer::Now(or_refusal(shopper::sales(app, request.uri().query()))),
        Route::Enter { sale } => with_live_sale(app, sale, |sale| {
            later(app, request, peer, |app, head, body| shopper::enter(app, sale, head, body))
        }),
        Route::Stream { sale } => {
            with_live_sale(app, sale, |sale| stream::open(app, sale, &request, peer))
        }
        Route::Leave { sale } => with_live_sale(app, sale, |sale| {
            later(app, request, peer, |app, head, body| shopper::leave(app, sale, head, body))
        }),
        Route::Purchase { sale } => {
            with_live_sale(app, sale, |sale| purchase::make(app, sale, request, peer))
        }
        Route::PurchaseShow { sale, id } => {
            with_sale(app, sale, |sale| purchase::show(app, sale, id, request.headers()))
        }
        Route::Pay { sale, id } => step(app, sale, id, Verb::Pay, request, peer),
        Route::Confirm { sale, id } => step(app, sale, id, Verb::Confirm, request, peer),
        Route::Release { sale, id } => step(app, sale, id, Verb::Release, request, peer),
        Route::Refund { sale, id } => step(app, sale, id, Verb::Refund, request, peer),
        Route::SessionEnd { sale, jti } => with_live_sale(app, sale, |sale| {
            let jti = jti.to_owned();
            later(app, request, peer, |app, head, body| {
                purchase::end_session(app, sale, jti, head, body)
            })
        }),
        Route::RevokedSessions => later(app, request, peer, revoked::add),
        Route::Home => Answer::Now(room::home(app, request.uri().query(), request.headers(), peer)),
        Route::Room { sale } => match app.engine.live_sale(sale) {
            Some(sale) => room::show(app, sale, request, peer),
            None => refuse(app, &request, peer, &not_on(app, sale)),
        },
        Route::RoomForm { sale, form } => match app.engine.live_sale(sale) {
            Some(sale) => {
                let form = form.to_owned();
                later(app, request, peer, |app, head, body| room::post(app, sale, form, head, body))
            }
            None => refuse(app, &request, peer, &not_on(app, sale)),
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

/// For calls that only a sale's crowd makes. An archived sale is not even looked at for them.
fn with_live_sale(app: &App, name: &str, answer: impl FnOnce(Arc<SaleView>) -> Answer) -> Answer {
    match app.engine.live_sale(name) {
        Some(sale) => answer(sale),
        None => Answer::Now(not_on(app, name).respond()),
    }
}

/// What a sale's crowd is told when it is not on.
fn not_on(app: &App, name: &str) -> ApiError {
    if app.engine.is_archived(name) { ApiError::SaleArchived } else { ApiError::NotFound }
}

/// For calls about what was bought, in an archived sale as well.
fn with_sale(app: &App, name: &str, answer: impl FnOnce(Found) -> Answer) -> Answer {
    match Found::find(app, name) {
        Some(found) => answer(found),
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
