//! A shop with two shoppers' worth of everything: a database, both providers' doubles, calm stock, and workers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use base::{
    moment::{Clock, Moment},
    money::{Currency, Money},
};
use doubles::{
    Faults, Setting,
    card::CardGateway,
    clock::MovedClock,
    kakaopay::{self, KakaoPay as KakaoPayDouble},
};
use identity::{
    account::{self, Live},
    address::{Postal, Typed},
    email::Email,
    ids::AccountId,
    membership::{self, SignUp},
    name::Name,
    password::PasswordHash,
};
use outbound::{Reach, Secret};
use store::{
    Db, Failure, Step, Tx,
    fact::Listeners,
    sea_orm::{ConnectionTrait as _, DbErr, Statement},
    trial::Trial,
    worker::Workers,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};
use trade::{
    calm::{self, HoldRefusal, Stock, Wanted},
    gateway::{Card, CardOptions, KakaoPay, KakaoPayOptions, Provider, Providers},
    holds::{CalmHolds, Keepers, Room},
    ids::{DealId, OrderId, PaymentId},
    order::{self, Bought, Goods, NewOrder, Order, PlaceRefusal, state::OrderState},
    payment::{self, Kept},
    till::{self, BeginRefusal, Came, CancelRefusal, ReturnRefusal, Till},
};

pub(crate) const SKU: &str = "mist";
pub(crate) const HOLD: Duration = Duration::from_mins(10);
const KEY: &str = "key";
const RETURNS: &str = "http://shop.example/pay";
/// Real time; some calls are never answered.
const DEADLINE: Duration = Duration::from_millis(700);
/// How late the doubles are when they are late.
const LATE: Duration = Duration::from_millis(1_200);

pub(crate) const fn won(minor: i64) -> Money {
    Money::new(minor, Currency::KRW)
}

pub(crate) fn postal() -> Postal {
    let typed = Typed {
        receiver: "Kim Hana",
        phone: "010-1234-5678",
        zip: "06236",
        road: "서울특별시 강남구 테헤란로 152",
        detail: "3층",
    };
    Postal::parse(&typed).unwrap()
}

pub(crate) fn steps() -> Vec<Step> {
    [commons::SCHEMA, identity::SCHEMA, trade::SCHEMA].concat()
}

pub(crate) async fn database(trial: &Trial) -> Db {
    trial.open(&steps(), Listeners::default()).await
}

pub(crate) async fn sign_up(db: &Db, name: &str) -> AccountId {
    let asked = SignUp {
        email: Email::parse(&format!("{name}@shop.example")).unwrap(),
        password: PasswordHash::kept("$hash".to_owned()),
        name: Name::parse(name).unwrap(),
    };
    let made = db.write(async |tx| membership::sign_up(tx, &asked).await).await;
    made.unwrap().id()
}

/// An account that there is.
async fn live(tx: &Tx, account: AccountId) -> Result<Live, DbErr> {
    account::live(tx, account).await.map_err(|failure| match failure {
        Failure::Store(error) => error,
        Failure::Refused(gone) => panic!("{account}: {gone:?}"),
    })
}

pub(crate) struct Shop {
    pub(crate) db: Db,
    pub(crate) till: Till,
    pub(crate) kakaopay: KakaoPayDouble,
    pub(crate) card: CardGateway,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) deal: DealId,
}

impl Shop {
    /// A shop that has so many of its one kind of goods, for 31,000 won each.
    pub(crate) async fn open(trial: &Trial, units: u32) -> Self {
        Self::open_with(trial, units, None, Faults::seeded(0, 0, LATE)).await
    }

    pub(crate) async fn open_with(
        trial: &Trial,
        units: u32,
        room: Option<Room>,
        faults: Faults,
    ) -> Self {
        let db = database(trial).await;
        let clock = Arc::new(MovedClock::default());
        let setting = || Setting {
            clock: Arc::<MovedClock>::clone(&clock),
            faults: faults.clone(),
            ..Setting::local()
        };
        let kakaopay = KakaoPayDouble::start(setting(), KEY).await.unwrap();
        let card = CardGateway::start(setting(), KEY).await.unwrap();
        let (deadline, reach) = (DEADLINE, Reach::Anywhere);
        let key = || Secret::new(KEY.to_owned());
        let providers = Providers {
            kakaopay: KakaoPay::new(KakaoPayOptions {
                url: kakaopay.url(),
                deadline,
                reach,
                ..KakaoPayOptions::new(kakaopay::CID.to_owned(), key())
            })
            .ok(),
            card: Card::new(CardOptions { deadline, reach, ..CardOptions::new(card.url(), key()) })
                .ok(),
        };
        let keepers = Keepers { room, calm: CalmHolds::new(db.clone()) };
        let till = Till { providers, keepers, returns: RETURNS.to_owned() };
        let deal = DealId::new(db.now());
        let shop = Self { db, till, kakaopay, card, clock, deal };
        shop.stock(units).await;
        shop
    }

    pub(crate) async fn stock(&self, total: u32) {
        let stock =
            Stock { sale: self.deal.to_string(), sku: SKU.to_owned(), total, unit: won(31_000) };
        self.db.write(async |tx| calm::set_stock(tx, &stock).await).await.unwrap();
    }

    /// Free, held and sold.
    pub(crate) async fn units(&self) -> (i64, i64, i64) {
        calm::stock(&self.db.read(), &self.deal.to_string(), SKU).await.unwrap().unwrap()
    }

    pub(crate) async fn shopper(&self, name: &str) -> AccountId {
        sign_up(&self.db, name).await
    }

    pub(crate) async fn hold(
        &self,
        account: AccountId,
        quantity: u32,
    ) -> Result<Bought, Failure<HoldRefusal>> {
        let sale = self.deal.to_string();
        let wanted = [Wanted { sku: SKU.to_owned(), quantity }];
        self.db
            .write(async |tx| {
                let live = live(tx, account).await?;
                calm::hold(tx, &live, &sale, &wanted, HOLD).await
            })
            .await
    }

    pub(crate) async fn place(
        &self,
        account: AccountId,
        bought: &Bought,
    ) -> Result<OrderId, Failure<PlaceRefusal>> {
        let goods = [Goods { sku: SKU.to_owned(), name: "미스트".to_owned() }];
        let postal = postal();
        let new = NewOrder { bought, goods: &goods, postal: &postal };
        self.db
            .write(async |tx| {
                let live = live(tx, account).await?;
                till::place(tx, &live, &new).await
            })
            .await
    }

    /// An order for so many units.
    pub(crate) async fn order(&self, account: AccountId, quantity: u32) -> OrderId {
        let bought = self.hold(account, quantity).await.unwrap();
        self.place(account, &bought).await.unwrap()
    }

    pub(crate) async fn begin(
        &self,
        account: AccountId,
        order: OrderId,
        provider: Provider,
    ) -> Result<String, Failure<BeginRefusal>> {
        till::begin(&self.db, &self.till, account, order, provider).await
    }

    /// Does what a shopper does on a provider's page; the URL that the browser is sent to.
    pub(crate) fn pay(&self, page: &str) -> String {
        self.try_pay(page).unwrap()
    }

    /// The same; nothing if it is too late.
    pub(crate) fn try_pay(&self, page: &str) -> Option<String> {
        let id = page.rsplit('/').next().unwrap();
        let paid = self.kakaopay.pay(id, kakaopay::Method::Card);
        paid.or_else(|| self.card.choose(id, "pay"))
    }

    pub(crate) async fn come_back(&self, url: &str) -> OrderId {
        self.try_come_back(url).await.unwrap()
    }

    pub(crate) async fn try_come_back(&self, url: &str) -> Result<OrderId, Failure<ReturnRefusal>> {
        let (payment, way) = url.strip_prefix(RETURNS).unwrap()[1..].split_once('/').unwrap();
        let (way, query) = way.split_once('?').unwrap_or((way, ""));
        let came = match way {
            "return" => Came::Paid { query },
            "cancel" => Came::GaveUp,
            _ => Came::Failed,
        };
        let payment: PaymentId = payment.parse().unwrap();
        let back = async |tx: &Tx| till::returned(tx, &self.till, payment, came).await;
        self.db.write(back).await
    }

    pub(crate) async fn cancel(
        &self,
        account: AccountId,
        order: OrderId,
    ) -> Result<(), Failure<CancelRefusal>> {
        self.db
            .write(async |tx| {
                let live = live(tx, account).await?;
                till::cancel(tx, &live, order).await
            })
            .await
    }

    /// An order that was paid.
    pub(crate) async fn paid(
        &self,
        trial: &Trial,
        account: AccountId,
        quantity: u32,
        provider: Provider,
    ) -> OrderId {
        let order = self.order(account, quantity).await;
        let page = self.begin(account, order, provider).await.unwrap();
        self.come_back(&self.pay(&page)).await;
        self.until(trial, order, OrderState::Paid).await;
        order
    }

    pub(crate) async fn read(&self, order: OrderId) -> Order {
        order::find_any(&self.db.read(), order).await.unwrap().unwrap()
    }

    pub(crate) async fn kept(&self, order: OrderId) -> Kept {
        payment::of_order(&self.db.read(), order).await.unwrap().unwrap()
    }

    /// What the providers' books say that the shop has of an order.
    pub(crate) async fn net(&self, order: OrderId) -> i64 {
        let payment = self.kept(order).await.id.to_string();
        self.kakaopay.ledger().net(&payment) + self.card.ledger().net(&payment)
    }

    /// How many rows there are of some, as SQL says it after `FROM`.
    pub(crate) async fn count(&self, of: &str) -> i64 {
        let read = self.db.read();
        let count = format!("SELECT COUNT(*) AS n FROM {of}");
        let count = Statement::from_string(read.get_database_backend(), count);
        read.query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap()
    }

    /// Workers that go on with everything.
    pub(crate) fn work(&self) -> Work {
        self.work_with(|workers| workers)
    }

    /// The same with others beside them.
    pub(crate) fn work_with(&self, others: impl Fn(Workers) -> Workers) -> Work {
        let workers = others(calm::on(till::on(Workers::default(), self.till.clone())));
        Work::start(&self.db, workers)
    }

    /// The same database, for somebody who takes long for everything.
    pub(crate) async fn slow(&self, trial: &Trial) -> Db {
        let clock = Arc::new(Slow(AtomicI64::new(self.db.now().0)));
        Db::open(&trial.options(), &steps(), Listeners::default(), clock).await.unwrap()
    }

    /// A node that goes on with everything until it is killed.
    pub(crate) fn node(&self, trial: &Trial) -> Node {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (options, clock, till) = (trial.options(), trial.clock(), self.till.clone());
        runtime.spawn(async move {
            let db = Db::open(&options, &steps(), Listeners::default(), clock).await.unwrap();
            let keepers = Keepers { calm: CalmHolds::new(db.clone()), ..till.keepers };
            let till = Till { keepers, ..till };
            let (_stop, stopped) = watch::channel(false);
            calm::on(till::on(Workers::default(), till)).run(db, stopped).await;
        });
        Node(runtime)
    }

    /// Has workers go on until an order stands so.
    pub(crate) async fn until(&self, trial: &Trial, order: OrderId, state: OrderState) {
        let work = self.work();
        let give_up = Instant::now() + Duration::from_mins(1);
        while self.read(order).await.state != state {
            assert!(Instant::now() < give_up, "{:?}", self.kept(order).await);
            trial.advance(50);
            sleep(Duration::from_millis(10)).await;
        }
        work.stop().await;
    }

    /// The same until a condition of its payment holds.
    pub(crate) async fn until_payment(
        &self,
        trial: &Trial,
        order: OrderId,
        is_so: impl Fn(&Kept) -> bool,
    ) {
        let work = self.work();
        let give_up = Instant::now() + Duration::from_mins(1);
        loop {
            let kept = self.kept(order).await;
            if is_so(&kept) {
                break;
            }
            assert!(Instant::now() < give_up, "{kept:?}");
            trial.advance(50);
            sleep(Duration::from_millis(10)).await;
        }
        work.stop().await;
    }
}

/// A clock that moves by six seconds whenever it is read.
#[derive(Debug)]
struct Slow(AtomicI64);

impl Clock for Slow {
    fn now(&self) -> Moment {
        Moment(self.0.fetch_add(6_000, Ordering::SeqCst))
    }
}

pub(crate) struct Work {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Work {
    pub(crate) fn start(db: &Db, workers: Workers) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, running: tokio::spawn(workers.run(db.clone(), stopped)) }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.running.await.unwrap();
    }
}

/// Another node of the shop: a runtime and connections of its own, which end in the middle of what they do.
pub(crate) struct Node(Runtime);

impl Node {
    pub(crate) fn kill(self) {
        self.0.shutdown_background();
    }
}
