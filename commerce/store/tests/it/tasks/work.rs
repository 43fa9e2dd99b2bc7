//! The task of these tests, and how it stands.

use base::moment::Moment;
use serde::{Deserialize, Serialize};
use store::{
    Db,
    sea_orm::DbErr,
    task::{Lease, Task},
    worker::Outcome,
};

use crate::support::{count_up, number};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Greet {
    pub(super) name: String,
}

impl Task for Greet {
    const KIND: &'static str = "test.greet";

    fn key(&self) -> String {
        self.name.clone()
    }
}

pub(super) fn greet(name: &str) -> Greet {
    Greet { name: name.to_owned() }
}

pub(super) async fn assign(db: &Db, name: &str, at: Moment) {
    let task = greet(name);
    let assigned = db.write(async |tx| {
        tx.assign(&task, at);
        Ok::<_, DbErr>(())
    });
    assigned.await.unwrap();
}

/// Counts up the task's name.
pub(super) async fn count_it(db: Db, lease: Lease<Greet>) -> Outcome {
    let settled = db.write(async |tx| {
        count_up(tx, &lease.task.name).await?;
        lease.finish(tx).await
    });
    Ok(settled.await?)
}

/// How often a task was tried, if nobody works on it.
pub(super) async fn rests(db: &Db, name: &str) -> Option<i64> {
    let text = "SELECT attempts AS number FROM task WHERE key = $1 AND lease IS NULL";
    number(db, text, [name.into()]).await
}
