//! An open connection, of either version of HTTP.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, Uri};

/// The version of HTTP spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    /// HTTP/1.1: one request at a time on a connection.
    One,
    /// HTTP/2 with prior knowledge: many at once.
    Two,
}

/// An open connection of either kind.
pub(crate) enum Connection {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(connection) => connection.send_request(request).await,
            Self::Two(connection) => connection.send_request(request).await,
        }
    }

    pub(super) async fn is_ready(&mut self) -> bool {
        match self {
            Self::One(connection) => connection.ready().await.is_ok(),
            Self::Two(connection) => connection.ready().await.is_ok(),
        }
    }
}

/// Host and port of an `http://` URL.
pub(crate) fn authority(url: &str) -> Result<(String, u16), String> {
    let uri: Uri = url.parse().map_err(|error| format!("{url} is not a URL: {error}"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("{url} must start with http:// (TLS is not spoken here)"));
    }
    let host = uri.host().ok_or_else(|| format!("{url} names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), uri.port_u16().unwrap_or(80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_host_and_a_port_or_are_refused() {
        assert_eq!(authority("http://127.0.0.1:8080").unwrap(), ("127.0.0.1".to_owned(), 8080));
        assert_eq!(authority("http://[::1]:81").unwrap(), ("::1".to_owned(), 81));
        assert_eq!(authority("http://shop.example/").unwrap().1, 80);
        assert!(authority("https://shop.example").is_err());
        assert!(authority("nonsense").is_err());
    }
}
