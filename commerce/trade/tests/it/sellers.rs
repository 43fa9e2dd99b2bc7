//! The people of these tests: businesses that may sell, and who decides about them.

use std::sync::atomic::{AtomicU32, Ordering};

use base::{
    calendar::Calendar,
    moment::Moment,
    money::{Currency, Money},
};
use identity::{
    Secrets,
    account::{self, Live},
    business::{self, Approved, Company, Decision, Ruling, Verdict},
    email::Email,
    ids::{AccountId, BusinessId},
    membership::{self, SignUp},
    name::Name,
    password::PasswordHash,
    proof::{Prover, Purpose},
};
use store::{
    Db, Failure, Step, Tx,
    fact::Listeners,
    sea_orm::{
        ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
        prelude::async_trait::async_trait,
    },
    trial::{BEGIN, Trial},
};
use trade::{
    deal::{self, Deal, DecideRefusal, Decider, EditRefusal, PublishRefusal, Reason, Terms, Typed},
    ids::DealId,
    rental::Plan,
    slot::Policy,
};

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// What the shop's crates and this one have in a database.
pub(crate) fn schema() -> Vec<Step> {
    [commons::SCHEMA, identity::SCHEMA, trade::SCHEMA].concat()
}

pub(crate) async fn open(trial: &Trial) -> Db {
    open_with(trial, Listeners::default()).await
}

pub(crate) async fn open_with(trial: &Trial, listeners: Listeners) -> Db {
    trial.open(&schema(), listeners).await
}

/// One deal an hour, two hours at least, 10,000 won each.
pub(crate) fn policy() -> Policy {
    let plan = Plan::per_hour(Money::new(10_000, Currency::KRW)).unwrap();
    Policy { calendar: Calendar::default(), capacity: 1, hours_min: 2, plan }
}

/// An account whose address is verified.
pub(crate) async fn person(db: &Db, name: &str) -> AccountId {
    let asked = SignUp {
        email: Email::parse(&format!("{name}@shop.example")).unwrap(),
        password: PasswordHash::kept("$hash".to_owned()),
        name: Name::parse(name).unwrap(),
    };
    let prover = Prover::new(&Secrets::new(b"a secret that all nodes of this test share"));
    let made = db.write(async |tx| {
        let live = membership::sign_up(tx, &asked).await.unwrap();
        let proof = account::send_proof(tx, &prover, &live, Purpose::VerifyEmail).await.unwrap();
        account::verify(tx, &live, proof).await?;
        Ok::<_, Failure<account::ProofRefusal>>(live.id())
    });
    made.await.unwrap()
}

/// An account that runs the platform.
pub(crate) async fn operator(db: &Db, name: &str) -> AccountId {
    let account = person(db, name).await;
    let appointed = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        membership::appoint(tx, &live).await
    });
    appointed.await.unwrap();
    account
}

/// Somebody who sells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seller {
    pub(crate) account: AccountId,
    pub(crate) business: BusinessId,
}

/// A business number whose last digit fits.
fn number(serial: u32) -> String {
    let digits: Vec<u32> =
        format!("{serial:09}").bytes().map(|byte| u32::from(byte - b'0')).collect();
    let weights = [1, 3, 7, 1, 3, 7, 1, 3, 5];
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    let sum = sum + digits[8] * 5 / 10;
    format!("{serial:09}{}", (10 - sum % 10) % 10)
}

/// Somebody who applied for selling, with the `serial`th number.
pub(crate) async fn applicant(db: &Db, name: &str, serial: u32) -> Seller {
    let account = person(db, name).await;
    let number = number(999_000_000 + serial);
    let typed = business::Typed {
        name: "Hana Trading",
        number: &number,
        representative: "Kim Daepyo",
        email: "office@company.example",
        phone: "02-123-4567",
    };
    let company = Company::parse(&typed).unwrap();
    let applied = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        business::apply(tx, &live, &company).await
    });
    Seller { account, business: applied.await.unwrap() }
}

/// Somebody who sells: an operator has let them.
pub(crate) async fn seller(db: &Db, operator: AccountId, name: &str, serial: u32) -> Seller {
    let seller = applicant(db, name, serial).await;
    let business = seller.business;
    let known = business::find(&db.read(), business).await.unwrap().unwrap();
    let number = known.company.number().clone();
    let ruling = Ruling { decision: Decision::Approve, seen: known.applied_at, reason: None };
    let approved = db.write(async |tx| {
        assert!(business::judge(tx, business, &number, Verdict::Active).await?);
        let by = account::live(tx, operator).await.unwrap();
        business::decide(tx, &by, business, &ruling).await
    });
    approved.await.unwrap();
    seller
}

/// What an operator decides about a seller, with the reason that this needs.
pub(crate) async fn decide(db: &Db, operator: AccountId, seller: Seller, decision: Decision) {
    let reason = business::Reason::parse("as the rules say");
    let known = business::find(&db.read(), seller.business).await.unwrap().unwrap();
    let ruling = Ruling { decision, seen: known.applied_at, reason };
    let decided = db.write(async |tx| {
        let by = account::live(tx, operator).await.unwrap();
        business::decide(tx, &by, seller.business, &ruling).await
    });
    decided.await.unwrap();
}

/// The right to sell, inside a write.
pub(crate) async fn approved(tx: &Tx, account: AccountId) -> Approved {
    let live = live(tx, account).await;
    business::approved(tx, &live).await.unwrap()
}

pub(crate) async fn live(tx: &Tx, account: AccountId) -> Live {
    account::live(tx, account).await.unwrap()
}

/// What a write was refused with.
pub(crate) fn refusal<R: std::fmt::Debug>(failure: Failure<R>) -> R {
    match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Store(error) => unreachable!("{error}"),
    }
}

/// A deal of tomorrow that somebody writes.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) title: &'static str,
    pub(crate) category: &'static str,
    pub(crate) price: i64,
    pub(crate) discount_percent: i64,
    pub(crate) stock: i64,
    /// Days after the day on which the tests begin.
    pub(crate) day: u16,
    pub(crate) hours: (u8, u8),
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            title: "수분 미스트 100 ml",
            category: "beauty",
            price: 17_900,
            discount_percent: 19,
            stock: 500,
            day: 1,
            hours: (12, 15),
        }
    }
}

impl Offer {
    pub(crate) fn terms(&self) -> Terms {
        let policy = policy();
        let day = policy.calendar.day_of(BEGIN).plus(self.day);
        let (start, end) = self.hours;
        let last = if end < start { day.plus(1) } else { day };
        let typed = Typed {
            title: self.title,
            description: "두 병",
            category: self.category,
            price: self.price,
            discount_percent: self.discount_percent,
            stock: self.stock,
            per_shopper_max: 2,
            opens_at: policy.calendar.at_hour(day, start).unwrap(),
            closes_at: policy.calendar.at_hour(last, end).unwrap(),
            media: &[],
        };
        Terms::parse(&policy, &typed).unwrap()
    }
}

pub(crate) async fn draft(db: &Db, by: Seller, offer: &Offer) -> DealId {
    let terms = offer.terms();
    let drafted = db.write(async |tx| {
        let approved = approved(tx, by.account).await;
        deal::draft(tx, &approved, &terms).await
    });
    drafted.await.unwrap()
}

pub(crate) async fn publish(db: &Db, by: Seller, deal: DealId) -> Result<Deal, PublishRefusal> {
    let published = db.write(async |tx| {
        let approved = approved(tx, by.account).await;
        deal::publish(tx, &policy(), &approved, deal).await
    });
    published.await.map_err(refusal)
}

/// A deal that is published.
pub(crate) async fn listed(db: &Db, by: Seller, offer: &Offer) -> DealId {
    let deal = draft(db, by, offer).await;
    publish(db, by, deal).await.unwrap().id
}

pub(crate) async fn edit(
    db: &Db,
    by: Seller,
    deal: DealId,
    offer: &Offer,
) -> Result<Deal, EditRefusal> {
    let terms = offer.terms();
    let edited = db.write(async |tx| {
        let approved = approved(tx, by.account).await;
        deal::edit(tx, &approved, deal, &terms).await
    });
    edited.await.map_err(refusal)
}

/// What somebody decides about a deal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    Pause,
    Resume,
    Close,
    Cancel,
}

async fn run(
    tx: &Tx,
    by: Decider<'_>,
    deal: DealId,
    verb: Verb,
) -> Result<(), Failure<DecideRefusal>> {
    let reason = Reason::parse("the parcel was lost").unwrap();
    match verb {
        Verb::Pause => deal::pause(tx, by, deal).await,
        Verb::Resume => deal::resume(tx, by, deal).await,
        Verb::Close => deal::close(tx, by, deal, &reason).await,
        Verb::Cancel => deal::cancel(tx, by, deal, &reason).await,
    }
}

pub(crate) async fn as_owner(
    db: &Db,
    by: Seller,
    deal: DealId,
    verb: Verb,
) -> Result<(), DecideRefusal> {
    let decided = db.write(async |tx| {
        let approved = approved(tx, by.account).await;
        run(tx, Decider::Owner(&approved), deal, verb).await
    });
    decided.await.map_err(refusal)
}

pub(crate) async fn as_operator(
    db: &Db,
    by: AccountId,
    deal: DealId,
    verb: Verb,
) -> Result<(), DecideRefusal> {
    let decided = db.write(async |tx| {
        let live = live(tx, by).await;
        run(tx, Decider::Operator(&live), deal, verb).await
    });
    decided.await.map_err(refusal)
}

pub(crate) async fn read(db: &Db, deal: DealId) -> Deal {
    deal::find(&db.read(), deal).await.unwrap().unwrap()
}

/// Moves the clock to a moment.
pub(crate) fn go_to(trial: &Trial, db: &Db, at: Moment) {
    trial.advance(at.0 - db.now().0);
}

/// When the next task of a kind is due, if there is one.
pub(crate) async fn next_task(db: &Db, kind: &str) -> Option<Moment> {
    let reader = db.read();
    let text = "SELECT MIN(due_at) AS due FROM task WHERE kind = $1 AND lease IS NULL";
    let statement =
        Statement::from_sql_and_values(reader.get_database_backend(), text, [kind.into()]);
    let row = reader.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get::<Option<i64>>("", "due").unwrap().map(Moment)
}

/// How many tasks of a kind there are, those that somebody works on included.
pub(crate) async fn tasks(db: &Db, kind: &str) -> i64 {
    let reader = db.read();
    let text = "SELECT COUNT(*) AS number FROM task WHERE kind = $1";
    let statement =
        Statement::from_sql_and_values(reader.get_database_backend(), text, [kind.into()]);
    reader.query_one_raw(statement).await.unwrap().unwrap().try_get("", "number").unwrap()
}

/// Counts what is asked of a database.
#[derive(Debug)]
pub(crate) struct Counted<'a> {
    reader: store::Reader<'a>,
    statements: AtomicU32,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(db: &'a Db) -> Self {
        Self { reader: db.read(), statements: AtomicU32::new(0) }
    }

    pub(crate) fn statements(&self) -> u32 {
        self.statements.load(Ordering::SeqCst)
    }

    fn count(&self) {
        self.statements.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ConnectionTrait for Counted<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.count();
        self.reader.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.count();
        self.reader.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.count();
        self.reader.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.count();
        self.reader.query_all_raw(statement).await
    }
}
