//! Whole engines over a store, with their own threads and journals, as `rushgate serve` runs them.

use std::{net::TcpListener, sync::Arc, time::Duration};

use engine::{
    Engine, EngineOptions, Failure, Started,
    arbiter::{SharedOptions, redis::StoreOptions},
    clock::SystemClock,
    command::Entry,
    disk::real::RealDisk,
    id::{HoldId, OfferIndex, ShopperKey},
    limits::SEGMENT_BYTES,
    sale::{EntryRefusal, TicketRef},
    scribe::Watch,
    spec::SaleSpec,
    view::SaleView,
};
use tempfile::TempDir;

use super::server::name;
use crate::support;

/// What `redis.deadline_ms` is without being told.
pub(super) const CALL_MAX: Duration = Duration::from_millis(500);

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}

/// One node.
#[derive(Debug)]
pub(super) struct Serving {
    started: Started,
    // Behind the engine, which writes to it.
    _directory: TempDir,
}

impl Serving {
    pub(super) fn start(node: &str, url: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = RealDisk::open(directory.path()).expect("a directory of our own");
        let (url, prefix) = (url.to_owned(), "own".to_owned());
        let (connections, deadline) = (2, CALL_MAX);
        let store = StoreOptions { url, connections, deadline, replicas: None, prefix };
        let options = EngineOptions {
            segment_bytes: SEGMENT_BYTES,
            snapshot_every_segments: 1,
            watch: Box::new(Unwatched),
            shared: Some(SharedOptions { node: name(node), store, muster_wait_ms: 5_000 }),
        };
        let clock = Arc::new(SystemClock::start());
        let started = Engine::start(Arc::new(disk), clock, options).expect("it starts");
        Self { started, _directory: directory }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.started.engine
    }

    pub(super) fn troubles(&self) -> Vec<String> {
        self.engine().registry().arbiter_troubles().to_vec()
    }

    /// Makes a sale in which everybody is let in at once.
    pub(super) async fn create(&self, name: &str, units: u64) -> Arc<SaleView> {
        let spec = SaleSpec {
            name: support::name(name),
            admission_milli_per_second: 1_000_000_000,
            active_max: 10_000,
            ..support::spec(&[units])
        };
        self.engine().create(support::author(), spec).await.expect("a good sale");
        self.sale(name).await
    }

    /// A sale, once this node has it.
    pub(super) async fn sale(&self, name: &str) -> Arc<SaleView> {
        eventually(name, async || self.engine().sale(name)).await
    }

    pub(super) async fn enter(
        &self,
        sale: &SaleView,
        shopper: u128,
    ) -> Result<Entry, Failure<EntryRefusal>> {
        self.engine().enter(sale, ShopperKey(shopper), None).await
    }

    /// Enters, once it is possible.
    pub(super) async fn enters(&self, sale: &SaleView, shopper: u128) -> Entry {
        eventually("an entry", async || self.enter(sale, shopper).await.ok()).await
    }

    /// Whoever was let in buys a unit.
    pub(super) async fn buys(&self, sale: &SaleView, entry: &Entry) -> HoldId {
        let (number, shopper) = (entry.answer.number, entry.answer.shopper);
        let ticket = TicketRef { epoch: entry.epoch, number, shopper };
        eventually("a claim", async || self.engine().claim(sale, ticket).await.ok()).await;
        let replay = support::key(shopper.0, 1);
        let bought = self.engine().purchase(sale, ticket, vec![(OfferIndex(0), 1)], replay).await;
        bought.expect("there are units").hold.id
    }

    pub(super) fn stop(self) {
        let Started { engine, running, .. } = self.started;
        drop(engine);
        running.join().expect("nothing failed");
    }
}

/// What `ask` comes to at last.
pub(super) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, wait).await;
    found.unwrap_or_else(|_| unreachable!("not within {PATIENCE:?}: {what}"))
}

/// Ports that were free just now.
pub(super) fn ports<const COUNT: usize>() -> [u16; COUNT] {
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
