//! What is forgotten of a person whose account was withdrawn.
//!
//! Each write is short, and one that removed less than it may leaves nothing.

use commons::{ids::Person, like, limits::STEP_MAX, media, notice};
use identity::{account::WITHDRAWN, ids::AccountId};
use store::{
    Db,
    fact::About,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

/// Adds it to what workers do.
pub(crate) fn on(workers: Workers) -> Workers {
    workers.on_fact(WITHDRAWN, "commerce.forget_person", Terms::default(), forget)
}

async fn forget(db: Db, lease: Lease<About>) -> Outcome {
    let account: AccountId = lease.task.subject.parse()?;
    let person = Person(account.0);
    while db.write(async |tx| like::forget_some(tx, person).await).await? >= STEP_MAX {}
    while db.write(async |tx| notice::forget_some(tx, person).await).await? >= STEP_MAX {}
    let forgotten = db.write(async |tx| {
        media::forget(tx, person).await?;
        lease.finish(tx).await
    });
    Ok(forgotten.await?)
}
