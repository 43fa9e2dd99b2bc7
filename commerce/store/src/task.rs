//! Tasks: what has to happen later, elsewhere or again.
//!
//! A task is a row, written in the transaction that causes it, so it exists exactly if that was
//! committed. Claiming a task moves its due time to the end of the lease: a worker that dies gives it
//! back by doing nothing. It is finished in the write that has its effect, and only by whoever holds
//! the lease, so an effect in the database happens once however often the work is begun.

use std::time::Duration;

use base::{id::Id, moment::Moment};
use sea_orm::{ConnectionTrait as _, DbErr, QueryResult};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    db::Reader,
    sql::{execute, statement},
    tx::Tx,
};

/// A kind of task. The value is what the worker gets; it is kept as JSON, so a field that is added
/// needs a default.
pub trait Task: Serialize + DeserializeOwned + Send + Sync {
    /// Its name in the database, such as `deal.remind`. Never renamed while tasks of it may wait.
    const KIND: &'static str;

    /// What tells it from others of its kind: a second task with the same key is the same one.
    fn key(&self) -> String;
}

const UNASSIGN: &str = "DELETE FROM task WHERE kind = $1 AND key = $2";

/// The due time moves to the end of the lease, and the attempt counts before it is made: a task that
/// ends the process does not do so for ever. The inner query is run once and for all, as PostgreSQL
/// might otherwise run it again for each row and lease more than the limit.
const CLAIM: &str = "WITH due AS MATERIALIZED (SELECT key AS due_key FROM task \
    WHERE kind = $1 AND is_dead = FALSE AND due_at <= $2 ORDER BY due_at LIMIT $3{LOCK}) \
    UPDATE task SET lease = $4, due_at = $5, attempts = attempts + 1 FROM due \
    WHERE kind = $1 AND key = due_key RETURNING key, body, attempts";
/// Rows that another worker is claiming are passed over. SQLite has one writer and no such words.
const LOCK: &str = " FOR UPDATE SKIP LOCKED";

const HOLD: &str = "UPDATE task SET lease = lease WHERE kind = $1 AND key = $2 AND lease = $3";
const FINISH: &str =
    "DELETE FROM task WHERE kind = $1 AND key = $2 AND lease = $3 AND again_at IS NULL";
const FINISH_FOR_NOW: &str = "UPDATE task SET lease = NULL, due_at = again_at, again_at = NULL, \
    attempts = 0, trouble = NULL \
    WHERE kind = $1 AND key = $2 AND lease = $3 AND again_at IS NOT NULL";
const PUT_OFF: &str = "UPDATE task SET lease = NULL, attempts = 0, trouble = NULL, again_at = NULL, \
    due_at = CASE WHEN again_at < $4 THEN again_at ELSE $4 END \
    WHERE kind = $1 AND key = $2 AND lease = $3";
/// What was assigned while it failed is a new task, and has all its attempts before it.
const FAIL: &str = "UPDATE task SET lease = NULL, again_at = NULL, trouble = $6, \
    due_at = CASE WHEN again_at IS NULL THEN $4 ELSE again_at END, \
    attempts = CASE WHEN again_at IS NULL THEN attempts ELSE 0 END, \
    is_dead = (again_at IS NULL AND $5) \
    WHERE kind = $1 AND key = $2 AND lease = $3";

const DEAD: &str = "SELECT kind, key, attempts, trouble, due_at FROM task WHERE is_dead = TRUE \
    ORDER BY due_at DESC LIMIT $1";
const DISMISS: &str = "DELETE FROM task WHERE kind = $1 AND key = $2 AND is_dead = TRUE";
const BACKLOG: &str = "SELECT \
    (SELECT COUNT(*) FROM task WHERE is_dead = FALSE AND due_at <= $1) AS due, \
    (SELECT COUNT(*) FROM task WHERE is_dead = TRUE) AS dead";
const REVIVE: &str = "UPDATE task SET is_dead = FALSE, attempts = 0, due_at = $3 \
    WHERE kind = $1 AND key = $2 AND is_dead = TRUE";

/// How long the text of a failure is, at most, in bytes.
const TROUBLE_MAX: usize = 500;

impl Tx {
    /// Sees to it that a task is done at a time or soon after, once this transaction is committed. Over
    /// one that is there, the earlier time and the newer value hold.
    ///
    /// # Panics
    ///
    /// Panics if the task is nothing that JSON can say, such as a map with numbers for keys.
    pub fn assign<T: Task>(&self, task: &T, at: Moment) {
        let body = serde_json::to_value(task);
        let body = body.unwrap_or_else(|error| unreachable!("a task of {}: {error}", T::KIND));
        self.assign_as(T::KIND, task.key(), body, at);
    }

    /// Takes a task back, and says whether there was one. One that is being worked on can then not be
    /// finished.
    pub async fn unassign<T: Task>(&self, task: &T) -> Result<bool, DbErr> {
        let key = task.key();
        let was_to_be = self.forget(T::KIND, &key);
        Ok(execute(self, UNASSIGN, [T::KIND.into(), key.into()]).await? > 0 || was_to_be)
    }

    /// Brings a dead task back to life, to be done at once, and says whether there was one.
    pub async fn revive(&self, kind: &str, key: &str) -> Result<bool, DbErr> {
        let values = [kind.into(), key.into(), self.now().0.into()];
        self.note_assigned();
        Ok(execute(self, REVIVE, values).await? > 0)
    }

    /// Removes a dead task, which is then never done, and says whether there was one.
    pub async fn dismiss(&self, kind: &str, key: &str) -> Result<bool, DbErr> {
        Ok(execute(self, DISMISS, [kind.into(), key.into()]).await? > 0)
    }
}

/// A task that gave up, for people to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub trouble: Option<String>,
    /// When it was tried last.
    pub at: Moment,
}

/// How many tasks are not done that should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Those that are due, and that no worker has taken.
    pub due: i64,
    /// Those that gave up.
    pub dead: i64,
}

impl Reader<'_> {
    /// How many tasks are not done that should be, at a moment.
    pub async fn backlog(&self, now: Moment) -> Result<Backlog, DbErr> {
        let row = self.query_one_raw(statement(self, BACKLOG, [now.0.into()])).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("two counts".to_owned()))?;
        Ok(Backlog { due: row.try_get("", "due")?, dead: row.try_get("", "dead")? })
    }

    /// The tasks that gave up, the latest first.
    pub async fn dead_tasks(&self, limit: u32) -> Result<Vec<Dead>, DbErr> {
        let rows = self.query_all_raw(statement(self, DEAD, [limit.into()])).await?;
        let dead = |row: &QueryResult| {
            Ok(Dead {
                kind: row.try_get("", "kind")?,
                key: row.try_get("", "key")?,
                attempts: row.try_get("", "attempts")?,
                trouble: row.try_get("", "trouble")?,
                at: Moment(row.try_get("", "due_at")?),
            })
        };
        rows.iter().map(dead).collect()
    }

    /// Of each of these kinds that has tasks, when its next one is due: one look at the index for each.
    pub(crate) async fn next_due(
        &self,
        kinds: impl Iterator<Item = &'static str>,
    ) -> Result<Vec<(String, Moment)>, DbErr> {
        let kinds: Vec<_> = kinds.collect();
        let numbers: Vec<_> = (1..=kinds.len()).map(|number| format!("(${number})")).collect();
        let text = format!(
            "WITH known (kind) AS (VALUES {}) SELECT kind, (SELECT MIN(due_at) FROM task \
             WHERE is_dead = FALSE AND task.kind = known.kind) AS due_at FROM known",
            numbers.join(", "),
        );
        let values = kinds.into_iter().map(Into::into);
        let rows = self.query_all_raw(statement(self, &text, values)).await?;
        let next = |row: &QueryResult| {
            let due: Option<i64> = row.try_get("", "due_at")?;
            Ok((row.try_get("", "kind")?, due.map(Moment)))
        };
        let all = rows.iter().map(next).collect::<Result<Vec<_>, DbErr>>()?;
        Ok(all.into_iter().filter_map(|(kind, due)| Some((kind, due?))).collect())
    }
}

/// The right to work on one task, until a time.
#[derive(Clone, Debug)]
pub struct Lease<T> {
    /// What is to be done.
    pub task: T,
    /// How often it was begun, this time included.
    pub attempt: i64,
    kind: &'static str,
    key: String,
    holder: String,
}

/// Proof that a lease was given up in a transaction, by having done the task or by putting it off.
#[derive(Debug)]
#[must_use = "a worker returns it"]
pub struct Settled(());

/// What a write fails with whose worker has lost its task.
fn lease_lost() -> DbErr {
    DbErr::Custom("the task's lease was over".to_owned())
}

impl<T> Lease<T> {
    /// What an effect outside carries, so that the other side can recognise a repetition: the same for
    /// every attempt.
    pub fn id(&self) -> String {
        format!("{}:{}", self.kind, self.key)
    }

    /// Whether nobody else has the task. If so, nobody gets it before this transaction has ended: what is to
    /// happen outside is noted in such a write first.
    pub async fn is_held(&self, tx: &Tx) -> Result<bool, DbErr> {
        let mine = [self.kind.into(), self.key.as_str().into(), self.holder.as_str().into()];
        Ok(execute(tx, HOLD, mine).await? > 0)
    }

    /// The task is done, if this transaction is committed.
    ///
    /// # Errors
    ///
    /// If the lease is over. That undoes the whole write: somebody else has the task now.
    pub async fn finish(&self, tx: &Tx) -> Result<Settled, DbErr> {
        let mine = || [self.kind.into(), self.key.as_str().into(), self.holder.as_str().into()];
        // An assignment may come between the two and make the other one true, but never back again.
        for text in [FINISH, FINISH_FOR_NOW] {
            if execute(tx, text, mine()).await? > 0 {
                tx.note_assigned();
                return Ok(Settled(()));
            }
        }
        Err(lease_lost())
    }

    /// The task is to be looked at again at a time, which is no failure.
    ///
    /// # Errors
    ///
    /// As [`Self::finish`].
    pub async fn put_off(&self, tx: &Tx, at: Moment) -> Result<Settled, DbErr> {
        let values =
            [self.kind.into(), self.key.as_str().into(), self.holder.as_str().into(), at.0.into()];
        if execute(tx, PUT_OFF, values).await? == 0 {
            return Err(lease_lost());
        }
        tx.note_assigned();
        Ok(Settled(()))
    }

    /// The attempt failed: the task is due again at a time, or dead. A lost lease changes nothing.
    pub(crate) async fn fail(
        &self,
        tx: &Tx,
        again: Option<Moment>,
        trouble: &str,
    ) -> Result<(), DbErr> {
        // PostgreSQL's text has no NUL.
        let mut trouble = trouble.replace('\0', "");
        trouble.truncate(trouble.floor_char_boundary(TROUBLE_MAX));
        let values = [
            self.kind.into(),
            self.key.as_str().into(),
            self.holder.as_str().into(),
            again.unwrap_or_else(|| tx.now()).0.into(),
            again.is_none().into(),
            trouble.into(),
        ];
        tx.note_assigned();
        execute(tx, FAIL, values).await.map(drop)
    }
}

/// Leases as many due tasks of a kind as there are, up to `limit`, the longest due first.
pub(crate) async fn claim(
    tx: &Tx,
    kind: &'static str,
    lease: Duration,
    limit: u32,
) -> Result<Vec<Lease<serde_json::Value>>, DbErr> {
    let holder = Id::new(tx.now()).to_string();
    let is_sqlite = tx.get_database_backend() == sea_orm::DbBackend::Sqlite;
    let text = CLAIM.replace("{LOCK}", if is_sqlite { "" } else { LOCK });
    let values = [
        kind.into(),
        tx.now().0.into(),
        limit.into(),
        holder.as_str().into(),
        tx.now().after(lease).0.into(),
    ];
    let rows = tx.query_all_raw(statement(tx, &text, values)).await?;
    let leased = |row: &QueryResult| {
        Ok(Lease {
            task: row.try_get("", "body")?,
            attempt: row.try_get("", "attempts")?,
            kind,
            key: row.try_get("", "key")?,
            holder: holder.clone(),
        })
    };
    rows.iter().map(leased).collect()
}

impl Lease<serde_json::Value> {
    /// The same lease with the task as its kind's type.
    pub(crate) fn typed<T: DeserializeOwned>(self) -> Result<Lease<T>, serde_json::Error> {
        let Self { task, attempt, kind, key, holder } = self;
        Ok(Lease { task: serde_json::from_value(task)?, attempt, kind, key, holder })
    }
}
