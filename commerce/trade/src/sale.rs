//! A deal as a sale of the engine.
//!
//! Owns what the engine is told of a deal, and when. Refuses to decide about deals, and to keep what the
//! engine says. Always true: the engine is called outside writes alone; it is asked what stands before it
//! is told anything, so whatever is done twice is done once, and whatever broke off is taken up again.
//!
//! ```text
//!  a verb of deal, in its write ──assigns──▶ KeepSale ──▶ read the deal, look at the sale
//!                                               ▲              │ next (pure)
//!                                               │              ▼
//!                       later: end, archive ────┘◀── agreed ── do one step, and look again
//! ```

mod in_process;
mod keep;
mod model;
mod next;
mod sales;

use std::time::Duration;

use identity::business;
use store::worker::{Terms, Workers};

pub use self::{
    in_process::{InProcess, Room},
    model::{Act, Live, SalesError, Standing, Version, Wanted},
    sales::Sales,
};

/// How sales are kept: the engine may be away for long, and is asked until it answers. A sale that opens in
/// the meantime is late by half a minute at most when it is back.
const KEEPING: Terms = Terms {
    at_once: 4,
    within: Duration::from_secs(30),
    attempts: i64::MAX,
    pause_max: Duration::from_secs(30),
};

/// Workers that keep the sales of deals.
#[must_use]
pub fn with_workers<S: Sales>(workers: Workers, sales: &S) -> Workers {
    let sales = sales.clone();
    workers
        .on(KEEPING, move |db, lease| {
            let sales = sales.clone();
            async move { keep::keep(&db, &sales, lease).await }
        })
        .on_fact(
            business::CHANGED,
            "trade.business_changed",
            Terms::default(),
            |db, lease| async move { keep::follow_business(&db, lease).await },
        )
}
