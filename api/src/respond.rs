//! Responses with the headers their kind must have.
//!
//! Owns content types, caching and the security headers of pages. Header values are static, so a
//! small response allocates only its body and hyper's header map.

use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_NONE_MATCH, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::error::ApiError;
use crate::route::Methods;
use crate::server::Body;

/// `application/json`.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `application/problem+json`.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// `text/event-stream`.
pub const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// `text/html; charset=utf-8`.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Pages take nothing from elsewhere, post nowhere else and stand in no frame.
pub const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

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
}

impl Cache {
    const fn value(self) -> HeaderValue {
        match self {
            Self::NoStore => HeaderValue::from_static("no-store"),
            Self::Shared => HeaderValue::from_static("public, max-age=1, stale-while-revalidate=5"),
            Self::Minutes => HeaderValue::from_static("public, max-age=300"),
            Self::Hour => HeaderValue::from_static("public, max-age=3600"),
        }
    }
}

/// A response of ready bytes.
pub fn bytes(
    status: StatusCode,
    content_type: HeaderValue,
    cache: Cache,
    body: Bytes,
) -> Response<Body> {
    with_body(status, content_type, cache, Body::full(body))
}

/// A response of any body.
pub fn with_body(
    status: StatusCode,
    content_type: HeaderValue,
    cache: Cache,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, cache.value());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A JSON response; a value that cannot be written is a fault of ours and answers 500.
pub fn json(status: StatusCode, cache: Cache, value: &impl Serialize) -> Response<Body> {
    let mut body = Vec::with_capacity(512);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => bytes(status, JSON, cache, Bytes::from(body)),
        Err(error) => {
            tracing::error!(%error, "a response could not be written as JSON");
            ApiError::Internal.respond()
        }
    }
}

/// Gives an answer the strong `ETag` of its body, and leaves the body out if the request's
/// `If-None-Match` has it: 304.
pub fn unless_known(request: &HeaderMap, mut response: Response<Body>) -> Response<Body> {
    let Some(bytes) = response.body().bytes().filter(|_| response.status() == StatusCode::OK)
    else {
        return response;
    };
    let tag = format!("\"{}\"", &blake3::hash(bytes).to_hex()[..32]);
    let is_known = request.get_all(IF_NONE_MATCH).iter().any(|known| {
        known.to_str().is_ok_and(|known| known.split(',').any(|one| is_tag(one.trim(), &tag)))
    });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Whether an entry of `If-None-Match` means `tag`. A cache that compressed the body made it weak.
fn is_tag(entry: &str, tag: &str) -> bool {
    entry == "*" || entry.strip_prefix("W/").unwrap_or(entry) == tag
}

/// 204.
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, Cache::NoStore.value());
    response
}

/// The answer to OPTIONS: 204 with `Allow`.
pub fn options(allow: Methods) -> Response<Body> {
    let mut response = no_content();
    response.headers_mut().insert(hyper::header::ALLOW, allow.header());
    response
}

/// 302 to a place on this host, or 500 when the place is no header value.
pub fn redirect(location: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(location) else {
        return ApiError::Internal.respond();
    };
    let mut response = no_content();
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    response
}

/// A page with the headers that keep it to itself. `policy` is its `Content-Security-Policy`;
/// [`PAGE_POLICY`] unless inline parts need their hashes.
pub fn page(status: StatusCode, cache: Cache, policy: HeaderValue, html: Bytes) -> Response<Body> {
    let mut response = bytes(status, HTML, cache, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
    );
    response
}

/// Says that a request with the same idempotency key was answered before, in these bytes.
pub fn replayed(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The reference page, whose inline style carries the fixed nonce it was rendered with.
pub fn reference(html: Bytes) -> Response<Body> {
    let policy = "default-src 'none'; style-src 'nonce-reference'; img-src data:; \
                  base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    page(StatusCode::OK, Cache::Hour, HeaderValue::from_static(policy), html)
}

/// 303 after a form.
pub fn see_other(location: &str) -> Response<Body> {
    let mut response = redirect(location);
    if response.status() == StatusCode::FOUND {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

/// The response with these cookies; one that is no header value is left out.
pub fn with_cookies(mut response: Response<Body>, cookies: &[String]) -> Response<Body> {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// A stream of server-sent events; `body` comes from [`Body::stream`].
pub fn event_stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, Cache::NoStore.value());
    // nginx holds small pieces back unless it is told not to.
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_never_carries_a_line_break() {
        assert_eq!(redirect("/s/a\r\nX: y").status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(redirect("/s/a").headers()[LOCATION], "/s/a");
    }

    #[test]
    fn each_kind_has_its_cache_rule() {
        let shared = json(StatusCode::OK, Cache::Shared, &1);
        let policy = &shared.headers()[CACHE_CONTROL];
        assert_eq!(policy, "public, max-age=1, stale-while-revalidate=5");
        assert_eq!(ApiError::NotFound.respond().headers()[CACHE_CONTROL], "no-store");
    }
}
