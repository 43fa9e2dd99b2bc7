//! Bodies that never change, each compressed once at start.
//!
//! Only those: what is made for each request is short, and compressing it would cost more than it saves.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, Response, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY},
};

use crate::respond;

/// A body in both forms.
#[derive(Clone, Debug)]
pub struct Packed {
    plain: Bytes,
    gzip: Bytes,
}

impl Packed {
    /// Compresses a body.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail; if it did, whoever asks for gzip would get what is plain.
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish());
        let gzip = packed.map_or_else(|_| plain.clone(), Bytes::from);
        Self { plain, gzip }
    }

    /// The body that a request takes in the response that `answer` makes of it, or 304 if it has that.
    pub fn answer<B: From<Bytes>>(
        &self,
        request: &HeaderMap,
        answer: impl FnOnce(Bytes) -> Response<B>,
    ) -> Response<B> {
        let is_packed = takes_gzip(request) && self.gzip != self.plain;
        let body = if is_packed { &self.gzip } else { &self.plain };
        let mut response = respond::unless_known(request, body.clone(), answer);
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        if is_packed && response.status() != StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether a client takes gzip (RFC 9110, 12.5.3): named, or by `*`, with a weight above 0.
fn takes_gzip(request: &HeaderMap) -> bool {
    let lists = request.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    let mut any = false;
    for entry in lists.flat_map(|list| list.split(',')) {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight =
            parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let is_wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|q| q > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return is_wanted;
        }
        any |= name == "*" && is_wanted;
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        let taken = |list: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(list).unwrap());
            takes_gzip(&headers)
        };
        for list in ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1", "x-gzip", "gzip; q=1"] {
            assert!(taken(list), "{list}");
        }
        for list in ["", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzipped", "gzip;q=x"] {
            assert!(!taken(list), "{list}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
