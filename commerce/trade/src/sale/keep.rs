//! The task that brings a sale to what its deal says, and the one that follows a business.

use std::time::Duration;

use base::moment::Moment;
use identity::business;
use store::{
    Db,
    fact::About,
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Trouble},
};

use super::{
    model::{Act, SalesError, Wanted},
    next::{Next, next},
    sales::Sales,
};
use crate::{
    deal::{self, KeepSale},
    ids::DealId,
};

/// How many steps one attempt makes. A sale needs two or three.
const STEPS_MAX: usize = 12;

/// How long after somebody was seen to buy in a sale that is over it is looked at again.
const LATER: Duration = Duration::from_mins(10);

/// Brings the sale of a deal to what the deal says.
pub(super) async fn keep<S: Sales>(db: &Db, sales: &S, lease: Lease<KeepSale>) -> Outcome {
    let deal = lease.task.deal;
    for _ in 0..STEPS_MAX {
        let known = deal::find(&db.read(), deal).await?;
        let Some(wanted) = known.as_ref().and_then(Wanted::of) else {
            return done(db, &lease, None).await;
        };
        let standing = sales.look(deal).await?;
        let act = match next(&wanted, &standing, db.now()) {
            Next::Do(act) => act,
            Next::Wait(at) => return done(db, &lease, Some(at)).await,
            Next::Done => return done(db, &lease, None).await,
            Next::HaveStock(stock) => {
                have_stock(db, deal, &wanted, stock).await?;
                continue;
            }
            Next::OtherPrice(version) => {
                tracing::error!(%deal, "the sale opened at another price than the deal has: it is closed");
                db.write(async |tx| deal::note_other_price(tx, deal).await).await?;
                Act::Close(version)
            }
        };
        match sales.act(deal, &wanted, &act).await {
            Ok(()) | Err(SalesError::MovedOn) => {}
            Err(SalesError::NotYet) => return done(db, &lease, Some(db.now().after(LATER))).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Trouble::new("the sale does not come to what the deal says"))
}

/// Settles the task: nothing is left to do, or nothing until a time. A deal that was changed meanwhile has
/// assigned it again.
async fn done(db: &Db, lease: &Lease<KeepSale>, until: Option<Moment>) -> Outcome {
    let settled = db.write(async |tx| match until {
        Some(at) => lease.put_off(tx, at).await,
        None => lease.finish(tx).await,
    });
    Ok(settled.await?)
}

async fn have_stock(db: &Db, deal: DealId, wanted: &Wanted, stock: u64) -> Result<(), DbErr> {
    let stock = u32::try_from(stock).unwrap_or(u32::MAX);
    db.write(async |tx| deal::note_stock(tx, deal, wanted.stock, stock).await).await.map(drop)
}

/// Brings the deals of a business to what it may do now.
pub(super) async fn follow_business(db: &Db, lease: Lease<About>) -> Outcome {
    let business = lease.task.subject.parse()?;
    let mut after = None;
    loop {
        let last = db.write(async |tx| match business::find(tx, business).await? {
            Some(business) => deal::follow_business(tx, &business, after).await,
            None => Ok::<_, DbErr>(None),
        });
        after = last.await?;
        if after.is_none() {
            return Ok(db.write(async |tx| lease.finish(tx).await).await?);
        }
    }
}
