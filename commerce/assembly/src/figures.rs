//! What operators see of the shop beside its log: tasks that wait or gave up, and payments in doubt.

use std::time::Duration;

use metrics::gauge;
use store::{Db, sea_orm::DbErr};
use tokio::{sync::watch, time::sleep};
use trade::payment;

use crate::drain::stopped;

/// Tasks that are not done and should be, by why.
pub const TASKS: &str = "rushgate_shop_tasks";
/// Payments that a person has to look at.
pub const DOUBTS: &str = "rushgate_shop_payments_in_doubt";

/// How often they are counted.
const EVERY: Duration = Duration::from_secs(15);

/// Counts them until the server drains. While the database is away, they stay as they were.
pub(crate) async fn keep(db: Db, mut draining: watch::Receiver<bool>) {
    loop {
        if let Err(error) = look(&db).await {
            tracing::debug!(%error, "tasks and doubts cannot be counted");
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            () = stopped(&mut draining) => return,
        }
    }
}

async fn look(db: &Db) -> Result<(), DbErr> {
    let backlog = db.read().backlog(db.now()).await?;
    let doubts = payment::doubts(&db.read()).await?;
    gauge!(TASKS, "state" => "due").set(figure(backlog.due));
    gauge!(TASKS, "state" => "dead").set(figure(backlog.dead));
    gauge!(DOUBTS).set(figure(i64::try_from(doubts).unwrap_or(i64::MAX)));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats; counts stay far below 2^53")]
const fn figure(count: i64) -> f64 {
    count as f64
}
