//! What a page is answered with that is not there, or not for whoever asks.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use pages::shop::to;
use web::{problem::Retry, request_id::RequestId, respond};

use super::{around::Around, forms::refused};
use crate::{refusal::Refusal, visit::Visit};

/// The answer to a page that is not there, or not now.
pub(crate) fn lost(visit: &Visit, refusal: &Refusal) -> Response<Body> {
    let facts = refusal.row().facts;
    if facts.status == StatusCode::UNAUTHORIZED {
        let to = format!("{}?return_to={}", to::SIGN_IN, to::encoded(&visit.here()));
        return respond::see_other(&to);
    }
    let around = Around::of_nobody(visit);
    let reference = RequestId::current().to_string();
    let retry = match facts.retry {
        Retry::After(seconds) | Retry::WithKey(seconds) => Some(u64::from(seconds)),
        Retry::Useless => None,
    };
    let html = pages::shop::LostPage {
        frame: around.frame(),
        status: facts.status.as_u16(),
        code: facts.code,
        reference: &reference,
        retry_seconds: retry,
    }
    .html();
    let mut page = refused(facts.status, html);
    // What programs are told in headers, such as when to come again, holds for a page too.
    for (name, value) in refusal.respond(visit.language()).headers() {
        page.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    page
}
