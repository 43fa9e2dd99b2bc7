//! The last response of a connection, as bytes, where hyper does not write it.

use hyper::Response;

use super::body::Body;

/// The last response of an HTTP/1.1 connection.
pub(super) fn on_the_wire(response: &Response<Body>) -> Vec<u8> {
    let body = response.body().bytes().map_or(&b""[..], |bytes| bytes);
    let mut wire = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        wire.extend_from_slice(
            &[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat(),
        );
    }
    let end = format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    wire.extend_from_slice(end.as_bytes());
    wire.extend_from_slice(body);
    wire
}
