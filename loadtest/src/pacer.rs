//! The thread that keeps time.
//!
//! Owns one operating-system thread that sleeps to absolute deadlines and releases whoever waits
//! for them. The runtime's own timers round to a millisecond and run only when a worker gets to
//! them; at twenty thousand requests a second that alone would be the error being measured.
//!
//! ```text
//! tasks ─ until(moment) ─▶ heap ◀─ pacer thread ─ sleeps to the earliest ─▶ oneshot ─▶ the task
//! ```
//!
//! A release is never early, and how late requests then leave is measured, not assumed: see
//! [`crate::measure::Measures::schedule`].

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;

use crate::clock::{Clock, Stamp};

/// The end of a wait is spun: shorter than a sleep and its wake-up take on an idle machine, and at
/// 20,000 releases a second at most a fifth of one processor.
const SPIN: Duration = Duration::from_micros(10);
/// What the kernel may add to a sleep, in nanoseconds; it would add 50,000 by itself.
const TIMER_SLACK: NonZeroU64 = NonZeroU64::new(1_000).expect("one microsecond is not zero");

/// The niceness of a thread that keeps time, where real time is refused and this is not.
const NICENESS: i32 = -15;

/// Someone who waits.
#[derive(Debug)]
struct Waiting {
    at: Stamp,
    release: oneshot::Sender<()>,
}

/// The earliest is the greatest, as [`BinaryHeap`] wants it.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Waiting {}

#[derive(Debug, Default)]
struct Waits {
    heap: BinaryHeap<Waiting>,
    closed: bool,
}

/// The pacer. Dropping it ends its thread; who still waits then is released.
#[derive(Debug)]
pub(crate) struct Pacer {
    clock: Clock,
    waits: Arc<Mutex<Waits>>,
    thread: Thread,
    running: Option<JoinHandle<()>>,
}

impl Pacer {
    /// Starts the thread.
    pub(crate) fn start(clock: Clock) -> Result<Self, String> {
        let waits = Arc::new(Mutex::new(Waits::default()));
        let shared = Arc::clone(&waits);
        let running = thread::Builder::new()
            .name("loadtest-pacer".to_owned())
            .spawn(move || keep_time(clock, &shared))
            .map_err(|error| format!("the pacer's thread does not start: {error}"))?;
        let thread = running.thread().clone();
        Ok(Self { clock, waits, thread, running: Some(running) })
    }

    /// Waits until `moment`; returns at once when it has passed.
    pub(crate) async fn until(&self, moment: Stamp) {
        if moment <= self.clock.now() {
            return;
        }
        let (release, released) = oneshot::channel();
        let is_earliest = {
            let mut waits = lock(&self.waits);
            let is_earliest = waits.heap.peek().is_none_or(|first| moment < first.at);
            waits.heap.push(Waiting { at: moment, release });
            is_earliest
        };
        if is_earliest {
            self.thread.unpark();
        }
        // A sender dropped unsent is the pacer's end, which ends the wait as well.
        drop(released.await);
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        lock(&self.waits).closed = true;
        self.thread.unpark();
        if let Some(running) = self.running.take() {
            drop(running.join());
        }
    }
}

fn lock(waits: &Mutex<Waits>) -> MutexGuard<'_, Waits> {
    waits.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep_time(clock: Clock, waits: &Mutex<Waits>) {
    sharpen();
    let mut due = Vec::new();
    loop {
        let next = {
            let mut waits = lock(waits);
            if waits.closed {
                waits.heap.clear();
                return;
            }
            let now = clock.now();
            while waits.heap.peek().is_some_and(|first| first.at <= now) {
                due.extend(waits.heap.pop());
            }
            waits.heap.peek().map(|first| first.at)
        };
        for waiting in due.drain(..) {
            // Nobody listens when the run has ended meanwhile.
            let _unheard = waiting.release.send(());
        }
        match next {
            Some(next) => wait(clock, next),
            None => thread::park(),
        }
    }
}

/// Waits until `moment`, or until the thread is unparked.
fn wait(clock: Clock, moment: Stamp) {
    let left = moment.since(clock.now());
    if left > SPIN {
        thread::park_timeout(left.saturating_sub(SPIN));
    } else {
        while clock.now() < moment {
            std::hint::spin_loop();
        }
    }
}

/// Asks the kernel to wake this thread when it says, not up to 50 µs later, and before others. On
/// a busy machine that is most of the schedule error: a thread that sleeps twenty thousand times a
/// second waits for its turn as often.
pub(crate) fn sharpen() {
    // All may be refused (to anyone but root, the last two): the schedule error tells the outcome.
    let _refused = rustix::thread::set_current_timer_slack(Some(TIMER_SLACK));
    // The least real-time priority is above everything that has none.
    let first_come = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let real_time =
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, first_come);
    if real_time.is_err() {
        // On Linux a thread's id stands for that thread alone here.
        let this = Some(rustix::thread::gettid());
        let _refused = rustix::process::setpriority_process(this, NICENESS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_is_released_early_and_all_are_released_in_any_order_of_asking() {
        let clock = Clock::start();
        let pacer = Arc::new(Pacer::start(clock).unwrap());
        let mut waiting = tokio::task::JoinSet::new();
        for i in 0..200_u64 {
            let pacer = Arc::clone(&pacer);
            waiting.spawn(async move {
                let moment = Stamp((i * 7_919 % 200) * 250_000);
                pacer.until(moment).await;
                clock.now() >= moment
            });
        }
        assert!(waiting.join_all().await.into_iter().all(|in_time| in_time));
    }

    #[tokio::test]
    async fn a_nearer_moment_wakes_the_pacer_from_a_farther_one() {
        let clock = Clock::start();
        let pacer = Arc::new(Pacer::start(clock).unwrap());
        let far = Arc::clone(&pacer);
        let far = tokio::spawn(async move { far.until(Stamp(3_600_000_000_000)).await });
        tokio::task::yield_now().await;
        pacer.until(clock.now().after(Duration::from_millis(5))).await;
        assert!(clock.now() < Stamp(60_000_000_000), "the hour was not waited for");
        far.abort();
    }

    #[tokio::test]
    async fn the_end_of_the_pacer_releases_who_waits() {
        let clock = Clock::start();
        let pacer = Pacer::start(clock).unwrap();
        let (release, released) = oneshot::channel();
        lock(&pacer.waits).heap.push(Waiting { at: Stamp(u64::MAX), release });
        drop(pacer);
        assert!(released.await.is_err());
    }
}
