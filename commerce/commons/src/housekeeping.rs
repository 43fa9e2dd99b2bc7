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

use crate::{limits::STEP_MAX, media, notice};

const SWEEP: Schedule = Schedule {
    name: "commons.sweep",
    every: Duration::from_mins(10),
    offset: Duration::from_mins(3),
};

/// Adds the housekeeping to what workers do.
#[must_use]
pub fn on(workers: Workers) -> Workers {
    workers.on_schedule(SWEEP, Terms::default(), sweep)
}

async fn sweep(db: Db, lease: Lease<Tick>) -> Outcome {
    // Each write is short, and one that removed less than it may leaves nothing.
    while db.write(async |tx| notice::sweep(tx).await).await? >= STEP_MAX {}
    while db.write(async |tx| media::sweep(tx).await).await? >= STEP_MAX {}
    Ok(db.write(async |tx| lease.finish(tx).await).await?)
}
