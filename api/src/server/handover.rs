//! Event streams after their response head: out of hyper, into a task of a few hundred bytes.
//!
//! ```text
//! hyper: request ─▶ head ─▶ polls the body: TrackedBody offers its Pieces in the Handover
//! the connection's task, once the head is flushed: drops hyper, WatchedIo gives the socket back
//! send(): Pieces ─▶ chunk ─▶ socket, until the pieces end, the peer goes or patience runs out
//! ```
//!
//! hyper keeps 16 KiB of buffers and a large task for a connection, whether anything is read or
//! not. An HTTP/1.1 event stream is the last thing its connection does (the response says
//! `Connection: close`), so all that is left to do is to write chunks. HTTP/2 streams share their
//! connection and stay in hyper; so does HTTP/1.0, which knows no chunks.
//!
//! Invariants: at most one piece waits for a slow peer, and no other is asked for before it is
//! written; a peer that takes nothing for the write patience is cut; what a peer still sends is
//! read and dropped.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use engine::sync::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::drain::{Draining, Phase};

/// What ends a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// Bytes a peer sends after its request are read and dropped in pieces of this size.
const DROPPED_BYTES: usize = 512;
/// Such reads in one turn: a peer that floods gets no more of a worker's time.
const DROPPED_READS_MAX: usize = 4;

/// A streamed response, piece by piece.
pub trait Pieces: Send {
    /// The next piece, which is never empty; `None` ends the response. Asked only when the one
    /// before was taken, so whoever answers may leave out what a slow reader has missed.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

/// Where a response body leaves its pieces for the connection's task.
#[derive(Default)]
pub(crate) struct Handover {
    offered: AtomicBool,
    pieces: Mutex<Option<Box<dyn Pieces>>>,
}

impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handover").field("offered", &self.is_offered()).finish_non_exhaustive()
    }
}

impl Handover {
    /// Asks the connection's task to take over.
    pub(crate) fn offer(&self, pieces: Box<dyn Pieces>) {
        *self.pieces.lock().unwrap_or_else(PoisonError::into_inner) = Some(pieces);
        // ORDERING: Relaxed; offered and looked at by the one task that polls the connection.
        self.offered.store(true, Ordering::Relaxed);
    }

    /// Whether a response asked to leave hyper.
    pub(crate) fn is_offered(&self) -> bool {
        // ORDERING: Relaxed; as `offer`.
        self.offered.load(Ordering::Relaxed)
    }

    /// The pieces, once.
    pub(crate) fn take(&self) -> Option<Box<dyn Pieces>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Writes pieces to a socket until they end; `admission` is dropped then. `on_stall` is called if
/// they end because the peer takes nothing.
pub(crate) async fn send<S, A>(
    stream: S,
    pieces: Box<dyn Pieces>,
    write_patience: Duration,
    mut draining: Draining,
    admission: A,
    on_stall: impl FnOnce(),
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sending = Sending {
        stream,
        pieces: Some(pieces),
        chunk: Vec::new(),
        written: 0,
        flushed: true,
        write_patience,
        stalled: None,
    };
    tokio::select! {
        sent = sending => {
            if sent.is_err() {
                on_stall();
            }
        }
        () = draining.reached(Phase::Cut) => {}
    }
    drop(admission);
}

/// The peer took nothing for too long.
struct Stalled;

/// One response on its way.
struct Sending<S> {
    stream: S,
    /// `None` once they ended.
    pieces: Option<Box<dyn Pieces>>,
    /// The chunk being written, and how much of it was.
    chunk: Vec<u8>,
    written: usize,
    /// Whether the stream was flushed since; TLS holds bytes back until then.
    flushed: bool,
    write_patience: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Sending<S> {
    type Output = Result<(), Stalled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match this.poll_write_out(context) {
                Poll::Ready(Ok(())) => this.stalled = None,
                Poll::Ready(Err(_gone)) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    if this.poll_patience(context).is_ready() {
                        return Poll::Ready(Err(Stalled));
                    }
                    break;
                }
            }
            let Some(pieces) = &mut this.pieces else {
                // The last chunk is out. A failing shutdown is the peer's affair.
                return Pin::new(&mut this.stream).poll_shutdown(context).map(|_| Ok(()));
            };
            match pieces.poll_piece(context) {
                Poll::Ready(Some(piece)) => this.put(chunk(&piece)),
                Poll::Ready(None) => {
                    this.pieces = None;
                    this.put(LAST_CHUNK.to_vec());
                }
                Poll::Pending => break,
            }
        }
        this.poll_gone(context).map(Ok)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sending<S> {
    fn put(&mut self, chunk: Vec<u8>) {
        self.chunk = chunk;
        self.written = 0;
        self.flushed = false;
    }

    /// Ready once nothing is left to write; an error when nothing can be.
    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while self.written < self.chunk.len() {
            let rest = &self.chunk[self.written..];
            let taken = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if taken == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.written += taken;
            self.stalled = None;
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.flushed = true;
            // A silent stream keeps no buffer.
            self.chunk = Vec::new();
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when the peer has taken nothing for too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let patience = self.write_patience;
        self.stalled.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context)
    }

    /// Ready when the peer closed its side; whatever it sends is dropped.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; DROPPED_BYTES];
        for _ in 0..DROPPED_READS_MAX {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => return Poll::Ready(()),
                Ok(()) => {}
                Err(_broken) => return Poll::Ready(()),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A piece as one chunk (RFC 9112, 7.1).
fn chunk(piece: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", piece.len());
    [size.as_bytes(), piece, b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_framed_by_its_length_in_hex() {
        assert_eq!(chunk(b"retry: 2000\n\n..."), b"10\r\nretry: 2000\n\n...\r\n");
    }
}
