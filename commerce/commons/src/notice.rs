//! Notices: what a person is told, in an inbox and beyond.
//!
//! Owns the inbox and how each person wants to be told. Refuses sentences: a notice is a kind and values,
//! and whoever shows it says it in the reader's language. Always true: a person is told once of a kind, a
//! subject and a detail, however often somebody tries; what is in the inbox is there whatever becomes of
//! its pushes and mails, which [`crate::delivery`] sends.

mod chosen;
mod model;
mod query;
mod rows;
mod task;

use store::{Tx, sea_orm::DbErr};

pub(crate) use self::task::{Deliver, Mail, Push};
pub use self::{
    model::{Channels, New, Notice, Values},
    query::{channels, choices, find, inbox, inbox_unread, unread},
};
use crate::{
    ids::{NoticeId, Person},
    label::Label,
    limits::{NOTICES_KEPT_FOR, VALUES_BYTES_MAX},
};

/// Tells a person something, and says whether they were not told before: then it is in the inbox, unread,
/// and sent as the person wants.
///
/// # Panics
///
/// Panics if its values and detail are longer than a notice can have, which is the caller's fault.
pub async fn add(tx: &Tx, new: &New<'_>) -> Result<Option<NoticeId>, DbErr> {
    let bytes: usize = new.values.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes + new.detail.len() <= VALUES_BYTES_MAX, "a notice of {} is too long", new.kind);
    let id = rows::insert(tx, new).await?;
    if let Some(notice) = id {
        tx.assign(&Deliver { notice }, tx.now());
    }
    Ok(id)
}

/// Notes that a person has read a notice, and says whether it is theirs.
pub async fn read(tx: &Tx, person: Person, notice: NoticeId) -> Result<bool, DbErr> {
    let is_theirs = rows::is_of(tx, person, notice).await?;
    if is_theirs {
        rows::set_read(tx, person, notice..=notice).await?;
    }
    Ok(is_theirs)
}

/// Notes that a person has read all up to one, the first that the inbox showed, and says how many were
/// unread. What came since stays unread.
pub async fn read_all(tx: &Tx, person: Person, up_to: NoticeId) -> Result<u64, DbErr> {
    rows::set_read(tx, person, rows::FIRST..=up_to).await
}

/// Takes a person's choice for a topic.
pub async fn choose(
    tx: &Tx,
    person: Person,
    topic: &Label,
    channels: Channels,
) -> Result<(), DbErr> {
    chosen::put(tx, person, topic, channels).await
}

/// Removes a person's choices and some of their notices, and says how many of these; fewer than
/// [`crate::limits::STEP_MAX`] were the last.
pub async fn forget_some(tx: &Tx, person: Person) -> Result<u64, DbErr> {
    chosen::remove_all(tx, person).await?;
    rows::remove_some_of(tx, person).await
}

/// Removes some notices that are older than any is kept, and says how many.
pub(crate) async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    rows::remove_before(tx, tx.now().before(NOTICES_KEPT_FOR)).await
}
