//! Two rings before one consumer: what comes through the first is not refused because the second is
//! full, and is taken before it.
//!
//! ```text
//!  backend, operators ─ push ─▶ [ slot | slot ] ─┐ taken first, a bounded part of each drain
//!                                                ├─ drain ─ scribe
//!  shoppers ─ push ─▶ [ slot | slot | slot … ] ──┘
//! ```
//!
//! Each ring keeps its own order and its own wake-up protocol; nothing is ordered between the two. The
//! consumer parks only after it has set `SLEEPING` in both tails, each by an exchange that fails if
//! anything is claimed. So a claim in either ring is before that ring's exchange, and the consumer does
//! not park; or it is after it, and the claimer owes the wake-up. Both wake the same parker.

use std::{fmt, time::Duration};

use super::{Lane, Producer, lane};
use crate::sync::Parker;

/// Two rings and the end that takes from both. The first producer's ring is taken from first.
///
/// # Panics
///
/// If a capacity is not a power of two, or is below 2.
pub fn bounded_lanes<T>(first: usize, second: usize) -> (Producer<T>, Producer<T>, Lanes<T>) {
    let parker = Parker::new();
    let (first_producer, first) = lane(first, parker.unparker());
    let (second_producer, second) = lane(second, parker.unparker());
    (first_producer, second_producer, Lanes { first, second, parker })
}

/// The scribe's end of two rings. Dropping it closes both and drops what is left in them.
pub struct Lanes<T> {
    first: Lane<T>,
    second: Lane<T>,
    parker: Parker,
}

impl<T> Lanes<T> {
    /// Moves up to `max` values into `out`: at most `first_max` of the first ring, then of the second.
    /// Says how many.
    pub fn drain(&mut self, first_max: usize, max: usize, out: &mut Vec<T>) -> usize {
        let first = self.first.drain(first_max.min(max), out);
        first + self.second.drain(max - first, out)
    }

    /// Parks until something is pushed, the last producer of a ring goes, or `timeout` has passed. May
    /// return early with nothing there; drain and ask again.
    pub fn wait(&mut self, timeout: Duration) {
        if self.is_closed() {
            return;
        }
        if !self.first.doze() {
            self.first.await_publication();
            return;
        }
        if self.second.doze() {
            self.parker.park_timeout(timeout);
            self.second.rouse();
        } else {
            self.second.await_publication();
        }
        self.first.rouse();
    }

    /// Whether no producer is left at either ring: nothing more will come, and one more drain of
    /// everything empties both for good.
    pub fn is_closed(&self) -> bool {
        self.first.is_closed() && self.second.is_closed()
    }
}

impl<T> fmt::Debug for Lanes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = [self.first.head, self.second.head];
        f.debug_struct("Lanes").field("heads", &heads).finish_non_exhaustive()
    }
}
