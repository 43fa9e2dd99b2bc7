//! The commit: a one-shot promise that resolves once a record is durable.
//!
//! Owns the hand-over of one answer from the scribe to one waiting handler, in one allocation and
//! without a runtime. It refuses to know what durable means: the scribe resolves, the handler waits.
//! A promise that is dropped unresolved says so, so no handler waits forever for a dead scribe.
//!
//! # State
//!
//! One byte of two flags, and two cells whose owner the flags decide:
//!
//! | field | written by | read by |
//! |---|---|---|
//! | `answer` | the promise, before it sets `RESOLVED` | the commit, after it sees `RESOLVED` |
//! | `waker` | the commit, only while neither flag is set | both, while `WAKER` is set |
//!
//! | transition | by | means |
//! |---|---|---|
//! | `0 → WAKER` | commit | a waker is in its cell: the promise must wake it when it resolves |
//! | `WAKER → 0` | commit | the cell is the commit's again, to change the waker |
//! | `0 → RESOLVED` | promise | the answer is there, no one is waiting |
//! | `WAKER → WAKER, RESOLVED` | promise | the answer is there, and a [`WakeUp`] wakes |
//!
//! After `RESOLVED` the commit leaves the waker's cell alone, except that its late attempts at
//! `WAKER` may still flip that flag, which is no longer read. No wake-up is lost: both sides
//! change the one state word, so either the promise sees `WAKER`, or the commit sees `RESOLVED`.

#![expect(unsafe_code, reason = "the answer and the waker change owners by the state word")]

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc as WakeArc,
    task::{Context, Poll, Wake, Waker},
};

use crate::sync::{Arc, AtomicU8, Ordering, Parker, Unparker, UnsafeCell};

const RESOLVED: u8 = 1;
const WAKER: u8 = 2;

/// A promise and the commit that it resolves.
pub fn pair<T>() -> (Promise<T>, Commit<T>) {
    let shared = Arc::new(Shared {
        state: AtomicU8::new(0),
        answer: UnsafeCell::new(None),
        waker: UnsafeCell::new(None),
    });
    (Promise { shared: Some(Arc::clone(&shared)) }, Commit { shared, taken: false })
}

/// The scribe's side. Dropped unresolved, it resolves to [`Abandoned`].
pub struct Promise<T> {
    /// There until it is resolved.
    shared: Option<Arc<Shared<T>>>,
}

/// A waiter whose answer is there but that was not woken yet. Dropping this wakes it. A batch wakes its
/// waiters after all its answers are there, so that the first to wake finds the others ready as well.
#[must_use = "dropping a wake-up wakes"]
pub struct WakeUp<T> {
    shared: Arc<Shared<T>>,
}

/// The handler's side: a future of the answer. It may be dropped at any time.
pub struct Commit<T> {
    shared: Arc<Shared<T>>,
    /// The answer was handed out; polling again is a caller's bug.
    taken: bool,
}

/// The promise was dropped without an answer. What became of the command is unknown: it may have
/// been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abandoned;

struct Shared<T> {
    state: AtomicU8,
    /// The answer; `None` at `RESOLVED` means abandoned.
    answer: UnsafeCell<Option<T>>,
    /// What to wake, while `WAKER` is set.
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the cells are reached only as the module's tables allow, and both owners hand them over by
// release and acquire on `state`. The answer only moves, so `T: Send` is enough; a waker is `Send + Sync`.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above; nothing in it is bound to a thread.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Promise<T> {
    /// Resolves the commit with the answer, and wakes the waiter if there is one.
    pub fn resolve(self, answer: T) {
        drop(self.resolve_unheard(answer));
    }

    /// Resolves the commit with the answer, and leaves waking the waiter, if any, to the caller.
    pub fn resolve_unheard(mut self, answer: T) -> Option<WakeUp<T>> {
        let shared = self.shared.take().expect("a promise is resolved once");
        shared.answer.with_mut(|cell| {
            // SAFETY: the promise owns the answer's cell until it sets `RESOLVED`, below.
            let cell = unsafe { &mut *cell };
            *cell = Some(answer);
        });
        resolved(shared)
    }
}

/// Sets `RESOLVED`, for the promise; answers the waker that must now be woken, if any.
fn resolved<T>(shared: Arc<Shared<T>>) -> Option<WakeUp<T>> {
    // ORDERING: Release publishes the answer to `Shared::is_resolved`; Acquire takes over the waker
    // that `Commit::register` published.
    let before = shared.state.fetch_or(RESOLVED, Ordering::AcqRel);
    (before & WAKER != 0).then(|| WakeUp { shared })
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        drop(self.shared.take().map(resolved));
    }
}

impl<T> Drop for WakeUp<T> {
    fn drop(&mut self) {
        self.shared.waker.with(|cell| {
            // SAFETY: `WAKER` was set when `RESOLVED` was: this cell is no longer written.
            let waker = unsafe { &*cell };
            waker.as_ref().expect("the flag says that a waker is there").wake_by_ref();
        });
    }
}

impl<T> Commit<T> {
    /// Blocks this thread until the answer is there.
    pub fn wait(mut self) -> Result<T, Abandoned> {
        let parker = Parker::new();
        let waker = Waker::from(WakeArc::new(Alarm(parker.unparker().clone())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(answer) = Pin::new(&mut self).poll(&mut context) {
                return answer;
            }
            parker.park();
        }
    }

    /// Leaves `waker` to be woken at `RESOLVED`; false if it is `RESOLVED` already.
    fn register(&self, waker: &Waker) -> bool {
        let state = &self.shared.state;
        // ORDERING: Relaxed; the commit set and cleared this flag itself, and writes the cell itself.
        if state.load(Ordering::Relaxed) & WAKER != 0 {
            if self.shared.holds(waker) {
                return true;
            }
            // ORDERING: Acquire; if `RESOLVED` is seen here, the answer is read next.
            if state.fetch_and(!WAKER, Ordering::Acquire) & RESOLVED != 0 {
                return false;
            }
        }
        self.shared.waker.with_mut(|cell| {
            // SAFETY: neither flag is set, or the promise resolved without reading the cell: while
            // `WAKER` is clear, only the commit touches it.
            let cell = unsafe { &mut *cell };
            *cell = Some(waker.clone());
        });
        // ORDERING: Release publishes the waker to `resolved`; Acquire as above.
        state.fetch_or(WAKER, Ordering::AcqRel) & RESOLVED == 0
    }
}

impl<T> Future for Commit<T> {
    type Output = Result<T, Abandoned>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.taken, "the answer was already taken");
        if !self.shared.is_resolved() && self.register(context.waker()) {
            return Poll::Pending;
        }
        self.taken = true;
        Poll::Ready(self.shared.take_answer().ok_or(Abandoned))
    }
}

impl<T> Shared<T> {
    fn is_resolved(&self) -> bool {
        // ORDERING: Acquire; pairs with `resolved`, so that the answer can be read.
        self.state.load(Ordering::Acquire) & RESOLVED != 0
    }

    /// Whether the registered waker would wake the same task. Only the commit asks, with `WAKER` set.
    fn holds(&self, waker: &Waker) -> bool {
        self.waker.with(|cell| {
            // SAFETY: only the commit writes this cell, and it is here; the promise may read it too.
            let held = unsafe { &*cell };
            held.as_ref().is_some_and(|held| held.will_wake(waker))
        })
    }

    /// The answer, `None` if abandoned. Only the commit asks, after `RESOLVED`.
    fn take_answer(&self) -> Option<T> {
        self.answer.with_mut(|cell| {
            // SAFETY: `RESOLVED` was seen with acquire: the cell is the commit's from then on.
            let cell = unsafe { &mut *cell };
            cell.take()
        })
    }
}

/// Wakes the thread that blocks in [`Commit::wait`].
struct Alarm(Unparker);

impl Wake for Alarm {
    fn wake(self: WakeArc<Self>) {
        self.0.unpark();
    }
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the command was abandoned before its outcome was known")
    }
}

impl Error for Abandoned {}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WakeUp<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakeUp").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Commit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resolved = self.shared.is_resolved();
        f.debug_struct("Commit").field("resolved", &resolved).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use std::{
        sync::{Arc, atomic},
        thread,
    };

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Count(atomic::AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll<T>(commit: &mut Commit<T>, count: &Arc<Count>) -> Poll<Result<T, Abandoned>> {
        let waker = Waker::from(Arc::clone(count));
        Pin::new(commit).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn the_answer_arrives_and_wakes_whoever_polled_last() {
        let (promise, mut commit) = pair();
        let (first, last) = (Arc::<Count>::default(), Arc::<Count>::default());
        assert!(poll(&mut commit, &first).is_pending());
        assert!(poll(&mut commit, &first).is_pending());
        assert!(poll(&mut commit, &last).is_pending());
        promise.resolve(7);
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(last.0.load(Ordering::Relaxed), 1);
        assert_eq!(poll(&mut commit, &last), Poll::Ready(Ok(7)));
    }

    #[test]
    fn an_unheard_answer_is_there_before_anybody_is_woken() {
        let (promise, mut commit) = pair();
        let count = Arc::<Count>::default();
        assert!(poll(&mut commit, &count).is_pending());
        let wake_up = promise.resolve_unheard(7);
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        assert_eq!(poll(&mut commit, &count), Poll::Ready(Ok(7)));
        drop(wake_up);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let (promise, _commit) = pair();
        assert!(promise.resolve_unheard(7).is_none(), "nobody waits");
    }

    #[test]
    fn a_dropped_promise_abandons_and_wakes() {
        let (promise, mut commit) = pair::<()>();
        let count = Arc::<Count>::default();
        assert!(poll(&mut commit, &count).is_pending());
        drop(promise);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(commit.wait(), Err(Abandoned));
    }

    #[test]
    fn neither_side_leaks_when_the_other_goes_first() {
        let counted = Arc::new(());
        let (promise, commit) = pair();
        drop(commit);
        promise.resolve(Arc::clone(&counted));
        let (promise, commit) = pair();
        promise.resolve(Arc::clone(&counted));
        drop(commit);
        assert_eq!(Arc::strong_count(&counted), 1);
    }

    #[test]
    fn waiting_threads_get_their_own_answers() {
        for round in 0..5_000_u32 {
            let (promise, commit) = pair();
            let waiter = thread::spawn(move || commit.wait());
            promise.resolve(round);
            assert_eq!(waiter.join().unwrap(), Ok(round));
        }
    }
}
