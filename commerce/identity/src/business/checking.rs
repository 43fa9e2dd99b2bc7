//! Checking businesses: has the tax service asked when a check is due, and hands its verdict on.

use std::time::Duration;

use store::{
    Db,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

use super::{judge, model::CheckBusiness, query::find, tax::TaxService};

/// An outage of the service may last days, and no application is decided without it, so no check is ever
/// given up: it is made again after pauses of up to an hour.
const TERMS: Terms =
    Terms { at_once: 2, within: Duration::from_secs(30), attempts: i64::MAX, ..Terms::DEFAULT };

/// Adds the checks to what workers do.
#[must_use]
pub fn on(workers: Workers, service: TaxService) -> Workers {
    workers.on(TERMS, move |db, lease| {
        let service = service.clone();
        async move { check(&db, &service, &lease).await }
    })
}

async fn check(db: &Db, service: &TaxService, lease: &Lease<CheckBusiness>) -> Outcome {
    let id = lease.task.business;
    let known = find(&db.read(), id).await?.filter(|known| known.state.keeps_number());
    let Some(known) = known else {
        return Ok(db.write(async |tx| lease.finish(tx).await).await?);
    };
    let number = known.company.number();
    let verdict = service.verdict(number).await?;
    let done = db.write(async |tx| {
        // If the number was replaced meanwhile, the new one has a check of its own.
        judge(tx, id, number, verdict).await?;
        lease.finish(tx).await
    });
    Ok(done.await?)
}
