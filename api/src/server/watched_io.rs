//! A socket whose bytes pass the framing scanner and whose waits are noted.
//!
//! When the scanner refuses, a NUL takes the place of the offending byte and the stream ends
//! there. hyper cannot parse a NUL in a head or a chunk, so it answers 400 in its own order,
//! after the responses to earlier requests, and closes: no second parser writes responses.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use engine::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::framing::Framing;

/// Where a stream comes back to when hyper is dropped and another task takes it over.
pub(crate) type Home<S> = Arc<Mutex<Option<S>>>;

/// A stream under watch.
#[derive(Debug)]
pub(crate) struct WatchedIo<S> {
    /// There until the drop.
    stream: Option<S>,
    home: Home<S>,
    framing: Framing,
    /// The framing was refused: the peer is not listened to any more.
    refused: bool,
    activity: Arc<Activity>,
}

impl<S> WatchedIo<S> {
    pub(crate) fn new(stream: S, home: Home<S>, activity: Arc<Activity>) -> Self {
        Self { stream: Some(stream), home, framing: Framing::new(), refused: false, activity }
    }

    fn stream(&mut self) -> Pin<&mut S>
    where
        S: Unpin,
    {
        Pin::new(self.stream.as_mut().expect("only the drop takes the stream"))
    }

    fn note_write<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Pending => self.activity.write_stalled(),
            Poll::Ready(_) => self.activity.write_moved(),
        }
        outcome
    }
}

impl<S> Drop for WatchedIo<S> {
    fn drop(&mut self) {
        if self.activity.is_handed_over() {
            *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.refused {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        std::task::ready!(this.stream().poll_read(context, buffer))?;
        if let Err(refusal) = this.framing.scan(&buffer.filled()[before..]) {
            this.refused = true;
            this.activity.misframed();
            buffer.set_filled(before + refusal.at);
            buffer.put_slice(&[0]);
        }
        if this.framing.inside_head() {
            this.activity.head_pending();
        } else if buffer.filled().len() > before {
            this.activity.head_complete();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.stream().poll_write(context, bytes);
        self.note_write(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.stream().poll_write_vectored(context, slices);
        self.note_write(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.stream().poll_flush(context);
        self.note_write(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.stream().poll_shutdown(context);
        self.note_write(outcome)
    }
}
