//! The nightly reconciliation: every payment of the last days is looked up at its provider.
//!
//! Owns when, and how far apart. A provider gives money back without a word, as its staff or a bank may have it do,
//! so it is asked.

use std::time::Duration;

use base::moment::Moment;
use store::{
    Db, Tx,
    schedule::{Schedule, Tick},
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

use crate::{
    ids::PaymentId,
    limits::{LOOK_UPS_APART, RECONCILED_FOR},
    payment::{self, Step},
};

/// Every night at two in Korea, before the books are proved.
const RECONCILE: Schedule = Schedule {
    name: "trade.reconcile",
    every: Duration::from_hours(24),
    offset: Duration::from_hours(17),
};

/// Payments that are read at once.
const AT_ONCE: u64 = 500;

/// Adds the reconciliation to what workers do.
pub(super) fn on(workers: Workers) -> Workers {
    let terms =
        Terms { at_once: 1, within: Duration::from_mins(30), attempts: 3, ..Terms::DEFAULT };
    workers.on_schedule(RECONCILE, terms, tick)
}

async fn tick(db: Db, lease: Lease<Tick>) -> Outcome {
    let since = db.now().before(RECONCILED_FOR);
    let (mut after, mut at) = (None, db.now());
    loop {
        let some = payment::taken_since(&db.read(), since, after, AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        after = Some(*last);
        for payment in some {
            match db.write(async |tx| want(tx, payment, at).await).await {
                // The proof names it; the others are looked up all the same.
                Err(DbErr::Type(error)) => tracing::error!(error, "a payment cannot be read"),
                done => done?,
            }
            // So that a shopper who pays meanwhile does not wait behind all of them.
            at = at.after(LOOK_UPS_APART);
        }
    }
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}

async fn want(tx: &Tx, payment: PaymentId, at: Moment) -> Result<(), DbErr> {
    let Some(mut kept) = payment::lock(tx, payment).await? else { return Ok(()) };
    if kept.payment.learns(&Step::LookUpWanted, tx.now()) {
        payment::add(tx, &mut kept, &Step::LookUpWanted).await?;
    }
    payment::assign(tx, &kept, at);
    Ok(())
}
