//! Assembles the shop: what it is made of, its start and its stop, who listens to what, demo data.
//!
//! ```text
//!            options ──▶ shop (routes) ◀── database, once it is open
//!                          │                  │
//!   room ◀── keys, ended ──┴── feed           └── workers: payments, sales, news, mails, housekeeping
//! ```
//!
//! Owns the order in which things start and end, and the servers of others that the shop calls. Refuses
//! rules and HTTP. Always true: a start waits for no database longer than [`READY_WAIT`]; until it is open,
//! the routes say that the shop is away, and the engine's are not concerned.

#![forbid(unsafe_code)]

mod clock;
mod drain;
mod failure;
mod figures;
mod options;

mod database;

mod directory;
mod forget;
mod login;
mod mails;
mod news;
mod sink;

mod room;
mod selling;
mod workers;

mod demo;

use std::{fmt, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use commons::{
    delivery::{self, Delivery},
    push::Fcm,
};
use engine::sink::Sink;
use identity::{business::TaxService, mails::Mails};
use outbound::Mailer;
use shop::Shop;
use tokio::{
    sync::{Notify, oneshot, watch},
    task::JoinSet,
    time::timeout,
};
use trade::{holds::Room as RoomHolds, sale::InProcess};

use self::{
    clock::WallClock,
    directory::OfAccounts,
    login::Logins,
    mails::Writer,
    news::Teller,
    selling::{Counter, CounterOptions},
    sink::LateIntake,
};
pub use self::{
    demo::DemoError,
    failure::StartError,
    figures::{DOUBTS, TASKS},
    options::{Demo, LoginOptions, MailSettings, MediaOptions, Options, Site},
    room::{Room, TakesEnded},
};
pub use shop::{OPENAPI, Row, Who, table};
pub use store::{WRITE_SECONDS, is_url as is_database_url};
pub use trade::till::CALLS_TOTAL;

/// Which database, and how many connections to it for reading.
pub const fn database_options(url: String, connections: u32) -> store::Options {
    store::Options { url, connections }
}

/// How long a start waits for the database. One that comes later is taken when it comes.
pub const READY_WAIT: Duration = Duration::from_secs(5);

/// A shop that runs.
pub struct Opened {
    /// Answers requests.
    pub router: Router,
    /// Takes the engine's order events.
    pub sink: Arc<dyn Sink>,
    /// Ends once its own work is done, after the drain began.
    pub finishing: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Where the doubles are asked what came to them, if they run.
    pub doubles: Option<SocketAddr>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("doubles", &self.doubles).finish_non_exhaustive()
    }
}

/// Opens a shop on the runtime that calls this.
///
/// # Errors
///
/// If it could never work as configured. A database that is merely away is waited for beside the serving.
pub async fn open(
    mut options: Options,
    room: Room,
    draining: watch::Receiver<bool>,
) -> Result<Opened, StartError> {
    let doubles = match options.demo.take() {
        Some(demo) => Some(demo::start(demo, &mut options).await.map_err(StartError::Demo)?),
        None => None,
    };
    let logins = Logins::new(options.logins).map_err(|e| StartError::Target("a login", e))?;
    let mailer = options.mail.take().map(|mail| Mailer::new(mail.server)).transpose();
    let mailer = mailer.map_err(|e| StartError::Target("the mail server", e))?;
    let tax = options.tax.take().map(TaxService::new).transpose();
    let tax = tax.map_err(|e| StartError::Target("the tax service", e))?;
    let sales = InProcess::new(room.engine.clone(), options.deal_room);
    let counter = Counter::new(CounterOptions {
        policy: options.policy,
        sales: sales.clone(),
        room: RoomHolds::new(room.engine.clone(), room.shoppers.clone()),
        passes: Arc::clone(&room.passes),
        kakaopay: options.kakaopay,
        card: options.card,
        media: options.media,
        site: options.site.clone(),
    })?;
    let push = options.push.map(|push| Fcm::new(push, Arc::new(WallClock))).transpose();
    let push = push.map_err(StartError::Push)?;
    let shop = Shop::new(shop::Options {
        terms: options.terms,
        secrets: options.secrets,
        signing: options.signing,
        callers: options.callers,
        cookie_secure: options.cookie_secure,
        exempt: options.exempt,
        providers: Arc::new(logins),
        selling: Box::new(move |db| counter.open(db)),
    });
    let bell = Arc::new(Notify::new());
    let sink = LateIntake::default();
    let mails = mailer.clone().map(|mailer| {
        let writer = Writer(options.site.clone());
        Mails { mailer, prover: shop.prover().clone(), writer }
    });
    let workers = workers::of(mails, tax, &bell);
    let workers = workers::of_deals(workers, &sales, &options.reminders);
    let workers = options.retention.on(workers);
    let running = Running {
        shop: shop.clone(),
        site: options.site,
        database: options.database,
        operators: options.operators,
        workers,
        room,
        bell,
        sink: sink.clone(),
        push,
        mailer,
        demo: doubles.as_ref().map(|doubles| (doubles.accounts.clone(), doubles.sells)),
    };
    let address = doubles.as_ref().map(demo::Running::address);
    let (ready, first) = oneshot::channel();
    let mut work = JoinSet::new();
    work.spawn(async move {
        Box::pin(running.run(draining, ready)).await;
        // The doubles end with the shop.
        drop(doubles);
    });
    if let Ok(Ok(Err(error))) = timeout(READY_WAIT, first).await {
        return Err(error);
    }
    let router = shop::service(&shop);
    let finishing = Box::pin(async move { while work.join_next().await.is_some() {} });
    Ok(Opened { router, sink: Arc::new(sink), finishing, doubles: address })
}

/// What goes on beside the requests.
struct Running {
    shop: Shop,
    site: Site,
    database: store::Options,
    operators: Vec<identity::email::Email>,
    workers: store::worker::Workers,
    room: Room,
    bell: Arc<Notify>,
    sink: LateIntake,
    push: Option<Fcm>,
    mailer: Option<Mailer>,
    demo: Option<(demo::Accounts, bool)>,
}

impl Running {
    async fn run(
        self,
        stop: watch::Receiver<bool>,
        ready: oneshot::Sender<Result<(), StartError>>,
    ) {
        let Self { shop, site, database, operators, workers, room, bell, sink, push, mailer, demo } =
            self;
        let listeners = workers.listeners();
        let opened = database::open(&database, listeners, stop.clone(), ready).await;
        let Some((db, ready)) = opened else { return };
        let feed = room::Feed { db: db.clone(), shop: shop.clone(), room, bell, operators };
        // Before the first request is answered: who signs in needs a key that others know.
        let feed = feed.begin().await;
        if shop.opened(db.clone()).is_err() {
            return;
        }
        sink.opened(db.clone());
        if let Some((accounts, _)) = &demo
            && let Err(error) = accounts.make(&db, &shop).await
        {
            tracing::error!(?error, "the accounts of the demo cannot be made");
        }
        // A start that gave up waiting has gone on.
        drop(ready.map(|ready| ready.send(Ok(()))));
        let mut drained = stop.clone();
        let working = async {
            // Mails, providers and pictures need to know where it is.
            tokio::select! {
                () = site.known() => {
                    let delivery = Delivery {
                        directory: OfAccounts,
                        say: Teller(site.clone()),
                        push,
                        mail: mailer,
                    };
                    let workers = delivery::on(workers::with_selling(workers, &shop), delivery);
                    let stocking = async {
                        if let Some((accounts, true)) = demo {
                            demo::keep(accounts, db.clone(), shop.clone(), stop.clone()).await;
                        }
                    };
                    tokio::join!(workers.run(db.clone(), stop.clone()), stocking);
                }
                () = drain::stopped(&mut drained) => {}
            }
        };
        tokio::join!(working, figures::keep(db.clone(), stop.clone()), feed.run(stop.clone()));
    }
}
