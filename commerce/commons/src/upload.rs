//! Uploads: from a grant to pictures that can be shown, and from there to their end.
//!
//! Owns the order in which files and rows change. Refuses to decide who may upload or show what. Always
//! true: nothing that was uploaded is served; a file is written after its row has its name, and its row is
//! removed after the file is gone, so that nothing is left behind whenever the process ends.

mod model;

use std::sync::Arc;

use bytes::Bytes;
use store::{
    Db,
    sea_orm::DbErr,
    task::Lease,
    worker::{Outcome, Terms, Workers},
};

pub use self::model::{CompleteError, UploadRefusal};
use crate::{
    files::{Files, Signed, Upload},
    ids::{MediaId, Person},
    media::{self, Expire, Media, Remove, Shown, Stage},
    picture::{Picture, PictureRefusal},
    studio::Studio,
};

/// What moves uploads. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Uploads {
    files: Arc<dyn Files>,
    studio: Studio,
}

impl Uploads {
    /// Uploads to a place.
    pub fn new(files: Arc<dyn Files>) -> Self {
        Self { files, studio: Studio::default() }
    }

    /// How a browser puts what was granted.
    pub fn sign(&self, media: &Media, db: &Db) -> Signed {
        let upload = Upload {
            key: &media.incoming(),
            media_type: media.kind.media_type(),
            bytes: media.bytes,
            until: media.until(),
        };
        self.files.sign(&upload, db.now())
    }

    /// Where a browser gets a file of a picture.
    pub fn link(&self, media: &Media, file: &Shown, db: &Db) -> String {
        self.files.link(&media.key(file), db.now())
    }

    /// Puts a file that came by the shop itself, such as from a form without scripts, and completes it.
    ///
    /// # Errors
    ///
    /// As [`Self::complete`].
    pub async fn take(&self, db: &Db, media: &Media, file: Bytes) -> Result<Media, CompleteError> {
        if u64::try_from(file.len()).ok() != Some(media.bytes) {
            return Err(UploadRefusal::Mislabelled.into());
        }
        // What came before has perhaps been removed, and nobody would remove this any more.
        let found = media::find(&db.read(), media.id).await?.ok_or(UploadRefusal::Unknown)?;
        if db.now() >= found.until() || matches!(found.stage, Stage::Refused | Stage::Removing) {
            return Err(UploadRefusal::Over.into());
        }
        self.files.put(&media.incoming(), media.kind.media_type(), file, db.now()).await?;
        self.complete(db, media.person, media.id).await
    }

    /// Makes a picture of what a person put. Completing it again changes nothing.
    ///
    /// # Errors
    ///
    /// As [`CompleteError`] says. After one that is no refusal, it may be completed again.
    pub async fn complete(
        &self,
        db: &Db,
        person: Person,
        id: MediaId,
    ) -> Result<Media, CompleteError> {
        let found = media::find(&db.read(), id).await?;
        let media = found.filter(|media| media.person == person).ok_or(UploadRefusal::Unknown)?;
        match media.stage {
            Stage::Ready => return Ok(media),
            Stage::Refused | Stage::Removing => return Err(UploadRefusal::Over.into()),
            Stage::Granted | Stage::Storing => {}
        }
        if db.now() >= media.until() {
            return Err(UploadRefusal::Over.into());
        }
        // Taken before the file is in memory.
        let place = self.studio.enter(person)?;
        let file = self.files.get(&media.incoming(), media.bytes, db.now()).await?;
        let file = file.ok_or(UploadRefusal::Absent)?;
        let drawn = if u64::try_from(file.len()).ok() == Some(media.bytes) {
            self.studio.draw(place, file, media.kind).await
        } else {
            Err(PictureRefusal::Mislabelled)
        };
        match drawn {
            Ok(picture) => self.store(db, &media, &picture).await,
            Err(refusal) => {
                db.write(async |tx| media::refuse(tx, id).await).await?;
                Err(UploadRefusal::of(refusal).into())
            }
        }
    }

    async fn store(
        &self,
        db: &Db,
        media: &Media,
        picture: &Picture,
    ) -> Result<Media, CompleteError> {
        let id = media.id;
        let noted = db.write(async |tx| media::begin_storing(tx, id, picture).await).await?;
        let noted = noted.ok_or(UploadRefusal::Unknown)?;
        match noted.stage {
            Stage::Storing => {}
            Stage::Ready => return Ok(noted),
            Stage::Granted | Stage::Refused | Stage::Removing => {
                return Err(UploadRefusal::Over.into());
            }
        }
        for (drawing, key) in picture.drawings.iter().zip(noted.keys()) {
            let bytes = Bytes::copy_from_slice(&drawing.bytes);
            self.files.put(&key, drawing.kind.media_type(), bytes, db.now()).await?;
        }
        db.write(async |tx| media::end_storing(tx, id).await).await?;
        let stored = media::find(&db.read(), id).await?;
        stored.filter(|media| media.stage == Stage::Ready).ok_or_else(|| UploadRefusal::Over.into())
    }

    /// Adds what is done about uploads later to what workers do. It is never given up: an outage of the place
    /// for files may last days, and nobody else would remove what is there.
    #[must_use]
    pub fn on(&self, workers: Workers) -> Workers {
        let (to_expire, to_remove) = (self.clone(), self.clone());
        let terms = Terms { attempts: i64::MAX, ..Terms::DEFAULT };
        workers
            .on(terms, move |db, lease| {
                let uploads = to_expire.clone();
                async move { uploads.expire(db, lease).await }
            })
            .on(terms, move |db, lease| {
                let uploads = to_remove.clone();
                async move { uploads.remove(db, lease).await }
            })
    }

    async fn expire(&self, db: Db, lease: Lease<Expire>) -> Outcome {
        let id = lease.task.media;
        self.files.remove(&media::incoming(id), db.now()).await?;
        let settled = db.write(async |tx| {
            media::expire(tx, id).await?;
            lease.finish(tx).await
        });
        Ok(settled.await?)
    }

    async fn remove(&self, db: Db, lease: Lease<Remove>) -> Outcome {
        let id = lease.task.media;
        let found: Result<Option<Media>, DbErr> = media::find(&db.read(), id).await;
        if let Some(media) = found?.filter(|media| media.stage == Stage::Removing) {
            for key in media.keys().into_iter().chain([media.incoming()]) {
                self.files.remove(&key, db.now()).await?;
            }
            let settled = db.write(async |tx| {
                media::remove(tx, id).await?;
                lease.finish(tx).await
            });
            return Ok(settled.await?);
        }
        Ok(db.write(async |tx| lease.finish(tx).await).await?)
    }
}
