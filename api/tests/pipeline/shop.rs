//! A shop: an engine on a disk in memory, a sale, and shoppers who buy.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use api::pipeline::{
    self, Handle, Options, RedisStream, RedisStreamOptions, Secret, Webhook, WebhookOptions,
};
use engine::{
    Engine, EngineOptions, Failure, Started,
    clock::{Clock, SystemClock},
    disk::sim::SimDisk,
    hold::Step,
    id::{Currency, HoldId, OfferIndex, SaleName, ShopperKey, SinkName, Sku},
    outlet::Offers,
    record::{Author, ReplayKey},
    sale::{PurchaseRefusal, Settler, TicketRef},
    scribe::Watch,
    sink::Sink,
    spec::{IdentityMode, OfferSpec, Rejoin, SaleSpec},
    view::SaleView,
};
use outbound::{Backoff, Trust};
use testkit::redis::Redis;

use crate::stream_support;

/// What sender and receiver share in these tests.
pub(crate) const SECRET: &[u8] = b"a secret for the tests of orders";

/// Long enough for a slow machine, short enough to notice.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}

pub(crate) struct Shop {
    pub(crate) disk: SimDisk,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) engine: Engine,
    pub(crate) sale: Arc<SaleView>,
    /// What each sink is offered.
    pub(crate) offers: Vec<Offers>,
    pass: TicketRef,
    running: engine::Running,
}

/// A sale beside the shop's own.
pub(crate) struct Beside {
    pub(crate) sale: Arc<SaleView>,
    pass: TicketRef,
}

impl Shop {
    /// A sale with one shopper let in, and one sink.
    pub(crate) async fn open() -> Self {
        Self::open_for(&["log"]).await
    }

    /// The same with sinks of these names.
    pub(crate) async fn open_for(sinks: &[&str]) -> Self {
        let disk = SimDisk::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let Started { engine, running, offers, .. } = start(&disk, &clock, sinks);
        engine.create(Author { name: "test".to_owned() }, spec("demo"), None).await.unwrap();
        let sale = engine.sale("demo").unwrap();
        let pass = enter(&engine, &sale).await;
        Self { disk, clock, engine, sale, offers, pass, running }
    }

    /// The shop as it comes up from what is on its disk right now, as after `kill -9`.
    pub(crate) fn killed_and_restarted(&self) -> Self {
        let names: Vec<_> = self.offers.iter().map(|offers| offers.by.sink.to_string()).collect();
        self.killed_and_restarted_for(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The same with sinks of these names.
    pub(crate) fn killed_and_restarted_for(&self, sinks: &[&str]) -> Self {
        let (disk, clock) = (self.disk.copy(), Arc::clone(&self.clock));
        let Started { engine, running, offers, .. } = start(&disk, &clock, sinks);
        let sale = engine.sale("demo").unwrap();
        Self { disk, clock, engine, sale, offers, pass: self.pass, running }
    }

    /// Another sale of the shop, with one shopper let in.
    pub(crate) async fn beside(&self, name: &str) -> Beside {
        let author = Author { name: "test".to_owned() };
        self.engine.create(author, spec(name), None).await.unwrap();
        let sale = self.engine.sale(name).unwrap();
        let pass = enter(&self.engine, &sale).await;
        Beside { sale, pass }
    }

    /// Buys in another sale.
    pub(crate) async fn buy_of(&self, other: &Beside, key: u128) -> HoldId {
        let (items, replay) = (vec![(OfferIndex(0), 1)], ReplayKey { key, body: 0 });
        let bought = self.engine.purchase(&other.sale, other.pass, items, replay);
        bought.await.unwrap().hold.id
    }

    pub(crate) async fn try_buy(&self, key: u128) -> Result<HoldId, Failure<PurchaseRefusal>> {
        let replay = ReplayKey { key, body: 0 };
        let bought = self.engine.purchase(&self.sale, self.pass, vec![(OfferIndex(0), 1)], replay);
        bought.await.map(|reply| reply.hold.id)
    }

    pub(crate) async fn buy(&self, key: u128) -> HoldId {
        self.try_buy(key).await.unwrap()
    }

    pub(crate) async fn settle(&self, hold: HoldId, step: Step) {
        self.engine.settle(&self.sale, hold, step, Settler::Backend, None).await.unwrap();
    }

    /// Holds of many shapes: `count` of them, with 3 events each.
    pub(crate) async fn trade(&self, first_key: u128, count: u128) {
        for key in first_key..first_key + count {
            let hold = self.buy(key).await;
            let last = if key % 2 == 0 { Step::Confirm } else { Step::Release };
            self.settle(hold, Step::Pay).await;
            self.settle(hold, last).await;
        }
    }

    /// The only sink.
    pub(crate) fn sink(&self) -> SinkName {
        self.offers[0].by.sink
    }

    /// Sends the dead letters of a sale to the only sink again.
    pub(crate) async fn requeue(&self, sale: &SaleView) -> Result<usize, Failure<()>> {
        self.engine.requeue(sale.tag(), operator(), self.sink(), None).await
    }

    pub(crate) fn lag(&self) -> u64 {
        self.engine.registry().outbox_lag()
    }

    /// Starts delivering to `url`.
    pub(crate) fn post_to(&self, url: String) -> Handle {
        self.deliver(Arc::new(self.webhook(webhook(url))))
    }

    pub(crate) fn webhook(&self, options: WebhookOptions) -> Webhook {
        Webhook::new(options, Arc::clone(&self.clock)).unwrap()
    }

    /// Starts appending to a stream.
    pub(crate) fn append(&self, options: RedisStreamOptions) -> Handle {
        self.deliver(Arc::new(RedisStream::new(options).unwrap()))
    }

    pub(crate) fn deliver(&self, sink: Arc<dyn Sink>) -> Handle {
        self.deliver_as(0, sink)
    }

    /// Starts delivering to the sink of this place.
    pub(crate) fn deliver_as(&self, place: usize, sink: Arc<dyn Sink>) -> Handle {
        let offers = self.offers[place].clone();
        pipeline::run(offers, self.engine.clone(), sink, options()).unwrap()
    }

    /// Ends the engine; the pipeline must have been stopped.
    pub(crate) fn close(self) {
        let Self { engine, running, .. } = self;
        drop(engine);
        running.join().unwrap();
    }
}

pub(crate) fn operator() -> Author {
    Author { name: "operator".to_owned() }
}

/// A webhook's options with a deadline that tests can wait for.
pub(crate) fn webhook(url: String) -> WebhookOptions {
    let secret = Secret::new(SECRET.to_vec()).unwrap();
    let attempt_timeout = Duration::from_millis(400);
    WebhookOptions { attempt_timeout, ..WebhookOptions::new(url, secret) }
}

/// A stream with one group, much room, and a deadline that tests can wait for.
pub(crate) fn stream(redis: &Redis) -> RedisStreamOptions {
    RedisStreamOptions {
        url: format!("redis+unix://{}", redis.socket().display()),
        stream: stream_support::KEY.to_owned(),
        groups: vec![stream_support::GROUP.to_owned()],
        stream_max: 100_000,
        attempt_timeout: Duration::from_millis(400),
        trust: Trust::System,
    }
}

/// Quick retries; three refusals are enough.
pub(crate) fn options() -> Options {
    let backoff = Backoff { first: Duration::from_millis(20), max: Duration::from_millis(200) };
    Options { attempts_max: 3, backoff, grace: Duration::from_secs(2) }
}

/// Waits until `condition` holds.
#[expect(clippy::disallowed_methods, reason = "a test's patience is real time")]
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn start(disk: &SimDisk, clock: &Arc<dyn Clock>, sinks: &[&str]) -> Started {
    let watch = Box::new(Unwatched);
    let options = EngineOptions {
        segment_bytes: 16 * 1024 * 1024,
        snapshot_every_segments: 100,
        watch,
        sinks: sinks.iter().map(|name| SinkName::parse(name).unwrap()).collect(),
        shared: None,
    };
    Engine::start(Arc::new(disk.clone()), Arc::clone(clock), options).unwrap()
}

async fn enter(engine: &Engine, sale: &SaleView) -> TicketRef {
    let shopper = ShopperKey(0xfeed);
    let entry = engine.enter(sale, shopper, None).await.unwrap();
    let ticket = TicketRef { epoch: entry.epoch, number: entry.answer.number, shopper };
    while engine.claim(sale, ticket).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    ticket
}

fn spec(name: &str) -> SaleSpec {
    let day_ms = 86_400_000;
    SaleSpec {
        name: SaleName::parse(name).unwrap(),
        title: "Demo".to_owned(),
        opens_at: None,
        closes_at: None,
        identity: IdentityMode::Anonymous,
        rejoin: Rejoin::Keep,
        admission_milli_per_second: 1_000_000,
        active_max: 1_000,
        claim_window_ms: day_ms,
        session_ms: day_ms,
        idle_ms: day_ms,
        hold_ms: day_ms,
        per_shopper_max: 1_000_000,
        overbook_milli: None,
        refund_restocks: true,
        offers: vec![OfferSpec {
            sku: Sku::parse("sneaker-42").unwrap(),
            total: 1_000_000,
            price: 99_000,
            currency: Currency::parse("KRW").unwrap(),
        }],
    }
}
