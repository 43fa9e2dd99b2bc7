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
use hyper::header::HeaderValue;
use hyper::http::response::Parts;
use hyper::{HeaderMap, Request, Response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;
use web::mounted::{OpenEnded, RouteLabel};
use web::request_id::RequestId;

use super::body_room::{BodyPlace, BodyRoom};
use super::service::{GuestBody, MountService};
use crate::error::ApiError;
use crate::panics::Contained;
use crate::server::{
    AnswerDeadline, Body, BodyMaker, NoStreamPlace, StreamPlace, StreamPlaces, StreamedBody,
    foreign_body,
};

/// Bodies of a known length up to this are collected here and sent whole: a page, most pictures.
const WHOLE_BYTES_MAX: u64 = 64 * 1024;

/// What the serving thread gets.
pub(super) type Answered = Result<Response<Body>, ApiError>;

/// What bounds a body that is sent piece by piece.
#[derive(Clone, Debug)]
pub(super) struct BodyBounds {
    /// For one that comes to an end.
    pub(super) ending: Arc<BodyRoom>,
    /// For one that goes on for as long as the client stays.
    pub(super) open_ended: StreamPlaces,
    /// How long the service may take for the next frame of one that ends.
    pub(super) frame_timeout: Duration,
}

/// Has the service answer, sends the head to `answer_to`, and makes the body. `place` is given back when
/// the head is sent; who is gone does not take the work back.
pub(super) async fn attend(
    service: MountService,
    request: Request<StreamedBody>,
    answer_to: oneshot::Sender<Answered>,
    place: OwnedSemaphorePermit,
    bounds: BodyBounds,
) {
    let progress = Arc::clone(request.body().progress());
    let answering = async { carried(service.answer(request).await, &bounds).await };
    let answered = tokio::select! {
        biased;
        answered = answering => answered,
        fault = AnswerDeadline::of(&progress, Duration::ZERO) => Err(fault.into()),
    };
    drop(place);
    let (answer, rest) = match answered {
        Ok((response, rest)) => (Ok(response), rest),
        Err(refusal) => (Err(refusal), None),
    };
    // Nobody listens any more: then the body is unwanted too.
    drop(answer_to.send(answer));
    if let Some(rest) = rest {
        pump(rest, bounds.frame_timeout).await;
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

/// A body that is not whole yet, where it goes, and its place until it ends.
struct Rest {
    body: GuestBody,
    maker: BodyMaker,
    place: Place,
}

/// What a body holds while it is sent.
enum Place {
    Ending(#[expect(dead_code, reason = "held")] BodyPlace),
    OpenEnded(#[expect(dead_code, reason = "held")] StreamPlace),
}

impl BodyBounds {
    /// A place for one more body. One that ends waits for it.
    async fn place(&self, is_open_ended: bool) -> Result<Place, ApiError> {
        if is_open_ended {
            return match self.open_ended.take() {
                Ok(place) => Ok(Place::OpenEnded(place)),
                Err(NoStreamPlace::Full) => Err(ApiError::Overloaded),
                Err(NoStreamPlace::Peer) => Err(ApiError::TooManyConnections),
            };
        }
        Ok(Place::Ending(self.ending.place(self.open_ended.peer()).await))
    }
}

/// The response with a body that the serving threads can send.
async fn carried(
    response: Response<GuestBody>,
    bounds: &BodyBounds,
) -> Result<(Response<Body>, Option<Rest>), ApiError> {
    let (mut parts, body) = response.into_parts();
    let is_open_ended = parts.extensions.get::<OpenEnded>().is_some();
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
    let place = bounds.place(is_open_ended).await?;
    let (maker, foreign) = foreign_body(hint);
    let response = Response::from_parts(parts, Body::foreign(foreign));
    Ok((response, Some(Rest { body, maker, place })))
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

/// Makes the body as fast as the client takes it.
async fn pump(rest: Rest, frame_timeout: Duration) {
    let Rest { mut body, maker, place } = rest;
    let frame_timeout = match place {
        Place::Ending(_) => frame_timeout,
        Place::OpenEnded(_) => Duration::MAX,
    };
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
