//! How the gateway refuses.

use hyper::StatusCode;
use serde_json::json;

use crate::server::{self, Reply};

/// A status, a code for programs and words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(StatusCode, &'static str, &'static str);

impl Refusal {
    pub(super) const UNAVAILABLE: Self =
        Self(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again later");
    pub(super) const KEY: Self = Self(StatusCode::UNAUTHORIZED, "unauthorised", "wrong key");
    pub(super) const REQUEST: Self =
        Self(StatusCode::BAD_REQUEST, "invalid_request", "a field is missing or wrong");
    pub(super) const NO_KEY: Self =
        Self(StatusCode::BAD_REQUEST, "no_idempotency_key", "a change needs an Idempotency-Key");
    pub(super) const REUSED: Self = Self(
        StatusCode::CONFLICT,
        "idempotency_conflict",
        "this Idempotency-Key was used for something else",
    );
    pub(super) const UNKNOWN: Self =
        Self(StatusCode::NOT_FOUND, "not_found", "no such authorisation");
    pub(super) const STATE: Self =
        Self(StatusCode::CONFLICT, "wrong_state", "the authorisation's state does not allow it");
    pub(super) const REFUNDED: Self = Self(
        StatusCode::CONFLICT,
        "refunded_otherwise",
        "refunded_before is not what was refunded before",
    );
    pub(super) const TOO_MUCH: Self =
        Self(StatusCode::UNPROCESSABLE_ENTITY, "amount_too_large", "more than there is");

    pub(super) fn reply(self) -> Reply {
        let Self(status, code, message) = self;
        server::json(status, &json!({ "error": { "code": code, "message": message } }))
    }
}
