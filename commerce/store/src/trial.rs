//! A database of a test's own, of each kind, with a clock that the test moves. Only tests have it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod running;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use base::moment::{Clock, Moment};
use sea_orm::{
    ColumnTrait as _, ColumnType, ConnectionTrait as _, DbBackend, EntityTrait, IdenStatic as _,
    Iterable as _, Statement,
};
use tempfile::TempDir;
use testkit::postgres::Postgres;

pub use self::running::{Running, until};
use crate::{Db, Options, Step, fact::Listeners};

/// Makes each test of the block two: one on SQLite, one on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($arg:ident: Trial) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn run($arg: $crate::trial::Trial) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run($crate::trial::Trial::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run($crate::trial::Trial::postgres()).await;
            }
        }
    )*};
}

/// Makes a test that the columns of an entity are those of its table, on both databases. It stands behind
/// `#[cfg(test)]`, as only tests know this macro.
#[macro_export]
macro_rules! entity_test {
    ($entity:ty, $steps:expr) => {
        mod entity {
            #[tokio::test]
            async fn has_the_columns_of_its_table() {
                for trial in [$crate::trial::Trial::sqlite(), $crate::trial::Trial::postgres()] {
                    $crate::trial::compare::<$entity>(&trial, $steps).await;
                }
            }
        }
    };
}

/// Compares an entity with its table.
///
/// # Panics
///
/// Panics if a column is missing on either side, has another type, or may be NULL on one side alone.
pub async fn compare<E: EntityTrait>(trial: &Trial, steps: &[Step]) {
    let db = trial.open(steps, Listeners::default()).await;
    let reader = db.read();
    let table = E::default().table_name().to_owned();
    let is_sqlite = reader.get_database_backend() == DbBackend::Sqlite;
    let text = if is_sqlite {
        "SELECT name, type AS kind, \"notnull\" = 0 AS nullable FROM pragma_table_info($1)"
    } else {
        "SELECT column_name::text AS name, data_type::text AS kind, is_nullable = 'YES' AS nullable \
         FROM information_schema.columns WHERE table_name = $1"
    };
    let statement =
        Statement::from_sql_and_values(reader.get_database_backend(), text, [(&table).into()]);
    let rows = reader.query_all_raw(statement).await.unwrap();
    let in_table: BTreeMap<String, (&str, bool)> = rows
        .iter()
        .map(|row| {
            let kind: String = row.try_get("", "kind").unwrap();
            let nullable: bool = row.try_get("", "nullable").unwrap();
            (row.try_get("", "name").unwrap(), (family_of_name(&kind), nullable))
        })
        .collect();
    let in_entity: BTreeMap<String, (&str, bool)> = E::Column::iter()
        .map(|column| {
            let definition = column.def();
            let family = family_of_type(definition.get_column_type());
            (column.as_str().to_owned(), (family, definition.is_null()))
        })
        .collect();
    assert_eq!(in_entity, in_table, "the entity and the table {table} differ");
}

fn family_of_name(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "text" => "text",
        "bigint" => "number",
        "boolean" => "boolean",
        "blob" | "bytea" => "bytes",
        "jsonb" => "json",
        other => unreachable!("no column of ours has the type {other}"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is allowed is named")]
fn family_of_type(kind: &ColumnType) -> &'static str {
    match kind {
        ColumnType::String(_) | ColumnType::Text | ColumnType::Enum { .. } => "text",
        ColumnType::BigInteger => "number",
        ColumnType::Boolean => "boolean",
        ColumnType::VarBinary(_) | ColumnType::Blob | ColumnType::Binary(_) => "bytes",
        other => unreachable!("no column of ours has the type {other:?}"),
    }
}

/// When every trial begins.
pub const BEGIN: Moment = Moment(1_800_000_000_000);

#[derive(Debug, Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

/// A new database, to be opened once or several times.
#[derive(Debug)]
pub struct Trial {
    url: String,
    clock: Arc<Hand>,
    _directory: Option<TempDir>,
}

impl Trial {
    /// A new file.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("shop.db").display());
        Self { url, clock: Self::clock_at_begin(), _directory: Some(directory) }
    }

    /// A new database of the server that all tests share.
    pub fn postgres() -> Self {
        Self::at(Postgres::shared().database().unwrap())
    }

    /// A database of a server of the test's own.
    pub fn at(url: String) -> Self {
        Self { url, clock: Self::clock_at_begin(), _directory: None }
    }

    fn clock_at_begin() -> Arc<Hand> {
        Arc::new(Hand(AtomicI64::new(BEGIN.0)))
    }

    /// What opens it.
    pub fn options(&self) -> Options {
        Options { url: self.url.clone(), connections: 4 }
    }

    /// Its clock, which stands still.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::<Hand>::clone(&self.clock)
    }

    /// Opens it.
    pub async fn open(&self, steps: &[Step], listeners: Listeners) -> Db {
        Db::open(&self.options(), steps, listeners, self.clock()).await.unwrap()
    }

    /// Moves its clock on.
    pub fn advance(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }
}
