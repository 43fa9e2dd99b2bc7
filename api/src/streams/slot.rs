//! What the hub has to say to one watcher: a bounded slot in which the latest and weightiest wins.
//!
//! Owns the hand-off between the hub and the connection's task. It holds no event: only that one
//! is due, so a watcher that does not read costs what any other does.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// What a watcher has to be told; the later outweighs the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// It was silent for long.
    Comment,
    /// Its place may have changed.
    Look,
    /// It was called, and claiming it has come to an end, whatever that was.
    Claimed,
    /// A newer stream of the same ticket took over.
    Replaced,
    /// This node goes down.
    Drain,
}

/// One watcher's slot, shared by the hub, the connection's task and a claim under way.
#[derive(Debug, Default)]
pub struct Slot(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    due: Option<Due>,
    /// The connection's task, when it waits.
    waker: Option<Waker>,
    /// The response is over or the peer is gone.
    left: bool,
    /// A claim is under way.
    claiming: bool,
}

impl Slot {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something is due, and wakes whoever waits for it.
    pub(super) fn put(&self, due: Due) {
        let waker = {
            let mut state = self.state();
            state.due = state.due.max(Some(due));
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes what is due; without it `waker` is woken once something is.
    pub fn take(&self, waker: &Waker) -> Option<Due> {
        let mut state = self.state();
        let due = state.due.take();
        if due.is_none() && !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        due
    }

    /// The response is over.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.left = true;
        state.waker = None;
    }

    /// Whether the response is over.
    pub(super) fn has_left(&self) -> bool {
        self.state().left
    }

    /// Begins a claim, unless one is under way.
    pub(super) fn begin_claim(&self) -> bool {
        !std::mem::replace(&mut self.state().claiming, true)
    }

    /// A claim has come to an end.
    pub(super) fn end_claim(&self) {
        self.state().claiming = false;
        self.put(Due::Claimed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_word_wins_and_is_taken_once() {
        let slot = Slot::new();
        slot.put(Due::Look);
        slot.put(Due::Comment);
        assert_eq!(slot.take(Waker::noop()), Some(Due::Look));
        assert_eq!(slot.take(Waker::noop()), None);
        slot.put(Due::Drain);
        slot.put(Due::Claimed);
        assert_eq!(slot.take(Waker::noop()), Some(Due::Drain));
    }

    #[test]
    fn one_claim_at_a_time() {
        let slot = Slot::new();
        assert!(slot.begin_claim());
        assert!(!slot.begin_claim());
        slot.end_claim();
        assert_eq!(slot.take(Waker::noop()), Some(Due::Claimed));
        assert!(slot.begin_claim());
    }
}
