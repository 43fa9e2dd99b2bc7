//! The one timer of a connection: rings when the connection has kept us waiting for too long.
//!
//! It is moved only when a deadline draws nearer, so a request that is answered at once touches no
//! timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::{AFTER_BODY, Activity, Overdue, Patience};

/// Resolves when a connection has kept us waiting for too long.
pub(super) struct Watchdog<'a> {
    activity: &'a Activity,
    patience: Patience,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer's present setting has this task's waker.
    armed: bool,
}

impl<'a> Watchdog<'a> {
    pub(super) fn over(activity: &'a Activity, patience: Patience) -> Self {
        let at = activity.deadline(&patience).map_or_else(Instant::now, |(at, _)| at);
        Self { activity, patience, timer: Box::pin(sleep_until(at)), armed: false }
    }

    /// The connection it watches.
    pub(super) const fn activity(&self) -> &Activity {
        self.activity
    }
}

impl Future for Watchdog<'_> {
    type Output = Overdue;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Overdue> {
        loop {
            let Some((due, overdue)) = self.activity.deadline(&self.patience) else {
                return Poll::Pending;
            };
            // A timer set for an earlier time is left alone: it rings, looks again and is set
            // again, once per patience and not once per request.
            if due < self.timer.deadline() || self.timer.is_elapsed() {
                if due <= Instant::now() {
                    if overdue == Overdue::Answer {
                        self.activity.answer_is_overdue(AFTER_BODY);
                    }
                    return Poll::Ready(overdue);
                }
                self.timer.as_mut().reset(due);
                self.armed = false;
            }
            if self.armed {
                return Poll::Pending;
            }
            self.armed = true;
            std::task::ready!(self.timer.as_mut().poll(context));
        }
    }
}
