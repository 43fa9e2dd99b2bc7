//! One request: checked, handed to the handler, its answer dressed for the wire.
//!
//! Every request passes here, and so does every answer that the server gives to one. The handler
//! begins an exchange for it, and hears exactly once how that ended: [`Handler::answered`] with what
//! is about to be sent, refusals and late answers included, or [`Handler::abandoned`] when nobody
//! is there any more to take an answer. A refusal that is told [late](super::late) is heard of
//! before it waits.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use engine::sync::Arc;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::time::{Sleep, sleep};
use web::caller::Socket;

use super::activity::{AFTER_BODY, Activity, InFlight, Turn};
use super::body::{Body, BodyBounds, RequestBody, TrackedBody};
use super::connections::{StreamPlace, StreamPlaces};
use super::drain::Draining;
use super::fault::{Fault, Loss};
use super::late::{self, Telling, Wait};
use super::upgraded::{Kept, Upgraded};
use crate::panics::contain;

/// A handler's answer that is still being worked on.
pub type Later = Pin<Box<dyn Work + Send>>;

/// Work on an answer: a future whose outcome is made a response where it is polled. A future around it
/// that did so would hold it twice, once for each side of its first poll.
pub trait Work {
    /// Goes on with it.
    fn poll_answer(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response<Body>>;
}

impl<F: Future<Output: Outcome>> Work for F {
    fn poll_answer(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response<Body>> {
        self.poll(context).map(Outcome::into_response)
    }
}

/// What work on an answer comes to.
pub trait Outcome {
    /// As it is sent.
    fn into_response(self) -> Response<Body>;
}

impl Outcome for Response<Body> {
    fn into_response(self) -> Response<Body> {
        self
    }
}

/// What a handler says to a request.
pub enum Answer {
    /// Here it is: no timer, no allocation.
    Now(Response<Body>),
    /// It has to wait for a body or for the engine; the server's deadline runs.
    Later(Later),
    /// It is worked on elsewhere, and comes by a deadline of its own.
    Elsewhere(Later),
}

impl Answer {
    /// Boxes the work to be done.
    pub fn later(work: impl Future<Output: Outcome> + Send + 'static) -> Self {
        Self::Later(Box::pin(work))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now",
            Self::Later(_) => "Later",
            Self::Elsewhere(_) => "Elsewhere",
        })
    }
}

/// Who answers requests, and words what the server refuses by itself.
pub trait Handler: Send + Sync + 'static {
    /// What it keeps of a request until it is answered.
    type Exchange: Send + Unpin + 'static;

    /// Meets a request, before anything about it is checked.
    fn begin<B>(&self, request: &Request<B>, peer: &Peer) -> Self::Exchange;

    /// Answers at once or promises to. A panic, here or later, is answered by [`Fault::Panicked`]
    /// and ends nothing else.
    fn answer(
        &self,
        request: Request<RequestBody>,
        peer: &Arc<Peer>,
        exchange: &mut Self::Exchange,
    ) -> Answer;

    /// Does a part of the work on an answer that was promised.
    fn within<T>(&self, exchange: &Self::Exchange, work: impl FnOnce() -> T) -> T;

    /// Words a refusal of the server's.
    fn refuse(&self, fault: Fault, exchange: &Self::Exchange) -> Response<Body>;

    /// Has the last word on an answer, and takes note of it.
    fn answered(&self, exchange: Self::Exchange, response: &mut Response<Body>);

    /// Takes note that the client went away, or was cut, before there was an answer.
    fn abandoned(&self, exchange: Self::Exchange);

    /// Words the refusal of a connection that is not let in, and whose request is not read.
    fn turn_away(&self, loss: Loss) -> Response<Body>;

    /// Words the refusal of a request whose head cannot be read: 400, 414 or 431. It is the connection's last
    /// answer, and [`Self::lost`] follows.
    fn unreadable(&self, status: StatusCode) -> Response<Body>;

    /// Takes note of a connection that ended without an answer of the handler's.
    fn lost(&self, loss: Loss);
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What tells who asks.
    pub socket: Socket,
    /// Tells long answers when the server starts to drain.
    pub draining: Draining,
    /// Room for the event streams of its address.
    pub streams: StreamPlaces,
}

/// One connection's requests.
pub(crate) struct ConnectionService<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) peer: Arc<Peer>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) bounds: BodyBounds,
}

impl<H: Handler> hyper::service::Service<Request<Incoming>> for ConnectionService<H> {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = Answering<H>;

    fn call(&self, request: Request<Incoming>) -> Answering<H> {
        let http1 = request.version() < Version::HTTP_2;
        let mut finish = Finish {
            in_flight: Some(InFlight::enter(&self.activity)),
            http2: (!http1).then(|| Arc::clone(&self.activity)),
            head_only: *request.method() == Method::HEAD,
            closes: http1 && self.peer.draining.has_begun(),
            chunked: request.version() == Version::HTTP_11,
        };
        let handler = &self.handler;
        let mut exchange = handler.begin(&request, &self.peer);
        if let Err(fault) = check(&request) {
            finish.closes = http1;
            let refusal = handler.refuse(fault, &exchange);
            return Answering::now(&**handler, exchange, refusal, finish);
        }
        let watched = http1.then(|| Arc::clone(&self.activity));
        let request = request.map(|incoming| RequestBody::new(incoming, self.bounds, watched));
        let answer = contain(|| handler.answer(request, &self.peer, &mut exchange));
        match answer {
            Ok(Answer::Now(response)) => Answering::now(&**handler, exchange, response, finish),
            Ok(Answer::Later(work)) => {
                let deadline = if http1 {
                    Deadline::watched(&self.activity)
                } else {
                    Deadline::Timer(Box::pin(sleep(self.bounds.timeout + AFTER_BODY)))
                };
                Answering::later(Arc::clone(handler), exchange, work, deadline, finish)
            }
            Ok(Answer::Elsewhere(work)) => {
                self.activity.carries_foreign_bytes();
                Answering::later(Arc::clone(handler), exchange, work, Deadline::Elsewhere, finish)
            }
            Err(_panicked) => {
                let refusal = handler.refuse(Fault::Panicked, &exchange);
                Answering::now(&**handler, exchange, refusal, finish)
            }
        }
    }
}

/// What every request must have, whatever it asks for: one name of the host it means.
fn check(request: &Request<Incoming>) -> Result<(), Fault> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if !host.is_empty() => Ok(()),
        (None, None) if request.version() != Version::HTTP_11 => Ok(()),
        _ => Err(Fault::Host),
    }
}

/// An exchange that is neither answered nor abandoned.
struct Open<H: Handler> {
    handler: Arc<H>,
    exchange: Option<H::Exchange>,
}

impl<H: Handler> Open<H> {
    /// Works on the answer: there is one once it is ready or failed, or the deadline has passed.
    fn poll(
        &mut self,
        work: &mut Later,
        context: &mut Context<'_>,
        deadline: &mut Deadline,
        finish: &mut Finish,
    ) -> Poll<Response<Body>> {
        let Some(exchange) = &self.exchange else { return Poll::Pending };
        let handler = &self.handler;
        let mut response =
            match contain(|| handler.within(exchange, || work.as_mut().poll_answer(context))) {
                Ok(Poll::Ready(response)) => response,
                Ok(Poll::Pending) if deadline.poll_passed(context).is_pending() => {
                    return Poll::Pending;
                }
                Ok(Poll::Pending) => handler.refuse(Fault::AnswerLate, exchange),
                Err(_panicked) => handler.refuse(Fault::Panicked, exchange),
            };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS && finish.is_misframed() {
            // Part of what came is lost to the new protocol.
            finish.closes = true;
            response = handler.refuse(Fault::Ahead, exchange);
        }
        if let Some(exchange) = self.exchange.take() {
            handler.answered(exchange, &mut response);
        }
        Poll::Ready(response)
    }
}

impl<H: Handler> Drop for Open<H> {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            self.handler.abandoned(exchange);
        }
    }
}

/// What is still to be done to a response.
struct Finish {
    in_flight: Option<InFlight>,
    /// Set when responses have to be watched one by one.
    http2: Option<Arc<Activity>>,
    /// Answer with the head alone.
    head_only: bool,
    /// Say that the connection closes after this response (HTTP/1 only).
    closes: bool,
    /// The peer reads chunks (HTTP/1.1): a stream can leave hyper.
    chunked: bool,
}

impl Finish {
    /// Takes it out of a state that ends.
    fn take(&mut self) -> Self {
        Self { in_flight: self.in_flight.take(), http2: self.http2.take(), ..*self }
    }

    fn is_misframed(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|request| request.activity().is_misframed())
    }

    fn dress(&mut self, mut response: Response<Body>) -> Option<Response<TrackedBody>> {
        if self.http2.is_none() && response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.upgrade(response);
        }
        if self.closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if self.head_only {
            // A mounted service leaves the body out by itself, and says how long it would be.
            if let Some(length) = response.body().len()
                && !response.headers().contains_key(CONTENT_LENGTH)
            {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            *response.body_mut() = Body::empty();
        }
        let in_flight = self.in_flight.take()?;
        if self.chunked && response.body().is_stream() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return Some(response.map(|body| TrackedBody::leaving(body, in_flight)));
        }
        let turn = match &self.http2 {
            Some(activity) if response.body().len() != Some(0) => Some(Turn::of_peer(activity)),
            _ => None,
        };
        Some(response.map(|body| TrackedBody::new(body, turn, in_flight)))
    }

    /// The connection leaves HTTP with this response.
    fn upgrade(&mut self, mut response: Response<Body>) -> Option<Response<TrackedBody>> {
        let in_flight = self.in_flight.take()?;
        let place = response.extensions_mut().remove::<Upgrade>().map(|Upgrade(place)| place);
        in_flight.activity().upgrade(Upgraded::new(place.map(|place| place as Kept)));
        Some(response.map(|_| TrackedBody::new(Body::empty(), None, in_flight)))
    }
}

/// Marks a 101 with the place that its connection takes among its peer's streams.
#[derive(Clone, Debug)]
pub(crate) struct Upgrade(pub(crate) Arc<StreamPlace>);

/// A request on its way to its response.
pub(crate) struct Answering<H: Handler>(State<H>);

enum State<H: Handler> {
    Now(Option<Response<TrackedBody>>),
    Later {
        work: Later,
        deadline: Deadline,
        finish: Finish,
        open: Open<H>,
    },
    /// A refusal that is told late.
    Refused {
        response: Option<Response<Body>>,
        wait: Wait,
        finish: Finish,
    },
}

/// The moment by which an answer is due.
enum Deadline {
    /// The connection's watchdog counts the time: first that of the body, then [`AFTER_BODY`] more.
    Watched(Arc<Activity>),
    /// An HTTP/2 stream is a task by itself.
    Timer(Pin<Box<Sleep>>),
    /// The work itself keeps one.
    Elsewhere,
}

impl Deadline {
    fn watched(activity: &Arc<Activity>) -> Self {
        activity.answer_awaited();
        Self::Watched(Arc::clone(activity))
    }

    fn poll_passed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Watched(activity) if activity.answer_overdue() > 1 => Poll::Ready(()),
            Self::Watched(_) | Self::Elsewhere => Poll::Pending,
            Self::Timer(timer) => timer.as_mut().poll(context),
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Self::Watched(activity) = self {
            activity.answer_over();
        }
    }
}

impl<H: Handler> Answering<H> {
    const fn later(
        handler: Arc<H>,
        exchange: H::Exchange,
        work: Later,
        deadline: Deadline,
        finish: Finish,
    ) -> Self {
        let open = Open { handler, exchange: Some(exchange) };
        Self(State::Later { work, deadline, finish, open })
    }

    fn now(
        handler: &H,
        exchange: H::Exchange,
        mut response: Response<Body>,
        finish: Finish,
    ) -> Self {
        handler.answered(exchange, &mut response);
        Self::ready(response, finish)
    }

    /// An answer that is there: sent at once, unless it is a refusal that has to wait.
    fn ready(response: Response<Body>, mut finish: Finish) -> Self {
        if late::is_late(&response)
            && let Some(request) = &finish.in_flight
        {
            match late::telling(request.activity().refusals()) {
                Telling::AtOnce => {}
                Telling::After(wait) => {
                    return Self(State::Refused { response: Some(response), wait, finish });
                }
                Telling::AndClose => match &finish.http2 {
                    None => finish.closes = true,
                    Some(activity) => activity.ask_to_end(),
                },
            }
        }
        Self(State::Now(finish.dress(response)))
    }
}

impl<H: Handler> Future for Answering<H> {
    type Output = Result<Response<TrackedBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let response = match &mut self.0 {
                State::Now(response) => response.take(),
                State::Later { work, deadline, finish, open } => {
                    let response = std::task::ready!(open.poll(work, context, deadline, finish));
                    let finish = finish.take();
                    *self = Self::ready(response, finish);
                    continue;
                }
                State::Refused { response, wait, finish } => {
                    std::task::ready!(Pin::new(wait).poll(context));
                    response.take().and_then(|response| finish.dress(response))
                }
            };
            // A future is not polled after it is ready, so there is always a response; waiting for
            // ever would be the harmless reading of the contrary.
            return response.map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
        }
    }
}
