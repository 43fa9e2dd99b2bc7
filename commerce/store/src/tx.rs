//! A transaction: what a write has to change things with.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base::moment::Moment;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    prelude::async_trait::async_trait,
};

use crate::{
    fact::{About, Fact},
    setting::Setting,
    sql::execute,
};

/// Assigning over one that is there: the earlier time and the newer body hold. One that is being worked
/// on runs once more afterwards. A dead one lives again.
const ASSIGN: &str = "INSERT INTO task (kind, key, body, due_at, attempts, is_dead) \
    VALUES ($1, $2, $3, $4, 0, FALSE) ON CONFLICT (kind, key) DO UPDATE SET \
    body = excluded.body, \
    attempts = CASE WHEN task.lease IS NULL THEN 0 ELSE task.attempts END, \
    again_at = CASE WHEN task.lease IS NULL THEN NULL \
        WHEN task.again_at < excluded.due_at THEN task.again_at ELSE excluded.due_at END, \
    due_at = CASE WHEN task.lease IS NULL AND (task.is_dead OR excluded.due_at < task.due_at) \
        THEN excluded.due_at ELSE task.due_at END, \
    is_dead = FALSE";

/// The inside of one [`crate::Db::write`].
pub struct Tx {
    inner: DatabaseTransaction,
    setting: Setting,
    state: Mutex<State>,
}

/// What is known of a transaction beside the database's own part.
#[derive(Default)]
struct State {
    /// The first error of a statement: the transaction is not committed any more.
    error: Option<DbErr>,
    /// The tasks to be written at its end, in the order of their keys: whoever holds several rows of
    /// tasks took them in this order, and only for the time of a commit.
    tasks: BTreeMap<(String, String), (serde_json::Value, Moment)>,
    /// Whether workers have to be woken after the commit.
    has_assigned: bool,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tx").field(&self.inner.get_database_backend()).finish()
    }
}

impl Tx {
    pub(crate) fn new(inner: DatabaseTransaction, setting: Setting) -> Self {
        Self { inner, setting, state: Mutex::default() }
    }

    /// The time, as everything in this database is dated.
    pub fn now(&self) -> Moment {
        self.setting.clock.now()
    }

    /// Tells a fact: every listener hears it if this transaction is committed.
    pub fn tell(&self, fact: Fact, subject: &(impl ToString + ?Sized)) {
        let subject = subject.to_string();
        for kind in self.setting.listeners.of(fact) {
            let body = serde_json::json!(About { subject: subject.clone() });
            self.assign_as(kind, subject.clone(), body, self.now());
        }
    }

    /// Assigns a task at the end of this transaction.
    pub(crate) fn assign_as(&self, kind: &str, key: String, body: serde_json::Value, at: Moment) {
        let mut state = self.state();
        state.has_assigned = true;
        let name = (kind.to_owned(), key);
        let known = state.tasks.get(&name).map_or(at, |(_, known)| *known);
        state.tasks.insert(name, (body, at.min(known)));
    }

    /// Forgets a task that this transaction was to assign.
    pub(crate) fn forget(&self, kind: &str, key: &str) -> bool {
        self.state().tasks.remove(&(kind.to_owned(), key.to_owned())).is_some()
    }

    pub(crate) fn note_assigned(&self) {
        self.state().has_assigned = true;
    }

    pub(crate) fn has_assigned(&self) -> bool {
        self.state().has_assigned
    }

    /// Writes what was kept for the end, and says what went wrong first, if anything did.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        let tasks = std::mem::take(&mut self.state().tasks);
        if self.state().error.is_none() {
            for ((kind, key), (body, at)) in tasks {
                execute(self, ASSIGN, [kind.into(), key.into(), body.into(), at.0.into()]).await?;
            }
        }
        self.state().error.take().map_or(Ok(()), Err)
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }

    pub(crate) async fn roll_back(self) -> Result<(), DbErr> {
        self.inner.rollback().await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is whole at every moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted<T>(&self, done: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &done {
            self.state().error.get_or_insert_with(|| error.clone());
        }
        done
    }
}

#[async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.noted(self.inner.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.noted(self.inner.query_one_raw(statement).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.noted(self.inner.query_all_raw(statement).await)
    }
}
