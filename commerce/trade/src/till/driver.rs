//! The driver: it goes on with a payment until there is nothing to do, or nothing yet.

use store::{
    Db, Tx,
    sea_orm::DbErr,
    task::{Lease, Settled},
    worker::Outcome,
};

use super::{
    call,
    model::Till,
    turn::{self, Job},
};
use crate::{
    limits::{CALLS_MAX, READY_AGAIN},
    order,
    payment::{self, Ask, Next, Pay, next},
};

/// What a look at a payment came to.
enum Turn {
    /// The task is over, or waits.
    Over(Settled),
    /// This call is to be made.
    Call(Box<Job>),
}

/// Goes on with a payment.
pub(super) async fn work(db: Db, till: Till, lease: Lease<Pay>) -> Outcome {
    for _ in 0..CALLS_MAX {
        let job = match db.write(async |tx| look(tx, &lease).await).await? {
            Turn::Over(settled) => return Ok(settled),
            Turn::Call(job) => job,
        };
        let told = call::make(&db, &till, &job).await;
        db.write(async |tx| turn::hear(tx, &job, &told).await).await?;
    }
    Ok(db.write(async |tx| lease.put_off(tx, tx.now()).await).await?)
}

/// Notes the next call, if there is one to make now.
async fn look(tx: &Tx, lease: &Lease<Pay>) -> Result<Turn, DbErr> {
    let Some(kept) = payment::lock(tx, lease.task.payment).await? else {
        return lease.finish(tx).await.map(Turn::Over);
    };
    // After the lock of the order, as whoever assigns the task does.
    lease.prove(tx).await?;
    let ask = match next(&kept.payment, tx.now()) {
        Next::Done | Next::Doubt(_) => return lease.finish(tx).await.map(Turn::Over),
        Next::Wait(at) => return lease.put_off(tx, at).await.map(Turn::Over),
        Next::Ask(Ask::Ready) if kept.provider.is_none() => {
            return lease.finish(tx).await.map(Turn::Over);
        }
        Next::Ask(ask) => ask,
    };
    if ask == Ask::Ready
        && let Some((_, Ask::Ready, at)) = kept.payment.under_way()
        && tx.now().since(at) < READY_AGAIN
    {
        // The shopper waits for it elsewhere.
        return lease.put_off(tx, at.after(READY_AGAIN)).await.map(Turn::Over);
    }
    let order = order::find_any(tx, kept.order).await?;
    let order = order.ok_or_else(|| DbErr::RecordNotFound(format!("order {}", kept.order)))?;
    let job = turn::ask(tx, kept, order, ask).await?;
    Ok(Turn::Call(Box::new(job)))
}
