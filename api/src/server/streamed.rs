//! Request bodies that are read piece by piece, and the deadline of an answer that depends on one.
//!
//! ```text
//! head ─▶ answer_timeout runs ─▶ each piece taken starts it again ─▶ answer
//! head ─▶ body_timeout runs while the reader waits for a piece
//! ```
//!
//! Owns the bound of such a body and the times of its pieces. The reader may live on another runtime.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use engine::sync::{Arc, AtomicU8, AtomicU64, Ordering};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::fault::Fault;

/// Bytes of a body over the limit that are read and dropped before the refusal. A client that is
/// still sending when the socket closes would be reset and might never read the 413.
pub(super) const DISCARD_BYTES_MAX: usize = 64 * 1024;

/// What a request may send and how long its answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBounds {
    /// Bytes of the body.
    pub body_bytes_max: u64,
    /// From the head to the body's last byte, as far as the reader waits for it.
    pub body_timeout: Duration,
    /// From the head, or the last piece of the body that was taken, to the answer.
    pub answer_timeout: Duration,
}

/// Why a body cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// It passes its bound.
    TooLarge,
    /// It broke off, or is encoded wrongly.
    Broken,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request body is too large",
            Self::Broken => "the request body broke off",
        })
    }
}

impl Error for StreamError {}

/// How a body and its reader stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The reader does something else.
    Busy,
    /// The reader waits for a piece.
    Awaited,
    /// The body is read to its end, or given up.
    Over,
    /// The body passed its bound.
    TooLarge,
}

/// How far a request's body has been read.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    bounds: StreamBounds,
    /// When the last piece was taken, in milliseconds since the start.
    taken_ms: AtomicU64,
    state: AtomicU8,
}

// ORDERING: Relaxed throughout: times and a state, none of which publishes other memory.
impl Progress {
    fn new(bounds: StreamBounds) -> Self {
        Self {
            started: Instant::now(),
            bounds,
            taken_ms: AtomicU64::new(0),
            state: AtomicU8::new(State::Busy as u8),
        }
    }

    fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    fn taken(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.taken_ms.store(now, Ordering::Relaxed);
        self.set(State::Busy);
    }

    fn is(&self, state: State) -> bool {
        self.state.load(Ordering::Relaxed) == state as u8
    }

    /// Whether the body passed its bound.
    pub fn is_too_large(&self) -> bool {
        self.is(State::TooLarge)
    }

    /// By when the answer is due, and what it is otherwise.
    fn due(&self) -> (Instant, Fault) {
        let taken = Duration::from_millis(self.taken_ms.load(Ordering::Relaxed));
        let answer = self.started + taken + self.bounds.answer_timeout;
        if self.is(State::Awaited) {
            let body = self.started + self.bounds.body_timeout;
            return (answer.min(body), Fault::BodyLate);
        }
        (answer, Fault::AnswerLate)
    }
}

/// Resolves when an answer is overdue, to the fault that it is.
#[derive(Debug)]
pub struct AnswerDeadline {
    progress: Arc<Progress>,
    slack: Duration,
    timer: Pin<Box<Sleep>>,
}

impl AnswerDeadline {
    /// Rings `slack` later than the answer is due.
    pub fn of(progress: &Arc<Progress>, slack: Duration) -> Self {
        let timer = Box::pin(sleep_until(progress.due().0 + slack));
        Self { progress: Arc::clone(progress), slack, timer }
    }
}

impl Future for AnswerDeadline {
    type Output = Fault;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Fault> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let (due, fault) = self.progress.due();
            let due = due + self.slack;
            if due <= Instant::now() {
                return Poll::Ready(fault);
            }
            self.timer.as_mut().reset(due);
        }
    }
}

/// A request's body, piece by piece.
#[derive(Debug)]
pub struct StreamedBody {
    incoming: Incoming,
    progress: Arc<Progress>,
    /// Bytes read.
    read: u64,
}

impl StreamedBody {
    pub(super) fn new(incoming: Incoming, bounds: StreamBounds) -> Self {
        let progress = Arc::new(Progress::new(bounds));
        if incoming.is_end_stream() {
            progress.set(State::Over);
        }
        Self { incoming, progress, read: 0 }
    }

    /// How far it has been read.
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    fn passes_bound(&self) -> bool {
        self.read > self.progress.bounds.body_bytes_max
    }

    /// Drops some of what comes beyond the bound, then refuses. A client that is still sending when
    /// the socket closes might never read the refusal.
    fn poll_dropped(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let most = self.progress.bounds.body_bytes_max.saturating_add(DISCARD_BYTES_MAX as u64);
        while self.read <= most
            && let Some(Ok(frame)) = ready!(Pin::new(&mut self.incoming).poll_frame(context))
        {
            self.read += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        Poll::Ready(Some(Err(StreamError::TooLarge)))
    }
}

impl HttpBody for StreamedBody {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        let this = &mut *self;
        if this.passes_bound() {
            return this.poll_dropped(context);
        }
        let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(context) else {
            this.progress.set(State::Awaited);
            return Poll::Pending;
        };
        this.progress.taken();
        Poll::Ready(match frame {
            None => {
                this.progress.set(State::Over);
                None
            }
            Some(Err(_broken)) => {
                this.progress.set(State::Over);
                Some(Err(StreamError::Broken))
            }
            Some(Ok(frame)) => {
                this.read += frame.data_ref().map_or(0, Bytes::len) as u64;
                if this.passes_bound() {
                    this.progress.set(State::TooLarge);
                    return this.poll_dropped(context);
                }
                Some(Ok(frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for StreamedBody {
    fn drop(&mut self) {
        if !self.progress.is_too_large() {
            self.progress.set(State::Over);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: StreamBounds = StreamBounds {
        body_bytes_max: 1_000,
        body_timeout: Duration::from_mins(1),
        answer_timeout: Duration::from_secs(20),
    };

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_due_after_the_last_piece_and_a_body_that_does_not_come_is_late() {
        let progress = Arc::new(Progress::new(BOUNDS));
        let started = progress.started;
        let deadline = AnswerDeadline::of(&progress, Duration::ZERO);
        tokio::time::advance(Duration::from_secs(15)).await;
        progress.taken();
        assert_eq!(deadline.await, Fault::AnswerLate);
        assert_eq!(started.elapsed().as_secs(), 35);

        progress.taken();
        progress.set(State::Awaited);
        let deadline = AnswerDeadline::of(&progress, Duration::ZERO);
        assert_eq!(deadline.await, Fault::BodyLate);
        assert_eq!(started.elapsed().as_secs(), 55);

        tokio::time::advance(Duration::from_secs(4)).await;
        progress.taken();
        progress.set(State::Awaited);
        assert_eq!(progress.due().0, started + BOUNDS.body_timeout, "a body that drips");
    }
}
