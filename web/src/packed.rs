//! Bodies that never change, each compressed once: at start, or when the program was built.
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

/// A body in each form it is sent in.
#[derive(Clone, Debug)]
pub struct Packed {
    plain: Bytes,
    gzip: Bytes,
    /// Only what was compressed when the program was built.
    brotli: Option<Bytes>,
}

impl Packed {
    /// Compresses a body.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail; if it did, whoever asks for gzip would get what is plain.
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish());
        let gzip = packed.map_or_else(|_| plain.clone(), Bytes::from);
        Self { plain, gzip, brotli: None }
    }

    /// A body that was compressed when the program was built: plain, by gzip and by brotli.
    pub const fn of_forms([plain, gzip, brotli]: [&'static [u8]; 3]) -> Self {
        Self {
            plain: Bytes::from_static(plain),
            gzip: Bytes::from_static(gzip),
            brotli: Some(Bytes::from_static(brotli)),
        }
    }

    /// The body that a request takes in the response that `answer` makes of it, or 304 if it has that.
    pub fn answer<B: From<Bytes>>(
        &self,
        request: &HeaderMap,
        answer: impl FnOnce(Bytes) -> Response<B>,
    ) -> Response<B> {
        let (body, encoding) = self.body_for(request);
        let mut response = respond::unless_known(request, body.clone(), answer);
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(encoding) = encoding
            && response.status() != StatusCode::NOT_MODIFIED
        {
            let encoding = HeaderValue::from_static(encoding);
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        response
    }

    /// The smallest form that a request takes, and the name of its coding.
    fn body_for(&self, request: &HeaderMap) -> (&Bytes, Option<&'static str>) {
        match &self.brotli {
            Some(brotli) if takes(request, &["br"]) => (brotli, Some("br")),
            _ if self.gzip != self.plain && takes(request, &["gzip", "x-gzip"]) => {
                (&self.gzip, Some("gzip"))
            }
            _ => (&self.plain, None),
        }
    }
}

/// Whether a client takes a coding (RFC 9110, 12.5.3): by one of its names, or by `*`, with a weight
/// above 0.
fn takes(request: &HeaderMap, names: &[&str]) -> bool {
    let lists = request.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    let mut any = false;
    for entry in lists.flat_map(|list| list.split(',')) {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight =
            parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let is_wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|q| q > 0.0));
        if names.iter().any(|known| name.eq_ignore_ascii_case(known)) {
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
            takes(&headers, &["gzip", "x-gzip"])
        };
        for list in ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1", "x-gzip", "gzip; q=1"] {
            assert!(taken(list), "{list}");
        }
        for list in ["", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzipped", "gzip;q=x"] {
            assert!(!taken(list), "{list}");
        }
        assert!(!takes(&HeaderMap::new(), &["gzip"]));
    }
}
