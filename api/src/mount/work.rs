//! One request on the mount's threads: from the call of the service to the last piece of its body.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use hyper::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use web::request_id::RequestId;

use super::service::{GuestBody, MountService};
use crate::error::ApiError;
use crate::panics::Contained;
use crate::server::{AnswerDeadline, Body, BodyMaker, StreamedBody, foreign_body};

/// Bodies of a known length up to this are collected here and sent whole: a page, most pictures.
const WHOLE_BYTES_MAX: u64 = 64 * 1024;

/// What the serving thread is told.
pub(super) type Told = Result<Response<Body>, ApiError>;

/// Has the service answer, tells `teller` the head, and makes the body. `place` is given back when
/// the head is told; who is gone does not take the work back.
pub(super) async fn attend(
    service: MountService,
    request: Request<StreamedBody>,
    teller: oneshot::Sender<Told>,
    place: OwnedSemaphorePermit,
) {
    let progress = Arc::clone(request.body().progress());
    let answering = async { carried(service.answer(request).await).await };
    let answered = tokio::select! {
        biased;
        answered = answering => answered,
        fault = AnswerDeadline::of(&progress, std::time::Duration::ZERO) => Err(fault.into()),
    };
    drop(place);
    let (told, rest) = match answered {
        Ok((response, rest)) => (Ok(response), rest),
        Err(refusal) => (Err(refusal), None),
    };
    // Nobody listens any more: then the body is unwanted too.
    drop(teller.send(told));
    if let Some((body, maker)) = rest {
        pump(body, maker).await;
    }
}

/// Does work in the name of a request. A panic ends it, and is told by the fall of what it held.
pub(super) async fn named(id: RequestId, work: impl Future<Output = ()> + Send) {
    let contained = Contained::new(async {
        let mut work = pin!(work);
        poll_fn(|context| id.within(|| work.as_mut().poll(context))).await;
    });
    if contained.await.is_err() {
        tracing::debug!(request_id = %id, "the work on this request ended with its panic");
    }
}

/// A body that is not whole yet, and where it goes.
type Rest = (GuestBody, BodyMaker);

/// The response with a body that the serving threads can send.
async fn carried(
    response: Response<GuestBody>,
) -> Result<(Response<Body>, Option<Rest>), ApiError> {
    let (parts, body) = response.into_parts();
    if body.is_end_stream() {
        return Ok((Response::from_parts(parts, Body::empty()), None));
    }
    let hint = body.size_hint();
    if hint.exact().is_some_and(|bytes| bytes <= WHOLE_BYTES_MAX) {
        return match body.collect().await {
            Ok(whole) => Ok((Response::from_parts(parts, Body::full(whole.to_bytes())), None)),
            Err(error) => {
                tracing::error!(%error, "the mounted service failed to make its answer");
                Err(ApiError::Internal)
            }
        };
    }
    let (maker, foreign) = foreign_body(hint);
    Ok((Response::from_parts(parts, Body::foreign(foreign)), Some((body, maker))))
}

/// Makes the body as fast as the client takes it.
async fn pump(mut body: GuestBody, maker: BodyMaker) {
    loop {
        let frame = tokio::select! {
            biased;
            () = maker.unwanted() => return,
            frame = body.frame() => frame,
        };
        let put = match frame {
            Some(Ok(frame)) => maker.put(frame).await,
            Some(Err(error)) => {
                tracing::error!(%error, "the mounted service broke its answer off");
                return;
            }
            None => {
                // Whether the client still wants to know changes nothing here.
                drop(maker.end().await);
                return;
            }
        };
        if put.is_err() {
            return;
        }
    }
}
