//! The scribe's thread: takes what waits in the ring, has it decided, and sees to segments and snapshots beside.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    disk::Disk,
    journal::Prepared,
    limits,
    recovery::{self, Snapshotted},
    registry::Registry,
    ring::Lanes,
    scribe::{Fatal, Request, Resting, Scribe},
    unpacked::Unpacked,
    world::Packed,
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
    let (mut packing, mut unpacking) = (None, None);
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
        pack(&mut scribe, &mut packing)?;
        unpack(&mut scribe, &mut unpacking)?;
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

/// Has a large archived sale that rests packed beside the scribe.
fn pack(scribe: &mut Scribe, packing: &mut Option<JoinHandle<Packed>>) -> Result<(), Fatal> {
    if let Some(finished) = packing.take_if(|running| running.is_finished()) {
        // The sale was with it, and is in the journal alone.
        let lost =
            |_| Fatal { reason: "a thread that packed an archived sale panicked".to_owned() };
        scribe.set_packed(finished.join().map_err(lost)?);
    }
    if packing.is_none()
        && let Some(resting) = scribe.rest()
    {
        // Where no thread can be started, what was given to it is still here.
        let handed = Arc::new(Mutex::new(Some(resting)));
        let theirs = Arc::clone(&handed);
        let take = |slot: &Mutex<Option<Resting>>| {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take().expect("taken once")
        };
        let thread = thread::Builder::new().name("rushgate-pack".to_owned());
        match thread.spawn(move || take(&theirs).run()) {
            Ok(running) => *packing = Some(running),
            Err(_) => scribe.set_packed(take(&handed).run()),
        }
    }
    Ok(())
}

/// Has a large archived sale in which others decided something unpacked beside the scribe.
fn unpack(scribe: &mut Scribe, unpacking: &mut Option<JoinHandle<Unpacked>>) -> Result<(), Fatal> {
    if let Some(finished) = unpacking.take_if(|running| running.is_finished()) {
        let broken =
            |_| Fatal { reason: "a thread that unpacked an archived sale panicked".to_owned() };
        scribe.set_unpacked(finished.join().map_err(broken)?);
    }
    if unpacking.is_none()
        && let Some(waking) = scribe.wake()
    {
        // Where no thread can be started, it is asked for again.
        let thread = thread::Builder::new().name("rushgate-unpack".to_owned());
        *unpacking = thread.spawn(move || waking.run()).ok();
    }
    Ok(())
}

/// Writes snapshots beside the scribe, one at a time, each on a thread of its own.
pub(super) struct Snapshots {
    disk: Arc<dyn Disk>,
    every: u64,
    segment_bytes: u64,
    due: Due,
    writing: Option<JoinHandle<Due>>,
    registry: Arc<Registry>,
}

/// When the next snapshot is to be written.
#[derive(Clone, Copy)]
struct Due {
    /// The segment that the last one ends in.
    last: u64,
    /// The segment from which on it is time.
    next: u64,
}

impl Snapshots {
    /// Continues from a snapshot that ends in the segment `last`.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        (segment_bytes, every): (u64, u64),
        last: u64,
        registry: Arc<Registry>,
    ) -> Self {
        let due = Due { last, next: last + every };
        Self { disk, every, segment_bytes, due, writing: None, registry }
    }

    /// Starts a snapshot when enough segments were sealed and none is being written.
    fn follow(&mut self, segment: u64) {
        if let Some(finished) = self.writing.take_if(|writing| writing.is_finished()) {
            self.due = finished.join().unwrap_or(self.due);
        }
        if self.writing.is_some() || segment < self.due.next {
            return;
        }
        let (every, last) = (self.every, self.due.last);
        self.due.next = segment + every;
        let tail_bytes = (segment - last).saturating_mul(self.segment_bytes);
        let bytes_max = tail_bytes.saturating_mul(limits::SNAPSHOT_BYTES_PER_JOURNAL_BYTE);
        let (disk, registry) = (Arc::clone(&self.disk), Arc::clone(&self.registry));
        // A snapshot only shortens recovery: when one fails, the next covers for it, and whatever
        // damage it met is for the next start to name.
        let write = move || {
            let outcome = recovery::snapshot_sealed(&*disk, bytes_max);
            let due = match &outcome {
                Ok(Snapshotted::Written(point)) => {
                    Due { last: point.segment, next: segment + every }
                }
                // With twice the journal behind it, twice as much may be written.
                Ok(Snapshotted::Deferred) => {
                    Due { last, next: segment + every.max(segment - last) }
                }
                Ok(Snapshotted::Unchanged(_)) | Err(_) => Due { last, next: segment + every },
            };
            registry.set_snapshot_trouble(outcome.err().map(|error| error.to_string()));
            due
        };
        self.writing =
            thread::Builder::new().name("rushgate-snapshot".to_owned()).spawn(write).ok();
    }
}
