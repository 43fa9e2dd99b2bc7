//! The order pipeline: takes durable order events to a sink, in order per hold, at least once. Each sink
//! has one of its own, and none waits for another.
//!
//! ```text
//!   engine: outbox ─▶ outlet ── channel ──▶ delivery worker ── deliver ──▶ sink: log, webhook, stream, shop
//!              ▲                            │  book                  │
//!              │                            │  in order per hold     │ taken, refused, later
//!              └── delivered, dead_letter ◀─┴────────────────────────┘
//! ```
//!
//! Owns one thread, "orders-" and the sink's name, with a runtime of its own: a slow sink takes nothing
//! from who serves shoppers. It refuses to know what an order means, and keeps nothing: what is not
//! acknowledged to the engine is in the engine's outbox, and is offered again after a restart.
//!
//! Always true: an event is acknowledged only after the sink took it; no event of a hold is shown
//! to the sink before the one before it was taken; a sink that does not answer, or fails, is
//! asked for ever; only one that refuses an event so many times has it set aside as a dead letter.
//!
//! What a sink is stands in [`engine::sink`]. Reading order: `options`, `status`, `book`, `throttle`,
//! `delivery_worker`; then `payload` and the sinks, `order_log`, `webhook` and `redis_stream`.

use std::{io, sync::Arc, thread};

use engine::{Engine, id::SinkName, outlet::Offers, sink::Sink};

mod book;
mod delivery_worker;
mod options;
mod order_log;
mod payload;
mod redis_stream;
mod status;
mod throttle;
mod webhook;

use status::Shared;

#[cfg(test)]
pub(crate) use payload::tests;

pub use book::EVENTS_IN_HAND_MAX;
pub use options::Options;
pub use order_log::{LogError, LogOptions, OrderLog};
pub use redis_stream::{RedisStream, RedisStreamError, RedisStreamOptions};
pub use status::Status;
pub use webhook::{EventFilter, Secret, Webhook, WebhookError, WebhookOptions};

/// Starts delivering what is offered to `sink`.
///
/// The pipeline holds a handle to the engine: stop it before waiting for the engine to end. What it
/// had in hand when it was stopped is offered again by the next start of the engine, not by this one.
pub fn run(
    offers: Offers,
    engine: Engine,
    sink: Arc<dyn Sink>,
    options: Options,
) -> io::Result<Handle> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let name = offers.by.sink;
    let shared = Arc::new(Shared::of(name));
    let worker =
        delivery_worker::DeliveryWorker::new(offers, engine, sink, options, Arc::clone(&shared));
    let deliver = move || {
        runtime.block_on(worker.run());
        // A write to a dead disk may never return; the process must.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name(format!("orders-{name}")).spawn(deliver)?;
    Ok(Handle { shared, thread: Some(thread) })
}

/// Looks at a pipeline without holding it.
#[derive(Clone, Debug)]
pub struct Watcher(Arc<Shared>);

impl Watcher {
    /// The name of the sink.
    pub fn sink(&self) -> SinkName {
        self.0.sink
    }

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
        self.shared.request_stop();
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
