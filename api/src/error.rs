//! Every refusal the HTTP front can give, as `application/problem+json` (RFC 9457).
//!
//! Owns the one table from a refusal to status, code, title and `Retry-After`. Internal text never
//! leaves: a detail is either fixed here or was written for the caller. Each code says in
//! [`Retry`] what sending the same request again means.

use bytes::Bytes;
use hyper::header::{ALLOW, ETAG, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::limiter::Quota;
use crate::request_id::RequestId;
use crate::respond::{self, Cache};
use crate::route::Methods;
use crate::server::{Body, Fault};

/// The most field problems one answer lists; the rest would say nothing new.
const FIELDS_MAX: usize = 16;

/// One thing wrong with a request's fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Where, as a path such as `items[0].quantity`; empty for the whole body.
    pub field: String,
    /// What is allowed, in words for the caller.
    pub message: String,
}

impl FieldProblem {
    /// Says that `field` is wrong and what would be right.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The place was not asked after for too long, or its claim window passed.
    TicketExpired,
    /// The shopper left the line.
    TicketLeft,
    /// No ticket, or one that does not verify here.
    TicketInvalid,
    /// No pass, or one that does not verify here.
    PassInvalid,
    /// The pass was good and is over.
    PassExpired,
    /// The units asked for are not to be had.
    SoldOut,
    /// The shopper's limit over the sale would be passed.
    LimitExceeded,
    /// The sale is not open to this call now.
    SaleNotOpen,
    /// The entry needs an identity that was not given or does not verify; says which of both.
    IdentityInvalid(&'static str),
    /// The shop's token was good and has expired.
    IdentityExpired,
    /// The session that the shop's token comes from was ended.
    IdentityRevoked,
    /// Nobody's token can be checked: the keys cannot be had.
    IdentityUnavailable,
    /// The key was used before with another request.
    IdempotencyMismatch,
    /// The request's syntax is fine and its content is not.
    InvalidRequest(Vec<FieldProblem>),
    /// The request's syntax is broken.
    BadRequest(&'static str),
    /// The body broke off or its encoding is broken.
    BadBody,
    /// The body passes the limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The change cannot apply in the state it found.
    WrongState {
        /// The state as the API names it.
        found: &'static str,
    },
    /// The sale cannot be deleted: somebody still needs it.
    SaleInUse {
        /// What stands in the way, and what would be allowed.
        why: String,
    },
    /// The sale is at another version than the change was meant for.
    PreconditionFailed {
        /// Its `ETag`.
        found: String,
    },
    /// What was to be made is there already.
    AlreadyExists,
    /// No such thing, or not the caller's.
    NotFound,
    /// The path is known and the method is not.
    MethodNotAllowed {
        /// The methods that are.
        allow: Methods,
    },
    /// No operator or backend key, or a wrong one.
    Unauthorized,
    /// The key is good, for another role.
    Forbidden,
    /// This caller asks too often.
    TooManyRequests(Quota),
    /// This address has as many connections as it may, or opens them too often.
    TooManyConnections,
    /// Streams of this ticket that were ended are still there.
    TooManyStreams,
    /// This shopper has made as many purchases as one may over the sale's life.
    TooManyPurchases,
    /// More work is waiting than can be done in time.
    Overloaded,
    /// As many connections are open as this node may have, and none of them is idle.
    Full,
    /// The order backend has fallen behind its bound.
    BackendStalled,
    /// The arbiter that decides order and stock cannot be reached.
    ArbiterUnavailable,
    /// The journal's disk is full; reads go on.
    StorageFull,
    /// This node is going down.
    ShuttingDown,
    /// The answer did not come in time; it may have happened.
    DeadlineExceeded,
    /// A fault of ours.
    Internal,
}

/// What sending the same request again means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same answer would come.
    Useless,
    /// Nothing happened; again after the given base of seconds, spread by as much again.
    After(u32),
    /// It may have happened; again with the same idempotency key, after the base of seconds.
    WithKey(u32),
}

/// A refusal as the table has it.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable machine-readable code.
    pub code: &'static str,
    /// Short human-readable summary, the same for each use of the code.
    pub title: &'static str,
    /// What a retry means.
    pub retry: Retry,
}

const fn facts(status: StatusCode, code: &'static str, title: &'static str) -> Facts {
    Facts { status, code, title, retry: Retry::Useless }
}

const fn later(status: StatusCode, code: &'static str, title: &'static str, retry: Retry) -> Facts {
    Facts { status, code, title, retry }
}

impl ApiError {
    /// The one choice of status, code, title and retry for each refusal.
    #[rustfmt::skip]
    pub const fn facts(&self) -> Facts {
        use Retry::{After, WithKey};
        use StatusCode as S;
        match self {
            Self::TicketExpired => facts(S::GONE, "ticket_expired", "the place in line has expired"),
            Self::TicketLeft => facts(S::GONE, "ticket_left", "the shopper has left the line"),
            Self::TicketInvalid => facts(S::UNAUTHORIZED, "ticket_invalid", "no valid ticket for this sale"),
            Self::PassInvalid => facts(S::UNAUTHORIZED, "pass_invalid", "no valid pass for this sale"),
            Self::PassExpired => facts(S::UNAUTHORIZED, "pass_expired", "the pass has expired"),
            Self::SoldOut => facts(S::CONFLICT, "sold_out", "not enough units left"),
            Self::LimitExceeded => facts(S::CONFLICT, "limit_exceeded", "over the per-shopper limit"),
            Self::SaleNotOpen => facts(S::CONFLICT, "sale_not_open", "the sale is not open"),
            Self::IdentityInvalid(_) => facts(S::UNAUTHORIZED, "identity_invalid", "no valid identity for this sale"),
            Self::IdentityExpired => facts(S::UNAUTHORIZED, "identity_expired", "the sign-in token has expired"),
            Self::IdentityRevoked => facts(S::UNAUTHORIZED, "identity_revoked", "the sign-in has been ended"),
            Self::IdentityUnavailable => later(S::SERVICE_UNAVAILABLE, "identity_unavailable", "sign-ins cannot be checked right now", After(5)),
            Self::IdempotencyMismatch => facts(S::UNPROCESSABLE_ENTITY, "idempotency_mismatch", "the idempotency key was already used for a different request"),
            Self::InvalidRequest(_) => facts(S::UNPROCESSABLE_ENTITY, "invalid_request", "the request is not valid"),
            Self::BadRequest(_) => facts(S::BAD_REQUEST, "bad_request", "the request is malformed"),
            Self::BadBody => facts(S::BAD_REQUEST, "bad_body", "the request body is incomplete or badly encoded"),
            Self::BodyTooLarge => facts(S::PAYLOAD_TOO_LARGE, "body_too_large", "the request body is too large"),
            Self::RequestTimeout => later(S::REQUEST_TIMEOUT, "request_timeout", "the request did not arrive in time", After(1)),
            Self::WrongState { .. } | Self::SaleInUse { .. } => facts(S::CONFLICT, "wrong_state", "not possible in the current state"),
            Self::PreconditionFailed { .. } => facts(S::PRECONDITION_FAILED, "precondition_failed", "the sale has changed in the meantime"),
            Self::AlreadyExists => facts(S::CONFLICT, "already_exists", "already exists"),
            Self::NotFound => facts(S::NOT_FOUND, "not_found", "not found"),
            Self::MethodNotAllowed { .. } => facts(S::METHOD_NOT_ALLOWED, "method_not_allowed", "the method is not allowed here"),
            Self::Unauthorized => facts(S::UNAUTHORIZED, "unauthorized", "a valid key is required"),
            Self::Forbidden => facts(S::FORBIDDEN, "forbidden", "the key's role does not allow this"),
            Self::TooManyRequests(quota) => later(S::TOO_MANY_REQUESTS, "too_many_requests", "too many requests", After(quota.retry_after())),
            Self::TooManyConnections => later(S::TOO_MANY_REQUESTS, "too_many_requests", "too many requests", After(1)),
            Self::TooManyStreams => later(S::TOO_MANY_REQUESTS, "too_many_requests", "too many requests", After(5)),
            // The bound is for the sale's life: only an operator who raises the limit moves it.
            Self::TooManyPurchases => later(S::TOO_MANY_REQUESTS, "too_many_requests", "too many requests", After(3_600)),
            Self::Overloaded => later(S::SERVICE_UNAVAILABLE, "overloaded", "the server is overloaded", After(1)),
            Self::Full => later(S::SERVICE_UNAVAILABLE, "overloaded", "the server is overloaded", After(2)),
            Self::BackendStalled => later(S::SERVICE_UNAVAILABLE, "backend_stalled", "the order backend is behind; no new purchases right now", After(5)),
            Self::ArbiterUnavailable => later(S::SERVICE_UNAVAILABLE, "arbiter_unavailable", "the decision store is unavailable", WithKey(2)),
            Self::StorageFull => later(S::SERVICE_UNAVAILABLE, "storage_full", "the disk is full; changes cannot be saved right now", After(10)),
            Self::ShuttingDown => later(S::SERVICE_UNAVAILABLE, "shutting_down", "this server is shutting down; the request may have been carried out", WithKey(1)),
            Self::DeadlineExceeded => later(S::SERVICE_UNAVAILABLE, "deadline_exceeded", "no answer in time; the request may have been carried out", WithKey(1)),
            Self::Internal => later(S::INTERNAL_SERVER_ERROR, "internal", "internal error", WithKey(1)),
        }
    }

    /// Words about this occurrence, for the caller.
    fn detail(&self) -> Option<String> {
        if let Self::WrongState { found } = self {
            return Some(format!("the current state is {found}"));
        }
        if let Self::PreconditionFailed { found } = self {
            return Some(format!(
                "the sale is at version {found}; If-Match must name that version"
            ));
        }
        if let Self::SaleInUse { why } = self {
            return Some(why.clone());
        }
        if let Self::MethodNotAllowed { allow } = self {
            return Some(format!("allowed: {}", allow.as_str()));
        }
        if let Self::BadRequest(why) | Self::IdentityInvalid(why) = self {
            return Some((*why).to_owned());
        }
        if matches!(self, Self::TooManyStreams) {
            return Some("this ticket already has as many event streams as it may have".to_owned());
        }
        if matches!(self, Self::TooManyPurchases) {
            return Some("this shopper has made as many purchases as this sale allows".to_owned());
        }
        if matches!(self, Self::Full | Self::TooManyConnections) {
            return Some("too many connections".to_owned());
        }
        let first = self.fields().first()?;
        Some(if first.field.is_empty() {
            first.message.clone()
        } else {
            format!("{}: {}", first.field, first.message)
        })
    }

    /// The state that a change cannot apply in.
    const fn found(&self) -> Option<&'static str> {
        if let Self::WrongState { found } = self {
            return Some(found);
        }
        if matches!(self, Self::SaleInUse { .. }) { Some("in_use") } else { None }
    }

    /// What is wrong field by field, as much of it as is shown.
    fn fields(&self) -> &[FieldProblem] {
        if let Self::InvalidRequest(fields) = self {
            &fields[..fields.len().min(FIELDS_MAX)]
        } else {
            &[]
        }
    }

    /// The document. What comes from the table stands as it is: a test sees to it that nothing there
    /// has to be escaped. What may quote the caller is escaped.
    fn document(&self, request_id: &str) -> serde_json::Result<Vec<u8>> {
        let Facts { status, code, title, .. } = self.facts();
        let mut json = Vec::with_capacity(384);
        put(&mut json, &[r#"{"type":"/docs#error-"#, code, r#"","title":""#, title]);
        put(&mut json, &[r#"","status":"#, status.as_str(), r#","detail":"#]);
        let detail = self.detail();
        serde_json::to_writer(&mut json, detail.as_deref().unwrap_or(title))?;
        put(&mut json, &[r#","code":""#, code, r#"","request_id":""#, request_id, "\""]);
        if let Some(found) = self.found() {
            put(&mut json, &[r#","found":""#, found, "\""]);
        }
        if !self.fields().is_empty() {
            put(&mut json, &[r#","errors":"#]);
            serde_json::to_writer(&mut json, self.fields())?;
        }
        json.push(b'}');
        Ok(json)
    }

    /// The problem document, under the id of the request that this thread works on.
    pub fn respond(&self) -> Response<Body> {
        let facts = self.facts();
        let request_id = RequestId::current();
        // Texts always serialise.
        let id = request_id.header();
        let body = self.document(id.to_str().unwrap_or_default()).unwrap_or_default();
        let body = Body::full(Bytes::from(body)).about(facts.code);
        let mut response =
            respond::with_body(facts.status, respond::PROBLEM_JSON, Cache::NoStore, body);
        let headers = response.headers_mut();
        if let Retry::After(base) | Retry::WithKey(base) = facts.retry {
            let seconds = base + request_id.spread(base + 1);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Self::TooManyRequests(quota) = self {
            quota.say(headers);
        }
        if let Self::PreconditionFailed { found } = self
            && let Ok(tag) = HeaderValue::from_str(found)
        {
            headers.insert(ETAG, tag);
        }
        if let Self::MethodNotAllowed { allow } = self {
            headers.insert(ALLOW, allow.header());
        }
        if facts.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Host => Self::BadRequest("exactly one Host header is required"),
            Fault::BodyTooLarge => Self::BodyTooLarge,
            Fault::BodyBroken => Self::BadBody,
            Fault::BodyLate => Self::RequestTimeout,
            Fault::AnswerLate => Self::DeadlineExceeded,
            Fault::Panicked => Self::Internal,
        }
    }
}

fn put(json: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        json.extend_from_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is over when it is asked again later.
    const PASSING: [ApiError; 10] = [
        ApiError::TooManyRequests(Quota::SPENT),
        ApiError::TooManyConnections,
        ApiError::TooManyStreams,
        ApiError::Overloaded,
        ApiError::BackendStalled,
        ApiError::IdentityUnavailable,
        ApiError::ArbiterUnavailable,
        ApiError::StorageFull,
        ApiError::ShuttingDown,
        ApiError::DeadlineExceeded,
    ];

    /// What a request can bring about is read as JSON by the tests of the contract.
    #[test]
    fn a_document_is_json_and_quotes_nothing_unescaped() {
        let others = [
            ApiError::Internal,
            ApiError::WrongState { found: "paying" },
            ApiError::SaleInUse { why: "1 confirmed order".to_owned() },
            ApiError::InvalidRequest(vec![FieldProblem::new("a\"\n\u{0}", "한\\")]),
        ];
        for error in PASSING.into_iter().chain(others) {
            let json = error.document("1f-2").unwrap();
            let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
            let facts = error.facts();
            assert_eq!(document["code"], facts.code);
            assert_eq!(document["type"], format!("/docs#error-{}", facts.code));
            assert_eq!(document["status"], facts.status.as_u16());
            assert_eq!(document["title"], facts.title);
            assert_eq!(document["request_id"], "1f-2");
            assert_eq!(document["detail"], error.detail().unwrap_or_else(|| facts.title.into()));
            assert_eq!(document.get("found").and_then(|found| found.as_str()), error.found());
            let errors =
                document.get("errors").map_or(0, |errors| errors.as_array().unwrap().len());
            assert_eq!(errors, error.fields().len());
        }
    }

    #[test]
    fn a_retry_hint_stands_on_every_429_and_503() {
        for error in PASSING {
            let response = error.respond();
            assert!(matches!(response.status().as_u16(), 429 | 503));
            let seconds = response.headers()[RETRY_AFTER].to_str().unwrap().parse::<u32>().unwrap();
            assert!((1..=20).contains(&seconds), "{error:?}: {seconds}");
        }
        let lasting = ApiError::TooManyPurchases.respond();
        assert_eq!(lasting.status(), 429);
        let seconds = lasting.headers()[RETRY_AFTER].to_str().unwrap().parse::<u32>().unwrap();
        assert!((3_600..=7_200).contains(&seconds), "it helps nobody to come back soon: {seconds}");
    }

    #[test]
    fn a_405_says_what_is_allowed() {
        let error = ApiError::MethodNotAllowed { allow: Methods::Get };
        assert_eq!(error.respond().headers()[ALLOW], "GET, HEAD, OPTIONS");
    }

    #[test]
    fn retry_hints_are_spread() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            seen.insert(
                ApiError::StorageFull.respond().headers()[RETRY_AFTER].clone().as_bytes().to_vec(),
            );
        }
        assert!(seen.len() > 5, "{seen:?}");
    }
}
