//! The service that is mounted.

#![expect(clippy::panic, reason = "the service panics where a test asks for it")]

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{MatchedPath, Path, Request, State, WebSocketUpgrade, ws},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{any, get, post},
};
use hyper::body::{Body as HttpBody, Frame};
use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};
use web::{
    mounted::{OpenEnded, RouteLabel, Visitor},
    request_id::RequestId,
};

pub(crate) fn router(draining: watch::Receiver<bool>) -> Router {
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/deals/{id}", get(|Path(id): Path<String>| async move { id }))
        .route("/who", get(who))
        .route("/upload", post(upload))
        .route("/back", post(|body: Body| async { body }))
        .route("/back-whole", post(|body: Bytes| async { body }))
        .route("/unfinished", get(|| async { Body::new(Unfinished(Some("half"))) }))
        .route("/dripping", get(|| async { Body::new(Dripping(Box::pin(sleep(DRIP)))) }))
        .route("/events", get(events))
        .route("/events-undeclared", get(events_undeclared))
        .route("/headers", get(headers))
        .route("/owned/{bytes}", get(owned))
        .route("/dropped-on", get(|| async { dropped_on() }))
        .route("/slow/{ms}", get(slow))
        .route("/busy", get(busy))
        .route("/never", get(std::future::pending::<&str>))
        .route("/known", get(|| async { ([(header::ETAG, "\"7\"")], StatusCode::NOT_MODIFIED) }))
        .route("/panic", get(panics))
        .route("/panic-apart", get(panic_apart))
        .route("/long/{pieces}", get(long))
        .route("/broken", get(|| async { Body::new(Pieces { left: 9, panics_at: Some(5) }) }))
        .route("/echo", any(echo))
        .route("/deaf", any(deaf))
        .layer(middleware::from_fn(label))
        .with_state(draining)
}

/// Says which route answered.
async fn label(path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(RouteLabel(path.as_str().into()));
    }
    response
}

async fn who(
    Extension(id): Extension<RequestId>,
    Extension(visitor): Extension<Visitor>,
) -> String {
    assert_eq!(id, RequestId::current(), "also where nobody passes it on");
    format!("{id} {} {}", visitor.client.unwrap(), visitor.tls)
}

async fn upload(body: Body) -> Result<String, StatusCode> {
    let (mut body, mut count) = (pin!(body), 0);
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        let frame = frame.map_err(|_refused| StatusCode::BAD_REQUEST)?;
        count += frame.data_ref().map_or(0, Bytes::len);
    }
    Ok(count.to_string())
}

async fn slow(Path(ms): Path<u64>) -> &'static str {
    sleep(Duration::from_millis(ms)).await;
    "slow"
}

/// Takes a thread of the runtime and does not give it back.
async fn busy() -> &'static str {
    std::thread::sleep(Duration::from_secs(20));
    "busy"
}

async fn panics() -> &'static str {
    panic!("a fault of the service")
}

/// Panics in a task that the mount knows nothing of.
async fn panic_apart() -> String {
    tokio::spawn(async { panic!("a fault in a task") }).await.unwrap_err().to_string()
}

async fn long(Path(pieces): Path<usize>) -> Body {
    Body::new(Pieces { left: pieces, panics_at: None })
}

/// Some pieces of 20,000 bytes, of a length that is not said.
struct Pieces {
    left: usize,
    panics_at: Option<usize>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        assert_ne!(Some(self.left), self.panics_at, "a fault in a body");
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; 20_000])))))
    }
}

/// One piece, and then nothing.
struct Unfinished(Option<&'static str>);

impl HttpBody for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.take();
        piece.map_or(Poll::Pending, |text| {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))))
        })
    }
}

/// An event, and then silence for as long as the client stays.
async fn events() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    let body = Body::new(Unfinished(Some("data: hello\n\n")));
    (kind, Extension(OpenEnded), body).into_response()
}

/// The same by an ordinary handler, which does not know that it must declare anything.
async fn events_undeclared() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")];
    (kind, Body::new(Unfinished(Some("data: hello\n\n")))).into_response()
}

/// The time between the pieces of a body that drips.
const DRIP: Duration = Duration::from_millis(100);

/// A small piece now and then, without end.
struct Dripping(Pin<Box<Sleep>>);

impl HttpBody for Dripping {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.0.as_mut().poll(context));
        self.0 = Box::pin(sleep(DRIP));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"drop")))))
    }
}

/// What the service reads of who asks.
async fn headers(headers: HeaderMap) -> String {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value:?}\n"));
    lines.collect()
}

/// The threads on which something of the service's was dropped.
static DROPPED_ON: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn dropped_on() -> String {
    DROPPED_ON.lock().unwrap().join(",")
}

/// Something of the service's that says where it is dropped.
#[derive(Clone)]
struct Tattler(Arc<Vec<u8>>);

impl AsRef<[u8]> for Tattler {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Tattler {
    fn drop(&mut self) {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        DROPPED_ON.lock().unwrap().push(thread);
    }
}

/// Body, a header and an extension belong to the service.
async fn owned(Path(bytes): Path<usize>) -> Response {
    let owned = |bytes| Bytes::from_owner(Tattler(Arc::new(vec![b'x'; bytes])));
    let header = HeaderValue::from_maybe_shared(owned(5)).unwrap();
    let body = Body::from(owned(bytes));
    ([("x-owned", header)], Extension(Tattler(Arc::new(Vec::new()))), body).into_response()
}

/// Sends back what comes, and says goodbye when the server drains.
async fn echo(
    upgrade: WebSocketUpgrade,
    State(draining): State<watch::Receiver<bool>>,
) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, draining)).into_response()
}

async fn talk(mut socket: ws::WebSocket, mut draining: watch::Receiver<bool>) {
    loop {
        let said = tokio::select! {
            said = socket.recv() => said,
            () = begun(&mut draining) => {
                let goodbye = ws::CloseFrame { code: ws::close_code::AWAY, reason: "".into() };
                drop(socket.send(ws::Message::Close(Some(goodbye))).await);
                return;
            }
        };
        let Some(Ok(said)) = said else { return };
        if matches!(said, ws::Message::Text(_)) && socket.send(said).await.is_err() {
            return;
        }
    }
}

async fn begun(draining: &mut watch::Receiver<bool>) {
    // The sender is gone only when the server is.
    drop(draining.wait_for(|draining| *draining).await);
}

/// Hears nothing of the drain.
async fn deaf(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket| async move { while socket.recv().await.is_some() {} })
}
