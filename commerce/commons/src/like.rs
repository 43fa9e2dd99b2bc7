//! Likes: a person likes a subject, or does not.
//!
//! Owns who likes what, and how many like it. Refuses to know what follows from it. Always true: a person
//! likes a subject once; the number of those who like it is exact after every transaction, however many
//! there are at once.

mod model;
mod numbers;
mod query;
mod rows;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{LikeRefusal, Liked},
    query::{count, counts, is_liked, liked_among, of_person, of_subject},
};
use crate::{ids::Person, limits::LIKES_MAX, subject::Subject};

/// Has a person, whose account is locked, like a subject, and says whether they did not before.
///
/// # Errors
///
/// As [`LikeRefusal`] says.
pub async fn add(tx: &Tx, person: Person, subject: &Subject) -> Result<bool, Failure<LikeRefusal>> {
    if is_liked(tx, person, subject).await? {
        return Ok(false);
    }
    if rows::count_of(tx, person).await? >= LIKES_MAX {
        return refused(LikeRefusal::TooMany);
    }
    let is_new = rows::insert(tx, person, subject).await?;
    if is_new {
        numbers::up(tx, subject).await?;
    }
    Ok(is_new)
}

/// Has a person not like a subject, and says whether they did before.
pub async fn remove(tx: &Tx, person: Person, subject: &Subject) -> Result<bool, DbErr> {
    let was_liked = rows::remove(tx, person, subject).await?;
    if was_liked {
        numbers::down(tx, subject).await?;
    }
    Ok(was_liked)
}

/// Removes some of a person's likes and says how many; fewer than [`crate::limits::STEP_MAX`] were the
/// last.
pub async fn forget_some(tx: &Tx, person: Person) -> Result<u64, DbErr> {
    let some = rows::take_some(tx, person).await?;
    // In the order of the subjects, as everybody who changes several of these rows does.
    for liked in &some {
        numbers::down(tx, &liked.subject).await?;
    }
    Ok(u64::try_from(some.len()).unwrap_or(u64::MAX))
}

/// Removes some of the likes of a subject that is gone, and says how many; fewer than
/// [`crate::limits::STEP_MAX`] were the last.
pub async fn forget_subject(tx: &Tx, subject: &Subject) -> Result<u64, DbErr> {
    numbers::remove(tx, subject).await?;
    rows::remove_some_of(tx, subject).await
}
