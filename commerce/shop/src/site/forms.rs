//! What a form comes to: another page, or itself with what was wrong.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use bytes::Bytes;
use web::respond::{self, Cache};

use super::around::tell;
use crate::{
    refusal::{Fault, Refusal},
    visit::Visit,
};

/// A page about one visitor.
pub(super) fn page(html: String) -> Response<Body> {
    respond::page(StatusCode::OK, Cache::NoStore, Bytes::from(html))
}

/// A form that comes back, with what was wrong with it.
pub(super) fn refused(status: StatusCode, html: String) -> Response<Body> {
    respond::page(status, Cache::NoStore, Bytes::from(html))
}

/// Goes on after a form, with a word about it on the next page.
pub(super) fn done(visit: &Visit, code: &'static str, location: &str) -> Response<Body> {
    tell(visit, code);
    respond::see_other(location)
}

/// What a form was refused for.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    /// The code of the form as a whole.
    pub(super) code: Option<&'static str>,
    /// Fields with their codes.
    pub(super) fields: Vec<Fault>,
    pub(super) status: StatusCode,
}

impl Wrong {
    /// What a form shows of a refusal. One that is no fault of the form's is passed on.
    pub(super) fn of(refusal: Refusal) -> Result<Self, Refusal> {
        let facts = refusal.row().facts;
        if let Refusal::Invalid(fields) = refusal {
            return Ok(Self { code: None, fields, status: StatusCode::UNPROCESSABLE_ENTITY });
        }
        if matches!(
            refusal,
            Refusal::Internal | Refusal::Unavailable | Refusal::NotFound | Refusal::SignInAgain
        ) {
            return Err(refusal);
        }
        // A status for programs that sign in would make browsers ask for a password.
        let is_sign_in = facts.status == StatusCode::UNAUTHORIZED;
        let status = if is_sign_in { StatusCode::OK } else { facts.status };
        Ok(Self { code: Some(facts.code), fields: Vec::new(), status })
    }

    /// The code at a field.
    pub(super) fn at(&self, field: &str) -> Option<&'static str> {
        self.fields.iter().find(|fault| fault.field == field).map(|fault| fault.code)
    }
}
