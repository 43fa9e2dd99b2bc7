//! A table that tests write to, and workers that run beside a test.

use store::{
    Db, Step,
    fact::Listeners,
    sea_orm::{ConnectionTrait, DbErr, Statement, Value},
    trial::Trial,
};

/// The table's schema.
pub(crate) const STEPS: &[Step] = &[Step {
    number: 1_000,
    name: "things",
    text: "CREATE TABLE thing (name TEXT NOT NULL PRIMARY KEY, count BIGINT NOT NULL);",
}];

pub(crate) async fn open(trial: &Trial) -> Db {
    trial.open(STEPS, Listeners::default()).await
}

pub(crate) async fn execute(
    on: &impl ConnectionTrait,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(on.get_database_backend(), text, values);
    Ok(on.execute_raw(statement).await?.rows_affected())
}

pub(crate) async fn count_up(on: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    let text = "INSERT INTO thing (name, count) VALUES ($1, 1) \
                ON CONFLICT (name) DO UPDATE SET count = thing.count + 1";
    execute(on, text, [name.into()]).await.map(drop)
}

pub(crate) async fn count(db: &Db, name: &str) -> i64 {
    number(db, "SELECT count AS number FROM thing WHERE name = $1", [name.into()])
        .await
        .unwrap_or(0)
}

/// How many rows a table has.
pub(crate) async fn rows(db: &Db, table: &str) -> i64 {
    number(db, &format!("SELECT COUNT(*) AS number FROM {table}"), []).await.unwrap()
}

/// The one number that a query gives.
pub(crate) async fn number(
    db: &Db,
    text: &str,
    values: impl IntoIterator<Item = Value>,
) -> Option<i64> {
    let reader = db.read();
    let statement = Statement::from_sql_and_values(reader.get_database_backend(), text, values);
    let row = reader.query_one_raw(statement).await.unwrap();
    row.and_then(|row| row.try_get("", "number").unwrap())
}
