//! What a page is answered with that is not there, or not for whoever asks.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use identity::session::Role;
use pages::shop::to;
use web::{problem::Retry, request_id::RequestId, respond};

use super::{
    around::{Around, tell_refusal},
    forms::refused,
};
use crate::{refusal::Refusal, visit::Visit};

/// Has somebody sign in and come back to the page.
fn sign_in(visit: &Visit, role: Option<Role>) -> Response<Body> {
    let role = role.filter(|role| *role != Role::Shopper);
    let role = role.map_or_else(String::new, |role| format!("role={}&", role.label()));
    let here = to::encoded(&visit.here());
    respond::see_other(&format!("{}?{role}return_to={here}", to::SIGN_IN))
}

/// As what somebody has to be signed in for a page.
fn role_at(path: &str) -> Option<Role> {
    let is_below = |above: &str| {
        path.strip_prefix(above)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let all = [(to::DESK, Role::Operator), (to::BUSINESS, Role::Business)];
    all.into_iter().find(|(above, _)| is_below(above)).map(|(_, role)| role)
}

/// The answer to a page that is not there, or not now.
pub(crate) fn lost(visit: &Visit, refusal: &Refusal) -> Response<Body> {
    let facts = refusal.row().facts;
    if facts.status == StatusCode::UNAUTHORIZED {
        return sign_in(visit, role_at(&visit.here()));
    }
    if matches!(refusal, Refusal::SignInAgain) {
        tell_refusal(visit, facts.code);
        return sign_in(visit, visit.role());
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
