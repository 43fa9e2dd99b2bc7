//! The two doors: one that reads, one that writes.

use std::{fmt, sync::Arc};

use base::{
    moment::{Clock, Moment},
    writing,
};
use metrics::histogram;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait as _, prelude::async_trait::async_trait,
};

use tokio::time::Instant;

use crate::{failure::WriteError, setting::Setting, tx::Tx};

/// How long writes take, those that wait for their turn and those that fail included.
pub const WRITE_SECONDS: &str = "rushgate_shop_write_seconds";

/// How often a write runs before its collision with others is told to the caller.
const RUNS_MAX: u32 = 3;

/// A database. Clones are the same one.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    setting: Setting,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.0.writer.get_database_backend()).finish()
    }
}

/// The door that can only read.
#[derive(Debug)]
pub struct Reader<'a>(&'a DatabaseConnection);

impl Db {
    pub(crate) fn of(
        reader: DatabaseConnection,
        writer: DatabaseConnection,
        setting: Setting,
    ) -> Self {
        Self(Arc::new(Inner { reader, writer, setting }))
    }

    /// The time, as everything in this database is dated.
    pub fn now(&self) -> Moment {
        self.0.setting.clock.now()
    }

    /// The same database, dated by another clock: for what is to look as if it was written at another time,
    /// such as the past of a demo.
    #[must_use]
    pub fn dated_by(&self, clock: Arc<dyn Clock>) -> Self {
        let Inner { reader, writer, setting } = &*self.0;
        let setting = Setting { clock, ..setting.clone() };
        Self::of(reader.clone(), writer.clone(), setting)
    }

    /// What reads. It refuses to change anything.
    ///
    /// # Panics
    ///
    /// Panics inside a write, which reads through its transaction: it would not see what it wrote.
    pub fn read(&self) -> Reader<'_> {
        assert!(!writing::is_inside(), "inside a write, its transaction reads");
        Reader(&self.0.reader)
    }

    /// Reads several things as they are at one moment, and keeps nobody from changing them meanwhile.
    ///
    /// # Errors
    ///
    /// If the database fails.
    ///
    /// # Panics
    ///
    /// Panics inside a write, as [`Self::read`] does.
    pub async fn read_at_once<T, F>(&self, read: F) -> Result<T, DbErr>
    where
        F: AsyncFnOnce(&DatabaseTransaction) -> Result<T, DbErr>,
    {
        assert!(!writing::is_inside(), "inside a write, its transaction reads");
        // SQLite reads so in any transaction.
        let is_postgres = self.0.reader.get_database_backend() == DbBackend::Postgres;
        let options = TransactionOptions {
            isolation_level: is_postgres.then_some(IsolationLevel::RepeatableRead),
            access_mode: is_postgres.then_some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        let moment = self.0.reader.begin_with_options(options).await?;
        let read = read(&moment).await;
        moment.rollback().await?;
        read
    }

    /// Changes something, all of it or nothing. The closure may run three times, so it has no effects
    /// but through its transaction; and it waits on nothing but the database, which others wait for.
    ///
    /// # Errors
    ///
    /// What the closure refuses, or the first error of the database, whether the closure passed it on
    /// or not; nothing is changed then. There is one exception on PostgreSQL: when the connection breaks
    /// in the commit, the change may have been made.
    ///
    /// # Panics
    ///
    /// Panics inside another write, which would wait for itself on SQLite.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: WriteError,
        F: AsyncFnOnce(&Tx) -> Result<T, E> + Clone,
    {
        assert!(!writing::is_inside(), "a write inside a write");
        let (mut run, begun) = (1, Instant::now());
        loop {
            match writing::within(self.run(work.clone())).await {
                Err(error) if run < RUNS_MAX && error.is_collision() => run += 1,
                done => {
                    histogram!(WRITE_SECONDS).record(begun.elapsed());
                    return done;
                }
            }
        }
    }

    async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: WriteError,
        F: AsyncFnOnce(&Tx) -> Result<T, E>,
    {
        // An immediate transaction of SQLite waits for its turn here, never in its middle.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.0.writer.begin_with_options(options).await?;
        let tx = Tx::new(begun, self.0.setting.clone());
        let mut done = work(&tx).await;
        if done.is_ok() {
            // After an error PostgreSQL would take the commit for a roll-back and call it a success.
            done = match tx.close().await {
                Ok(()) => done,
                Err(error) => Err(error.into()),
            };
        }
        let has_assigned = tx.has_assigned();
        match done {
            Ok(done) => {
                tx.commit().await?;
                if has_assigned {
                    self.0.setting.assigned.notify_one();
                }
                Ok(done)
            }
            Err(failure) => {
                // What failed first is told. The pool gives nobody a connection that is still in a
                // transaction.
                if let Err(error) = tx.roll_back().await {
                    tracing::debug!(%error, "a write could not be rolled back");
                }
                Err(failure)
            }
        }
    }

    /// Waits until this process assigned a task.
    pub(crate) async fn assigned(&self) {
        self.0.setting.assigned.notified().await;
    }
}

#[async_trait]
impl ConnectionTrait for Reader<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query_all_raw(statement).await
    }
}
