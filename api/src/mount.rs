//! The mount: a tower service that answers what the engine's route table does not know.
//!
//! ```text
//!            serving threads                │      the mount's own threads
//!   route table ── unknown path ──▶ room? ──┼──▶ service ─▶ response
//!        │                           │ full │                 │ small: collected
//!        ▼                           ▼      │                 │ else: pumped, piece by piece
//!   hot handlers                 503, 429   │                 ▼
//!                       response ◀──────────┼──── head, then the body
//! ```
//!
//! Owns the runtime that the service runs on, the room in front of it, and what becomes of an answer
//! that is late, too large or never made. It refuses to know what the service does.
//!
//! Always true: no code of the service runs on a serving thread; at most `requests_max` requests are
//! with the service, a quarter of them of one peer, and the next one is refused without touching its runtime;
//! at most `bodies_max` answers are on their way piece by piece, shared in the same way, and each ends within
//! `sending_timeout`, unless it is open-ended and takes a stream's place; a panic of the service ends one answer or one task of its own, never the process.
//!
//! Reading order: `guest` (what the binary brings), [`web::mounted`] (what service and mount tell each
//! other), `room`, `service` (the type that hides the service's), `own_sink`, `work` (one request on the mount's threads).

mod guest;
mod options;
mod own_runtime;
mod own_sink;
mod room;
mod service;
mod work;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Engine, sink::Sink};
use hyper::header::{CONNECTION, HeaderName, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use web::mounted::{RouteLabel, Visitor};
use web::request_id::{RequestId, X_REQUEST_ID};

pub use self::guest::{Finishing, Guest, GuestContext, GuestError, Opened, Opening};
pub use self::options::MountOptions;
use self::own_runtime::OwnRuntime;
use self::own_sink::OwnSink;
use self::room::Room;
pub use self::service::MountService;
use self::work::{Answered, BodyBounds};
use crate::error::ApiError;
use crate::exchange::{self, Exchange};
use crate::server::{
    Answer, AnswerDeadline, Body, Fault, Peer, Progress, RequestBody, StreamBounds, StreamPlace,
    Upgrade,
};

/// How much later than the mount's threads the serving ones give an answer up: they do it only when
/// the mount's are all busy.
const SLACK: Duration = Duration::from_millis(500);

/// Headers by which proxies say who the client is and what it asked for, beside all that begin with
/// `x-forwarded`. The service sees them only from a listed proxy.
const PROXY_HEADERS: [&str; 21] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "cloudfront-viewer-address",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "true-client-ip",
    "x-azure-clientip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "x-script-name",
    "x-shopper-id",
];

/// A service and the runtime it runs on.
pub struct Mount {
    service: MountService,
    runtime: OwnRuntime,
    room: Arc<Room>,
    bodies: Arc<Room>,
    frame_timeout: Duration,
    sending_timeout: Duration,
    bounds: StreamBounds,
    drain: watch::Sender<bool>,
    finishing: Mutex<Option<Finishing>>,
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Mount {
    /// Starts a runtime and opens a guest's service on it, and its sink if it named one.
    pub(crate) async fn of(
        guest: Guest,
        engine: Engine,
    ) -> Result<(Self, Option<Arc<dyn Sink>>), GuestError> {
        let Guest { options, sink: name, open } = guest;
        let runtime = OwnRuntime::start(&options)?;
        let (drain, draining) = watch::channel(false);
        let opening = async move { open(GuestContext { engine, draining }).await };
        let Opened { service, sink, finishing } = runtime.spawn(opening).await??;
        let sink = OwnSink::opened(name.is_some(), sink, runtime.handle())?;
        let sink = sink.map(|sink| Arc::new(sink) as Arc<dyn Sink>);
        let mount = Self {
            service,
            runtime,
            room: Arc::new(Room::new(options.requests_max)),
            bodies: Arc::new(Room::new(options.bodies_max)),
            frame_timeout: options.frame_timeout,
            sending_timeout: options.sending_timeout,
            bounds: options.bounds,
            drain,
            finishing: Mutex::new(finishing),
        };
        Ok((mount, sink))
    }

    /// Answers a request that means no call of the engine's.
    pub fn answer(
        &self,
        request: Request<RequestBody>,
        peer: &Arc<Peer>,
        exchange: &Exchange,
    ) -> Answer {
        let permit = match self.room.try_permit(peer.streams.peer()) {
            Ok(permit) => permit,
            Err(why) => return Answer::Now(ApiError::from(why).respond()),
        };
        let (mut parts, body) = request.into_parts();
        if body.exceeds(self.bounds.body_bytes_max) {
            return Answer::later(async move {
                body.drop_some(&parts.headers).await;
                ApiError::BodyTooLarge.respond()
            });
        }
        let stream = match wants_upgrade(&parts).then(|| peer.streams.take()) {
            Some(Err(why)) => return Answer::Now(ApiError::from(why).respond()),
            Some(Ok(place)) => Some(Arc::new(place)),
            None => None,
        };
        introduce(&mut parts, peer, exchange);
        let body = body.streamed(self.bounds);
        let progress = Arc::clone(body.progress());
        let (answer_to, answer) = oneshot::channel();
        let request = Request::from_parts(parts, body);
        let work =
            work::attend(self.service.clone(), request, answer_to, permit, self.body_bounds(peer));
        self.runtime.spawn(work::named(exchange.id.clone(), work));
        let is_draining = self.drain.subscribe();
        Answer::Elsewhere(Box::pin(async move {
            let answered = wait(answer, &progress).await.unwrap_or_else(|| {
                Err(if *is_draining.borrow() { ApiError::ShuttingDown } else { panicked() })
            });
            match answered {
                _ if progress.is_too_large() => ApiError::BodyTooLarge.respond(),
                Ok(response) => upgraded(response, stream),
                Err(refusal) => refusal.respond(),
            }
        }))
    }

    fn body_bounds(&self, peer: &Peer) -> BodyBounds {
        BodyBounds {
            ending: Arc::clone(&self.bodies),
            open_ended: peer.streams.clone(),
            frame_timeout: self.frame_timeout,
            sending_timeout: self.sending_timeout,
        }
    }

    /// Tells the service that the server drains: sockets and streams should end.
    pub fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Ends the service: requests whose clients are gone and its own work may finish within `grace`, then
    /// its runtime goes down.
    pub async fn stop(&self, grace: Duration) {
        self.drain();
        let finishing = self.finishing.lock().unwrap_or_else(PoisonError::into_inner).take();
        let finished = async {
            self.room.empty().await;
            if let Some(finishing) = finishing {
                // A panic is in the log, and ended it.
                drop(self.runtime.spawn(finishing).await);
            }
        };
        if timeout(grace, finished).await.is_err() {
            tracing::warn!("the mounted service did not finish in time");
        }
        self.runtime.shut_down();
    }
}

/// Waits for the answer; `None` if nobody will give one.
async fn wait(answer: oneshot::Receiver<Answered>, progress: &Arc<Progress>) -> Option<Answered> {
    tokio::select! {
        answer = answer => answer.ok(),
        fault = AnswerDeadline::of(progress, SLACK) => Some(Err(fault.into())),
    }
}

fn panicked() -> ApiError {
    // The panic stands in the log just before.
    tracing::error!(request_id = %RequestId::current(), "the answer to this request panicked");
    ApiError::from(Fault::Panicked)
}

/// The response, with what a change of protocols takes.
fn upgraded(mut response: Response<Body>, stream: Option<Arc<StreamPlace>>) -> Response<Body> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let Some(place) = stream else {
        tracing::error!("the mounted service switched protocols unasked");
        return ApiError::Internal.respond();
    };
    response.extensions_mut().insert(Upgrade(place));
    response
}

/// Whether a request could be answered by 101. Clients that only ask whether HTTP/2 is spoken (`h2c`) are
/// answered in HTTP/1.1.
fn wants_upgrade(parts: &Parts) -> bool {
    let lists = |name: HeaderName, is_it: fn(&str) -> bool| {
        let lines = parts.headers.get_all(name).iter();
        let mut items = lines.flat_map(|line| line.to_str().unwrap_or_default().split(','));
        items.any(|item| is_it(item.trim()))
    };
    parts.version == Version::HTTP_11
        && lists(CONNECTION, |item| item.eq_ignore_ascii_case("upgrade"))
        && lists(UPGRADE, |item| !item.is_empty() && !item.eq_ignore_ascii_case("h2c"))
}

/// The label of whatever the service gave none, and of refusals in its place.
pub const UNLABELLED: &str = "mount";

/// The label of an answer of the mount's.
pub fn label(response: &Response<Body>) -> &str {
    response.extensions().get::<RouteLabel>().map_or(UNLABELLED, |label| &label.0)
}

/// Whether the mount may have the request: it makes no tunnels.
pub fn takes(method: &Method) -> bool {
    *method != Method::CONNECT
}

/// Tells the service who asks.
fn introduce(parts: &mut Parts, peer: &Peer, exchange: &Exchange) {
    exchange::name_host(parts);
    if !peer.socket.trusted {
        let names = parts.headers.keys().filter(|name| is_of_proxies(name.as_str()));
        for name in names.cloned().collect::<Vec<_>>() {
            parts.headers.remove(name);
        }
    }
    parts.headers.insert(X_REQUEST_ID, exchange.id.header());
    parts.extensions.insert(exchange.id.clone());
    parts.extensions.insert(Visitor { client: exchange.client, tls: peer.socket.tls });
}

fn is_of_proxies(header: &str) -> bool {
    header.starts_with("x-forwarded") || PROXY_HEADERS.contains(&header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_protocols_is_asked_for_by_both_headers_and_a_probe_for_http2_asks_for_none() {
        let asks = |version, lines: &[(&str, &str)]| {
            let mut request = Request::builder().version(version);
            for (name, value) in lines {
                request = request.header(*name, *value);
            }
            wants_upgrade(&request.body(()).unwrap().into_parts().0)
        };
        let socket = ("upgrade", "websocket");
        let both = [("connection", "keep-alive, Upgrade"), socket];
        assert!(asks(Version::HTTP_11, &both));
        assert!(asks(Version::HTTP_11, &[both[0], ("upgrade", "h2c, websocket")]));
        assert!(!asks(Version::HTTP_2, &both) && !asks(Version::HTTP_10, &both));
        assert!(!asks(Version::HTTP_11, &[socket]));
        assert!(!asks(Version::HTTP_11, &[("connection", "keep-alive"), socket]));
        let probe = [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")];
        assert!(!asks(Version::HTTP_11, &probe));
    }
}
