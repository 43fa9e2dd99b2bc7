//! Reminders: who likes a deal is told some hours before it opens.
//!
//! Owns when. Refuses likes and how people are told, which are [`commons`]'s. Always true: an account is
//! reminded once of each time, whoever works and however often; whoever does not like the deal at that time
//! is not; a reminder that is later than the next one is not sent.
//!
//! Each time of a deal is one task, due at that time. It reads who likes the deal then, page by page.

use std::{collections::BTreeSet, time::Duration};

use base::{
    cursor::{Cursor, Wanted},
    moment::Moment,
};
use commons::{
    ids::Person,
    label::Label,
    like,
    notice::{self, New, Values},
};
use identity::{account, ids::AccountId};
use serde::{Deserialize, Serialize};
use store::{
    Db, Failure, Tx,
    fact::About,
    sea_orm::DbErr,
    task::{Lease, Task},
    worker::{Outcome, Terms, Workers},
};

use crate::{
    deal::{self, Deal, PUBLISHED},
    ids::DealId,
    limits::TOLD_AT_ONCE,
};

/// The kind of the notices. Their values are the deal's `title`, when it `opens_at`, and in how many
/// `minutes`.
pub const REMINDED: Label = Label::new("deal.opens");

/// How long before a deal opens those who like it are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times(Vec<Duration>);

impl Default for Times {
    /// A day, half a day and an hour.
    fn default() -> Self {
        Self([24, 12, 1].map(Duration::from_hours).into())
    }
}

impl Times {
    /// Takes times of whole minutes, each once, up to a week; anything else is `None`.
    pub fn new(times: &[Duration]) -> Option<Self> {
        let fits = |time: &Duration| {
            let seconds = time.as_secs();
            (60..=7 * 24 * 3_600).contains(&seconds)
                && seconds.is_multiple_of(60)
                && time.subsec_nanos() == 0
        };
        let once = (1..times.len()).all(|at| !times[..at].contains(&times[at]));
        (once && times.iter().all(fits)).then(|| Self(times.to_vec()))
    }
}

/// Those who like a deal are to be told that it opens, from one of them on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remind {
    /// Which deal.
    pub deal: DealId,
    /// How many minutes before it opens.
    pub minutes: u64,
    /// After which like, as [`Cursor::encode`] has it; from the first if `None`.
    pub after: Option<String>,
}

impl Task for Remind {
    const KIND: &'static str = "trade.remind";

    fn key(&self) -> String {
        format!("{}:{}", self.deal, self.minutes)
    }
}

/// Workers that remind those who like a deal.
#[must_use]
pub fn with_workers(workers: Workers, times: &Times) -> Workers {
    let (begun, due) = (times.clone(), times.clone());
    workers
        .on_fact(PUBLISHED, "trade.remind_published", Terms::default(), move |db, lease| {
            let times = begun.clone();
            async move { begin(&db, &times, lease).await }
        })
        .on(Terms::default(), move |db, lease| {
            let times = due.clone();
            async move { remind(&db, &times, lease).await }
        })
}

/// A deal was published: each of its times that is still to come has a task.
async fn begin(db: &Db, times: &Times, lease: Lease<About>) -> Outcome {
    let deal = lease.task.subject.parse()?;
    let begun = db.write(async |tx| {
        if let Some(known) =
            deal::find(tx, deal).await?.filter(|known| known.published_at.is_some())
        {
            for time in &times.0 {
                let due = known.terms.hours.starts_at().before(*time);
                if due > tx.now() {
                    let minutes = time.as_secs() / 60;
                    tx.assign(&Remind { deal, minutes, after: None }, due);
                }
            }
        }
        lease.finish(tx).await
    });
    Ok(begun.await?)
}

/// Tells some of those who like a deal, and assigns the rest.
async fn remind(db: &Db, times: &Times, lease: Lease<Remind>) -> Outcome {
    let told = db.write(async |tx| {
        let Remind { deal, minutes, after } = &lease.task;
        let known = deal::find(tx, *deal).await?;
        let opens = known.filter(|known| is_of_use(known, times, *minutes, tx.now()));
        if let Some(known) = opens {
            let due = known.terms.hours.starts_at().before(minutes_long(*minutes));
            let after = after.as_deref().and_then(Cursor::decode);
            let wanted = Wanted::new(TOLD_AT_ONCE, after).unwrap_or_default();
            let page = like::of_subject(tx, &deal::subject(*deal), wanted).await?;
            let those = page.items.iter().filter(|liked| liked.since() <= due);
            // In the order of ids, as whoever locks several accounts does.
            let those: BTreeSet<_> = those.map(|liked| AccountId(liked.person.0)).collect();
            for account in those {
                tell(tx, &known, *minutes, account).await?;
            }
            if let Some(next) = page.next {
                let (deal, minutes) = (*deal, *minutes);
                tx.assign(&Remind { deal, minutes, after: Some(next.encode()) }, tx.now());
            }
        }
        lease.finish(tx).await
    });
    Ok(told.await?)
}

/// Whether a reminder is still to be sent: the deal will open, and no later reminder is due.
fn is_of_use(deal: &Deal, times: &Times, minutes: u64, now: Moment) -> bool {
    let opens_at = deal.terms.hours.starts_at();
    let is_to_open = deal.published_at.is_some() && !deal.is_over(now) && now < opens_at;
    let is_late = |time: &Duration| *time < minutes_long(minutes) && now >= opens_at.before(*time);
    is_to_open && !times.0.iter().any(is_late)
}

const fn minutes_long(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

async fn tell(tx: &Tx, deal: &Deal, minutes: u64, account: AccountId) -> Result<(), DbErr> {
    match account::live(tx, account).await {
        Ok(_) => {}
        Err(Failure::Refused(_)) => return Ok(()),
        Err(Failure::Store(error)) => return Err(error),
    }
    let opens_at = deal.terms.hours.starts_at();
    let values = Values::from([
        ("title".to_owned(), deal.terms.title.clone()),
        ("opens_at".to_owned(), opens_at.0.to_string()),
        ("minutes".to_owned(), minutes.to_string()),
    ]);
    let new = New {
        person: Person(account.0),
        kind: REMINDED,
        subject: &deal::subject(deal.id),
        detail: &format!("{minutes}m"),
        values: &values,
        until: Some(opens_at),
    };
    notice::add(tx, &new).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_minutes_each_once() {
        let hours = |hours: &[u64]| {
            hours.iter().map(|hours| Duration::from_hours(*hours)).collect::<Vec<_>>()
        };
        assert_eq!(Times::new(&hours(&[24, 12, 1])), Some(Times::default()));
        assert!(Times::new(&[]).is_some());
        for bad in [hours(&[1, 1]), hours(&[0]), hours(&[169]), vec![Duration::from_secs(90)]] {
            assert_eq!(Times::new(&bad), None, "{bad:?}");
        }
    }
}
