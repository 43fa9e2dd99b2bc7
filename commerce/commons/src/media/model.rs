//! What a picture is, from the grant to its files.

use base::moment::Moment;
use serde::{Deserialize, Serialize};
use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use crate::{
    files::Key,
    ids::{MediaId, Person},
    limits::GRANT_TTL,
    picture::{Colour, Picture, PictureKind},
};

/// Who may see a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Visibility {
    /// Everybody who has its URL, which lasts.
    #[sea_orm(string_value = "public")]
    Public,
    /// Whoever is given a URL, which is good for a while.
    #[sea_orm(string_value = "private")]
    Private,
}

impl Visibility {
    /// What the keys of its files begin with.
    const fn folder(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// How far an upload has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Stage {
    /// It may be put.
    #[sea_orm(string_value = "granted")]
    Granted,
    /// It is a picture, whose files are being written.
    #[sea_orm(string_value = "storing")]
    Storing,
    /// Its files are there.
    #[sea_orm(string_value = "ready")]
    Ready,
    /// It is no picture, or was put a second time.
    #[sea_orm(string_value = "refused")]
    Refused,
    /// Its files are being removed.
    #[sea_orm(string_value = "removing")]
    Removing,
}

/// What somebody wants to upload.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who.
    pub person: Person,
    /// The type of the file.
    pub kind: PictureKind,
    /// Its length in bytes.
    pub bytes: u64,
    /// Who may see the picture.
    pub visibility: Visibility,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Which.
    pub id: MediaId,
    /// Who uploads it.
    pub person: Person,
    /// Who may see it.
    pub visibility: Visibility,
    /// How far it has come.
    pub stage: Stage,
    /// The type of the file that is uploaded.
    pub kind: PictureKind,
    /// Its length in bytes.
    pub bytes: u64,
    /// What was drawn of it.
    pub shape: Option<Shape>,
}

impl Media {
    /// Until when it may be uploaded and completed.
    pub fn until(&self) -> Moment {
        self.id.0.made_at().after(GRANT_TTL)
    }

    /// Where it is uploaded to.
    pub(crate) fn incoming(&self) -> Key {
        incoming(self.id)
    }

    /// Where its files are.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let files = self.shape.iter().flat_map(|shape| &shape.files);
        files.map(|file| self.key(file)).collect()
    }

    /// Where one of its files is.
    pub(crate) fn key(&self, file: &Shown) -> Key {
        Key::of(&[self.visibility.folder(), &self.id.to_string(), &file.name])
    }
}

/// Where an upload goes.
pub(crate) fn incoming(media: MediaId) -> Key {
    Key::of(&["incoming", &media.to_string()])
}

/// What was drawn of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// How wide the original is.
    pub width: u32,
    /// How high.
    pub height: u32,
    /// The colour that most of it has.
    pub colour: Colour,
    /// Its files, the narrowest first.
    pub files: Vec<Shown>,
}

impl Shape {
    pub(super) fn of(picture: &Picture) -> Self {
        let Picture { width, height, colour, ref drawings } = *picture;
        let files = drawings.iter().map(|drawing| Shown {
            name: drawing.name(),
            kind: drawing.kind,
            width: drawing.width,
            height: drawing.height,
        });
        Self { width, height, colour, files: files.collect() }
    }

    /// The narrowest file that is at least so wide, or else the widest.
    pub fn at_least(&self, width: u32) -> Option<&Shown> {
        self.files.iter().find(|file| file.width >= width).or_else(|| self.files.last())
    }
}

/// A file of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its name, which follows from its content.
    pub name: String,
    /// Its type.
    pub kind: PictureKind,
    /// How wide it is.
    pub width: u32,
    /// How high.
    pub height: u32,
}

store::refusals! {
    /// Why nobody may upload this.
    pub GrantRefusal {
        /// It is empty, or longer than any may be.
        TooLong = "upload_length": "an upload has 1 byte to 10 MiB",
        /// The person has too many that no subject shows.
        TooMany = "too_many_uploads": "the person has as many unused pictures as anybody may",
    }
}

store::refusals! {
    /// Why a subject does not show these pictures.
    pub ShowRefusal {
        /// There is no such picture of the person's.
        Unknown = "picture_unknown": "there is no such picture",
        /// One was not completed.
        NotReady = "picture_not_ready": "the upload of a picture was not completed",
        /// More than a subject shows.
        TooMany = "too_many_pictures": "a subject shows 20 pictures",
        /// One is named twice.
        Twice = "picture_twice": "a picture is named twice",
    }
}
