//! What can become of an upload.

use std::{error::Error, fmt};

use store::sea_orm::DbErr;

use crate::{files::FilesError, picture::PictureRefusal, studio::Busy};

store::refusals! {
    /// Why no picture was made of an upload.
    pub UploadRefusal {
        /// There is no such upload of the person's.
        Unknown = "upload_unknown": "there is no such upload",
        /// It was refused before, or its time is over.
        Over = "upload_over": "the upload was refused before, or its time is over",
        /// Nothing was put yet.
        Absent = "upload_absent": "nothing was uploaded yet",
        /// It is of another type or length than was granted.
        Mislabelled = "picture_mislabelled": "the file is not of the type or length that was said",
        /// It has more pixels than are decoded.
        TooManyPixels = "picture_too_large": "the picture has more than 24 megapixels, \
             a side of more than 16,000, or too much detail",
        /// It cannot be decoded.
        Damaged = "picture_damaged": "the file is damaged",
    }
}

impl UploadRefusal {
    pub(super) const fn of(refusal: PictureRefusal) -> Self {
        match refusal {
            PictureRefusal::Mislabelled => Self::Mislabelled,
            PictureRefusal::TooManyPixels => Self::TooManyPixels,
            PictureRefusal::Damaged => Self::Damaged,
        }
    }
}

/// Why an upload was not completed.
#[derive(Debug)]
pub enum CompleteError {
    /// The rules refuse it.
    Refused(UploadRefusal),
    /// Too many pictures are being drawn. It may be completed a little later.
    Busy,
    /// The place for files failed.
    Files(FilesError),
    /// The database failed.
    Store(DbErr),
}

impl fmt::Display for CompleteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Busy => f.write_str("too many pictures are being drawn"),
            Self::Files(_) => f.write_str("the place for files failed"),
            Self::Store(_) => f.write_str("the database failed"),
        }
    }
}

impl Error for CompleteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(_) | Self::Busy => None,
            Self::Files(error) => Some(error),
            Self::Store(error) => Some(error),
        }
    }
}

impl From<UploadRefusal> for CompleteError {
    fn from(refusal: UploadRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Busy> for CompleteError {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<FilesError> for CompleteError {
    fn from(error: FilesError) -> Self {
        Self::Files(error)
    }
}

impl From<DbErr> for CompleteError {
    fn from(error: DbErr) -> Self {
        Self::Store(error)
    }
}
