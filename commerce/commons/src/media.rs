//! Media: pictures that people upload and subjects show.
//!
//! Owns who may upload what, how far an upload has come, and which subject shows which pictures. Refuses
//! the files themselves: [`crate::upload`] moves them. Always true: a row has the names of its files before
//! they are written and until they are gone; a picture that a subject shows is ready and is not removed;
//! one that no subject shows for a day, or that nobody completes, is.

mod model;
mod query;
mod rows;
mod task;
mod uses;

use std::collections::BTreeSet;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub(crate) use self::{
    model::incoming,
    task::{Expire, Remove},
};
pub use self::{
    model::{Asked, GrantRefusal, Media, Shape, ShowRefusal, Shown, Stage, Visibility},
    query::{find, of_subject, of_subjects},
};
use crate::{
    ids::{MediaId, Person},
    limits::{GRANT_OVER_AFTER, MEDIA_FREE_FOR, MEDIA_FREE_MAX, PICTURES_MAX, UPLOAD_BYTES_MAX},
    picture::Picture,
    subject::Subject,
};

/// Grants a person, whose account is locked, the upload of a picture.
///
/// # Errors
///
/// As [`GrantRefusal`] says.
pub async fn grant(tx: &Tx, asked: &Asked) -> Result<Media, Failure<GrantRefusal>> {
    if !(1..=UPLOAD_BYTES_MAX).contains(&asked.bytes) {
        return refused(GrantRefusal::TooLong);
    }
    if rows::count_free(tx, asked.person).await? >= MEDIA_FREE_MAX {
        return refused(GrantRefusal::TooMany);
    }
    let media = rows::insert(tx, asked).await?;
    tx.assign(&Expire { media: media.id }, tx.now().after(GRANT_OVER_AFTER));
    Ok(media)
}

/// Has a subject show these pictures of a person, in this order, and no others. The caller has locked the
/// subject.
///
/// # Errors
///
/// As [`ShowRefusal`] says.
pub async fn show(
    tx: &Tx,
    person: Person,
    subject: &Subject,
    pictures: &[MediaId],
) -> Result<(), Failure<ShowRefusal>> {
    let wanted: BTreeSet<MediaId> = pictures.iter().copied().collect();
    if pictures.len() > PICTURES_MAX {
        return refused(ShowRefusal::TooMany);
    }
    if wanted.len() < pictures.len() {
        return refused(ShowRefusal::Twice);
    }
    let shown: BTreeSet<MediaId> = uses::of(tx, subject).await?.into_iter().collect();
    let locked = rows::lock(tx, wanted.union(&shown)).await?;
    for id in &wanted {
        let media = locked.iter().find(|media| media.id == *id);
        // Another's is not told from one that is not there; one that is shown already stays.
        let theirs = media.filter(|media| media.person == person || shown.contains(id));
        match theirs.map(|media| media.stage) {
            Some(Stage::Ready) => {}
            Some(Stage::Granted | Stage::Storing) => return refused(ShowRefusal::NotReady),
            Some(Stage::Refused | Stage::Removing) | None => return refused(ShowRefusal::Unknown),
        }
    }
    Ok(replace(tx, subject, pictures, &shown).await?)
}

/// Has a subject that is gone show nothing any more.
pub async fn forget_subject(tx: &Tx, subject: &Subject) -> Result<(), DbErr> {
    let shown: BTreeSet<MediaId> = uses::of(tx, subject).await?.into_iter().collect();
    rows::lock(tx, &shown).await?;
    replace(tx, subject, &[], &shown).await
}

/// Has a subject show these instead of those, all of which are locked.
async fn replace(
    tx: &Tx,
    subject: &Subject,
    pictures: &[MediaId],
    shown: &BTreeSet<MediaId>,
) -> Result<(), DbErr> {
    uses::replace(tx, subject, pictures).await?;
    for &id in pictures {
        rows::set_used(tx, id).await?;
    }
    for &id in shown.iter().filter(|id| !pictures.contains(id)) {
        if !uses::is_used(tx, id).await? {
            rows::set_free(tx, id).await?;
        }
    }
    Ok(())
}

/// Has the pictures of a person that no subject shows removed soon. Those that one shows are the
/// subject's.
pub async fn forget(tx: &Tx, person: Person) -> Result<(), DbErr> {
    rows::set_long_free(tx, person).await
}

/// Notes the names of the files that are about to be written. Says how the row stands then.
pub(crate) async fn begin_storing(
    tx: &Tx,
    media: MediaId,
    picture: &Picture,
) -> Result<Option<Media>, DbErr> {
    let shape = Shape::of(picture);
    let Some(found) = rows::lock(tx, [&media]).await?.pop() else { return Ok(None) };
    match found.stage {
        Stage::Granted => {
            rows::set_storing(tx, media, &shape).await?;
            Ok(Some(Media { stage: Stage::Storing, shape: Some(shape), ..found }))
        }
        // Another file was put since. The names of the first stay, and are removed with the row.
        Stage::Storing if found.shape.as_ref() != Some(&shape) => {
            rows::set_stage(tx, media, Stage::Storing, Stage::Refused).await?;
            Ok(Some(Media { stage: Stage::Refused, ..found }))
        }
        Stage::Storing | Stage::Ready | Stage::Refused | Stage::Removing => Ok(Some(found)),
    }
}

/// Notes that the files are written.
pub(crate) async fn end_storing(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    rows::set_stage(tx, media, Stage::Storing, Stage::Ready).await.map(drop)
}

/// Notes that what was uploaded is no picture.
pub(crate) async fn refuse(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    rows::set_stage(tx, media, Stage::Granted, Stage::Refused).await.map(drop)
}

/// Has what was not completed in time removed.
pub(crate) async fn expire(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    for stage in [Stage::Granted, Stage::Storing, Stage::Refused] {
        if rows::set_stage(tx, media, stage, Stage::Removing).await? {
            tx.assign(&Remove { media }, tx.now());
        }
    }
    Ok(())
}

/// Forgets one whose files are gone.
pub(crate) async fn remove(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    rows::remove(tx, media).await
}

/// Has some pictures removed that no subject has shown for long, and says how many.
pub(crate) async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    let those = rows::take_free_since(tx, tx.now().before(MEDIA_FREE_FOR)).await?;
    for &media in &those {
        tx.assign(&Remove { media }, tx.now());
    }
    Ok(u64::try_from(those.len()).unwrap_or(u64::MAX))
}
