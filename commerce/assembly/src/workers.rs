//! Who works on what, and who listens to what.

use std::sync::Arc;

use identity::{
    business::{TaxService, checking},
    housekeeping,
    mails::{self, Mails},
    session,
};
use shop::Shop;
use store::worker::{Terms, Workers};
use tokio::sync::Notify;
use trade::{
    alert, audit, called_off, calm,
    reminder::{self, Times},
    sale::{self, InProcess},
    ties::TradeTies,
    till,
};

use crate::{forget, mails::Writer};

/// What the workers of this process do. A mail or a check that nobody is configured for waits as a task.
pub(crate) fn of(
    mails: Option<Mails<Writer>>,
    tax: Option<TaxService>,
    bell: &Arc<Notify>,
) -> Workers {
    let bell = Arc::clone(bell);
    let mut workers = housekeeping::on(Workers::default(), TradeTies).on_fact(
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

/// The same, and what is done about deals, the books, and people who left.
pub(crate) fn of_deals(workers: Workers, sales: &InProcess, reminders: &Times) -> Workers {
    let workers = sale::with_workers(workers, sales);
    let workers = reminder::with_workers(alert::with_workers(workers), reminders);
    let workers = called_off::with_workers(workers);
    let workers = audit::on(calm::on(workers));
    forget::on(commons::housekeeping::on(workers))
}

/// The same, and what is done about payments and pictures, once it is known what is sold with.
pub(crate) fn with_selling(workers: Workers, shop: &Shop) -> Workers {
    let Ok(selling) = shop.selling() else {
        tracing::error!("payments and pictures wait: it is not known what is sold with");
        return workers;
    };
    selling.uploads.on(till::on(workers, selling.till.clone()))
}
