//! Who works on what, and who listens to what.

use std::sync::Arc;

use identity::{
    business::{TaxService, checking},
    housekeeping,
    mails::{self, Mails},
    membership::Untied,
    session,
};
use store::worker::{Terms, Workers};
use tokio::sync::Notify;

use crate::mails::Writer;

/// What the workers of this process do. A mail or a check that nobody is configured for waits as a task.
pub(crate) fn of(
    mails: Option<Mails<Writer>>,
    tax: Option<TaxService>,
    bell: &Arc<Notify>,
) -> Workers {
    let bell = Arc::clone(bell);
    let mut workers = housekeeping::on(Workers::default(), Untied).on_fact(
        session::ENDED,
        "commerce.session_ended",
        Terms::default(),
        move |db, lease| {
            bell.notify_one();
            async move { Ok(db.write(async |tx| lease.finish(tx).await).await?) }
        },
    );
    if let Some(mails) = mails {
        workers = mails::on(workers, mails);
    }
    if let Some(tax) = tax {
        workers = checking::on(workers, tax);
    }
    workers
}
