//! Whole engines over a store, with their own threads and journals, as `rushgate serve` runs them.
//!
//! Owns one such node: its disk in memory, by which it can be killed and started again, and what is
//! asked of it. Waits out a store that cannot be asked; any refusal fails the test that asks.

use std::{sync::Arc, time::Duration};

use engine::{
    Engine, EngineOptions, Failure, Running, Started,
    arbiter::Join,
    clock::SystemClock,
    command::{Entry, HoldReply},
    disk::sim::{Crash, SimDisk},
    hold::Hold,
    id::{HoldId, NodeName, OfferIndex, ShopperKey},
    limits::SEGMENT_BYTES,
    outbox::OrderEvent,
    outlet::Offers,
    record::ReplayKey,
    recovery::RecoveryError,
    sale::{EntryRefusal, PlaceRefusal, PurchaseRefusal, TicketRef},
    spec::SaleSpec,
    view::SaleView,
};
use engine_redis::{SharedOptions, StoreOptions};

use super::server::name;
use crate::support::{self, SALE, Unwatched, only, pass_of, shown, wide};

pub(super) const OFFER: OfferIndex = OfferIndex(0);

/// What `redis.deadline_ms` is without being told.
pub(super) const CALL_MAX: Duration = Duration::from_millis(500);

/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the missing are waited for: as long as any test takes.
const QUORUM_WAIT_MS: u64 = 600_000;

/// One node.
#[derive(Debug)]
pub(super) struct Serving {
    engine: Engine,
    pub(super) disk: SimDisk,
    name: NodeName,
    running: Running,
    offers: Vec<Offers>,
}

/// How a node is told of the others.
pub(super) fn shared(node: &str, url: &str) -> SharedOptions {
    let (url, prefix) = (url.to_owned(), "own".to_owned());
    let (connections, deadline) = (2, CALL_MAX);
    let store = StoreOptions { url, connections, deadline, replicas: None, prefix };
    SharedOptions { node: name(node), store, muster_wait_ms: QUORUM_WAIT_MS, rebuild_store: false }
}

pub(super) fn try_start(
    disk: &SimDisk,
    shared: Option<SharedOptions>,
) -> Result<Started, RecoveryError> {
    let options = EngineOptions {
        segment_bytes: SEGMENT_BYTES,
        snapshot_every_segments: 4,
        watch: Box::new(Unwatched),
        sinks: vec![only().sink],
        shared: shared.map(|shared| Box::new(shared) as Box<dyn Join>),
    };
    Engine::start(Arc::new(disk.clone()), Arc::new(SystemClock::start()), options)
}

impl Serving {
    /// A node with an empty disk.
    pub(super) fn start(node: &str, url: &str) -> Self {
        Self::on(&SimDisk::new(), shared(node, url))
    }

    /// A node with what an earlier one left on its disk.
    pub(super) fn on(disk: &SimDisk, shared: SharedOptions) -> Self {
        let name = shared.node.clone();
        let started = try_start(disk, Some(shared)).expect("it starts");
        let Started { engine, running, offers, .. } = started;
        Self { engine, disk: disk.clone(), name, running, offers }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn troubles(&self) -> Vec<String> {
        self.engine.registry().arbiter_troubles().to_vec()
    }

    pub(super) async fn is_well(&self) {
        until("no trouble is left", || self.troubles().is_empty()).await;
    }

    /// Order events handed out since they were asked for last.
    pub(super) fn events(&self) -> Vec<OrderEvent> {
        self.offers[0].queue.try_iter().filter_map(shown).collect()
    }

    /// Makes a sale in which everybody is let in at once.
    pub(super) async fn create(&self, name: &str, units: u64) -> Arc<SaleView> {
        self.create_as(SaleSpec { name: support::name(name), ..wide(units) }).await
    }

    /// Makes a sale.
    pub(super) async fn create_as(&self, spec: SaleSpec) -> Arc<SaleView> {
        self.decides(async || self.engine.create(support::author(), spec.clone(), None).await)
            .await;
        self.sale(spec.name.as_str()).await
    }

    /// A sale, once this node has it.
    pub(super) async fn sale(&self, name: &str) -> Arc<SaleView> {
        eventually(name, async || self.engine.sale(name)).await
    }

    /// A sale, once this node has it and the others know that it serves.
    pub(super) async fn serves(&self, name: &str) -> Arc<SaleView> {
        let view = self.sale(name).await;
        let nobody = TicketRef { epoch: view.epoch(), ..support::ticket(u64::MAX, 0) };
        let is_asked = async || match self.engine.claim(&view, nobody).await {
            Err(Failure::Refused(PlaceRefusal::NoPlace)) => Ok(()),
            other => other.map(|_| unreachable!("it is nobody's")),
        };
        self.decides(is_asked).await;
        view
    }

    /// The sale that most tests run, as this node shows it now.
    pub(super) fn view(&self) -> Arc<SaleView> {
        self.engine.sale(SALE).expect("the sale is known")
    }

    pub(super) async fn enter(
        &self,
        sale: &SaleView,
        shopper: u128,
    ) -> Result<Entry, Failure<EntryRefusal>> {
        self.engine.enter(sale, ShopperKey(shopper), None).await
    }

    /// Enters, once it is possible.
    pub(super) async fn enters(&self, sale: &SaleView, shopper: u128) -> Entry {
        self.decides(async || self.enter(sale, shopper).await).await
    }

    /// Enters the sale that most tests run, once it is possible.
    pub(super) async fn pass(&self, shopper: u128) -> TicketRef {
        pass_of(&self.decides(async || self.enter(&self.view(), shopper).await).await)
    }

    /// Whoever was let in buys a unit.
    pub(super) async fn buys(&self, sale: &SaleView, entry: &Entry) -> HoldId {
        let pass = pass_of(entry);
        self.decides(async || self.engine.claim(sale, pass).await).await;
        let (items, replay) = (vec![(OFFER, 1)], once(pass.shopper.0));
        let bought = self.engine.purchase(sale, pass, items, replay).await;
        bought.expect("there are units").hold.id
    }

    /// Asks for units of the sale that most tests run.
    pub(super) async fn buy(
        &self,
        pass: TicketRef,
        units: u32,
        replay: ReplayKey,
    ) -> Result<HoldReply, Failure<PurchaseRefusal>> {
        self.engine.purchase(&self.view(), pass, vec![(OFFER, units)], replay).await
    }

    /// Lets a shopper into that sale, who buys a unit.
    pub(super) async fn sell(&self, shopper: u128) -> Arc<Hold> {
        let pass = self.pass(shopper).await;
        self.buy(pass, 1, once(shopper)).await.expect("units are left").hold
    }

    /// Asks as often as the store cannot be asked.
    async fn decides<T, R: std::fmt::Debug + PartialEq>(
        &self,
        ask: impl AsyncFn() -> Result<T, Failure<R>>,
    ) -> T {
        let wait = async {
            loop {
                match ask().await {
                    Ok(decided) => return decided,
                    Err(failure) => assert_eq!(failure, Failure::Unavailable),
                }
                pause().await;
            }
        };
        in_time(wait, || format!("{} decides: {:?}", self.name, self.troubles())).await
    }

    /// Ends it in good order.
    pub(super) fn stop(self) -> SimDisk {
        let Self { engine, disk, running, .. } = self;
        drop(engine);
        running.join().expect("nothing failed");
        disk
    }

    /// Ends it as a killed process does: it says nothing to anybody, and its disk keeps all.
    pub(super) async fn kill(self) -> SimDisk {
        self.disk.crash(Crash::Process);
        let sale = self.view();
        // Whatever it has to write, it cannot.
        for shopper in 0.. {
            if matches!(self.enter(&sale, u128::MAX - shopper).await, Err(Failure::Stopped)) {
                break;
            }
        }
        let Self { engine, disk, running, .. } = self;
        drop(engine);
        assert!(running.join().is_err(), "it stopped for good");
        disk
    }
}

/// A shopper's only purchase.
pub(super) fn once(shopper: u128) -> ReplayKey {
    support::key(shopper, 1)
}

pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

/// What `ask` comes to at last.
pub(super) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            pause().await;
        }
    };
    in_time(wait, || what.to_owned()).await
}

/// What is waited for, unless it takes too long.
pub(super) async fn in_time<T>(wait: impl Future<Output = T>, what: impl FnOnce() -> String) -> T {
    let done = tokio::time::timeout(PATIENCE, wait).await;
    done.unwrap_or_else(|_| unreachable!("not within {PATIENCE:?}: {}", what()))
}

/// Waits until something is so.
pub(super) async fn until(what: &str, is_so: impl Fn() -> bool) {
    eventually(what, async || is_so().then_some(())).await;
}

/// Ports that were free just now.
pub(super) fn ports<const COUNT: usize>() -> [u16; COUNT] {
    [(); COUNT].map(|()| testkit::ports::free())
}
