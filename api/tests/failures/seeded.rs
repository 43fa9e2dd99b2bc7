//! A data directory written by the engine itself, with segments short enough to have many.
//!
//! The program makes segments of 16 MiB, which takes a test long to fill; it reads any length.

use std::{path::Path, sync::Arc, time::Duration};

use engine::{
    Engine, EngineOptions, Started,
    clock::SystemClock,
    disk::real::RealDisk,
    id::{Currency, SaleName, ShopperKey, SinkName, Sku},
    record::Author,
    scribe::Watch,
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
};

/// The shortest segment that holds any batch the scribe may reserve room for.
const SEGMENT_BYTES: u64 = 1 << 20;

/// As many as one such segment can reserve room for.
const ENTRIES_AT_ONCE: u64 = 512;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _: usize) {}
}

/// Writes the sale `demo` with `entries` entrants, in short segments with snapshots. Its gate lets
/// `admission_milli_per_second` through.
pub(crate) fn seed(directory: &Path, entries: u64, admission_milli_per_second: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let options = EngineOptions {
        segment_bytes: SEGMENT_BYTES,
        snapshot_every_segments: 1,
        watch: Box::new(Unwatched),
        sinks: vec![SinkName::parse("log").unwrap()],
        shared: None,
    };
    let disk = Arc::new(RealDisk::open(directory).unwrap());
    let clock = Arc::new(SystemClock::start());
    let Started { engine, running, .. } = Engine::start(disk, clock, options).unwrap();
    runtime.block_on(async {
        let author = Author { name: "test".to_owned() };
        engine.create(author, spec(admission_milli_per_second), None).await.unwrap();
        let sale = engine.sale("demo").unwrap();
        let mut first = 0;
        while first < entries {
            let last = (first + ENTRIES_AT_ONCE).min(entries);
            let entering: Vec<_> = (first..last)
                .map(|at| {
                    let (engine, sale) = (engine.clone(), Arc::clone(&sale));
                    let shopper = ShopperKey(u128::from(at) + 1);
                    tokio::spawn(async move { engine.enter(&sale, shopper, None).await })
                })
                .collect();
            for entered in entering {
                entered.await.unwrap().unwrap();
            }
            first = last;
            // A breath for the snapshots, which follow the sealed segments.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The snapshot of the last sealed segment is still being written.
        tokio::time::sleep(Duration::from_millis(500)).await;
    });
    drop((engine, runtime));
    running.join().unwrap();
}

/// Like the configured sale.
fn spec(admission_milli_per_second: u64) -> SaleSpec {
    let offer = |sku: &str, total, price| OfferSpec {
        sku: Sku::parse(sku).unwrap(),
        total,
        price,
        currency: Currency::parse("EUR").unwrap(),
    };
    SaleSpec {
        name: SaleName::parse("demo").unwrap(),
        title: "Seeded".to_owned(),
        opens_at: None,
        closes_at: None,
        identity: IdentityMode::Anonymous,
        rejoin: Rejoin::Keep,
        admission_milli_per_second,
        active_max: 100_000,
        claim_window_ms: DAY_MS,
        session_ms: DAY_MS,
        idle_ms: DAY_MS,
        hold_ms: DAY_MS,
        per_shopper_max: 2,
        overbook_milli: None,
        refund_restocks: true,
        offers: vec![offer("scarce", 150, 1_000), offer("plenty", 1_000_000, 10)],
    }
}
