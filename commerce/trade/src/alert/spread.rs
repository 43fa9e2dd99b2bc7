//! The tasks that tell those who follow a deal.

use commons::{
    ids::Person,
    notice::{self, New, Values},
};
use identity::{account, ids::AccountId};
use store::{Db, Failure, Tx, fact::About, sea_orm::DbErr, task::Lease, worker::Outcome};

use super::{
    model::{ALERTED, AlertDeal, Alerts, Followers, Keyword},
    rows,
};
use crate::{
    deal::{self, Deal},
    limits::TOLD_AT_ONCE,
};

/// A deal was published.
pub(super) async fn begin(db: &Db, lease: Lease<About>) -> Outcome {
    let deal = lease.task.subject.parse()?;
    let begun = db.write(async |tx| {
        let followers = Followers::OfCategory;
        tx.assign(&AlertDeal { deal, followers, after: None }, tx.now());
        lease.finish(tx).await
    });
    Ok(begun.await?)
}

/// Tells some of those who follow a deal, and assigns the rest.
pub(super) async fn spread(db: &Db, lease: Lease<AlertDeal>) -> Outcome {
    let told = db.write(async |tx| {
        let AlertDeal { deal, followers, after } = lease.task;
        let known = deal::find(tx, deal).await?;
        let known = known.filter(|known| known.published_at.is_some() && !known.is_over(tx.now()));
        if let Some(known) = known {
            let accounts = some_of(tx, &known, followers, after).await?;
            for account in &accounts {
                tell(tx, &known, *account).await?;
            }
            let is_full = accounts.len() >= usize::from(TOLD_AT_ONCE);
            let rest = match (followers, accounts.last().filter(|_| is_full)) {
                (_, Some(last)) => Some((followers, Some(*last))),
                (Followers::OfCategory, None) => Some((Followers::OfKeywords, None)),
                (Followers::OfKeywords, None) => None,
            };
            if let Some((followers, after)) = rest {
                tx.assign(&AlertDeal { deal, followers, after }, tx.now());
            }
        }
        lease.finish(tx).await
    });
    Ok(told.await?)
}

async fn some_of(
    tx: &Tx,
    deal: &Deal,
    followers: Followers,
    after: Option<AccountId>,
) -> Result<Vec<AccountId>, DbErr> {
    match followers {
        Followers::OfCategory => {
            rows::of_category(tx, deal.terms.category, after, TOLD_AT_ONCE.into()).await
        }
        Followers::OfKeywords => {
            let words = Keyword::all_in(&deal.terms.title);
            rows::of_words(tx, words, after, TOLD_AT_ONCE.into()).await
        }
    }
}

async fn tell(tx: &Tx, deal: &Deal, account: AccountId) -> Result<(), DbErr> {
    match account::live(tx, account).await {
        Ok(_) => {}
        Err(Failure::Refused(_)) => return Ok(()),
        Err(Failure::Store(error)) => return Err(error),
    }
    let values = Values::from([
        ("title".to_owned(), deal.terms.title.clone()),
        ("category".to_owned(), deal.terms.category.code().to_owned()),
        ("opens_at".to_owned(), deal.terms.hours.starts_at().0.to_string()),
    ]);
    let new = New {
        person: Person(account.0),
        kind: ALERTED,
        subject: &deal::subject(deal.id),
        detail: "",
        values: &values,
        until: Some(deal.over_at),
    };
    notice::add(tx, &new).await.map(drop)
}

/// An account was withdrawn.
pub(super) async fn forget(db: &Db, lease: Lease<About>) -> Outcome {
    let account = lease.task.subject.parse()?;
    let forgotten = db.write(async |tx| {
        rows::put(tx, account, &Alerts::default()).await?;
        lease.finish(tx).await
    });
    Ok(forgotten.await?)
}
