//! The end of a server in three steps: running, draining, cut.
//!
//! Owns the phase and the number of open connections. Whoever streams subscribes through
//! [`Draining`] and ends by itself when draining starts.

use engine::sync::{Arc, AtomicBool, AtomicUsize, Ordering};
use tokio::sync::{Notify, watch};

/// Where the server is on its way out; it only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Running,
    /// No new connections; requests in flight finish.
    Draining,
    /// The grace is over: whatever is open is closed.
    Cut,
}

/// Tells the holder when the server starts to drain.
#[derive(Clone, Debug)]
pub struct Draining {
    phase: watch::Receiver<Phase>,
    /// The phase is past running. The channel's value stands behind a lock that all connections
    /// would share; this is one load.
    begun: Arc<AtomicBool>,
}

impl Draining {
    /// Whether the drain has begun.
    pub fn has_begun(&self) -> bool {
        // ORDERING: Relaxed; only a hint to close soon, nothing is published with it.
        self.begun.load(Ordering::Relaxed)
    }

    /// Resolves when the drain begins, at once if it has. Streams end then with a retry hint.
    pub async fn begun(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Resolves when the phase is at least `phase`.
    pub(crate) async fn reached(&mut self, phase: Phase) {
        // A server that is gone altogether is past every phase: the error is the answer too.
        drop(self.phase.wait_for(|current| *current >= phase).await);
    }
}

/// The switch, and the connections still open.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    begun: Arc<AtomicBool>,
    open: AtomicUsize,
    /// Woken when the last connection closes.
    emptied: Notify,
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
            begun: Arc::new(AtomicBool::new(false)),
            open: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }

    pub(crate) fn watch(&self) -> Draining {
        Draining { phase: self.phase.subscribe(), begun: Arc::clone(&self.begun) }
    }

    pub(crate) fn advance(&self, phase: Phase) {
        // ORDERING: Relaxed; the channel's wake-up follows, and it synchronises by itself.
        self.begun.store(phase > Phase::Running, Ordering::Relaxed);
        self.phase.send_modify(|current| *current = (*current).max(phase));
    }

    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        // ORDERING: Acquire; pairs with the release in `Counted::drop`.
        self.open.load(Ordering::Acquire)
    }

    /// Counts a connection in.
    pub(crate) fn count_in(self: &Arc<Self>) -> Counted {
        // ORDERING: Relaxed; nothing is published by a connection that has done nothing.
        self.open.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(self))
    }

    /// Resolves when no connection is open.
    pub(crate) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if self.open() == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// One open connection, counted until the drop.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Drain>);

impl Drop for Counted {
    fn drop(&mut self) {
        // ORDERING: AcqRel; whoever sees zero sees all that the connections did.
        if self.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_never_goes_back() {
        let drain = Drain::new();
        drain.advance(Phase::Cut);
        drain.advance(Phase::Draining);
        assert!(drain.watch().has_begun());
        assert_eq!(*drain.watch().phase.borrow(), Phase::Cut);
    }
}
