//! Whole engines on one store, each with a disk in memory and the system's clock.

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, EngineOptions, Failure, Running, Started,
    arbiter::{SharedOptions, redis::StoreOptions},
    certificate,
    clock::{ManualClock, Millis, SystemClock},
    codec::Binary as _,
    command::{Entry, HoldReply},
    disk::{
        Disk,
        sim::{Crash, SimDisk},
    },
    id::{NodeName, OfferIndex, ShopperKey},
    limits::SEGMENT_BYTES,
    outbox::OrderEvent,
    record::ReplayKey,
    recovery::{self, RecoveryError},
    sale::{PurchaseRefusal, TicketRef},
    scribe::Watch,
    spec::SaleSpec,
    stream::Point,
    view::SaleView,
};
use tokio::time::Instant;

use super::server::{Server, name};
use crate::support::{self, SALE, key};

pub(super) const OFFER: OfferIndex = OfferIndex(0);
/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a call of an engine may take.
pub(super) const DEADLINE: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}

/// A running engine.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) engine: Engine,
    pub(super) disk: SimDisk,
    pub(super) name: NodeName,
    started: Ended,
}

#[derive(Debug)]
struct Ended {
    running: Running,
    events: crossbeam::channel::Receiver<OrderEvent>,
}

/// How an engine is told of the others.
pub(super) fn shared(server: &Server, node: &str, muster_wait_ms: u64) -> SharedOptions {
    let store = StoreOptions {
        url: server.url(),
        connections: 2,
        deadline: DEADLINE,
        replicas: None,
        prefix: "own".to_owned(),
    };
    SharedOptions { node: name(node), store, muster_wait_ms }
}

pub(super) fn try_start(
    disk: &SimDisk,
    shared: Option<SharedOptions>,
) -> Result<Started, RecoveryError> {
    let options = EngineOptions {
        segment_bytes: SEGMENT_BYTES,
        snapshot_every_segments: 4,
        watch: Box::new(Unwatched),
        shared,
    };
    Engine::start(Arc::new(disk.clone()), Arc::new(SystemClock::start()), options)
}

impl Peer {
    /// An engine with an empty disk, that waits for the missing as long as any test takes.
    pub(super) fn start(server: &Server, node: &str) -> Self {
        Self::on(&SimDisk::new(), server, node, 600_000)
    }

    pub(super) fn on(disk: &SimDisk, server: &Server, node: &str, muster_wait_ms: u64) -> Self {
        Self::with(disk, shared(server, node, muster_wait_ms))
    }

    pub(super) fn with(disk: &SimDisk, options: SharedOptions) -> Self {
        let name = options.node.clone();
        let started = try_start(disk, Some(options)).expect("it starts");
        let Started { engine, running, events, .. } = started;
        Self { engine, disk: disk.clone(), name, started: Ended { running, events } }
    }

    /// Makes the sale.
    pub(super) async fn create(&self, spec: SaleSpec) -> Arc<SaleView> {
        // Until the store is connected to, nothing is decided.
        let since = Instant::now();
        while let Err(failure) = self.engine.create(support::author(), spec.clone()).await {
            assert_eq!(failure, Failure::Unavailable);
            assert!(since.elapsed() < PATIENCE, "the store is there");
            pause().await;
        }
        self.sale().await
    }

    /// The sale as this engine shows it, once it does.
    pub(super) async fn sale(&self) -> Arc<SaleView> {
        until("the sale is known", || self.engine.sale(SALE).is_some()).await;
        self.view()
    }

    /// The sale as this engine shows it now.
    pub(super) fn view(&self) -> Arc<SaleView> {
        self.engine.sale(SALE).expect("the sale is known")
    }

    /// Enters as often as the store cannot be asked.
    pub(super) async fn enter(&self, shopper: u128) -> TicketRef {
        let since = Instant::now();
        loop {
            match self.try_enter(shopper).await {
                Ok(entry) => return ticket(&entry),
                Err(()) => {
                    assert!(since.elapsed() < PATIENCE, "{}: {:?}", self.name, self.troubles());
                }
            }
            pause().await;
        }
    }

    pub(super) async fn try_enter(&self, shopper: u128) -> Result<Entry, ()> {
        let entered = self.engine.enter(&self.view(), ShopperKey(shopper), None).await;
        entered.map_err(|failure| assert_eq!(failure, Failure::Unavailable))
    }

    pub(super) async fn buy(
        &self,
        pass: TicketRef,
        units: u32,
        replay: ReplayKey,
    ) -> Result<HoldReply, Failure<PurchaseRefusal>> {
        self.engine.purchase(&self.view(), pass, vec![(OFFER, units)], replay).await
    }

    pub(super) fn troubles(&self) -> Vec<String> {
        self.engine.registry().arbiter_troubles().to_vec()
    }

    pub(super) async fn is_well(&self) {
        until("no trouble is left", || self.troubles().is_empty()).await;
    }

    /// Order events handed out since they were asked for last.
    pub(super) fn events(&self) -> Vec<OrderEvent> {
        self.started.events.try_iter().collect()
    }

    /// Ends it in good order.
    pub(super) fn stop(self) -> SimDisk {
        let Self { engine, disk, started, .. } = self;
        drop(engine);
        started.running.join().expect("nothing failed");
        disk
    }

    /// Ends it as a killed process does: it says nothing to anybody, and its disk keeps all.
    pub(super) async fn kill(self) -> SimDisk {
        let Self { engine, disk, started, .. } = self;
        disk.crash(Crash::Process);
        let sale = engine.sale(SALE).expect("the sale is known");
        // Whatever it has to write, it cannot.
        for shopper in 0.. {
            let entered = engine.enter(&sale, ShopperKey(u128::MAX - shopper), None).await;
            if matches!(entered, Err(Failure::Stopped)) {
                break;
            }
        }
        drop(engine);
        assert!(started.running.join().is_err(), "it stopped for good");
        disk
    }
}

pub(super) fn ticket(entry: &Entry) -> TicketRef {
    let (number, shopper) = (entry.answer.number, entry.answer.shopper);
    TicketRef { epoch: entry.epoch, number, shopper }
}

/// A shopper's only purchase.
pub(super) fn once(shopper: u128) -> ReplayKey {
    key(shopper, 1)
}

/// Everybody is let in at once.
pub(super) fn wide(units: u64) -> SaleSpec {
    let (admission_milli_per_second, active_max) = (1_000_000_000, 10_000);
    SaleSpec { admission_milli_per_second, active_max, ..support::spec(&[units]) }
}

pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// Waits until something is so.
pub(super) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "not in time: {what}");
        pause().await;
    }
}

/// The sale as a disk has it: how far it was followed, and its byte form.
pub(super) fn journaled(disk: &SimDisk) -> (Point, Vec<u8>) {
    let copy: Arc<dyn Disk> = Arc::new(disk.copy());
    let (world, ..) = recovery::recover(&copy, SEGMENT_BYTES, &ManualClock::at(Millis(0)))
        .expect("a journal that can be read");
    let mut bytes = Vec::new();
    world.sale(support::tag()).expect("the sale is known").encode(&mut bytes);
    (*world.point(support::tag()).expect("it is followed"), bytes)
}

/// Waits until all peers have come equally far, and holds what they have against each other.
pub(super) async fn agree(peers: &[&Peer]) {
    let since = Instant::now();
    loop {
        let all: Vec<_> = peers.iter().map(|peer| journaled(&peer.disk)).collect();
        if all.iter().all(|(point, _)| *point == all[0].0) {
            assert!(
                all.iter().all(|(_, bytes)| *bytes == all[0].1),
                "equal histories, equal sales"
            );
            break;
        }
        assert!(
            since.elapsed() < PATIENCE,
            "{:?}",
            all.iter().map(|(at, _)| at).collect::<Vec<_>>()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let available = shown(peers[0]).available;
    until("all show the same, and a permit for each unit", || {
        peers.iter().all(|peer| {
            shown(peer) == shown(peers[0])
                && peer.view().line().issued() == peers[0].view().line().issued()
                && peer.view().stock().permits(OFFER) == available.cast_signed()
        })
    })
    .await;
}

pub(super) fn shown(peer: &Peer) -> engine::stock::Counts {
    peer.view().stock().counts(OFFER).expect("an offer")
}

/// Audits what a disk has.
pub(super) fn certify(disk: &SimDisk) {
    let certificate = certificate::certify(&disk.copy()).expect("a journal that can be read");
    assert_eq!(certificate.violations, [""; 0]);
}
