//! What a connection that left HTTP after a 101 shares with its guard.
//!
//! ```text
//! 101 dressed ─▶ Activity has Upgraded ─▶ WatchedIo reads bytes as they are
//! hyper ends ──▶ the socket, in its WatchedIo, goes to whoever asked for it, on any runtime
//!           └──▶ guard: holds the connection's place until the socket is dropped
//! ```
//!
//! The guard never touches the socket. When the peer has been silent or not reading for too long, or
//! the drain's grace is over, it cuts: from then on every read and write of the socket fails, and
//! those that wait are woken.
//!
//! Invariants: such a connection counts under the caps until its socket is dropped, and never makes
//! room; after the cut nothing is read or written.

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use engine::sync::{Arc, AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// Whatever is to be kept until the connection ends.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

/// Which half of a socket waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Read,
    Write,
}

/// What the guard and the socket of one connection share.
#[derive(Debug)]
pub(crate) struct Upgraded {
    cut: AtomicBool,
    /// When the peer sent something, in milliseconds since the connection was accepted.
    heard_ms: AtomicU64,
    /// Who waits in each half.
    waiting: Mutex<[Option<Waker>; 2]>,
    dropped: Notify,
    /// Its place among its peer's streams.
    _kept: Option<Kept>,
}

impl Upgraded {
    pub(crate) fn new(kept: Option<Kept>) -> Self {
        Self {
            cut: AtomicBool::new(false),
            heard_ms: AtomicU64::new(0),
            waiting: Mutex::default(),
            dropped: Notify::new(),
            _kept: kept,
        }
    }

    /// The peer sent something.
    pub(crate) fn heard(&self, at_ms: u64) {
        // ORDERING: Relaxed; advice about time.
        self.heard_ms.store(at_ms, Ordering::Relaxed);
    }

    /// When it last did.
    pub(crate) fn heard_ms(&self) -> u64 {
        // ORDERING: Relaxed; as `heard`.
        self.heard_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn is_cut(&self) -> bool {
        // ORDERING: Acquire; pairs with the release in `cut`.
        self.cut.load(Ordering::Acquire)
    }

    /// Notes who waits for the socket; whether it was cut meanwhile.
    pub(crate) fn wait(&self, half: Half, waker: &Waker) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let place = &mut waiting[half as usize];
        if !place.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *place = Some(waker.clone());
        }
        self.is_cut()
    }

    /// Ends the socket for whoever has it.
    pub(crate) fn cut(&self) {
        let wakers = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // ORDERING: Release, and under the lock: whoever waits after this sees it.
            self.cut.store(true, Ordering::Release);
            std::mem::take(&mut *waiting)
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The socket is gone.
    pub(crate) fn dropped(&self) {
        self.dropped.notify_one();
    }

    /// Resolves once it is; one may wait for that.
    pub(crate) async fn until_dropped(&self) {
        self.dropped.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use super::*;

    #[tokio::test]
    async fn whoever_waits_for_a_socket_is_woken_by_the_cut() {
        let upgraded = Arc::new(Upgraded::new(None));
        let waiter = Arc::clone(&upgraded);
        let waiting = tokio::spawn(std::future::poll_fn(move |context: &mut Context<'_>| {
            if waiter.wait(Half::Read, context.waker()) { Poll::Ready(()) } else { Poll::Pending }
        }));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        upgraded.cut();
        waiting.await.unwrap();
    }
}
