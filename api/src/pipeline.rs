//! The order pipeline: takes durable order events to a sink, in order per hold, at least once.
//!
//! ```text
//!   engine: outbox ─▶ outlet ── channel ──▶ delivery worker ── deliver ──▶ sink: log, webhook, stream
//!              ▲                            │  book                  │
//!              │                            │  in order per hold     │ taken, refused, later
//!              └── delivered, dead_letter ◀─┴────────────────────────┘
//! ```
//!
//! Owns one thread, "rushgate-orders", with a runtime of its own: a slow sink takes nothing from
//! who serves shoppers. It refuses to know what an order means, and keeps nothing: what is not
//! acknowledged to the engine is in the engine's outbox, and is offered again after a restart.
//!
//! Always true: an event leaves the outbox only after the sink took it; no event of a hold is shown
//! to the sink before the one before it was taken; a sink that does not answer, or fails, is
//! asked for ever; only one that refuses an event so many times has it set aside as a dead letter.
//!
//! Reading order: `sink`, `book`, `throttle`, `delivery_worker`; then `payload` and the sinks, `order_log`,
//! `webhook` and `redis_stream`.

use std::{io, sync::Arc, thread, time::Duration};

use crate::outbound::Backoff;
use arc_swap::ArcSwapOption;
use crossbeam::channel::Receiver;
use engine::{
    Engine,
    outbox::OrderEvent,
    sync::{AtomicBool, AtomicU64, Ordering},
};

mod book;
mod delivery_worker;
mod order_log;
mod payload;
mod redis_stream;
mod sink;
mod throttle;
mod webhook;

pub use book::EVENTS_IN_HAND_MAX;
pub use order_log::{LogError, LogOptions, OrderLog};
pub use redis_stream::{RedisStream, RedisStreamError, RedisStreamOptions};
pub use sink::{Answer, Answers, Capacity, Sink, WORDS_BYTES_MAX, plain_words};
pub use webhook::{EventFilter, Secret, Webhook, WebhookError, WebhookOptions};

/// How the pipeline deals with a sink that says no, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Refusals after which an event is a dead letter. Failures and delays do not count.
    pub attempts_max: u32,
    /// Waits between tries.
    pub backoff: Backoff,
    /// How long events that are with the sink may take to finish at a shutdown.
    pub grace: Duration,
}

impl Default for Options {
    /// Eight refusals over about a minute: longer than a deployment's restarts, shorter than an
    /// operator's patience with an order that will never be taken.
    fn default() -> Self {
        let backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(30) };
        Self { attempts_max: 8, backoff, grace: Duration::from_secs(10) }
    }
}

/// Starts delivering `events` to `sink`.
///
/// The pipeline holds a handle to the engine: stop it before waiting for the engine to end. What it
/// had in hand when it was stopped is offered again by the next start of the engine, not by this one.
pub fn run(
    events: Receiver<OrderEvent>,
    engine: Engine,
    sink: Arc<dyn Sink>,
    options: Options,
) -> io::Result<Handle> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Arc::new(Shared::default());
    let worker =
        delivery_worker::DeliveryWorker::new(events, engine, sink, options, Arc::clone(&shared));
    let deliver = move || {
        runtime.block_on(worker.run());
        // A write to a dead disk may never return; the process must.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name("rushgate-orders".to_owned()).spawn(deliver)?;
    Ok(Handle { shared, thread: Some(thread) })
}

/// Looks at a pipeline without holding it.
#[derive(Clone, Debug)]
pub struct Watcher(Arc<Shared>);

impl Watcher {
    /// What has been done so far.
    pub fn status(&self) -> Status {
        self.0.status()
    }
}

/// A running pipeline. Dropping it asks the pipeline to stop and does not wait.
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What the pipeline has done since it started, for metrics and operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Events the sink took.
    pub taken_total: u64,
    /// Times the sink refused an event.
    pub refused_total: u64,
    /// Times the sink did not answer, failed, or asked to be left alone.
    pub delayed_total: u64,
    /// Events set aside for an operator.
    pub dead_lettered_total: u64,
    /// Whether the sink does not answer at present.
    pub stalled: bool,
    /// The last thing that went wrong, in plain words; it may be over.
    pub last_trouble: Option<Arc<str>>,
}

impl Handle {
    /// What has been done so far.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// The same for whoever must not stop the pipeline.
    pub fn watcher(&self) -> Watcher {
        Watcher(Arc::clone(&self.shared))
    }

    /// Asks the pipeline to stop; does not wait.
    pub fn request_stop(&self) {
        // ORDERING: Relaxed; a flag that publishes nothing else.
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Stops: no new event goes to the sink, those under way may finish within the grace period,
    /// and what was taken is acknowledged. Blocks; in async code, call it where blocking is allowed.
    pub fn stop(mut self) {
        self.request_stop();
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.request_stop();
    }
}

/// What the delivery worker's thread and the handle share.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    taken: AtomicU64,
    refused: AtomicU64,
    delayed: AtomicU64,
    dead_lettered: AtomicU64,
    stalled: AtomicBool,
    last_trouble: ArcSwapOption<String>,
}

// ORDERING: Relaxed throughout: a flag and figures, none of which publishes anything else.
impl Shared {
    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    fn trouble(&self, words: String) {
        self.last_trouble.store(Some(Arc::new(words)));
    }

    fn status(&self) -> Status {
        Status {
            taken_total: self.taken.load(Ordering::Relaxed),
            refused_total: self.refused.load(Ordering::Relaxed),
            delayed_total: self.delayed.load(Ordering::Relaxed),
            dead_lettered_total: self.dead_lettered.load(Ordering::Relaxed),
            stalled: self.stalled.load(Ordering::Relaxed),
            last_trouble: self.last_trouble.load().as_ref().map(|words| words.as_str().into()),
        }
    }
}
