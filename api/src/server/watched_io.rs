//! A socket whose bytes pass the framing scanner and whose waits are noted.
//!
//! When the scanner refuses, a NUL takes the place of the offending byte and the stream ends
//! there. hyper cannot parse a NUL in a head or a chunk, so it answers 400 in its own order,
//! after the responses to earlier requests, and closes: no second parser writes responses.
//!
//! That answer, and those to a head that is no HTTP or too long, hyper words by itself, without a body. The
//! handler's words take their place here, where they are the last that is written to the connection. They do so
//! only while every answer on the connection was ours: the bytes of a mounted service may look like anything, so
//! from its first answer on nothing is taken for hyper's.
//!
//! After an upgrade the bytes pass as they are, until the connection's guard cuts them off.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use engine::sync::Arc;
use hyper::StatusCode;
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::framing::Framing;
use super::service::Handler;
use super::upgraded::{Half, Upgraded};
use super::wire::on_the_wire;

/// Where a stream comes back to when hyper is dropped and another task takes it over.
pub(crate) type Home<S> = Arc<Mutex<Option<S>>>;

/// The longest head that hyper writes by itself: a status line, a length, a date and `connection: close`.
const OWN_HEAD_BYTES_MAX: usize = 256;

/// A stream under watch.
#[derive(Debug)]
pub(crate) struct WatchedIo<S, H> {
    /// There until the drop.
    stream: Option<S>,
    home: Home<S>,
    framing: Framing,
    /// The framing was refused: the peer is not listened to any more.
    refused: bool,
    activity: Arc<Activity>,
    /// Words refusals.
    handler: Arc<H>,
    /// What is written in the place of hyper's own refusal.
    instead: Option<Last>,
}

/// The last response of a connection.
#[derive(Debug)]
struct Last {
    wire: Vec<u8>,
    written: usize,
}

impl<S, H> WatchedIo<S, H> {
    pub(crate) fn new(stream: S, home: Home<S>, activity: Arc<Activity>, handler: Arc<H>) -> Self {
        let (framing, refused, instead) = (Framing::new(), false, None);
        Self { stream: Some(stream), home, framing, refused, activity, handler, instead }
    }

    fn stream(&mut self) -> Pin<&mut S>
    where
        S: Unpin,
    {
        Pin::new(self.stream.as_mut().expect("only the drop takes the stream"))
    }

    fn note_write<T>(
        &self,
        context: &Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Pending => self.activity.write_stalled(),
            Poll::Ready(_) => self.activity.write_moved(),
        }
        match self.activity.upgraded() {
            Some(upgraded) => unless_cut(upgraded, Half::Write, context, outcome),
            None => outcome,
        }
    }

    /// Reads what is no HTTP any more.
    fn poll_read_upgraded(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>>
    where
        S: AsyncRead + Unpin,
    {
        let outcome = self.stream().poll_read(context, buffer);
        let Some(upgraded) = self.activity.upgraded() else { return outcome };
        if outcome.is_ready() {
            self.activity.heard();
        }
        unless_cut(upgraded, Half::Read, context, outcome)
    }
}

/// What came of a read or write, unless the connection was cut off.
fn unless_cut<T>(
    upgraded: &Upgraded,
    half: Half,
    context: &Context<'_>,
    outcome: Poll<io::Result<T>>,
) -> Poll<io::Result<T>> {
    let is_cut = match outcome {
        Poll::Pending => upgraded.wait(half, context.waker()),
        Poll::Ready(_) => upgraded.is_cut(),
    };
    if is_cut { Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())) } else { outcome }
}

impl<S: AsyncWrite + Unpin, H: Handler> WatchedIo<S, H> {
    /// Writes bytes, but for a refusal in hyper's own words: those count as written once the handler's are to be
    /// written instead.
    fn poll_bytes(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_last(context))?;
        let own = if self.activity.may_carry_foreign_bytes() { None } else { own_refusal(bytes) };
        let Some((at, status)) = own else {
            return self.stream().poll_write(context, bytes);
        };
        if at > 0 {
            // The answer to an earlier request.
            return self.stream().poll_write(context, &bytes[..at]);
        }
        // To the client a request line that does not end is a target that is too long.
        let is_target =
            status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE && self.framing.inside_target();
        let status = if is_target { StatusCode::URI_TOO_LONG } else { status };
        let wire = on_the_wire(&self.handler.unreadable(status));
        self.instead = Some(Last { wire, written: 0 });
        Poll::Ready(Ok(bytes.len()))
    }

    /// Writes what is left of the last response, if there is one.
    fn poll_last(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(last) = &mut self.instead else { return Poll::Ready(Ok(())) };
        let stream = self.stream.as_mut().expect("only the drop takes the stream");
        while last.written < last.wire.len() {
            let left = &last.wire[last.written..];
            match std::task::ready!(Pin::new(&mut *stream).poll_write(context, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => last.written += more,
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Where in `bytes`, at their end, a refusal begins that hyper words by itself, and its status. Ours have a
/// body, and the request's name.
fn own_refusal(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    let heads = bytes.strip_suffix(b"\r\n\r\n")?;
    let from = heads.len().saturating_sub(OWN_HEAD_BYTES_MAX);
    let at = from + memmem::rfind(&heads[from..], b"HTTP/1.")?;
    let head = &heads[at..];
    let status = match head.get(9..12)? {
        b"400" => StatusCode::BAD_REQUEST,
        b"414" => StatusCode::URI_TOO_LONG,
        b"431" => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        _ => return None,
    };
    let is_empty = memmem::find(head, b"\r\ncontent-length: 0").is_some();
    let is_ours = memmem::find(head, b"\r\nx-request-id: ").is_some();
    (is_empty && !is_ours).then_some((at, status))
}

impl<S, H> Drop for WatchedIo<S, H> {
    fn drop(&mut self) {
        if self.activity.is_handed_over() {
            *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
        }
        if let Some(upgraded) = self.activity.upgraded() {
            // Closed before it is told: whoever hears of it may count on that.
            drop(self.stream.take());
            upgraded.dropped();
        }
    }
}

impl<S: AsyncRead + Unpin, H> AsyncRead for WatchedIo<S, H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.activity.upgraded().is_some() {
            return this.poll_read_upgraded(context, buffer);
        }
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

impl<S: AsyncWrite + Unpin, H: Handler> AsyncWrite for WatchedIo<S, H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.activity.upgraded().is_some() {
            // No answer of hyper's is among these.
            let outcome = self.stream().poll_write(context, bytes);
            return self.note_write(context, outcome);
        }
        let outcome = self.poll_bytes(context, bytes);
        self.note_write(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // HTTP/2: an HTTP/1 answer is written in one piece.
        let outcome = self.stream().poll_write_vectored(context, slices);
        self.note_write(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut outcome = self.poll_last(context);
        if matches!(outcome, Poll::Ready(Ok(()))) {
            outcome = self.stream().poll_flush(context);
        }
        self.note_write(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut outcome = self.poll_last(context);
        if matches!(outcome, Poll::Ready(Ok(()))) {
            outcome = self.stream().poll_shutdown(context);
        }
        self.note_write(context, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
         date: Mon, 30 Nov 2026 12:00:00 GMT\r\n\r\n";
    const OURS: &str = "HTTP/1.1 400 Bad Request\r\nx-request-id: 1-2\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn hypers_own_refusal_is_told_from_every_answer_of_ours() {
        let found =
            |text: &str| own_refusal(text.as_bytes()).map(|(at, status)| (at, status.as_u16()));
        assert_eq!(found(OWN), Some((0, 431)));
        let before = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(found(&[before, OWN].concat()), Some((before.len(), 431)));
        assert_eq!(found(&OWN.replace("431", "400")), Some((0, 400)));
        for other in [
            "",
            before,
            OURS,
            &[OWN, before].concat(),
            &OWN.replace("431", "304"),
            &OWN.replace("length: 0", "length: 9"),
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.\r\n\r\n",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
