//! The operations listener: metrics and health, never on the public address.

use bytes::Bytes;
use engine::sync::Arc;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use web::respond::{self, Cache};

use crate::error::ApiError;
use crate::exchange::{self, Exchange};
use crate::metrics::Exposition;
use crate::route::Methods;
use crate::server::{
    Answer, Body, Fault, Handler, Loss, Peer, RequestBody, Server, ServerOptions, StartError,
};

/// The Prometheus text format.
const EXPOSITION: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Operators' tools, not crowds, connect here.
const CONNECTIONS_MAX: usize = 128;

/// Says whether this node may get traffic; the error lists the reasons why not.
pub trait Readiness: Send + Sync + 'static {
    /// Answers from memory, without waiting.
    fn ready(&self) -> Result<(), Vec<String>>;
}

impl<F> Readiness for F
where
    F: Fn() -> Result<(), Vec<String>> + Send + Sync + 'static,
{
    fn ready(&self) -> Result<(), Vec<String>> {
        self()
    }
}

/// Brings gauges up to date before they are shown, and answers what stands in no recorder.
pub type Refresh = Arc<dyn Fn() -> String + Send + Sync>;

/// Starts the listener at `options.listen`; its bounds on connections are smaller than the
/// public ones.
pub fn start<R: Readiness>(
    mut options: ServerOptions,
    exposition: Exposition,
    refresh: Refresh,
    readiness: R,
) -> Result<Server, StartError> {
    options.connections_max = options.connections_max.min(CONNECTIONS_MAX);
    Server::start(&options, Arc::new(Ops { exposition, refresh, readiness }))
}

struct Ops<R> {
    exposition: Exposition,
    refresh: Refresh,
    readiness: R,
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    reasons: &'a [String],
}

impl<R: Readiness> Handler for Ops<R> {
    type Exchange = Exchange;

    fn begin<B>(&self, request: &Request<B>, peer: &Peer) -> Exchange {
        Exchange::begin(request, peer)
    }

    fn answer(
        &self,
        request: Request<RequestBody>,
        _peer: &Arc<Peer>,
        exchange: &mut Exchange,
    ) -> Answer {
        exchange.id.within(|| self.tell(&request))
    }

    fn within<T>(&self, exchange: &Exchange, work: impl FnOnce() -> T) -> T {
        exchange.id.within(work)
    }

    fn refuse(&self, fault: Fault, exchange: &Exchange) -> Response<Body> {
        exchange.refuse(fault)
    }

    fn answered(&self, exchange: Exchange, response: &mut Response<Body>) {
        exchange.sign(response);
    }

    fn abandoned(&self, _exchange: Exchange) {}

    fn turn_away(&self, loss: Loss) -> Response<Body> {
        exchange::turn_away(loss)
    }

    fn unreadable(&self, status: StatusCode) -> Response<Body> {
        exchange::unreadable(status)
    }

    /// Operators' tools are not counted.
    fn lost(&self, _loss: Loss) {}
}

impl<R: Readiness> Ops<R> {
    fn tell(&self, request: &Request<RequestBody>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/healthz" | "/readyz") {
            return Answer::Now(ApiError::NotFound.respond());
        }
        Answer::Now(match (request.method(), path) {
            (&Method::OPTIONS, _) => respond::options(Methods::Get.header()),
            (&Method::GET | &Method::HEAD, "/metrics") => {
                let more = (self.refresh)();
                let text = self.exposition.render() + &more;
                respond::bytes(StatusCode::OK, EXPOSITION, Cache::NoStore, Bytes::from(text))
            }
            (&Method::GET | &Method::HEAD, "/healthz") => {
                let alive = Health { status: "alive", reasons: &[] };
                respond::json(StatusCode::OK, Cache::NoStore, &alive)
            }
            (&Method::GET | &Method::HEAD, _) => self.readiness(),
            _ => ApiError::MethodNotAllowed { allow: Methods::Get }.respond(),
        })
    }

    fn readiness(&self) -> Response<Body> {
        match self.readiness.ready() {
            Ok(()) => {
                let ready = Health { status: "ready", reasons: &[] };
                respond::json(StatusCode::OK, Cache::NoStore, &ready)
            }
            Err(reasons) => {
                let not_ready = Health { status: "not_ready", reasons: &reasons };
                let mut response =
                    respond::json(StatusCode::SERVICE_UNAVAILABLE, Cache::NoStore, &not_ready);
                let soon = HeaderValue::from_static("1");
                response.headers_mut().insert(hyper::header::RETRY_AFTER, soon);
                response
            }
        }
    }
}
