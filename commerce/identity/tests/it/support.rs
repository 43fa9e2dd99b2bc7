//! What these tests begin with.

use identity::{
    SCHEMA, Secrets,
    account::{self, Account, EmailRefusal, WITHDRAWN},
    email::Email,
    ids::{AccountId, SessionId},
    membership::{self, SignUp},
    name::Name,
    password::PasswordHash,
    proof::{Prover, Purpose},
    session::{self, DeviceName, ENDED, Role, Session, SignIn},
};
use store::{
    Db, Failure,
    fact::Listeners,
    sea_orm::{ConnectionTrait as _, DbBackend, Statement},
    trial::Trial,
};

pub(crate) const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) async fn open(trial: &Trial) -> Db {
    let listeners =
        Listeners::default().with(WITHDRAWN, "test.withdrawn").with(ENDED, "test.ended");
    trial.open(SCHEMA, listeners).await
}

pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(crate) async fn sign_up(db: &Db, address: &str) -> Result<Account, Failure<EmailRefusal>> {
    let asked = SignUp {
        email: email(address),
        password: PasswordHash::kept("$kim's-hash".to_owned()),
        name: Name::parse("Kim Hana").unwrap(),
    };
    db.write(async |tx| Ok(membership::sign_up(tx, &asked).await?.account().clone())).await
}

/// A database with an account in it.
pub(crate) async fn open_with_kim(trial: &Trial) -> (Db, AccountId) {
    let db = open(trial).await;
    let kim = sign_up(&db, "kim@shop.example").await.unwrap().id;
    (db, kim)
}

/// What all nodes of a test share.
pub(crate) fn secrets() -> Secrets {
    Secrets::new(b"a secret that all nodes of this test share")
}

pub(crate) fn prover() -> Prover {
    Prover::new(&secrets())
}

/// Has the address of an account verified by its owner.
pub(crate) async fn verify(db: &Db, account: AccountId) {
    let verified = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        if live.account().is_verified {
            return Ok(());
        }
        let proof = account::send_proof(tx, &prover(), &live, Purpose::VerifyEmail).await.unwrap();
        account::verify(tx, &live, proof).await
    });
    verified.await.unwrap();
}

/// Has an account, whose address is then verified, run the platform.
pub(crate) async fn appoint(db: &Db, account: AccountId) {
    verify(db, account).await;
    let appointed = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        membership::appoint(tx, &live).await
    });
    appointed.await.unwrap();
}

/// Has the password of an account replaced by whoever reads its address.
pub(crate) async fn recover(db: &Db, account: AccountId) {
    let new = PasswordHash::kept("$new".to_owned());
    let reset = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        let proof =
            account::send_proof(tx, &prover(), &live, Purpose::ResetPassword).await.unwrap();
        membership::reset_password(tx, proof, &new).await.map(drop)
    });
    reset.await.unwrap();
}

pub(crate) fn on_firefox(role: Role) -> SignIn {
    SignIn { role, device: DeviceName::of("Firefox on Linux") }
}

pub(crate) async fn sign_in(db: &Db, account: AccountId) -> Session {
    let opened = db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        session::open(tx, &live, &on_firefox(Role::Shopper)).await
    });
    opened.await.unwrap()
}

pub(crate) async fn is_on(db: &Db, session: SessionId) -> bool {
    let found = session::find(&db.read(), session).await.unwrap();
    found.is_some_and(|session| session.is_on(db.now()))
}

/// Every value of every column of every table, as text.
pub(crate) async fn everything(db: &Db) -> String {
    let mut all = String::new();
    for table in texts(
        db,
        "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name <> '_sqlx_migrations'",
        "SELECT table_name::text AS text FROM information_schema.tables \
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .await
    {
        let columns = format!("SELECT name AS text FROM pragma_table_info('{table}')");
        let columns = texts(db, &columns, "SELECT '' AS text").await;
        // Bytes as PostgreSQL shows them.
        let columns = columns.iter().map(|name| {
            format!(
                "CASE WHEN TYPEOF(\"{name}\") = 'blob' THEN LOWER(HEX(\"{name}\")) \
                 ELSE COALESCE(CAST(\"{name}\" AS TEXT), '') END"
            )
        });
        let columns = columns.collect::<Vec<_>>().join(" || '|' || ");
        let on_sqlite = format!("SELECT {columns} AS text FROM \"{table}\"");
        let on_postgres = format!("SELECT \"{table}\"::text AS text FROM \"{table}\"");
        for row in texts(db, &on_sqlite, &on_postgres).await {
            all.push_str(&row);
            all.push('\n');
        }
    }
    all
}

/// The column `text` of a query that each database has its own words for.
async fn texts(db: &Db, on_sqlite: &str, on_postgres: &str) -> Vec<String> {
    let reader = db.read();
    let backend = reader.get_database_backend();
    let query = if backend == DbBackend::Sqlite { on_sqlite } else { on_postgres };
    let rows = reader.query_all_raw(Statement::from_string(backend, query)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "text").unwrap()).collect()
}
