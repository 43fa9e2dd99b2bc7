//! Deals that were called off: what was paid for them goes back.
//!
//! Owns that every paid order of such a deal is refunded. Refuses how money goes back, which is
//! [`crate::refund`]'s. Always true: an order that was being paid when the deal was called off is refunded
//! once it is paid; going through the orders again wants nothing twice.

use std::time::Duration;

use base::cursor::{Cursor, Wanted};
use identity::{business, ids::AccountId};
use serde::{Deserialize, Serialize};
use store::{
    Db, Failure, Tx,
    fact::About,
    sea_orm::DbErr,
    task::{Lease, Task},
    worker::{Outcome, Terms, Workers},
};

use crate::{
    deal::{self, CANCELLED, Deal},
    ids::DealId,
    order::{self, state::OrderState},
    refund,
};

/// How many orders one write refunds.
const REFUNDED_AT_ONCE: u16 = 20;

/// How long after orders were seen that may yet be paid they are looked at again.
const LATER: Duration = Duration::from_mins(1);

/// Orders whose money goes back.
const PAID: [OrderState; 2] = [OrderState::Paid, OrderState::PartRefunded];

/// Orders that may yet be paid.
const UNDECIDED: [OrderState; 4] =
    [OrderState::Waiting, OrderState::Paying, OrderState::Confirming, OrderState::Cancelling];

/// The orders of a deal that was called off are to be refunded, from one of them on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefundDeal {
    /// Which deal.
    deal: DealId,
    /// After which order, as [`Cursor::encode`] has it; from the newest if `None`.
    after: Option<String>,
}

impl Task for RefundDeal {
    const KIND: &'static str = "trade.refund_deal";

    fn key(&self) -> String {
        self.deal.to_string()
    }
}

/// Workers that refund what was paid for deals that were called off.
#[must_use]
pub fn with_workers(workers: Workers) -> Workers {
    workers
        .on_fact(CANCELLED, "trade.deal_called_off", Terms::default(), |db, lease| async move {
            begin(&db, lease).await
        })
        .on(Terms::default(), |db, lease| async move { go_on(&db, lease).await })
}

async fn begin(db: &Db, lease: Lease<About>) -> Outcome {
    let deal = lease.task.subject.parse()?;
    let begun = db.write(async |tx| {
        tx.assign(&RefundDeal { deal, after: None }, tx.now());
        lease.finish(tx).await
    });
    Ok(begun.await?)
}

/// Refunds some orders, and assigns the rest.
async fn go_on(db: &Db, lease: Lease<RefundDeal>) -> Outcome {
    let done = db.write(async |tx| {
        let RefundDeal { deal, after } = &lease.task;
        let known = deal::find(tx, *deal).await?.filter(|known| known.cancelled_at.is_some());
        let Some(known) = known else { return lease.finish(tx).await };
        let Some(business) = business::find(tx, known.business).await? else {
            return lease.finish(tx).await;
        };
        let after = after.as_deref().and_then(Cursor::decode);
        let wanted = Wanted::new(REFUNDED_AT_ONCE, after).unwrap_or_default();
        let page = order::of_deal(tx, *deal, &PAID, wanted).await?;
        for order in &page.items {
            give_back(tx, &known, order.id, business.account).await?;
        }
        if let Some(next) = page.next {
            let after = Some(next.encode());
            tx.assign(&RefundDeal { deal: *deal, after }, tx.now());
        } else {
            let one = Wanted::new(1, None).unwrap_or_default();
            if !order::of_deal(tx, *deal, &UNDECIDED, one).await?.items.is_empty() {
                tx.assign(&RefundDeal { deal: *deal, after: None }, tx.now().after(LATER));
            }
        }
        lease.finish(tx).await
    });
    Ok(done.await?)
}

async fn give_back(
    tx: &Tx,
    deal: &Deal,
    order: crate::ids::OrderId,
    by: AccountId,
) -> Result<(), DbErr> {
    let reason = deal.reason.as_deref().unwrap_or("the deal was called off");
    match refund::of_called_off(tx, order, by, reason).await {
        // It was wanted before, or is not paid any more.
        Ok(_) | Err(Failure::Refused(_)) => Ok(()),
        Err(Failure::Store(error)) => Err(error),
    }
}
