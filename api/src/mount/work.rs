//! One request on the mount's threads: from the call of the service to the last piece of its body.
//!
//! Nothing of the service's leaves these threads. What goes to the serving ones is copied: header values, pieces
//! of bodies and the label of the route. Whatever else an answer holds is dropped here.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::response::Parts;
use hyper::{HeaderMap, Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout;
use web::mounted::{OpenEnded, RouteLabel};
use web::request_id::RequestId;

use super::room::{Permit, Room};
use super::service::{GuestBody, MountService};
use crate::error::ApiError;
use crate::panics::Contained;
use crate::server::{
    AnswerDeadline, Body, BodyMaker, NoPlace, StreamPlace, StreamPlaces, StreamedBody, foreign_body,
};

/// Bodies of a known length up to this are collected here and sent whole: a page, most pictures.
const WHOLE_BYTES_MAX: u64 = 64 * 1024;

/// What the serving thread gets.
pub(super) type Answered = Result<Response<Body>, ApiError>;

/// What bounds a body that is sent piece by piece.
#[derive(Clone, Debug)]
pub(super) struct BodyBounds {
    /// For one that comes to an end.
    pub(super) ending: Arc<Room>,
    /// For one that goes on for as long as the client stays.
    pub(super) open_ended: StreamPlaces,
    /// How long the service may take for the next frame of one that ends.
    pub(super) frame_timeout: Duration,
    /// How long all of it may take.
    pub(super) sending_timeout: Duration,
}

/// Has the service answer, sends the head to `answer_to`, and makes the body. `permit` is given back when
/// the head is sent. A client that goes away does not end the work.
pub(super) async fn attend(
    service: MountService,
    request: Request<StreamedBody>,
    answer_to: oneshot::Sender<Answered>,
    permit: Permit,
    bounds: BodyBounds,
) {
    let progress = Arc::clone(request.body().progress());
    let answering = async { carried(service.answer(request).await, &bounds).await };
    let answered = tokio::select! {
        biased;
        answered = answering => answered,
        fault = AnswerDeadline::of(&progress, Duration::ZERO) => Err(fault.into()),
    };
    drop(permit);
    let (answer, rest) = match answered {
        Ok((response, rest)) => (Ok(response), rest),
        Err(refusal) => (Err(refusal), None),
    };
    // Nobody listens any more: then the body is unwanted too.
    drop(answer_to.send(answer));
    if let Some(rest) = rest {
        send(rest, &bounds).await;
    }
}

/// Does work in the name of a request. A panic ends it, and shows by the fall of what it held.
pub(super) async fn named(id: RequestId, work: impl Future<Output = ()> + Send) {
    let contained = Contained::new(async {
        let mut work = pin!(work);
        poll_fn(|context| id.within(|| work.as_mut().poll(context))).await;
    });
    if contained.await.is_err() {
        tracing::debug!(request_id = %id, "the work on this request ended with its panic");
    }
}

/// A body that is not whole yet, where it goes, and what it holds until it ends.
struct Rest {
    body: GuestBody,
    maker: BodyMaker,
    permit: BodyPermit,
}

/// What a body holds while it is sent.
enum BodyPermit {
    Ending(#[expect(dead_code, reason = "held")] Permit),
    OpenEnded(#[expect(dead_code, reason = "held")] StreamPlace),
}

impl BodyBounds {
    /// The permit of one more body. One that ends waits for it, unless its peer has its share.
    async fn permit(&self, is_open_ended: bool) -> Result<BodyPermit, NoPlace> {
        if is_open_ended {
            return self.open_ended.take().map(BodyPermit::OpenEnded);
        }
        self.ending.permit(self.open_ended.peer()).await.map(BodyPermit::Ending)
    }
}

/// The response with a body that the serving threads can send.
async fn carried(
    response: Response<GuestBody>,
    bounds: &BodyBounds,
) -> Result<(Response<Body>, Option<Rest>), ApiError> {
    let (mut parts, body) = response.into_parts();
    let is_open_ended = is_open_ended(&parts);
    keep_own(&mut parts);
    if body.is_end_stream() {
        return Ok((Response::from_parts(parts, Body::empty()), None));
    }
    let hint = body.size_hint();
    if !is_open_ended && hint.exact().is_some_and(|bytes| bytes <= WHOLE_BYTES_MAX) {
        return match body.collect().await {
            Ok(whole) => {
                let whole = Bytes::copy_from_slice(&whole.to_bytes());
                Ok((Response::from_parts(parts, Body::full(whole)), None))
            }
            Err(error) => {
                tracing::error!(%error, "the mounted service failed to make its answer");
                Err(ApiError::Internal)
            }
        };
    }
    let permit = bounds.permit(is_open_ended).await?;
    let (maker, foreign) = foreign_body(hint);
    let response = Response::from_parts(parts, Body::foreign(foreign));
    Ok((response, Some(Rest { body, maker, permit })))
}

/// Whether the body goes on for as long as the client stays: it is declared so, or holds server-sent events.
fn is_open_ended(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let media = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    parts.extensions.get::<OpenEnded>().is_some()
        || media.trim_ascii().eq_ignore_ascii_case("text/event-stream")
}

/// Leaves in the head what may be dropped on any thread.
fn keep_own(parts: &mut Parts) {
    let label = parts.extensions.remove::<RouteLabel>();
    parts.extensions.clear();
    if let Some(label) = label {
        parts.extensions.insert(RouteLabel(Arc::from(&*label.0)));
    }
    own_values(&mut parts.headers);
}

/// Copies header values: their bytes may belong to anything.
fn own_values(headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        if let Ok(mut own) = HeaderValue::from_bytes(value.as_bytes()) {
            own.set_sensitive(value.is_sensitive());
            *value = own;
        }
    }
}

/// Makes the body as fast as the client takes it, within its bounds.
async fn send(rest: Rest, bounds: &BodyBounds) {
    let Rest { body, maker, permit } = rest;
    let BodyBounds { frame_timeout, sending_timeout, .. } = *bounds;
    match permit {
        BodyPermit::OpenEnded(_) => pump(body, maker, Duration::MAX).await,
        BodyPermit::Ending(_) => {
            let pumped = timeout(sending_timeout, pump(body, maker, frame_timeout)).await;
            if pumped.is_err() {
                tracing::warn!(?sending_timeout, "an answer of the mounted service took too long");
            }
        }
    }
}

async fn pump(mut body: GuestBody, maker: BodyMaker, frame_timeout: Duration) {
    loop {
        let frame = tokio::select! {
            biased;
            () = maker.unwanted() => return,
            frame = timeout(frame_timeout, body.frame()) => frame,
        };
        let put = match frame {
            Ok(Some(Ok(mut frame))) => {
                if let Some(trailers) = frame.trailers_mut() {
                    own_values(trailers);
                }
                maker.put(frame).await
            }
            Ok(Some(Err(error))) => {
                tracing::error!(%error, "the mounted service broke its answer off");
                return;
            }
            Ok(None) => {
                // Whether the client still wants to know changes nothing here.
                drop(maker.end().await);
                return;
            }
            Err(_late) => {
                tracing::error!(?frame_timeout, "the mounted service left its answer unfinished");
                return;
            }
        };
        if put.is_err() {
            return;
        }
    }
}
