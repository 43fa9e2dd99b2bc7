//! Response bodies that are made on another runtime.
//!
//! ```text
//! maker, elsewhere ── pieces ──▶ channel of two ──▶ ForeignBody, polled by hyper
//! ```
//!
//! Invariants: at most [`PIECES_MAX`] pieces of [`PIECE_BYTES`] wait for a slow peer; a body ends well
//! only when its maker said so. A maker that is dropped, because it failed or panicked, breaks the
//! response off.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces on their way between the two runtimes.
const PIECES_MAX: usize = 2;
/// Bytes of a piece: as much as an HTTP/2 connection is given at once.
const PIECE_BYTES: usize = 16 * 1024;

/// The maker of a response body failed before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the response body broke off")
    }
}

impl std::error::Error for BrokenOff {}

/// What a maker says.
#[derive(Debug)]
enum Said {
    Piece(Frame<Bytes>),
    End,
}

/// The body, as hyper asks for it.
#[derive(Debug)]
pub struct ForeignBody {
    said: mpsc::Receiver<Said>,
    hint: SizeHint,
    ended: bool,
}

/// The maker's end of it.
#[derive(Debug)]
pub struct BodyMaker(mpsc::Sender<Said>);

/// The client is gone, or the body was not wanted.
#[derive(Debug, PartialEq, Eq)]
pub struct Unwanted;

/// A body of a length that `hint` tells, and its maker's end.
pub fn foreign_body(hint: SizeHint) -> (BodyMaker, ForeignBody) {
    let (sender, said) = mpsc::channel(PIECES_MAX);
    (BodyMaker(sender), ForeignBody { said, hint, ended: false })
}

impl BodyMaker {
    /// Hands a frame on, once there is room for it.
    pub async fn put(&self, frame: Frame<Bytes>) -> Result<(), Unwanted> {
        let mut rest = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return self.say(Said::Piece(trailers)).await,
        };
        while !rest.is_empty() {
            // Copied: the bytes may belong to anything, which must not be dropped by whoever sends them.
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            self.say(Said::Piece(Frame::data(Bytes::copy_from_slice(&piece)))).await?;
        }
        Ok(())
    }

    /// Ends the body well.
    pub async fn end(self) -> Result<(), Unwanted> {
        self.say(Said::End).await
    }

    /// Resolves once nobody wants the body.
    pub async fn unwanted(&self) {
        self.0.closed().await;
    }

    async fn say(&self, said: Said) -> Result<(), Unwanted> {
        self.0.send(said).await.map_err(|_closed| Unwanted)
    }
}

impl ForeignBody {
    pub(super) fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.said.poll_recv(context)) {
            Some(Said::Piece(frame)) => Some(Ok(frame)),
            Some(Said::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(BrokenOff))
            }
        })
    }
}

impl hyper::body::Body for ForeignBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.poll_piece(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_and_a_body_ends_only_when_it_is_said() {
        let (maker, body) = foreign_body(SizeHint::default());
        let long = Bytes::from(vec![7; 3 * PIECE_BYTES + 1]);
        let data = long.clone();
        tokio::spawn(async move {
            maker.put(Frame::data(data)).await.unwrap();
            maker.end().await.unwrap();
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), long);

        let (maker, body) = foreign_body(SizeHint::default());
        tokio::spawn(async move { maker.put(Frame::data(Bytes::from_static(b"half"))).await });
        assert_eq!(body.collect().await.unwrap_err(), BrokenOff);
    }

    #[tokio::test]
    async fn a_maker_hears_that_nobody_wants_its_body() {
        let (maker, body) = foreign_body(SizeHint::default());
        drop(body);
        maker.unwanted().await;
        assert_eq!(maker.put(Frame::data(Bytes::from_static(b"x"))).await, Err(Unwanted));
    }
}
