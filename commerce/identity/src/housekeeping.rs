//! Housekeeping: what is over is removed, once among all nodes.
//!
//! Owns the schedule. What is over, and when, is for each module to say.

use std::time::Duration;

use store::{
    Db,
    schedule::{Schedule, Tick},
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

use crate::{limits::SWEEP_MAX, proof, session, signing, social};

const SWEEP: Schedule = Schedule {
    name: "identity.sweep",
    every: Duration::from_mins(5),
    offset: Duration::from_mins(2),
};

/// Adds the housekeeping to what workers do.
#[must_use]
pub fn on(workers: Workers) -> Workers {
    workers.on_schedule(SWEEP, Terms::default(), sweep)
}

async fn sweep(db: Db, lease: Lease<Tick>) -> Outcome {
    // Each write is short, and one that removed less than it may leaves nothing.
    while db.write(async |tx| proof::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| session::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| signing::sweep(tx).await).await? >= SWEEP_MAX {}
    while db.write(async |tx| social::sweep(tx).await).await? >= SWEEP_MAX {}
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}
