//! The ring: a bounded, lock-free hand-off of commands from many handlers to the one scribe.
//!
//! ```text
//!  handler ─ push ─┐                                        ┌─ drain ─ scribe
//!  handler ─ push ─┼─▶ [ slot | slot | slot | slot | slot ] ┘            │
//!  handler ─ push ─┘      ▲ head (scribe)        ▲ tail (handlers)        └─ wait: park
//! ```
//!
//! Owns order of arrival, the bound, and waking the scribe. Knows nothing of what it carries. A full
//! or closed ring refuses at once and hands the value back; nothing is dropped and no handler waits.
//!
//! # State
//!
//! Positions count pushes from 0 and never wrap (2⁶² of them). Position `p` lives in slot
//! `p mod capacity` (Vyukov's bounded queue). Each slot's `turn` says who owns it:
//!
//! | `turn` of position p's slot | owner of the value's cell | who sets the next turn |
//! |---|---|---|
//! | `p` | the producer that moved the tail from p to p + 1 | that producer: `p + 1`, published |
//! | `p + 1` | the consumer | the consumer: `p + capacity`, free for the next lap |
//!
//! The `tail` word is the next position with two flags above it:
//!
//! | bits | meaning | set by | cleared by |
//! |---|---|---|---|
//! | 0–61 | next position to claim | producers, one exchange per push | never falls |
//! | 62 `SLEEPING` | the consumer parks, or is about to | consumer, only while tail = head | the next claim, or the consumer |
//! | 63 `CLOSED` | the consumer is gone | consumer's drop | never |
//!
//! # No wake-up is lost, and an awake consumer costs producers nothing
//!
//! A flag beside the queue would need a store–load fence on both sides: each must see the other's
//! write or both miss. Here the flag is in the word that a push has to exchange anyway, and all
//! changes of one word have one order. The consumer sets `SLEEPING` by exchanging `head` for
//! `head | SLEEPING`, which succeeds only if nothing is claimed. So a claim is either before it in
//! that order, in which case the exchange fails and the consumer does not park; or after it, in which
//! case the first such claim reads and clears the flag. That one producer owes the wake-up, and pays it
//! after it has published. The parker's token is kept if it arrives early. The argument uses only
//! that order, hence no `SeqCst`, and `tail` itself publishes nothing: every access is relaxed.
//!
//! The same order makes closing exact: the consumer drops what was claimed before `CLOSED`, and a push
//! after it is refused.

#![expect(unsafe_code, reason = "slots hand their values between threads by turn, without a lock")]

mod lanes;

use std::{fmt, mem::MaybeUninit, time::Duration};

use crossbeam::utils::CachePadded;

pub use self::lanes::{Lanes, bounded_lanes};
use crate::sync::{Arc, AtomicUsize, Ordering, Parker, Unparker, UnsafeCell, yield_now};

const CLOSED: usize = 1 << 63;
const SLEEPING: usize = 1 << 62;
const POSITION: usize = SLEEPING - 1;

/// A ring of `capacity` slots and its two ends.
///
/// # Panics
///
/// If `capacity` is not a power of two, or is below 2 (a turn could not tell full from free).
pub fn bounded<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let parker = Parker::new();
    let (producer, lane) = lane(capacity, parker.unparker());
    (producer, Consumer { lane, parker })
}

/// A ring of `capacity` slots whose pushes wake `sleeper`.
fn lane<T>(capacity: usize, sleeper: &Unparker) -> (Producer<T>, Lane<T>) {
    assert!(capacity.is_power_of_two());
    assert!(capacity >= 2);
    let slot = |position| Slot {
        turn: AtomicUsize::new(position),
        value: UnsafeCell::new(MaybeUninit::uninit()),
    };
    let ring = Arc::new(Ring {
        tail: CachePadded::new(AtomicUsize::new(0)),
        head: CachePadded::new(AtomicUsize::new(0)),
        producers: CachePadded::new(AtomicUsize::new(1)),
        sleeper: sleeper.clone(),
        slots: (0..capacity).map(slot).collect(),
    });
    (Producer { ring: Arc::clone(&ring) }, Lane { ring, head: 0 })
}

/// A handler's end: pushes, never waits. Clones push into the same ring.
pub struct Producer<T> {
    ring: Arc<Ring<T>>,
}

/// The scribe's end. Dropping it closes the ring and drops what is left in it.
pub struct Consumer<T> {
    lane: Lane<T>,
    parker: Parker,
}

/// A consumer's end without its parker, which several rings may share.
struct Lane<T> {
    ring: Arc<Ring<T>>,
    /// The next position to take; the shared `head` is its copy for [`Producer::depth`].
    head: usize,
}

/// A push that did not happen, with the value that was not pushed.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused<T> {
    /// What was to be pushed.
    pub value: T,
    /// Why it was not.
    pub reason: Reason,
}

/// Why a push was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Every slot was taken at some moment during the push; trying again later is safe.
    Full,
    /// The consumer is gone; no push will ever succeed again.
    Closed,
}

/// The shared part. The cursors and the count are padded: `tail` is exchanged by every push, `head`
/// stored by every drain, and neither should take the other's cache line away.
struct Ring<T> {
    /// The state word of the module's table.
    tail: CachePadded<AtomicUsize>,
    /// A copy of the consumer's head, used only for the depth.
    head: CachePadded<AtomicUsize>,
    /// Producers alive; 0 is final, because a producer can only be cloned from another.
    producers: CachePadded<AtomicUsize>,
    sleeper: Unparker,
    slots: Box<[Slot<T>]>,
}

struct Slot<T> {
    /// Who owns the value, as the module's table says.
    turn: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: a slot's value is touched only by the thread whose turn it is, and the turn is handed over
// by release and acquire; values only move between threads, so `T: Send` is enough.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: as above; the ring owns its values and nothing bound to a thread.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T> Ring<T> {
    fn slot(&self, position: usize) -> &Slot<T> {
        &self.slots[position & (self.slots.len() - 1)]
    }
}

impl<T> Producer<T> {
    /// Pushes a value behind all that were pushed before.
    pub fn push(&self, value: T) -> Result<(), Refused<T>> {
        // ORDERING: Relaxed on `tail` throughout; see the module on wake-ups. A stale tail is found
        // out by the exchange, or by a turn that is already ahead of it.
        let mut tail = self.ring.tail.load(Ordering::Relaxed);
        loop {
            if tail & CLOSED != 0 {
                return Err(Refused { value, reason: Reason::Closed });
            }
            let position = tail & POSITION;
            let slot = self.ring.slot(position);
            // ORDERING: Acquire; pairs with `Slot::take`: the cell is empty once it reads as free.
            let turn = slot.turn.load(Ordering::Acquire);
            if turn < position {
                return Err(Refused { value, reason: Reason::Full });
            }
            if turn > position {
                // Another producer published here, so its claim is visible: this load reads past it.
                tail = self.ring.tail.load(Ordering::Relaxed);
                continue;
            }
            match self.claim(tail) {
                Ok(()) => {
                    slot.put(position, value);
                    if tail & SLEEPING != 0 {
                        self.ring.sleeper.unpark();
                    }
                    return Ok(());
                }
                Err(seen) => tail = seen,
            }
        }
    }

    /// Values pushed and not yet drained. Approximate: the ring moves while it is being read.
    pub fn depth(&self) -> usize {
        let head = self.ring.head.load(Ordering::Relaxed);
        let tail = self.ring.tail.load(Ordering::Relaxed) & POSITION;
        tail.saturating_sub(head).min(self.ring.slots.len())
    }

    /// Moves the tail on by one from `tail` and takes over the wake-up; otherwise answers the tail
    /// as it is.
    fn claim(&self, tail: usize) -> Result<(), usize> {
        let next = (tail & POSITION) + 1;
        self.ring
            .tail
            .compare_exchange_weak(tail, next, Ordering::Relaxed, Ordering::Relaxed)
            .map(|_| ())
    }
}

impl<T> Consumer<T> {
    /// Moves up to `max` values into `out`, oldest first, and says how many.
    pub fn drain(&mut self, max: usize, out: &mut Vec<T>) -> usize {
        self.lane.drain(max, out)
    }

    /// Parks until something is pushed, the last producer goes, or `timeout` has passed. May return
    /// early with nothing pushed; drain and wait again.
    pub fn wait(&mut self, timeout: Duration) {
        if self.is_closed() {
            return;
        }
        if self.lane.doze() {
            self.parker.park_timeout(timeout);
            self.lane.rouse();
        } else {
            self.lane.await_publication();
        }
    }

    /// Whether no producer is left: nothing more will come, and one more drain of everything empties
    /// the ring for good.
    pub fn is_closed(&self) -> bool {
        self.lane.is_closed()
    }
}

impl<T> Lane<T> {
    fn drain(&mut self, max: usize, out: &mut Vec<T>) -> usize {
        let start = self.head;
        while self.head - start < max {
            let Some(value) = self.ring.slot(self.head).take(self.head, self.ring.slots.len())
            else {
                break;
            };
            self.head += 1;
            out.push(value);
        }
        self.ring.head.store(self.head, Ordering::Relaxed);
        self.head - start
    }

    /// Sets `SLEEPING`: the next producer to claim owes a wake-up. Fails if a slot is claimed already.
    fn doze(&self) -> bool {
        let asleep = self.head | SLEEPING;
        // ORDERING: Relaxed; only the order of `tail`'s own changes matters, as the module proves.
        let tail = &self.ring.tail;
        tail.compare_exchange(self.head, asleep, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Clears `SLEEPING`, if no producer has done so.
    fn rouse(&self) {
        self.ring.tail.fetch_and(!SLEEPING, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        // ORDERING: Acquire; pairs with the producers' drop, so that the drain after it sees the last
        // push of each.
        self.ring.producers.load(Ordering::Acquire) == 0
    }

    /// Waits for the producer that has claimed the slot at the head to publish it. It is a few
    /// instructions from doing so and runs no foreign code; if it was preempted, yielding lets it
    /// finish.
    fn await_publication(&self) {
        let slot = self.ring.slot(self.head);
        while !slot.is_published(self.head) {
            yield_now();
        }
    }
}

impl<T> Slot<T> {
    /// Stores and publishes the value of `position`, which the caller has just claimed.
    fn put(&self, position: usize, value: T) {
        self.value.with_mut(|cell| {
            // SAFETY: the claim made this slot the caller's alone until `turn` moves on.
            let cell = unsafe { &mut *cell };
            cell.write(value);
        });
        // ORDERING: Release; publishes the value to `is_published`.
        self.turn.store(position + 1, Ordering::Release);
    }

    /// Takes the value of `position` and frees the slot, if the value is published. Only the consumer
    /// calls this.
    fn take(&self, position: usize, capacity: usize) -> Option<T> {
        if !self.is_published(position) {
            return None;
        }
        let value = self.value.with_mut(|cell| {
            // SAFETY: published and not yet freed: the cell is the consumer's alone.
            let cell = unsafe { &*cell };
            // SAFETY: `put` has written it, and it is read once: the turn moves on below.
            unsafe { cell.assume_init_read() }
        });
        // ORDERING: Release; hands the emptied cell to the producer of the next lap, in `push`.
        self.turn.store(position + capacity, Ordering::Release);
        Some(value)
    }

    fn is_published(&self, position: usize) -> bool {
        // ORDERING: Acquire; pairs with `put`.
        self.turn.load(Ordering::Acquire) == position + 1
    }
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed; a live producer is being cloned, so the count cannot meet 0 here.
        self.ring.producers.fetch_add(1, Ordering::Relaxed);
        Self { ring: Arc::clone(&self.ring) }
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // ORDERING: AcqRel; the last decrement carries the pushes of all producers to `is_closed`.
        if self.ring.producers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.ring.sleeper.unpark();
        }
    }
}

impl<T> Drop for Lane<T> {
    fn drop(&mut self) {
        // What was claimed before the flag is dropped here and now, not with the last producer: a
        // value can be a promise that a handler awaits.
        let end = self.ring.tail.fetch_or(CLOSED, Ordering::Relaxed) & POSITION;
        while self.head < end {
            self.await_publication();
            drop(self.ring.slot(self.head).take(self.head, self.ring.slots.len()));
            self.head += 1;
        }
        self.ring.head.store(end, Ordering::Relaxed);
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("depth", &self.depth()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("head", &self.lane.head).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests;
