//! Deals that were called off: what was paid for them goes back.
//!
//! Owns that every paid order of such a deal is refunded. Refuses how money goes back, which is
//! [`crate::refund`]'s. Always true: an order that was being paid when the deal was called off is refunded
//! once it is paid, and so is one that was placed since, for units that were held; going through the orders
//! again wants nothing twice.

use std::time::Duration;

use base::{
    cursor::{Cursor, Wanted},
    moment::Moment,
};
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

/// How soon orders are gone through again while one may yet be paid.
const LATER: Duration = Duration::from_mins(1);

/// The same as a share of the time since the deal was called off: a payment in doubt may wait for days.
const LATER_SHARE: i64 = 16;

/// For how long after a deal was called off an order may be placed for units that were held then: no hold
/// lasts as long.
const PLACED_WITHIN: Duration = Duration::from_hours(24);

/// Orders whose money goes back.
const PAID: [OrderState; 2] = [OrderState::Paid, OrderState::PartRefunded];

/// Orders that may yet be paid.
const UNDECIDED: [OrderState; 5] = [
    OrderState::Waiting,
    OrderState::Paying,
    OrderState::Confirming,
    OrderState::Cancelling,
    OrderState::Doubt,
];

/// The orders of a deal that was called off are to be refunded, from one of them on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RefundDeal {
    /// Which deal.
    deal: DealId,
    /// After which order, as [`Cursor::encode`] has it; from the newest if `None`.
    after: Option<String>,
    /// Whether nothing more could be paid when these orders began to be gone through. What becomes paid while
    /// they are is met by the next time only.
    #[serde(default)]
    is_last: bool,
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
        tx.assign(&RefundDeal { deal, after: None, is_last: false }, tx.now());
        lease.finish(tx).await
    });
    Ok(begun.await?)
}

/// Refunds some orders, and assigns the rest.
async fn go_on(db: &Db, lease: Lease<RefundDeal>) -> Outcome {
    let done = db.write(async |tx| {
        let RefundDeal { deal, after, is_last } = &lease.task;
        let Some(known) = deal::find(tx, *deal).await? else { return lease.finish(tx).await };
        let Some(cancelled_at) = known.cancelled_at else { return lease.finish(tx).await };
        let Some(business) = business::find(tx, known.business).await? else {
            return lease.finish(tx).await;
        };
        // Looked for before the paid ones are read, as an order goes from here to there.
        let is_last = match after {
            Some(_) => *is_last,
            None => tx.now() >= cancelled_at.after(PLACED_WITHIN) && is_decided(tx, *deal).await?,
        };
        let after = after.as_deref().and_then(Cursor::decode);
        let wanted = Wanted::new(REFUNDED_AT_ONCE, after).unwrap_or_default();
        let page = order::of_deal(tx, *deal, &PAID, wanted).await?;
        for order in &page.items {
            give_back(tx, &known, order.id, business.account).await?;
        }
        if let Some(next) = page.next {
            let after = Some(next.encode());
            tx.assign(&RefundDeal { deal: *deal, after, is_last }, tx.now());
        } else if !is_last {
            let again = RefundDeal { deal: *deal, after: None, is_last };
            tx.assign(&again, later(cancelled_at, tx.now()));
        }
        lease.finish(tx).await
    });
    Ok(done.await?)
}

/// Whether no order of a deal may yet be paid.
async fn is_decided(tx: &Tx, deal: DealId) -> Result<bool, DbErr> {
    let one = Wanted::new(1, None).unwrap_or_default();
    Ok(order::of_deal(tx, deal, &UNDECIDED, one).await?.items.is_empty())
}

/// When the orders are gone through again.
fn later(cancelled_at: Moment, now: Moment) -> Moment {
    let share = (now.0 - cancelled_at.0) / LATER_SHARE;
    now.after(Duration::from_millis(share.try_into().unwrap_or(0)).max(LATER))
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
