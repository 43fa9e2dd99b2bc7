//! Every refusal the HTTP front can give.
//!
//! Owns the one table from a refusal to status, code, title and `Retry-After`. Internal text never
//! leaves: a detail is either fixed here or was written for the caller. Each code says in
//! [`Retry`] what sending the same request again means. The document is [`web::problem`]'s.

use bytes::Bytes;
use hyper::header::{ALLOW, ETAG, HeaderValue};
use hyper::{Response, StatusCode};
use web::buckets::Quota;
use web::problem::Problem;

use crate::route::Methods;
use crate::server::{Body, Fault, NoPlace};
use crate::token::InviteError;
use crate::wire::BodyError;

pub use web::problem::{Facts, FieldProblem, Retry};

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
    /// Not enough units are left.
    SoldOut,
    /// The shopper's limit over the sale would be passed.
    LimitExceeded,
    /// The sale is not open to this call now.
    SaleNotOpen,
    /// The sale is over and archived: only what was bought in it is there.
    SaleArchived,
    /// The entry needs an identity that was not given or does not verify; says which of both.
    IdentityInvalid(&'static str),
    /// The entry needs an invitation, and what came is none that holds here and now.
    InviteInvalid(InviteError),
    /// The shop's token was good and has expired.
    IdentityExpired,
    /// The session that the shop's token comes from was ended.
    IdentityRevoked,
    /// The invitation was used for another entry.
    InviteUsed,
    /// No token can be checked: the keys cannot be read.
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
    /// The request's target passes the limit.
    UriTooLong,
    /// The request's head passes the limit.
    HeadTooLarge,
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

const fn facts(status: StatusCode, code: &'static str, title: &'static str) -> Facts {
    Facts::lasting(status, code, title)
}

const fn later(status: StatusCode, code: &'static str, title: &'static str, retry: Retry) -> Facts {
    Facts::passing(status, code, title, retry)
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
            Self::SaleArchived => facts(S::GONE, "sale_archived", "the sale is over and archived"),
            Self::IdentityInvalid(_) | Self::InviteInvalid(_) => facts(S::UNAUTHORIZED, "identity_invalid", "no valid identity for this sale"),
            Self::IdentityExpired => facts(S::UNAUTHORIZED, "identity_expired", "the sign-in token has expired"),
            Self::IdentityRevoked => facts(S::UNAUTHORIZED, "identity_revoked", "the sign-in has been ended"),
            Self::InviteUsed => facts(S::CONFLICT, "invite_used", "the invitation has been used"),
            Self::IdentityUnavailable => later(S::SERVICE_UNAVAILABLE, "identity_unavailable", "sign-ins cannot be checked right now", After(5)),
            Self::IdempotencyMismatch => facts(S::UNPROCESSABLE_ENTITY, "idempotency_mismatch", "the idempotency key was already used for a different request"),
            Self::InvalidRequest(_) => facts(S::UNPROCESSABLE_ENTITY, "invalid_request", "the request is not valid"),
            Self::BadRequest(_) => facts(S::BAD_REQUEST, "bad_request", "the request is malformed"),
            Self::BadBody => facts(S::BAD_REQUEST, "bad_body", "the request body is incomplete or badly encoded"),
            Self::BodyTooLarge => facts(S::PAYLOAD_TOO_LARGE, "body_too_large", "the request body is too large"),
            Self::UriTooLong => facts(S::URI_TOO_LONG, "uri_too_long", "the request target is too long"),
            Self::HeadTooLarge => facts(S::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "the request head is too large"),
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
        if let Self::InviteInvalid(why) = self {
            let words = match why {
                InviteError::Invalid => "an invitation to this sale is required",
                InviteError::WrongSale => "the invitation is to another sale",
                InviteError::Expired => "the invitation has expired",
            };
            return Some(words.to_owned());
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
        None
    }

    /// The state that a change cannot apply in.
    const fn found(&self) -> Option<&'static str> {
        if let Self::WrongState { found } = self {
            return Some(found);
        }
        if matches!(self, Self::SaleInUse { .. }) { Some("in_use") } else { None }
    }

    /// What is wrong field by field.
    fn fields(&self) -> &[FieldProblem] {
        if let Self::InvalidRequest(fields) = self { fields } else { &[] }
    }

    /// The problem document, under the id of the request that this thread works on.
    pub fn respond(&self) -> Response<Body> {
        let (facts, detail) = (self.facts(), self.detail());
        let (found, fields) = (self.found(), self.fields());
        let problem = Problem { facts, detail: detail.as_deref(), found, fields };
        let body = |document: Bytes| Body::full(document).about(facts.code);
        let mut response = problem.respond(body);
        let headers = response.headers_mut();
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
        response
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        Self::InvalidRequest(match error {
            BodyError::NotJson(text) => vec![FieldProblem::new("", text)],
            BodyError::Invalid(problems) => problems.into_iter().map(FieldProblem::from).collect(),
        })
    }
}

impl From<NoPlace> for ApiError {
    fn from(why: NoPlace) -> Self {
        match why {
            NoPlace::Full => Self::Overloaded,
            NoPlace::Peer => Self::TooManyConnections,
        }
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
            Fault::Ahead => Self::BadRequest("wait for the answer before using the new protocol"),
            Fault::Panicked => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::RETRY_AFTER;
    use web::buckets::{Buckets, Rate};

    use super::*;

    /// What is over when it is asked again later.
    fn passing() -> [ApiError; 10] {
        let spent = Buckets::new().take(&"anna", Rate::of(1, 1), 0);
        [
            ApiError::TooManyRequests(spent.unwrap()),
            ApiError::TooManyConnections,
            ApiError::TooManyStreams,
            ApiError::Overloaded,
            ApiError::BackendStalled,
            ApiError::IdentityUnavailable,
            ApiError::ArbiterUnavailable,
            ApiError::StorageFull,
            ApiError::ShuttingDown,
            ApiError::DeadlineExceeded,
        ]
    }

    /// What a request can bring about is read as JSON by the tests of the contract.
    #[test]
    fn a_document_is_json_and_says_what_the_table_has() {
        let others = [
            ApiError::Internal,
            ApiError::WrongState { found: "paying" },
            ApiError::SaleInUse { why: "1 confirmed order".to_owned() },
            ApiError::InvalidRequest(vec![FieldProblem::new("a\"\n\u{0}", "한\\")]),
        ];
        for error in passing().into_iter().chain(others) {
            let response = error.respond();
            let json = response.body().bytes().unwrap();
            let document: serde_json::Value = serde_json::from_slice(json).unwrap();
            let facts = error.facts();
            assert_eq!(document["code"], facts.code);
            assert_eq!(response.body().code(), Some(facts.code));
            assert_eq!(document["status"], facts.status.as_u16());
            assert_eq!(document["title"], facts.title);
            assert_eq!(document.get("found").and_then(|found| found.as_str()), error.found());
            if let Some(detail) = error.detail() {
                assert_eq!(document["detail"], detail);
            }
            let errors =
                document.get("errors").map_or(0, |errors| errors.as_array().unwrap().len());
            assert_eq!(errors, error.fields().len());
        }
    }

    #[test]
    fn a_retry_hint_stands_on_every_429_and_503() {
        for error in passing() {
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
    fn a_fault_that_web_words_reads_like_one_of_ours() {
        assert_eq!(ApiError::Internal.facts(), Facts::INTERNAL);
    }

    #[test]
    fn a_405_says_what_is_allowed() {
        let error = ApiError::MethodNotAllowed { allow: Methods::Get };
        assert_eq!(error.respond().headers()[ALLOW], "GET, HEAD, OPTIONS");
    }
}
