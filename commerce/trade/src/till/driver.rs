//! The driver: it goes on with a payment until there is nothing to do, or nothing yet.
//!
//! What was heard and what is asked next are written together, so a call costs one write.

use store::{
    Db, Tx,
    sea_orm::DbErr,
    task::{Lease, Settled},
    worker::{Outcome, Trouble},
};

use super::{
    call,
    model::Till,
    turn::{self, Job},
};
use crate::{
    limits::{CALLS_MAX, READY_AGAIN},
    order::{self, Order},
    payment::{self, Ask, GoOn, Kept, Next, next},
};

/// What a look at a payment came to.
enum Turn {
    /// The task is over, or waits.
    Over(Settled),
    /// This call is to be made.
    Call(Box<Job>),
    /// The task is somebody else's.
    Lost,
}

/// Goes on with a payment.
pub(super) async fn work<T: GoOn>(db: Db, till: Till, lease: Lease<T>) -> Outcome {
    let mut turn = Box::pin(db.write(async |tx| begin(tx, &lease).await)).await?;
    for _ in 1..CALLS_MAX {
        let Turn::Call(job) = turn else { break };
        let told = call::make(&db, &till, &job).await;
        let heard = db.write(async |tx| {
            let kept = turn::hear(tx, &job, &told).await?;
            decide(tx, &lease, kept, Some(job.order.clone())).await
        });
        turn = Box::pin(heard).await?;
    }
    match turn {
        Turn::Over(settled) => Ok(settled),
        Turn::Lost => Err(Trouble::new("the task is somebody else's by now")),
        Turn::Call(job) => {
            // Others have their turn after this one.
            let told = call::make(&db, &till, &job).await;
            let heard = db.write(async |tx| {
                turn::hear(tx, &job, &told).await?;
                lease.put_off(tx, tx.now()).await
            });
            Ok(heard.await?)
        }
    }
}

async fn begin<T: GoOn>(tx: &Tx, lease: &Lease<T>) -> Result<Turn, DbErr> {
    match payment::lock(tx, lease.task.payment()).await? {
        Some(kept) => decide(tx, lease, kept, None).await,
        None => lease.finish(tx).await.map(Turn::Over),
    }
}

/// Notes the next call, if there is one to make now.
async fn decide<T: GoOn>(
    tx: &Tx,
    lease: &Lease<T>,
    kept: Kept,
    order: Option<Order>,
) -> Result<Turn, DbErr> {
    // The order is locked before its task, as everywhere. If the task is lost, what was heard is still written.
    if !lease.is_held(tx).await? {
        return Ok(Turn::Lost);
    }
    if kept.provider != T::PROVIDER {
        // It was chosen since, and has drivers of its own.
        payment::wake(tx, &kept);
        return lease.finish(tx).await.map(Turn::Over);
    }
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
    // What a call needs of an order never changes.
    let order = match order {
        Some(order) => order,
        None => order::find_any(tx, kept.order)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("order {}", kept.order)))?,
    };
    let job = turn::ask(tx, kept, order, ask).await?;
    Ok(Turn::Call(Box::new(job)))
}
