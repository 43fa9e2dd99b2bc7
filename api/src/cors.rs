//! Pages of other origins that may call the API: which, and what their browsers are told.
//!
//! Only listed origins are told anything, and none may send cookies along: a page elsewhere acts by the
//! token it holds, never by what the browser kept for this site. The pages of this site are no API and
//! are told nothing.

use hyper::{
    HeaderMap, Response,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
        HeaderValue, ORIGIN, VARY,
    },
};
use web::caller::Origin;

use crate::{route::Methods, server::Body};

/// What a page may send besides what every page may.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id",
);

/// What a page may read besides what every page may.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "ETag, Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
);

/// How long a browser need not ask again, in seconds: the most that any of them keeps to.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The listed origins.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// As a browser writes them.
    origins: Vec<HeaderValue>,
}

/// What a request's browser is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Nothing: no origin is listed, or the path is none of the API.
    Unmarked,
    /// That the answer depends on who asks, and no more: the origin is not listed, or there is none.
    Foreign,
    /// That the page may have the answer.
    Listed(HeaderValue),
}

impl Cors {
    /// Of the configured origins.
    pub fn new(origins: &[Origin]) -> Self {
        let written = |origin: &Origin| HeaderValue::from_str(&origin.to_string()).ok();
        Self { origins: origins.iter().filter_map(written).collect() }
    }

    /// What a request to `path` with these headers is told.
    pub fn crossing(&self, path: &str, headers: &HeaderMap) -> Crossing {
        if self.origins.is_empty() || !is_api(path) {
            return Crossing::Unmarked;
        }
        let mut asked = headers.get_all(ORIGIN).iter();
        let origin = asked.next().filter(|origin| self.origins.contains(origin));
        match origin.filter(|_| asked.next().is_none()) {
            Some(origin) => Crossing::Listed(origin.clone()),
            None => Crossing::Foreign,
        }
    }
}

impl Crossing {
    /// Adds to an answer what the browser has to know.
    pub fn mark(&self, response: &mut Response<Body>) {
        let headers = response.headers_mut();
        if *self != Self::Unmarked {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Self::Listed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }

    /// Adds to the answer to OPTIONS what a listed page may do, if its browser asks that.
    pub fn preflight(&self, request: &HeaderMap, allow: Methods, response: &mut Response<Body>) {
        let asks = request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if asks && matches!(self, Self::Listed(_)) {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.header());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
    }
}

/// Whether a path is one of the API or of what describes it.
fn is_api(path: &str) -> bool {
    path.starts_with("/v1/") || path == "/openapi.json" || path == "/.well-known/jwks.json"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossing(origins: &[&str], path: &str, asked: &[&str]) -> Crossing {
        let origins: Vec<Origin> = origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for origin in asked {
            headers.append(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        Cors::new(&origins).crossing(path, &headers)
    }

    #[test]
    fn an_origin_is_listed_exactly_or_not_at_all() {
        let (listed, path) = (["https://shop.example", "http://localhost:3000"], "/v1/sales");
        for origin in listed {
            let expected = Crossing::Listed(HeaderValue::from_static(origin));
            assert_eq!(crossing(&listed, path, &[origin]), expected);
            assert_eq!(crossing(&listed, "/s/demo", &[origin]), Crossing::Unmarked);
            assert_eq!(crossing(&[], path, &[origin]), Crossing::Unmarked);
        }
        for other in [
            "https://shop.example.evil.example",
            "https://sub.shop.example",
            "http://shop.example",
            "https://shop.example:8443",
            "HTTPS://SHOP.EXAMPLE",
            "null",
            "",
        ] {
            assert_eq!(crossing(&listed, path, &[other]), Crossing::Foreign, "{other}");
        }
        assert_eq!(crossing(&listed, path, &[]), Crossing::Foreign);
        assert_eq!(crossing(&listed, path, &[listed[0], listed[1]]), Crossing::Foreign);
    }
}
