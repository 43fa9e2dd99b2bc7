//! The kinds of response there are.
//!
//! Owns the security headers of pages, redirects, and what a client that knows a body already is
//! told. The response of a refusal is made in [`problem`](crate::problem).

use bytes::Bytes;
use cookie::Cookie;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, REFRESH, SET_COOKIE, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use serde::Serialize;

pub use crate::content::{Cache, EVENT_STREAM, HTML, JSON, bytes, with_body};
use crate::problem::{Facts, Problem};

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Pages take nothing from elsewhere, have nothing inline, post nowhere else and stand in no frame.
pub const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// The same for pages whose pictures may come from another origin too, such as an object store's.
pub fn page_policy(pictures: &str) -> HeaderValue {
    let own = PAGE_POLICY;
    let policy = own.to_str().unwrap_or_default();
    let policy = policy.replace("img-src 'self'", &format!("img-src 'self' {pictures}"));
    HeaderValue::from_str(&policy).unwrap_or(PAGE_POLICY)
}

/// Has a page be under another policy. An answer that is no page stays as it is.
pub fn under_policy<B>(mut response: Response<B>, policy: &HeaderValue) -> Response<B> {
    if let Some(known) = response.headers_mut().get_mut(CONTENT_SECURITY_POLICY) {
        known.clone_from(policy);
    }
    response
}

/// A JSON response; a value that cannot be written is a fault of ours and answers 500.
pub fn json<B: From<Bytes>>(
    status: StatusCode,
    cache: Cache,
    value: &impl Serialize,
) -> Response<B> {
    written(value, |body| bytes(status, JSON, cache, body))
}

/// The same with the `ETag` of its body, unless the request has that: 304.
pub fn json_unless_known<B: From<Bytes>>(
    request: &HeaderMap,
    cache: Cache,
    value: &impl Serialize,
) -> Response<B> {
    let answer = |body| bytes(StatusCode::OK, JSON, cache, body);
    written(value, |body| unless_known(request, body, answer))
}

fn written<B: From<Bytes>>(
    value: &impl Serialize,
    answer: impl FnOnce(Bytes) -> Response<B>,
) -> Response<B> {
    let mut body = Vec::with_capacity(512);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => answer(Bytes::from(body)),
        Err(error) => {
            tracing::error!(%error, "a response could not be written as JSON");
            internal()
        }
    }
}

fn internal<B: From<Bytes>>() -> Response<B> {
    Problem::of(Facts::INTERNAL).respond(B::from)
}

/// Gives the 200 that `answer` makes of a body the strong `ETag` of that body, and leaves the body
/// out if the request's `If-None-Match` has it: 304.
pub fn unless_known<B: From<Bytes>>(
    request: &HeaderMap,
    body: Bytes,
    answer: impl FnOnce(Bytes) -> Response<B>,
) -> Response<B> {
    let tag = format!("\"{}\"", &blake3::hash(&body).to_hex()[..32]);
    let mut response = answer(body);
    let is_known = request.get_all(IF_NONE_MATCH).iter().any(|known| {
        known.to_str().is_ok_and(|known| known.split(',').any(|one| is_tag(one.trim(), &tag)))
    });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new().into();
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
pub fn no_content<B: From<Bytes>>() -> Response<B> {
    let mut response = Response::new(B::from(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, Cache::NoStore.value());
    response
}

/// The answer to OPTIONS: 204 with `Allow`.
pub fn options<B: From<Bytes>>(allow: HeaderValue) -> Response<B> {
    let mut response = no_content();
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// 302 to a place on this host, or 500 when the place is no header value.
pub fn redirect<B: From<Bytes>>(location: &str) -> Response<B> {
    let Ok(location) = HeaderValue::from_str(location) else { return internal() };
    let mut response = no_content();
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    response
}

/// A page with the headers that keep it to itself.
pub fn page<B: From<Bytes>>(status: StatusCode, cache: Cache, html: Bytes) -> Response<B> {
    let mut response = bytes(status, HTML, cache, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        PERMISSIONS_POLICY,
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=()"),
    );
    response
}

/// A page that a browser asks for again by itself after so many seconds.
pub fn refreshed<B>(mut page: Response<B>, seconds: Option<u64>) -> Response<B> {
    if let Some(seconds) = seconds {
        page.headers_mut().insert(REFRESH, HeaderValue::from(seconds));
    }
    page
}

/// Says that a request with the same idempotency key was answered before, in these bytes.
pub fn replayed<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    response
}

/// 303 after a form.
pub fn see_other<B: From<Bytes>>(location: &str) -> Response<B> {
    let mut response = redirect(location);
    if response.status() == StatusCode::FOUND {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

/// The response with these cookies; one that is no header value is left out.
pub fn with_cookies<B>(mut response: Response<B>, cookies: &[Cookie<'_>]) -> Response<B> {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// A stream of server-sent events.
pub fn event_stream<B>(body: B) -> Response<B> {
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
    fn pictures_may_come_from_one_more_origin_and_nothing_else_may() {
        let policy = page_policy("https://media.example");
        let (policy, own) = (policy.to_str().unwrap(), PAGE_POLICY.to_str().unwrap().to_owned());
        assert!(policy.contains("img-src 'self' https://media.example;"), "{policy}");
        assert_eq!(policy.replace(" https://media.example", ""), own);
        assert_eq!(page_policy("no\r\nheader"), PAGE_POLICY);
        let page = page::<Bytes>(StatusCode::OK, Cache::NoStore, Bytes::new());
        let page = under_policy(page, &page_policy("https://media.example"));
        assert_eq!(page.headers()[CONTENT_SECURITY_POLICY], policy);
        let other = under_policy(no_content::<Bytes>(), &PAGE_POLICY);
        assert!(other.headers().get(CONTENT_SECURITY_POLICY).is_none());
    }

    #[test]
    fn a_redirect_never_carries_a_line_break() {
        let to = redirect::<Bytes>;
        assert_eq!(to("/s/a\r\nX: y").status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(to("/s/a").headers()[LOCATION], "/s/a");
    }

    #[test]
    fn each_kind_has_its_cache_rule() {
        let shared: Response<Bytes> = json(StatusCode::OK, Cache::Shared, &1);
        let policy = &shared.headers()[CACHE_CONTROL];
        assert_eq!(policy, "public, max-age=1, stale-while-revalidate=5");
        assert_eq!(internal::<Bytes>().headers()[CACHE_CONTROL], "no-store");
    }
}
