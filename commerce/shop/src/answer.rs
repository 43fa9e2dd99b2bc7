//! Answers that many calls have.

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use serde::Serialize;
use web::respond::{self, Cache};

use crate::refusal::Refusal;

/// What a handler answers.
pub(crate) type Answer = Result<Response<Body>, Refusal>;

/// 200 with an object about one person.
pub(crate) fn json(value: &impl Serialize) -> Response<Body> {
    respond::json(StatusCode::OK, Cache::NoStore, value)
}

/// 202: what was asked for is done later, or not, and nobody is told which.
pub(crate) fn accepted() -> Response<Body> {
    let mut response = respond::no_content();
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
