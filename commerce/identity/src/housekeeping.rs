//! Housekeeping: what is over is removed, once among all nodes.
//!
//! Owns the schedules. What is over, and when, is for each module to say.

use std::time::Duration;

use store::{
    Db,
    schedule::{Schedule, Tick},
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

use crate::{
    account, guess,
    limits::{SWEEP_MAX, UNVERIFIED_KEPT_FOR},
    membership::{self, Ties},
    proof, session, signing, social,
};

const SWEEP: Schedule = Schedule {
    name: "identity.sweep",
    every: Duration::from_mins(5),
    offset: Duration::from_mins(2),
};

/// At four in the morning in Korea.
const SWEEP_ACCOUNTS: Schedule = Schedule {
    name: "identity.sweep_accounts",
    every: Duration::from_hours(24),
    offset: Duration::from_hours(19),
};

/// Each account is looked at in a write of its own.
const ACCOUNTS: Terms =
    Terms { at_once: 1, within: Duration::from_mins(10), attempts: 3, ..Terms::DEFAULT };

/// Adds the housekeeping to what workers do.
#[must_use]
pub fn on(workers: Workers, ties: impl Ties) -> Workers {
    workers.on_schedule(SWEEP, Terms::default(), sweep).on_schedule(
        SWEEP_ACCOUNTS,
        ACCOUNTS,
        move |db, lease| sweep_accounts(db, lease, ties.clone()),
    )
}

async fn sweep(db: Db, lease: Lease<Tick>) -> Outcome {
    // Each write is short, and one that removed less than it may leaves nothing.
    while db.write(async |tx| proof::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| guess::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| session::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| signing::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| social::sweep(tx).await).await? >= SWEEP_MAX {}
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}

async fn sweep_accounts(db: Db, lease: Lease<Tick>, ties: impl Ties) -> Outcome {
    let made_by = db.now().before(UNVERIFIED_KEPT_FOR);
    let mut after = None;
    loop {
        let some = account::unverified(&db.read(), made_by, after).await?;
        let Some(last) = some.last() else { break };
        after = Some(*last);
        for account in some {
            db.write(async |tx| membership::withdraw_unowned(tx, account, &ties).await).await?;
        }
    }
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}
