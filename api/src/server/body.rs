//! The bodies that cross the server: bounded ones in, whole or streamed ones out.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use engine::sync::Arc;
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::time::timeout;

use super::activity::{Activity, InFlight, Turn};
use super::fault::Fault;
use super::foreign::{BrokenOff, ForeignBody};
use super::handover::Pieces;
use super::streamed::{DISCARD_BYTES_MAX, StreamBounds, StreamedBody};

/// Bytes of a response that an HTTP/2 connection is given at once. It takes the next ones only when
/// the peer's window has room, so a long response stays in flight while the peer reads it.
const HTTP2_PIECE_BYTES: usize = 16 * 1024;

/// A response body: all of it, pieces as they come, or pieces that are made on another runtime.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    /// The code of the problem it is about.
    code: Option<&'static str>,
}

enum Kind {
    /// Bytes not yet handed over; empty when done.
    Full(Bytes),
    Stream(Box<dyn Pieces>),
    Foreign(Box<ForeignBody>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => f.debug_tuple("Full").field(bytes).finish(),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Foreign(_) => f.write_str("Foreign"),
        }
    }
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// A body known in full.
    pub const fn full(bytes: Bytes) -> Self {
        Self { kind: Kind::Full(bytes), code: None }
    }

    /// A body that is asked for piece by piece, as fast as the peer reads; the pieces are dropped
    /// when the peer is gone. It is the last response of an HTTP/1 connection.
    pub fn stream(pieces: impl Pieces + 'static) -> Self {
        Self { kind: Kind::Stream(Box::new(pieces)), code: None }
    }

    /// A body that is made on another runtime. It stays in hyper, and the connection goes on after it.
    pub fn foreign(body: ForeignBody) -> Self {
        Self { kind: Kind::Foreign(Box::new(body)), code: None }
    }

    /// The same, marked as that of a problem: whoever records the answer reads it there.
    #[must_use]
    pub const fn about(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The code of the problem it is about, if it is about one.
    pub const fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Whether it comes piece by piece and leaves hyper.
    pub(crate) const fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    /// All of it, unless it comes piece by piece.
    pub(crate) const fn bytes(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes),
            Kind::Stream(_) | Kind::Foreign(_) => None,
        }
    }

    /// Takes the pieces out of a stream and leaves nothing.
    fn take_pieces(&mut self) -> Option<Box<dyn Pieces>> {
        match std::mem::replace(&mut self.kind, Kind::Full(Bytes::new())) {
            Kind::Stream(pieces) => Some(pieces),
            Kind::Full(_) | Kind::Foreign(_) => None,
        }
    }

    /// Length in bytes, when known.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes.len() as u64),
            Kind::Stream(_) => None,
            Kind::Foreign(body) => body.size_hint().exact(),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::full(bytes.into())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.kind {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream(pieces) => {
                pieces.poll_piece(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
            }
            Kind::Foreign(body) => body.poll_piece(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.kind, Kind::Full(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A response body that keeps its request counted as in flight until it is done or dropped.
#[derive(Debug)]
pub(crate) struct TrackedBody {
    body: Body,
    /// Watched on HTTP/2 only; an HTTP/1.1 stall shows at the socket.
    turn: Option<Turn>,
    /// Leaves hyper with its first poll.
    leaves: bool,
    in_flight: InFlight,
}

impl TrackedBody {
    pub(crate) const fn new(body: Body, turn: Option<Turn>, in_flight: InFlight) -> Self {
        Self { body, turn, leaves: false, in_flight }
    }

    /// A stream that is handed to the connection's task as soon as its head is written.
    pub(crate) const fn leaving(body: Body, in_flight: InFlight) -> Self {
        Self { body, turn: None, leaves: true, in_flight }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.leaves {
            if let Some(pieces) = self.body.take_pieces() {
                self.in_flight.activity().handover().offer(pieces);
            }
            // The connection's task looks for the offer after this poll and drops hyper and us.
            return Poll::Pending;
        }
        let http2 = self.turn.is_some();
        let frame = match &mut self.body.kind {
            Kind::Full(bytes) if http2 && bytes.len() > HTTP2_PIECE_BYTES => {
                Poll::Ready(Some(Ok(Frame::data(bytes.split_to(HTTP2_PIECE_BYTES)))))
            }
            Kind::Full(_) | Kind::Stream(_) | Kind::Foreign(_) => {
                Pin::new(&mut self.body).poll_frame(context)
            }
        };
        if let Some(turn) = &mut self.turn {
            if matches!(frame, Poll::Ready(Some(_))) {
                turn.pass_to_peer();
            } else {
                turn.pass_to_us();
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        !self.leaves && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.leaves { SizeHint::default() } else { self.body.size_hint() }
    }
}

/// What a request may send and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyBounds {
    pub(crate) bytes_max: usize,
    pub(crate) timeout: Duration,
}

/// A request's body, not read yet.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    bounds: BodyBounds,
    /// Set where the connection counts the time and polls the request when it is over.
    watched: Option<Arc<Activity>>,
}

impl RequestBody {
    pub(crate) const fn new(
        incoming: Incoming,
        bounds: BodyBounds,
        watched: Option<Arc<Activity>>,
    ) -> Self {
        Self { incoming, bounds, watched }
    }

    /// Whether the request has no body at all.
    pub fn is_empty(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// Whether the request says that its body is within the limit, so that it may be left unread: of one
    /// that is too large, or of unknown length, that has to be found out.
    pub fn is_within_limit(&self) -> bool {
        let declared = self.incoming.size_hint().exact();
        declared.is_some_and(|bytes| bytes <= self.bounds.bytes_max as u64)
    }

    /// Whether the request says that its body has more than `bytes_max` bytes.
    pub fn exceeds(&self, bytes_max: u64) -> bool {
        self.incoming.size_hint().lower() > bytes_max
    }

    /// The body to be read piece by piece, by whoever keeps its own deadline.
    pub fn streamed(self, bounds: StreamBounds) -> StreamedBody {
        StreamedBody::new(self.incoming, bounds)
    }

    /// Drops some of a body that is refused for its length, so that its sender reads the refusal.
    /// `headers` are the request's: nothing comes from a client that waits for `100 Continue`.
    pub async fn drop_some(mut self, headers: &HeaderMap) {
        if !headers.contains_key(EXPECT) {
            // A sender that stalls has been told nothing yet, and is told then.
            drop(timeout(self.bounds.timeout, discard(&mut self.incoming, 0)).await);
        }
    }

    /// Reads the body to its end: 413 over the limit, 408 past the deadline, 400 when it breaks
    /// off. `headers` are the request's: a client that waits for `100 Continue` is refused before
    /// it sends anything.
    pub async fn read(self, headers: &HeaderMap) -> Result<Bytes, Fault> {
        let Self { mut incoming, bounds, watched } = self;
        if incoming.is_end_stream() {
            return Ok(Bytes::new());
        }
        let declared = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
        if declared > bounds.bytes_max && headers.contains_key(EXPECT) {
            return Err(Fault::BodyTooLarge);
        }
        let mut body = pin!(collect(&mut incoming, bounds.bytes_max));
        let outcome = match watched {
            None => timeout(bounds.timeout, body).await.ok(),
            Some(activity) => {
                poll_fn(|context| match body.as_mut().poll(context) {
                    Poll::Pending if activity.answer_overdue() > 0 => Poll::Ready(None),
                    outcome @ (Poll::Ready(_) | Poll::Pending) => outcome.map(Some),
                })
                .await
            }
        };
        outcome.unwrap_or(Err(Fault::BodyLate))
    }
}

async fn collect(incoming: &mut Incoming, bytes_max: usize) -> Result<Bytes, Fault> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut total = 0;
    while let Some(data) = next_data(incoming).await? {
        total += data.len();
        if total > bytes_max {
            discard(incoming, total).await;
            return Err(Fault::BodyTooLarge);
        }
        if first.is_empty() {
            // The common body comes in one piece and is passed on without a copy.
            first = data;
        } else {
            if joined.is_empty() {
                joined.reserve(total.max(1024));
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

async fn discard(incoming: &mut Incoming, mut total: usize) {
    while let Ok(Some(data)) = next_data(incoming).await {
        total += data.len();
        if total > DISCARD_BYTES_MAX {
            return;
        }
    }
}

/// The next piece; trailers count as the end.
async fn next_data(incoming: &mut Incoming) -> Result<Option<Bytes>, Fault> {
    loop {
        match poll_fn(|context| Pin::new(&mut *incoming).poll_frame(context)).await {
            None => return Ok(None),
            Some(Err(_broken)) => return Err(Fault::BodyBroken),
            Some(Ok(frame)) => match frame.into_data() {
                // An empty DATA frame carries nothing and does not end the body.
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => return Ok(None),
            },
        }
    }
}
