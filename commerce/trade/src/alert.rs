//! Alerts: who wants to hear of new deals, by their category or by words in their titles.
//!
//! Owns what each account follows, and telling it of a deal that is published. Refuses how it is told,
//! which is [`commons::notice`]'s. Always true: an account hears once of a deal, however often it is
//! published or its fan-out begun again; what an account follows is one set, however often it is saved.

mod model;
mod query;
mod rows;
mod spread;

use identity::account::{Live, WITHDRAWN};
use store::{
    Tx,
    sea_orm::DbErr,
    worker::{Terms, Workers},
};

pub use self::{
    model::{ALERTED, Alerts, AlertsRefusal, Keyword},
    query::of_account,
};
use crate::deal::PUBLISHED;

/// Has an account follow these, and nothing else.
pub async fn set(tx: &Tx, live: &Live, alerts: &Alerts) -> Result<(), DbErr> {
    rows::put(tx, live.id(), alerts).await
}

/// Workers that tell those who follow a deal.
#[must_use]
pub fn with_workers(workers: Workers) -> Workers {
    workers
        .on_fact(PUBLISHED, "trade.alert_published", Terms::default(), |db, lease| async move {
            spread::begin(&db, lease).await
        })
        .on(Terms::default(), |db, lease| async move { spread::spread(&db, lease).await })
        .on_fact(WITHDRAWN, "trade.alert_withdrawn", Terms::default(), |db, lease| async move {
            spread::forget(&db, lease).await
        })
}
