//! Pictures and their uploads on the wire.

use commons::{
    files::Signed,
    media::{Media, Stage, Visibility},
    picture::PictureKind,
    upload::Uploads,
};
use serde::Serialize;
use store::Db;
use web::fields::Fields;

use super::time;
use crate::input::Object;

/// `POST /v1/media`.
#[derive(Debug)]
pub(crate) struct MediaRequest {
    pub(crate) kind: PictureKind,
    pub(crate) bytes: u64,
    pub(crate) visibility: Visibility,
}

const VISIBILITIES: [(&str, Visibility); 2] =
    [("public", Visibility::Public), ("private", Visibility::Private)];

impl Object for MediaRequest {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let kinds = PictureKind::ALL.map(|kind| (kind.media_type(), kind));
        let allowed = kinds.map(|(name, _)| name).join(", ");
        let kind = fields.word("content_type", &kinds);
        let kind = fields.required("content_type", &allowed, kind);
        // How long one may be is the rule of the module below.
        let bytes = fields.integer("bytes", 0..=i64::MAX);
        let bytes = fields.required("bytes", "how many bytes the file has", bytes);
        let visibility = fields.word("visibility", &VISIBILITIES).unwrap_or(Visibility::Public);
        Some(Self { kind: kind?, bytes: u64::try_from(bytes?).ok()?, visibility })
    }
}

/// What was granted, and how the file is put.
#[derive(Debug, Serialize)]
pub(crate) struct GrantObject {
    media: String,
    upload: UploadObject,
}

#[derive(Debug, Serialize)]
struct UploadObject {
    method: &'static str,
    url: String,
    headers: Headers,
    expires_at: String,
}

#[derive(Debug, Serialize)]
struct Headers {
    #[serde(rename = "Content-Type")]
    content_type: String,
}

impl GrantObject {
    pub(crate) fn of(media: &Media, signed: Signed) -> Self {
        let Signed { url, media_type, until } = signed;
        let headers = Headers { content_type: media_type };
        let upload = UploadObject { method: "PUT", url, headers, expires_at: time(until) };
        Self { media: media.id.to_string(), upload }
    }
}

/// A picture, as whoever uploaded it sees it.
#[derive(Debug, Serialize)]
pub(crate) struct MediaObject {
    media: String,
    state: &'static str,
    visibility: &'static str,
    content_type: &'static str,
    bytes: u64,
    width: Option<u32>,
    height: Option<u32>,
    files: Vec<FileObject>,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct FileObject {
    url: String,
    content_type: &'static str,
    width: u32,
    height: u32,
}

impl MediaObject {
    pub(crate) fn of(media: &Media, uploads: &Uploads, db: &Db) -> Self {
        let shape = media.shape.as_ref().filter(|_| media.stage == Stage::Ready);
        let files = shape.iter().flat_map(|shape| &shape.files).map(|file| FileObject {
            url: uploads.link(media, file, db),
            content_type: file.kind.media_type(),
            width: file.width,
            height: file.height,
        });
        let visibility = VISIBILITIES.iter().find(|(_, known)| *known == media.visibility);
        Self {
            media: media.id.to_string(),
            state: state_word(media.stage),
            visibility: visibility.map_or("", |(word, _)| word),
            content_type: media.kind.media_type(),
            bytes: media.bytes,
            width: shape.map(|shape| shape.width),
            height: shape.map(|shape| shape.height),
            files: files.collect(),
            created_at: time(media.id.0.made_at()),
        }
    }
}

const fn state_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Granted => "granted",
        Stage::Storing => "storing",
        Stage::Ready => "ready",
        Stage::Refused => "refused",
        Stage::Removing => "removing",
    }
}
