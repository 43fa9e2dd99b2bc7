//! What a panic ends: the request it happened in, or the process.
//!
//! Owns the process' panic hook and the fence around work that one client asked for. A panic inside
//! [`contain`] costs only that client its answer: whatever it was about to tell
//! the engine was told whole or not at all. A panic anywhere else (the scribe, the delivery worker,
//! a snapshot, a task that others rely on) means that something unattended has stopped, so
//! [`watch`] reports it and the process ends with its reason. Both are logged where they happen.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::sync::mpsc::{self, Receiver};

thread_local! {
    /// Whether this thread is inside [`contain`].
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Contained work panicked; why is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Declares that whatever panics on this thread from now on ends nothing but itself: the runtime that
/// owns the thread sees to that.
pub fn contain_thread() {
    IS_CONTAINED.set(true);
}

/// Does work whose panic ends nothing but itself. What it shares with others must not be left half
/// changed by a panic: the caller vouches for that.
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = IS_CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_CONTAINED.set(before);
    outcome.map_err(|_: Box<dyn Any + Send>| Panicked)
}

/// A future each of whose polls is contained.
#[derive(Debug)]
pub struct Contained<F>(Pin<Box<F>>);

impl<F: Future> Contained<F> {
    /// Contains a future.
    pub fn new(work: F) -> Self {
        Self(Box::pin(work))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match contain(|| self.0.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panicked) => Poll::Ready(Err(panicked)),
        }
    }
}

/// Panics that nothing contained, in words.
#[derive(Debug)]
pub struct Panics(Receiver<String>);

impl Panics {
    /// Waits for the first; for ever if there is none.
    pub async fn first(&mut self) -> String {
        match self.0.recv().await {
            Some(words) => words,
            // The hook was replaced, and nothing will be told here.
            None => std::future::pending().await,
        }
    }
}

/// Logs every panic of the process from now on, and tells those that nothing contains.
pub fn watch() -> Panics {
    let (teller, told) = mpsc::channel(1);
    set_hook(Box::new(move |panic| {
        let words = words_of(panic);
        let backtrace = Backtrace::capture();
        let backtrace =
            matches!(backtrace.status(), BacktraceStatus::Captured).then_some(backtrace);
        let backtrace = backtrace.as_ref().map(tracing::field::display);
        let is_contained = IS_CONTAINED.get();
        tracing::error!(backtrace, contained = is_contained, "{words}");
        if !is_contained {
            // Full: another panic ends the process already.
            drop(teller.try_send(words));
        }
    }));
    Panics(told)
}

fn words_of(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    let message = panic.payload_as_str().unwrap_or("no message");
    match panic.location() {
        Some(place) => format!("thread {name} panicked at {place}: {message}"),
        None => format!("thread {name} panicked: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contained_work_answers_or_is_known_to_have_panicked_also_inside_other_such_work() {
        assert_eq!(contain(|| 7), Ok(7));
        let outer = contain(|| {
            assert_eq!(contain(|| panic!("inner")), Err::<(), _>(Panicked));
            assert!(IS_CONTAINED.get(), "the outer work is contained still");
        });
        assert_eq!(outer, Ok(()));
        assert!(!IS_CONTAINED.get());
    }
}
