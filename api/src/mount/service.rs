//! A mounted service behind one type.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use tower_service::Service;

use crate::server::StreamedBody;

/// Why a response's body fails.
type BodyError = Box<dyn Error + Send + Sync>;
/// A body of whatever type the service has.
pub(super) type GuestBody = UnsyncBoxBody<Bytes, BodyError>;
type Answering = Pin<Box<dyn Future<Output = Response<GuestBody>> + Send>>;

trait ErasedService: Send + Sync {
    fn answer(&self, request: Request<StreamedBody>) -> Answering;
}

struct Concrete<S>(S);

impl<S, B> ErasedService for Concrete<S>
where
    S: Service<Request<StreamedBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
{
    fn answer(&self, request: Request<StreamedBody>) -> Answering {
        let mut service = self.0.clone();
        Box::pin(async move {
            let Ok(()) = poll_fn(|context| service.poll_ready(context)).await;
            let Ok(response) = service.call(request).await;
            response.map(|body| body.map_err(Into::into).boxed_unsync())
        })
    }
}

/// Any service that answers each request and never fails.
#[derive(Clone)]
pub struct MountService(Arc<dyn ErasedService>);

impl fmt::Debug for MountService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MountService")
    }
}

impl MountService {
    /// Hides the type of a service; an axum `Router<()>` is one.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<StreamedBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes, Error: Into<BodyError>> + Send + 'static,
    {
        Self(Arc::new(Concrete(service)))
    }

    pub(super) async fn answer(&self, request: Request<StreamedBody>) -> Response<GuestBody> {
        self.0.answer(request).await
    }
}
