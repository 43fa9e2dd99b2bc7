//! Forms that bring pictures: `multipart/form-data`, read within bounds, and what becomes of a picture.
//!
//! Owns how such a body is read. Refuses to decide who may upload. Always true: nothing of a body is read
//! before there is room for all of it; a file is of a type that we take, or the form is refused.

use axum::{
    body::Body,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use bytes::Bytes;
use commons::{
    ids::Person,
    limits::{PICTURES_MAX, UPLOAD_BYTES_MAX},
    media::{self, Asked, Media, Visibility},
    picture::PictureKind,
};
use identity::ids::AccountId;
use multer::{Constraints, Field, Multipart, SizeLimit};
use store::Refusing as _;
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    acting::live,
    input::{Form, Input},
    limits::{BODY_BYTES_MAX, FORM_FIELDS_MAX, FORM_UPLOAD_BYTES_MAX},
    refusal::{Fault, Refusal},
    visit::Visit,
};

/// A file of a form.
pub(crate) struct File {
    /// The name of its field.
    pub(crate) field: String,
    kind: PictureKind,
    bytes: Bytes,
}

/// A form with files. It keeps its room in memory as long as it is there.
pub(crate) struct Uploaded {
    /// Everything else that was typed.
    pub(crate) form: Form,
    /// The files, in their order.
    pub(crate) files: Vec<File>,
    _room: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Uploaded({} files)", self.files.len())
    }
}

impl Input for Uploaded {
    /// Of a form without files too, which a browser sends in the same way.
    async fn read(visit: &Visit, body: Body) -> Result<Self, Refusal> {
        let header = |name| visit.headers().get(name).and_then(|value| value.to_str().ok());
        let said = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let bytes_max = said.unwrap_or(FORM_UPLOAD_BYTES_MAX);
        if bytes_max > FORM_UPLOAD_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        let room = visit.shop().limits().upload(bytes_max)?;
        let kind = header(CONTENT_TYPE).unwrap_or_default();
        let (form, files) = read(kind, body, bytes_max).await?;
        Ok(Self { form, files, _room: room })
    }
}

/// Reads a form of this `Content-Type`.
async fn read(kind: &str, body: Body, bytes_max: usize) -> Result<(Form, Vec<File>), Refusal> {
    let boundary = multer::parse_boundary(kind).map_err(|_| NOT_MULTIPART)?;
    let whole = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let sizes = SizeLimit::new().whole_stream(whole).per_field(UPLOAD_BYTES_MAX);
    let constraints = Constraints::new().size_limit(sizes);
    let mut parts = Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let (mut pairs, mut files) = (Vec::new(), Vec::new());
    let mut typed = 0;
    while let Some(part) = parts.next_field().await.map_err(refusal)? {
        let field = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            files.extend(file(field, part).await?);
        } else {
            let text = part.text().await.map_err(refusal)?;
            typed += text.len();
            pairs.push((field, text));
        }
        let is_too_much = typed > BODY_BYTES_MAX || files.len() > PICTURES_MAX;
        if is_too_much || pairs.len() > FORM_FIELDS_MAX {
            return Err(Refusal::BodyTooLarge);
        }
    }
    Ok((Form::of(pairs), files))
}

const NOT_MULTIPART: Refusal =
    Refusal::BadRequest("the form has to be sent as multipart/form-data");

/// A file; nothing of a field that none was chosen for.
async fn file(field: String, part: Field<'_>) -> Result<Option<File>, Refusal> {
    let kind = part.content_type().map(ToString::to_string).unwrap_or_default();
    let bytes = part.bytes().await.map_err(refusal)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let kind = PictureKind::of_media_type(&kind).ok_or_else(|| {
        Refusal::Invalid(vec![Fault::new(
            &field,
            "picture_invalid",
            "JPEG, PNG, WebP 사진만 올릴 수 있습니다.",
            "a picture is a JPEG, PNG or WebP file",
        )])
    })?;
    Ok(Some(File { field, kind, bytes }))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` takes")]
fn refusal(error: multer::Error) -> Refusal {
    use multer::Error::{FieldSizeExceeded, StreamSizeExceeded};
    let is_too_long = matches!(error, FieldSizeExceeded { .. } | StreamSizeExceeded { .. });
    if is_too_long { Refusal::BodyTooLarge } else { Refusal::BadBody }
}

/// Makes a picture of a file that an account sent with a form.
pub(crate) async fn take(
    visit: &Visit,
    account: AccountId,
    file: &File,
    visibility: Visibility,
) -> Result<Media, Refusal> {
    let (db, selling) = (visit.db()?, visit.shop().selling()?);
    let bytes = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
    let asked = Asked { person: Person(account.0), kind: file.kind, bytes, visibility };
    let granted = db.write(async |tx| {
        live(tx, account).await?;
        media::grant(tx, &asked).await.refusing(Refusal::from)
    });
    let media = granted.await?;
    Ok(selling.uploads.take(db, &media, file.bytes.clone()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=x";

    fn part(head: &str, body: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    }

    async fn form(parts: &[String]) -> Result<(Form, Vec<File>), Refusal> {
        read(KIND, Body::from(format!("{}--x--\r\n", parts.concat())), 100_000).await
    }

    #[tokio::test]
    async fn a_form_has_its_fields_and_the_files_that_were_chosen() {
        let picture = "name=\"picture\"; filename=\"a.png\"\r\nContent-Type: image/png";
        let none = "name=\"picture\"; filename=\"\"\r\nContent-Type: application/octet-stream";
        let parts = [
            part("name=\"hour\"", "9"),
            part("name=\"hour\"", "10"),
            part(picture, "png"),
            part(none, ""),
        ];
        let (form, files) = form(&parts).await.unwrap();
        assert_eq!(form.all("hour").collect::<Vec<_>>(), ["9", "10"]);
        let [file] = &files[..] else { unreachable!("{} files", files.len()) };
        assert_eq!((file.field.as_str(), file.kind), ("picture", PictureKind::Png));
        assert_eq!(file.bytes, "png");
    }

    #[tokio::test]
    async fn what_no_page_sends_is_refused() {
        let svg = part("name=\"p\"; filename=\"a\"\r\nContent-Type: image/svg+xml", "<svg/>");
        assert!(matches!(form(&[svg]).await, Err(Refusal::Invalid(_))));
        let long = part("name=\"a\"", &"x".repeat(BODY_BYTES_MAX + 1));
        assert!(matches!(form(&[long]).await, Err(Refusal::BodyTooLarge)));
        let many = vec![part("name=\"a\"", ""); FORM_FIELDS_MAX + 1];
        assert!(matches!(form(&many).await, Err(Refusal::BodyTooLarge)));
        let larger = vec![part("name=\"a\"", "x"); 5];
        let body = Body::from(larger.concat());
        assert!(matches!(read(KIND, body, 100).await, Err(Refusal::BodyTooLarge)));
        let broken = Body::from(part("name=\"a\"", "x"));
        assert!(matches!(read(KIND, broken, 1_000).await, Err(Refusal::BadBody)));
        let plain = Body::from("a=b");
        assert!(matches!(read("text/plain", plain, 100).await, Err(Refusal::BadRequest(_))));
    }
}
