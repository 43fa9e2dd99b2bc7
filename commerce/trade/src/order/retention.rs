//! Retention: who got an order, and where, is kept for years after its end, and then removed.
//!
//! Owns how long. What was sold, for how much, and by whose account it was bought stays: the books need it.

use std::time::Duration;

use store::{
    Db,
    schedule::{Schedule, Tick},
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

use super::{rows, state::OrderState};

/// Every day at five in Korea.
const FORGET: Schedule = Schedule {
    name: "trade.forget_receivers",
    every: Duration::from_hours(24),
    offset: Duration::from_hours(20),
};

/// Orders that have come to an end. One that is paid may be refunded years later, which needs no address.
const ENDED: [OrderState; 4] =
    [OrderState::Paid, OrderState::PartRefunded, OrderState::Refunded, OrderState::Cancelled];

/// Orders that one write changes.
const AT_ONCE: u64 = 200;

/// For how many years receivers and addresses are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    years: u32,
}

impl Default for Retention {
    /// Five years, as Korean law has sellers keep what they sold to whom.
    fn default() -> Self {
        Self { years: 5 }
    }
}

impl Retention {
    /// So many years, 1 to 100; nothing for another number.
    pub fn of_years(years: u32) -> Option<Self> {
        (1..=100).contains(&years).then_some(Self { years })
    }

    const fn lasts(self) -> Duration {
        Duration::from_hours(self.years as u64 * 366 * 24)
    }

    /// Adds the removal to what workers do.
    #[must_use]
    pub fn on(self, workers: Workers) -> Workers {
        let terms =
            Terms { at_once: 1, within: Duration::from_mins(10), attempts: 3, ..Terms::DEFAULT };
        workers.on_schedule(FORGET, terms, move |db, lease| self.tick(db, lease))
    }

    async fn tick(self, db: Db, lease: Lease<Tick>) -> Outcome {
        let since = db.now().before(self.lasts());
        let forget =
            async || db.write(async |tx| rows::forget(tx, &ENDED, since, AT_ONCE).await).await;
        while forget().await? > 0 {}
        Ok(db.write(async |tx| lease.finish(tx).await).await?)
    }
}
