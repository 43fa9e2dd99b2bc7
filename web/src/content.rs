//! A body with the headers that its kind must have.
//!
//! Owns content types and caching. Header values are static, so a small response allocates only its
//! body and the header map.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};

/// `application/json`.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `application/problem+json`.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// `text/event-stream`.
pub const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// `text/html; charset=utf-8`.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Who may keep a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// It is about one visitor, or true only now.
    NoStore,
    /// It is the same for everyone and may be a second old.
    Shared,
    /// It changes when keys rotate, and verifiers must hear of a new one in time.
    Minutes,
    /// It changes with the program only.
    Hour,
    /// It never changes under its name.
    Forever,
}

impl Cache {
    /// The value of `Cache-Control`.
    pub const fn value(self) -> HeaderValue {
        match self {
            Self::NoStore => HeaderValue::from_static("no-store"),
            Self::Shared => HeaderValue::from_static("public, max-age=1, stale-while-revalidate=5"),
            Self::Minutes => HeaderValue::from_static("public, max-age=300"),
            Self::Hour => HeaderValue::from_static("public, max-age=3600"),
            Self::Forever => HeaderValue::from_static("public, max-age=31536000, immutable"),
        }
    }
}

/// A response of ready bytes.
pub fn bytes<B: From<Bytes>>(
    status: StatusCode,
    content_type: HeaderValue,
    cache: Cache,
    body: Bytes,
) -> Response<B> {
    with_body(status, content_type, cache, body.into())
}

/// A response of any body.
pub fn with_body<B>(
    status: StatusCode,
    content_type: HeaderValue,
    cache: Cache,
    body: B,
) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, cache.value());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
