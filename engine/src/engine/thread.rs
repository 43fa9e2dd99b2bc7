//! The scribe's thread: takes what waits in the ring, has it decided, and sees to segments and snapshots beside.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    disk::Disk,
    journal::Prepared,
    limits, recovery,
    registry::Registry,
    ring::Lanes,
    scribe::{Fatal, Request, Scribe},
};

/// The scribe's thread.
pub(super) fn run(
    scribe: Scribe,
    consumer: Lanes<Request>,
    snapshots: Snapshots,
) -> Result<(), Fatal> {
    let mut preparing = None;
    let ended = serve(scribe, consumer, snapshots, &mut preparing);
    // It holds the data directory: who waits for the scribe's end may open that again at once.
    drop(preparing.map(JoinHandle::join));
    ended
}

fn serve(
    mut scribe: Scribe,
    mut consumer: Lanes<Request>,
    mut snapshots: Snapshots,
    preparing: &mut Option<JoinHandle<Prepared>>,
) -> Result<(), Fatal> {
    let mut requests = Vec::with_capacity(limits::BATCH_COMMANDS_MAX);
    let shares_processor = thread::available_parallelism().is_ok_and(|count| count.get() == 1);
    let mut is_busy = false;
    loop {
        // Asked before the drain: once closed, what the drain finds is all there will ever be.
        let closed = consumer.is_closed();
        if requests.is_empty() && drain(&mut consumer, &mut requests) == 0 {
            if closed {
                return scribe.close();
            }
            if !scribe.is_more_due() {
                consumer.wait(Duration::from_millis(limits::TICK_MS));
            }
            drain(&mut consumer, &mut requests);
        }
        if shares_processor && is_busy && requests.len() < limits::BATCH_COMMANDS_FEW {
            // On one processor the scribe wakes from a sync before the handlers that it has just
            // answered: it would sync for the few that came meanwhile, again and again. Where there
            // are more, a handler is on another, and whoever takes this one keeps it for too long.
            thread::yield_now();
            drain(&mut consumer, &mut requests);
        }
        is_busy = requests.len() > 1;
        scribe.step(&mut requests)?;
        snapshots.follow(scribe.journal().point().segment);
        prepare(&mut scribe, preparing);
    }
}

/// Fills a batch. Privileged commands come first, but never take all of it: shoppers progress too.
fn drain(consumer: &mut Lanes<Request>, requests: &mut Vec<Request>) -> usize {
    let room = limits::BATCH_COMMANDS_MAX - requests.len();
    consumer.drain(limits::BATCH_PRIVILEGED_MAX, room, requests)
}

/// Has the journal's next segment made ready beside the scribe, which would stand still for it.
fn prepare(scribe: &mut Scribe, preparing: &mut Option<JoinHandle<Prepared>>) {
    if let Some(finished) = preparing.take_if(|running| running.is_finished())
        && let Ok(prepared) = finished.join()
    {
        scribe.set_prepared(prepared);
    }
    if preparing.is_none()
        && let Some(preparation) = scribe.prepare()
    {
        let thread = thread::Builder::new().name("rushgate-segment".to_owned());
        *preparing = thread.spawn(move || preparation.run()).ok();
    }
}

/// Writes snapshots beside the scribe, one at a time, each on a thread of its own.
pub(super) struct Snapshots {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) every: u64,
    pub(super) last_segment: u64,
    pub(super) writing: Option<JoinHandle<()>>,
    pub(super) registry: Arc<Registry>,
}

impl Snapshots {
    /// Starts a snapshot when enough segments were sealed and none is being written.
    fn follow(&mut self, segment: u64) {
        let idle = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        if !idle || segment < self.last_segment + self.every {
            return;
        }
        self.last_segment = segment;
        let disk = Arc::clone(&self.disk);
        // A snapshot only shortens recovery: when one fails, the next covers for it, and whatever
        // damage it met is for the next start to name.
        let registry = Arc::clone(&self.registry);
        let write = move || {
            let trouble = recovery::snapshot_sealed(&*disk).err();
            registry.set_snapshot_trouble(trouble.map(|error| error.to_string()));
        };
        self.writing =
            thread::Builder::new().name("rushgate-snapshot".to_owned()).spawn(write).ok();
    }
}
