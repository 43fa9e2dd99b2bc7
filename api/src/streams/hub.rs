//! The hub: one task that looks for all watchers whether they have something to hear.
//!
//! Every [`TICK`] it asks each watched sale whether it moved; every [`LOOK`], and at once when a
//! sale moved after a quiet look, it walks the sale's watchers. A look is a few atomic loads; only
//! those whose place changed are woken, a [`slice`](slice_of) at a time with pauses between, so
//! that ten thousand updates are not one burst that other requests wait behind.
//!
//! The task starts with the first watcher and ends with the last. It holds the engine only in
//! between, so it does not keep a server from stopping.
//!
//! Bounds: `streams_max` watchers (each holds a place before it joins), [`CLAIMS_MAX`] claims
//! under way, [`SLICES_MAX`] pauses in one walk of all sales.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use engine::{
    Engine,
    id::Number,
    limits::{BATCH_COMMANDS_MAX, RING_SLOTS},
    sale::TicketRef,
    standing::Standing,
    view::SaleView,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    gist::{Gist, hash},
    slot::{Due, Slot},
};
use crate::{attend, server::Draining, wait_estimates::WaitEstimates};

/// How often a sale is asked whether it moved: the scribe's own tick.
const TICK: Duration = Duration::from_millis(50);
/// How often a watcher's place is looked at, and told while the line moves all the time.
const LOOK: Duration = Duration::from_millis(400);
/// The longest that a watcher hears nothing, give or take a look.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Watchers of one slice at the least. Telling them takes about 4 ms of two processors.
const SLICE_MIN: usize = 256;
/// The most slices of one walk of all sales, so that its pauses stay well below a [`LOOK`].
const SLICES_MAX: usize = 64;
/// Between two slices that were told.
const PAUSE: Duration = Duration::from_millis(4);
/// Claims under way at once: one full batch of the scribe, and no more of the ring.
const CLAIMS_MAX: usize = BATCH_COMMANDS_MAX;

const _: () = {
    assert!(CLAIMS_MAX * 2 <= RING_SLOTS);
    assert!(SLICES_MAX as u128 * PAUSE.as_millis() * 3 / 2 < LOOK.as_millis());
    assert!(TICK.as_millis() < LOOK.as_millis());
};

/// The way in for new watchers.
#[derive(Debug)]
pub(super) struct Hub {
    engine: Engine,
    wait_estimates: Arc<WaitEstimates>,
    door: Mutex<Door>,
    claims: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Door {
    /// Whether the task runs.
    open: bool,
    /// Those it has not taken in yet.
    joined: Vec<(Arc<SaleView>, Watcher)>,
}

impl Hub {
    pub(super) fn new(engine: Engine, wait_estimates: Arc<WaitEstimates>) -> Self {
        let claims = Arc::new(Semaphore::new(CLAIMS_MAX));
        Self { engine, wait_estimates, door: Mutex::default(), claims }
    }

    /// Watches for a new watcher from now on.
    pub(super) fn join(
        self: &Arc<Self>,
        sale: &Arc<SaleView>,
        ticket: TicketRef,
        slot: &Arc<Slot>,
        draining: &Draining,
    ) {
        let slot = Arc::clone(slot);
        let mut watcher = Watcher { ticket, slot, seen: None, spoke: Instant::now() };
        // Whoever is called already should not wait for the next walk; the rest is told anyway.
        watcher.look(self, sale, hash(&sale.settings().controls.message));
        let mut door = self.door();
        door.joined.push((Arc::clone(sale), watcher));
        if !std::mem::replace(&mut door.open, true) {
            let (hub, draining) = (Arc::clone(self), draining.clone());
            tokio::spawn(Watching { hub, draining, crowds: Vec::new() }.run());
        }
    }

    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One watcher as the hub knows it.
#[derive(Debug)]
struct Watcher {
    ticket: TicketRef,
    slot: Arc<Slot>,
    /// The place when it was last woken for it.
    seen: Option<Gist>,
    /// When it was last woken to say something.
    spoke: Instant,
}

/// The watchers of one sale.
struct Crowd {
    sale: Arc<SaleView>,
    watchers: Vec<Watcher>,
    /// What moved the places when they were last looked at.
    picture: Picture,
    /// When the next walk is due, whatever moved.
    due: Instant,
    /// The last walk had news for no one: the next move is told at once.
    quiet: bool,
}

/// What moves places: cheap to ask, and different whenever one moved other than by the clock.
#[derive(PartialEq, Eq)]
struct Picture {
    watermark: Number,
    departed: u64,
    /// The address of what operators set. A new one at the address of the last is found by the next
    /// look.
    settings: usize,
}

impl Picture {
    fn of(sale: &SaleView) -> Self {
        let settings = Arc::as_ptr(&sale.settings()).addr();
        Self { watermark: sale.line().watermark(), departed: sale.departed(), settings }
    }
}

/// The running task.
struct Watching {
    hub: Arc<Hub>,
    draining: Draining,
    crowds: Vec<Crowd>,
}

impl Watching {
    async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !self.take_in() {
                return;
            }
            if self.draining.has_begun() {
                self.drain();
                continue;
            }
            let watchers = self.crowds.iter().map(|crowd| crowd.watchers.len()).sum();
            let mut burst = Burst { told: 0, slice: slice_of(watchers) };
            for crowd in &mut self.crowds {
                if crowd.is_over(&self.hub.engine) {
                    crowd.send_away();
                } else if crowd.is_due() {
                    crowd.walk(&self.hub, &mut burst).await;
                }
            }
        }
    }

    /// Takes in those who joined and drops crowds that left; answers whether anyone is there.
    fn take_in(&mut self) -> bool {
        self.crowds.retain(|crowd| !crowd.watchers.is_empty());
        let mut door = self.hub.door();
        // A burst of openings should not hold its room for good.
        for (sale, watcher) in std::mem::take(&mut door.joined) {
            let crowd = self.crowds.iter_mut().find(|crowd| Arc::ptr_eq(&crowd.sale, &sale));
            match crowd {
                Some(crowd) => crowd.watchers.push(watcher),
                None => self.crowds.push(Crowd::of(sale, watcher)),
            }
        }
        door.open = !self.crowds.is_empty();
        door.open
    }

    /// Tells everyone to come back later. They leave by themselves.
    fn drain(&mut self) {
        self.crowds.iter_mut().for_each(Crowd::send_away);
    }
}

impl Crowd {
    fn of(sale: Arc<SaleView>, first: Watcher) -> Self {
        let picture = Picture::of(&sale);
        Self { sale, watchers: vec![first], picture, due: Instant::now(), quiet: true }
    }

    /// Whether nothing is told to this view any more: the sale was deleted, archived, or taken over from another
    /// node, which gave it a view of its own.
    fn is_over(&self, engine: &Engine) -> bool {
        let present = engine.live_sale(self.sale.name().as_str());
        present.is_none_or(|sale| !Arc::ptr_eq(&sale, &self.sale))
    }

    /// Tells everyone to come back later. They leave by themselves.
    fn send_away(&mut self) {
        self.watchers.retain(|watcher| !watcher.slot.has_left());
        self.watchers.iter().for_each(|watcher| watcher.slot.put(Due::Drain));
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due || (self.quiet && self.picture != Picture::of(&self.sale))
    }

    /// Looks at everyone's place and wakes those who have something to hear.
    async fn walk(&mut self, hub: &Arc<Hub>, burst: &mut Burst) {
        self.picture = Picture::of(&self.sale);
        self.due = Instant::now() + LOOK;
        self.quiet = true;
        self.watchers.retain(|watcher| !watcher.slot.has_left());
        if self.watchers.len() < self.watchers.capacity() / 4 {
            self.watchers.shrink_to(self.watchers.len() * 2);
        }
        for watchers in self.watchers.chunks_mut(burst.slice) {
            let message_hash = hash(&self.sale.settings().controls.message);
            for watcher in watchers {
                match watcher.look(hub, &self.sale, message_hash) {
                    Seen::Told => {
                        self.quiet = false;
                        burst.told += 1;
                    }
                    Seen::Silent => {}
                    // Its turn comes as soon as others' claims are through.
                    Seen::Crowded => self.due = Instant::now(),
                }
            }
            burst.pass().await;
        }
    }
}

/// Those told since the last pause, in whichever sales they watch.
struct Burst {
    told: usize,
    slice: usize,
}

impl Burst {
    /// Lets other work in, for longer when a slice was told.
    async fn pass(&mut self) {
        if self.told < self.slice {
            return tokio::task::yield_now().await;
        }
        self.told = 0;
        sleep(PAUSE).await;
    }
}

/// What a look came to.
enum Seen {
    Told,
    Silent,
    /// It was called, and too many claims are under way.
    Crowded,
}

impl Watcher {
    fn look(&mut self, hub: &Arc<Hub>, sale: &Arc<SaleView>, message_hash: u64) -> Seen {
        let standing = sale.standing(self.ticket, hub.engine.now());
        let gist = Gist { standing, message_hash };
        let changed = self.seen.replace(gist) != Some(gist);
        if changed || self.spoke.elapsed() >= KEEP_ALIVE {
            self.spoke = Instant::now();
            self.slot.put(if changed { Due::Look } else { Due::Comment });
        }
        if let Standing::Called { .. } = standing {
            return self.claim(hub, sale, standing);
        }
        if changed { Seen::Told } else { Seen::Silent }
    }

    /// Claims a called place on a task of its own, so that a whole crowd's claims share a sync.
    fn claim(&self, hub: &Arc<Hub>, sale: &Arc<SaleView>, called: Standing) -> Seen {
        let Ok(permit) = Arc::clone(&hub.claims).try_acquire_owned() else { return Seen::Crowded };
        if !self.slot.begin_claim() {
            return Seen::Silent;
        }
        let (hub, sale, ticket) = (Arc::clone(hub), Arc::clone(sale), self.ticket);
        let slot = Arc::clone(&self.slot);
        tokio::spawn(async move {
            let shared = (&hub.engine, &*hub.wait_estimates);
            attend::claim(shared, &sale, ticket, called).await;
            slot.end_claim();
            drop(permit);
        });
        Seen::Told
    }
}

/// How many of all `watchers` are told between two pauses.
fn slice_of(watchers: usize) -> usize {
    watchers.div_ceil(SLICES_MAX).max(SLICE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_has_a_bounded_number_of_pauses() {
        for watchers in [0_usize, 1, 255, 10_000, 16_385, 1_000_000] {
            assert!(watchers.div_ceil(slice_of(watchers)) <= SLICES_MAX, "{watchers}");
        }
    }
}
