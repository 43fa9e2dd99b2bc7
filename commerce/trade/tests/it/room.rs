//! An engine with a sale in it, and what pumps its order events into the shop.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine::{
    Engine, EngineOptions, Started,
    clock::SystemClock,
    disk::real::RealDisk,
    id::{Currency, OfferIndex, SaleName, SinkName, Sku},
    limits::SEGMENT_BYTES,
    outlet::{Offer, Offers},
    record::{Author, ReplayKey},
    sale::TicketRef,
    scribe::Watch,
    shopper::ShopperKeys,
    sink::{Answer, Sink as _},
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
    view::SaleView,
};
use identity::ids::AccountId;
use store::Db;
use tempfile::TempDir;
use trade::{holds::Room, ids::DealId, intake::Intake, order::Purchase};

use crate::support::SKU;

#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}

pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) keys: ShopperKeys,
    offers: Offers,
    _directory: TempDir,
}

impl House {
    pub(crate) fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let Started { engine, mut offers, .. } = start(directory.path());
        let keys = ShopperKeys::new([7; 32]);
        Self { engine, keys, offers: offers.remove(0), _directory: directory }
    }

    pub(crate) fn room(&self) -> Room {
        Room::new(self.engine.clone(), self.keys.clone())
    }

    /// Publishes a deal with so many units for 31,000 won each, which are held for so long.
    pub(crate) async fn publish(&self, deal: DealId, units: u64, hold_ms: u64) -> Arc<SaleView> {
        let name = SaleName::parse(&deal.to_string()).unwrap();
        let spec = SaleSpec {
            name,
            title: String::new(),
            opens_at: None,
            closes_at: None,
            identity: IdentityMode::Jwt,
            rejoin: Rejoin::Keep,
            admission_milli_per_second: 1_000_000_000,
            active_max: 10_000,
            claim_window_ms: 60_000,
            session_ms: 600_000,
            idle_ms: 60_000,
            hold_ms,
            per_shopper_max: 10,
            overbook_milli: None,
            refund_restocks: true,
            offers: vec![OfferSpec {
                sku: Sku::parse(SKU).unwrap(),
                total: units,
                price: 31_000,
                currency: Currency::parse("KRW").unwrap(),
            }],
        };
        self.engine.create(author(), spec, None).await.unwrap();
        self.engine.sale(&deal.to_string()).unwrap()
    }

    /// Has an account enter and buy; what the shop is told of it.
    pub(crate) async fn buy(&self, sale: &SaleView, account: AccountId, units: u32) -> Purchase {
        let shopper = self.keys.of_account(sale.name(), &account.to_string());
        let entry = self.engine.enter(sale, shopper, None).await.unwrap();
        let pass = TicketRef { epoch: entry.epoch, number: entry.answer.number, shopper };
        let key = ReplayKey { key: shopper.0, body: u128::from(units) };
        let bought = self.engine.purchase(sale, pass, vec![(OfferIndex(0), units)], key).await;
        let hold = bought.unwrap().hold;
        let purchase = format!("p{}-{}", sale.epoch().0, hold.id.0);
        Purchase { sale: sale.name().as_str().to_owned(), purchase }
    }

    /// Delivers order events to the shop, each as often as it is told, until it is stopped.
    pub(crate) fn pump(&self, db: Db, times: usize) -> Pump {
        let (offers, engine) = (self.offers.clone(), self.engine.clone());
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let running = tokio::spawn(async move {
            let intake = Intake::new(db);
            while !stop.load(Ordering::SeqCst) {
                let Ok(offer) = offers.queue.try_recv() else {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                };
                let Offer::Show(event) = offer else { continue };
                let event = Arc::new(event);
                for _ in 0..times {
                    let answers = intake.deliver(vec![Arc::clone(&event)]).await;
                    assert_eq!(answers, [Answer::Taken]);
                }
                let by = offers.by.clone();
                engine.delivered(event.sale.tag(), by, vec![event.id]).await.unwrap();
            }
        });
        Pump { is_over, running }
    }
}

pub(crate) struct Pump {
    is_over: Arc<AtomicBool>,
    running: tokio::task::JoinHandle<()>,
}

impl Pump {
    pub(crate) async fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.running.await.unwrap();
    }
}

fn author() -> Author {
    Author { name: "operator:test".to_owned() }
}

fn start(directory: &Path) -> Started {
    let disk = RealDisk::open(directory).unwrap();
    let options = EngineOptions {
        segment_bytes: SEGMENT_BYTES,
        snapshot_every_segments: 1,
        watch: Box::new(Unwatched),
        sinks: vec![SinkName::parse("shop").unwrap()],
        shared: None,
    };
    Engine::start(Arc::new(disk), Arc::new(SystemClock::start()), options).unwrap()
}
