//! The files of a folder on this machine: put by a ticket, and got by everybody or by a ticket.
//!
//! Where files lie in an object store, browsers go there, and nothing is found here.

use axum::http::{
    HeaderName, HeaderValue, Method,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use commons::{
    files::{Files as _, Folder, Key},
    picture::PictureKind,
};
use web::respond::{self, Cache};

use crate::{
    answer::Answer,
    authority::Viewer,
    input::{Unread, whole_of},
    limits::FILE_BYTES_MAX,
    refusal::Refusal,
    routes::Routes,
    visit::Visit,
};

const FILE: &str = "/media/{*key}";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.on(Method::GET, FILE, show).on(Method::PUT, FILE, put)
}

/// The folder, and which of its files is meant.
fn asked(visit: &Visit) -> Result<(&Folder, Key), Refusal> {
    let path: String = visit.captured("key")?;
    let folder = visit.shop().selling()?.folder.as_ref().ok_or(Refusal::NotFound)?;
    Ok((folder, Key::parse(&path).ok_or(Refusal::NotFound)?))
}

async fn show(visit: Visit, _: Viewer, _: Unread) -> Answer {
    let (folder, key) = asked(&visit)?;
    let now = visit.db()?.now();
    if !folder.may_get(&key, visit.query(), now) {
        return Err(Refusal::NotFound);
    }
    let kind = PictureKind::of_name(key.as_str()).ok_or(Refusal::NotFound)?;
    let file = folder.get(&key, FILE_BYTES_MAX, now).await?.ok_or(Refusal::NotFound)?;
    // Its name follows from its content.
    let cache = if key.is_public() { Cache::Forever } else { Cache::NoStore };
    let media_type = HeaderValue::from_static(kind.media_type());
    let mut response = respond::bytes(axum::http::StatusCode::OK, media_type, cache, file);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    if !key.is_public() {
        let same = HeaderValue::from_static("same-origin");
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, same);
    }
    Ok(response)
}

/// What the ticket allows is known before anything of the body is read.
async fn put(visit: Visit, _: Viewer, body: Unread) -> Answer {
    let (folder, key) = asked(&visit)?;
    let media_type = visit.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let now = visit.db()?.now();
    let ticket = folder.ticket(&key, visit.query(), media_type.unwrap_or_default(), now);
    let ticket = ticket.ok_or(Refusal::UploadTicket)?;
    let bytes_max = usize::try_from(ticket.bytes()).map_err(|_| Refusal::BodyTooLarge)?;
    let room = visit.shop().limits().upload(bytes_max)?;
    let file = whole_of(body.0, bytes_max).await?;
    if file.len() != bytes_max {
        return Err(Refusal::UploadTicket);
    }
    folder.receive(&ticket, file).await?;
    drop(room);
    Ok(respond::no_content())
}
