//! A published deal is a sale of the engine: made, changed and ended once, whatever breaks in between.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use base::moment::Moment;
use engine::{
    Engine, EngineOptions, Started,
    clock::{ManualClock, Millis},
    disk::sim::{Crash, SimDisk},
    hold::Step,
    id::{EventId, HoldId, OfferIndex, ShopperKey, SinkName},
    limits::SEGMENT_BYTES,
    outbox::SinkSet,
    record::ReplayKey,
    sale::{Phase, PurchaseRefusal, Settler, TicketRef},
    scribe::Watch,
    spec::IdentityMode,
    view::SaleView,
};
use identity::ids::AccountId;
use store::{
    Db, on_both,
    trial::{BEGIN, Trial},
    worker::Workers,
};
use trade::{
    deal::{Counts, KeepSale, State},
    ids::DealId,
    sale::{Act, InProcess, Room, Sales, SalesError, Standing, Wanted},
};

use crate::sellers::{
    HOUR_MS, Offer, Seller, Verb, as_operator, as_owner, edit, listed, next_task, open, operator,
    read, seller,
};
use store::trial::{Running, until};

/// Nobody is told of syncs.
#[derive(Debug)]
struct Unwatched;

impl Watch for Unwatched {
    fn syncing(&mut self) {}
    fn synced(&mut self, _records: usize) {}
}

/// One engine after the other, on one disk and by one clock.
#[derive(Clone, Debug)]
pub(crate) struct Engines {
    disk: SimDisk,
    clock: Arc<ManualClock>,
}

impl Engines {
    pub(crate) fn new() -> Self {
        let begin = Millis(BEGIN.0.try_into().unwrap());
        Self { disk: SimDisk::new(), clock: Arc::new(ManualClock::at(begin)) }
    }

    fn sink() -> SinkName {
        SinkName::parse("shop").unwrap()
    }

    pub(crate) fn start(&self) -> Engine {
        self.start_all().engine
    }

    fn start_all(&self) -> Started {
        let options = EngineOptions {
            segment_bytes: SEGMENT_BYTES,
            snapshot_every_segments: 1,
            watch: Box::new(Unwatched),
            sinks: vec![Self::sink()],
            shared: None,
        };
        let clock = Arc::<ManualClock>::clone(&self.clock);
        Engine::start(Arc::new(self.disk.clone()), clock, options).unwrap()
    }
}

/// The engine, whose answers can be lost after it has done what it was asked.
#[derive(Clone, Debug)]
struct Losing {
    inner: InProcess,
    acts: Arc<AtomicU32>,
    to_lose: Arc<AtomicU32>,
    /// Whether it does nothing.
    is_away: Arc<AtomicBool>,
    /// Whether it has not heard of the sales that other nodes made.
    is_deaf: Arc<AtomicBool>,
}

impl Losing {
    fn of(engine: Engine) -> Self {
        let everybody = Room {
            admission_milli_per_second: 1_000_000_000,
            active_max: 10_000,
            overbook_milli: 1_000_000,
            ..Room::default()
        };
        Self {
            inner: InProcess::new(engine, everybody),
            acts: Arc::default(),
            to_lose: Arc::default(),
            is_away: Arc::default(),
            is_deaf: Arc::default(),
        }
    }

    fn acts(&self) -> u32 {
        self.acts.load(Ordering::SeqCst)
    }
}

impl Sales for Losing {
    async fn look(&self, deal: DealId) -> Result<Standing, SalesError> {
        if self.is_deaf.load(Ordering::SeqCst) {
            return Ok(Standing::Unheard);
        }
        self.inner.look(deal).await
    }

    async fn act(&self, deal: DealId, wanted: &Wanted, act: &Act) -> Result<(), SalesError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(SalesError::Away("it is away".to_owned()));
        }
        self.inner.act(deal, wanted, act).await?;
        self.acts.fetch_add(1, Ordering::SeqCst);
        let lose = |left: u32| left.checked_sub(1);
        match self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose) {
            Ok(_) => Err(SalesError::Away("the answer was lost".to_owned())),
            Err(_) => Ok(()),
        }
    }

    fn counts(&self, deal: DealId) -> Option<Counts> {
        self.inner.counts(deal)
    }
}

/// A shop with an engine, and workers between them.
struct Shop {
    trial: Trial,
    db: Db,
    engines: Engines,
    engine: Engine,
    sales: Losing,
    boss: AccountId,
    a: Seller,
}

impl Shop {
    async fn open(trial: Trial) -> Self {
        let engines = Engines::new();
        let engine = engines.start();
        let sales = Losing::of(engine.clone());
        let db = open(&trial).await;
        let boss = operator(&db, "boss").await;
        let a = seller(&db, boss, "a", 1).await;
        Self { trial, db, engines, engine, sales, boss, a }
    }

    fn work(&self) -> Running {
        Running::start(trade::sale::with_workers(Workers::default(), &self.sales), &self.db)
    }

    fn advance(&self, ms: i64) {
        self.trial.advance(ms);
        self.engines.clock.advance(ms.try_into().unwrap());
    }

    fn go_to(&self, at: Moment) {
        self.advance(at.0 - self.db.now().0);
    }

    fn view(&self, deal: DealId) -> Option<Arc<SaleView>> {
        self.engine.live_sale(&deal.to_string())
    }

    /// Waits until the task of the deal rests until its end.
    async fn settled(&self, deal: DealId) {
        let over = read(&self.db, deal).await.over_at;
        self.rests_until(over).await;
    }

    async fn rests_until(&self, at: Moment) {
        let rests = async || next_task(&self.db, "trade.keep_sale").await == Some(at);
        until("the sale is as the deal says", rests).await;
    }

    /// Has the deal's sale looked at again.
    async fn look_again(&self, deal: DealId) {
        let assigned = self.db.write(async |tx| {
            tx.assign(&KeepSale { deal }, tx.now());
            Ok::<_, store::sea_orm::DbErr>(())
        });
        assigned.await.unwrap();
    }

    /// A shopper in the room of a deal that is open.
    async fn enter(&self, deal: DealId, shopper: u128) -> TicketRef {
        let view = self.view(deal).unwrap();
        let entry = self.engine.enter(&view, ShopperKey(shopper), None).await.unwrap();
        let (number, shopper) = (entry.answer.number, entry.answer.shopper);
        let ticket = TicketRef { epoch: entry.epoch, number, shopper };
        let called = async || {
            self.advance(1);
            self.engine.claim(&view, ticket).await.is_ok()
        };
        until("the shopper is called", called).await;
        ticket
    }

    async fn buy(
        &self,
        deal: DealId,
        pass: TicketRef,
        units: u32,
    ) -> Result<HoldId, engine::Failure<PurchaseRefusal>> {
        let view = self.view(deal).unwrap();
        let replay = ReplayKey { key: pass.shopper.0 << 8 | u128::from(units), body: 1 };
        let items = vec![(OfferIndex(0), units)];
        Ok(self.engine.purchase(&view, pass, items, replay).await?.hold.id)
    }

    async fn settle(&self, deal: DealId, hold: HoldId, step: Step) {
        let view = self.view(deal).unwrap();
        self.engine.settle(&view, hold, step, Settler::Backend, None).await.unwrap();
    }

    async fn state(&self, deal: DealId) -> State {
        let counts = self.sales.counts(deal);
        read(&self.db, deal).await.state(counts.as_ref(), self.db.now())
    }
}

on_both! {
    async fn a_published_deal_is_a_sale_under_its_id(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        let view = shop.view(deal).unwrap();
        let settings = view.settings();
        let (spec, hours) = (&settings.spec, read(&shop.db, deal).await.terms.hours);
        assert_eq!(spec.identity, IdentityMode::Jwt);
        assert_eq!(spec.opens_at, Some(Millis(hours.starts_at().0.try_into().unwrap())));
        assert_eq!(spec.closes_at, Some(Millis(hours.ends_at().0.try_into().unwrap())));
        assert_eq!((spec.offers[0].price, spec.offers[0].total), (14_499, 500));
        assert_eq!((spec.per_shopper_max, spec.title.as_str()), (2, "수분 미스트 100 ml"));
        assert_eq!(view.phase(shop.engine.now()), Phase::Scheduled);
        drop(settings);
        assert_eq!(shop.state(deal).await, State::Scheduled);
        shop.go_to(hours.starts_at());
        assert_eq!(shop.state(deal).await, State::Open);
        running.stop().await;
    }

    async fn what_is_done_twice_is_done_once(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        let version = shop.view(deal).unwrap().settings().version;
        for _ in 0..2 {
            shop.look_again(deal).await;
            shop.settled(deal).await;
        }
        assert_eq!(shop.view(deal).unwrap().settings().version, version);
        assert_eq!(shop.sales.acts(), 1, "it was made, and nothing else");
        running.stop().await;
    }

    async fn an_answer_that_is_lost_repeats_nothing(trial: Trial) {
        let shop = Shop::open(trial).await;
        shop.sales.to_lose.store(1, Ordering::SeqCst);
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        until("the first answer is lost", async || shop.sales.acts() == 1).await;
        until("the task waits for its next attempt", async || {
            next_task(&shop.db, "trade.keep_sale").await.is_some_and(|at| at.0 > shop.db.now().0)
        })
        .await;
        shop.advance(60_000);
        shop.settled(deal).await;
        assert_eq!(shop.sales.acts(), 1);
        shop.sales.to_lose.store(1, Ordering::SeqCst);
        edit(&shop.db, shop.a, deal, &Offer { stock: 700, ..Offer::default() }).await.unwrap();
        until("the second answer is lost", async || shop.sales.acts() == 2).await;
        shop.advance(120_000);
        shop.look_again(deal).await;
        shop.settled(deal).await;
        let counts = shop.view(deal).unwrap().counts().next().unwrap();
        assert_eq!((counts.available, shop.sales.acts()), (700, 2), "200 units came once");
        running.stop().await;
    }

    async fn a_deal_that_was_published_while_the_engine_was_away_becomes_a_sale(trial: Trial) {
        let mut shop = Shop::open(trial).await;
        let first = listed(&shop.db, shop.a, &Offer::default()).await;
        let running = shop.work();
        shop.settled(first).await;
        running.stop().await;
        // The deal is committed, and the process ends before the engine hears of it.
        let second = listed(&shop.db, shop.a, &Offer { hours: (15, 17), ..Offer::default() }).await;
        shop.engines.disk.crash(Crash::DropUnsynced);
        shop.engine = shop.engines.start();
        shop.sales = Losing::of(shop.engine.clone());
        assert!(shop.view(first).is_some() && shop.view(second).is_none());
        let running = shop.work();
        until("the sale is made", async || shop.view(second).is_some()).await;
        // Seen in the engine, the sale may not be counted yet.
        until("it is made once", async || shop.sales.acts() == 1).await;
        running.stop().await;
    }

    async fn a_price_that_changes_before_the_opening_makes_the_sale_again(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        let cheaper = Offer { price: 62_000, discount_percent: 50, ..Offer::default() };
        edit(&shop.db, shop.a, deal, &cheaper).await.unwrap();
        let price = async || {
            let view = shop.view(deal);
            view.is_some_and(|view| view.settings().spec.offers[0].price == 31_000)
        };
        until("the sale has the new price", price).await;
        running.stop().await;
    }

    async fn a_sale_that_opened_at_another_price_sells_nothing_at_it(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let bought = listed(&shop.db, shop.a, &Offer::default()).await;
        let unsold = listed(&shop.db, shop.a, &Offer { hours: (15, 17), ..Offer::default() }).await;
        shop.settled(bought).await;
        // The price changes, and the engine does not hear of it before the opening.
        running.stop().await;
        for (deal, hours) in [(bought, (12, 15)), (unsold, (15, 17))] {
            let cheaper = Offer { price: 62_000, discount_percent: 50, hours, ..Offer::default() };
            edit(&shop.db, shop.a, deal, &cheaper).await.unwrap();
        }
        shop.go_to(read(&shop.db, bought).await.terms.hours.starts_at());
        let (one, late) = (shop.enter(bought, 1).await, shop.enter(bought, 2).await);
        let hold = shop.buy(bought, one, 1).await.unwrap();
        as_owner(&shop.db, shop.a, bought, Verb::Pause).await.unwrap();
        let running = shop.work();
        let is_closed = async || {
            let counts = shop.sales.counts(bought);
            counts.is_some_and(|counts| counts.is_closed && counts.is_paused)
        };
        until("the sale is closed, and paused too", is_closed).await;
        let refused = shop.buy(bought, late, 1).await;
        assert!(
            matches!(refused, Err(engine::Failure::Refused(PurchaseRefusal::NotOpen(Phase::Closed)))),
            "{refused:?}"
        );
        let subject = trade::deal::subject(bought);
        let wanted = base::cursor::Wanted::default();
        let entries = commons::audit::of_subject(&shop.db.read(), &subject, wanted).await.unwrap();
        let other = entries.items.iter().find(|entry| entry.action.as_str() == "deal.other_price");
        assert_eq!(other.unwrap().detail["price"], "31000");
        // Somebody holds units of it. Once they are let go, it is made again at the price of the deal.
        as_owner(&shop.db, shop.a, bought, Verb::Resume).await.unwrap();
        shop.settle(bought, hold, Step::Release).await;
        let view = shop.view(bought).unwrap();
        let by = SinkSet::only(Engines::sink());
        shop.engine.delivered(view.tag(), by, vec![EventId(1), EventId(2)]).await.unwrap();
        drop(view);
        let price = async |deal| {
            let view = shop.view(deal);
            view.is_some_and(|view| view.settings().spec.offers[0].price == 31_000)
        };
        until("the other sale has not opened, and has its price", async || price(unsold).await).await;
        shop.advance(10 * 60_000);
        until("the sale is made again", async || price(bought).await).await;
        assert_eq!(shop.state(bought).await, State::Open);
        running.stop().await;
    }

    async fn a_sale_that_another_node_made_is_closed_when_its_deal_is_off(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        shop.sales.is_deaf.store(true, Ordering::SeqCst);
        as_owner(&shop.db, shop.a, deal, Verb::Cancel).await.unwrap();
        let is_to_look = async || {
            let next = next_task(&shop.db, "trade.keep_sale").await;
            next.is_some_and(|at| at > shop.db.now() && at.0 <= shop.db.now().0 + 60_000)
        };
        until("it is looked for again", is_to_look).await;
        shop.sales.is_deaf.store(false, Ordering::SeqCst);
        shop.advance(60_000);
        let is_closed = async || shop.sales.counts(deal).is_some_and(|counts| counts.is_closed);
        until("the sale is closed", is_closed).await;
        running.stop().await;
    }

    async fn an_engine_that_was_away_for_long_has_the_sale_soon_after(trial: Trial) {
        let shop = Shop::open(trial).await;
        shop.sales.is_away.store(true, Ordering::SeqCst);
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        let next = async || {
            let next = next_task(&shop.db, "trade.keep_sale").await;
            next.filter(|at| *at > shop.db.now())
        };
        for _ in 0..12 {
            until("it failed", async || next().await.is_some()).await;
            let at = next().await.unwrap();
            assert!(at.0 - shop.db.now().0 <= 30_000, "{} ms", at.0 - shop.db.now().0);
            shop.go_to(at);
        }
        shop.sales.is_away.store(false, Ordering::SeqCst);
        shop.advance(30_000);
        until("the sale is made", async || shop.view(deal).is_some()).await;
        running.stop().await;
    }

    async fn scenario_14_defect_14_a_sold_out_deal_opens_again_when_units_come_back(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let offer = Offer { stock: 3, ..Offer::default() };
        let deal = listed(&shop.db, shop.a, &offer).await;
        shop.settled(deal).await;
        shop.go_to(read(&shop.db, deal).await.terms.hours.starts_at());
        let (one, other) = (shop.enter(deal, 1).await, shop.enter(deal, 2).await);
        let two = shop.buy(deal, one, 2).await.unwrap();
        let last = shop.buy(deal, other, 1).await.unwrap();
        assert_eq!(shop.state(deal).await, State::Open, "a unit that is reserved may come back");
        for hold in [two, last] {
            shop.settle(deal, hold, Step::Confirm).await;
        }
        assert_eq!(shop.state(deal).await, State::SoldOut);
        // Fewer than are sold cannot be had.
        edit(&shop.db, shop.a, deal, &Offer { stock: 1, ..offer.clone() }).await.unwrap();
        let stock = async || read(&shop.db, deal).await.terms.stock == 3;
        until("the stock is what was sold", stock).await;
        edit(&shop.db, shop.a, deal, &Offer { stock: 5, ..offer }).await.unwrap();
        until("the units are there", async || {
            shop.sales.counts(deal).is_some_and(|counts| (counts.available, counts.sold) == (2, 3))
        })
        .await;
        assert_eq!(shop.state(deal).await, State::Open);
        shop.settle(deal, two, Step::Refund).await;
        assert_eq!(shop.sales.counts(deal).unwrap().available, 4);
        shop.go_to(read(&shop.db, deal).await.over_at);
        assert_eq!(shop.state(deal).await, State::Ended);
        running.stop().await;
    }

    async fn a_pause_reaches_the_room_and_ends(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        let is_paused = async || shop.sales.counts(deal).is_some_and(|counts| counts.is_paused);
        as_owner(&shop.db, shop.a, deal, Verb::Pause).await.unwrap();
        until("the gate stands still", is_paused).await;
        as_owner(&shop.db, shop.a, deal, Verb::Resume).await.unwrap();
        until("the gate moves", async || !is_paused().await).await;
        running.stop().await;
    }

    async fn scenario_13_defect_7_nothing_is_sold_after_the_end_and_what_was_reserved_can_be_paid(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        let hours = read(&shop.db, deal).await.terms.hours;
        // No job runs at the end.
        running.stop().await;
        shop.go_to(Moment(hours.ends_at().0 - 60_000));
        let (one, late) = (shop.enter(deal, 1).await, shop.enter(deal, 2).await);
        let hold = shop.buy(deal, one, 1).await.unwrap();
        shop.go_to(hours.ends_at());
        let refused = shop.buy(deal, late, 1).await;
        assert!(
            matches!(refused, Err(engine::Failure::Refused(PurchaseRefusal::NotOpen(Phase::Closed)))),
            "{refused:?}"
        );
        shop.settle(deal, hold, Step::Pay).await;
        shop.settle(deal, hold, Step::Confirm).await;
        assert_eq!(shop.sales.counts(deal).unwrap().sold, 1);
    }

    async fn a_cancelled_deal_closes_its_sale_at_once_and_is_archived(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer::default()).await;
        shop.settled(deal).await;
        shop.go_to(read(&shop.db, deal).await.terms.hours.starts_at());
        let pass = shop.enter(deal, 1).await;
        let hold = shop.buy(deal, pass, 2).await.unwrap();
        as_operator(&shop.db, shop.boss, deal, Verb::Cancel).await.unwrap();
        let is_closed = async || shop.sales.counts(deal).is_some_and(|counts| counts.is_closed);
        until("the sale is closed", is_closed).await;
        assert_eq!(shop.state(deal).await, State::Cancelled);
        let archive_at = read(&shop.db, deal).await.over_at.after(std::time::Duration::from_hours(1));
        shop.rests_until(archive_at).await;
        shop.settle(deal, hold, Step::Release).await;
        shop.go_to(archive_at);
        // The order pipeline has not taken the events yet.
        let later = Moment(archive_at.0 + 10 * 60_000);
        shop.rests_until(later).await;
        let view = shop.view(deal).unwrap();
        let by = SinkSet::only(Engines::sink());
        shop.engine.delivered(view.tag(), by, vec![EventId(1), EventId(2)]).await.unwrap();
        shop.go_to(later);
        let is_archived = async || shop.engine.is_archived(&deal.to_string());
        until("the sale is archived", is_archived).await;
        let is_done = async || next_task(&shop.db, "trade.keep_sale").await.is_none();
        until("nothing is left to do", is_done).await;
        assert_eq!(shop.sales.counts(deal), None);
        running.stop().await;
    }

    async fn a_sale_is_made_a_week_before_it_opens(trial: Trial) {
        let shop = Shop::open(trial).await;
        let running = shop.work();
        let deal = listed(&shop.db, shop.a, &Offer { day: 20, ..Offer::default() }).await;
        let made_at = Moment(read(&shop.db, deal).await.terms.hours.starts_at().0 - 7 * 24 * HOUR_MS);
        shop.rests_until(made_at).await;
        assert!(shop.view(deal).is_none());
        shop.go_to(made_at);
        until("the sale is made", async || shop.view(deal).is_some()).await;
        running.stop().await;
    }
}
