//! Which URLs may be called, and how a connection there is made.

use std::time::Duration;

use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::RootCertStore;

use super::trust::{Trust, client_config};

/// What a URL that is called must be.
pub const URL_ALLOWED: &str =
    "an absolute http:// or https:// URL without user, password or fragment";

/// How long connecting may take; the call's own deadline may be nearer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a configured place is a URL, of whatever scheme, rather than the path of a file.
pub fn is_url(place: &str) -> bool {
    place.contains("://")
}

/// Reads a URL; `None` if it is not [`URL_ALLOWED`].
pub fn parse(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri
        .authority()
        .is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    (scheme && authority && !url.contains('#')).then_some(uri)
}

/// A connector for that URL, or why the certificates to trust cannot be read. They are only read when
/// they will be looked at.
pub fn connector(uri: &Uri, trust: Trust) -> Result<HttpsConnector<HttpConnector>, String> {
    let https = uri.scheme_str() == Some("https");
    let roots = if https { trust.roots() } else { Ok(RootCertStore::empty()) };
    let config = roots.and_then(client_config)?;
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config);
    // An https server is never spoken to in plain text, whatever it says.
    let builder = if https { builder.https_only() } else { builder.https_or_http() };
    Ok(builder.enable_http1().wrap_connector(http))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_absolute_urls_are_called() {
        for url in [
            "HTTPS://shop.example/orders",
            "http://shop.example/orders",
            "https://127.0.0.1:8443/a?b=c",
        ] {
            assert!(parse(url).is_some(), "{url}");
        }
        for url in [
            "",
            "/orders",
            "shop.example",
            "ftp://shop.example/",
            "https://user:secret@shop.example/",
            "https:///orders",
            "https://shop.example/#fragment",
        ] {
            assert!(parse(url).is_none(), "{url}");
        }
    }

    #[test]
    fn certificates_are_needed_for_https_only() {
        let none = Trust::Pem(Vec::new());
        assert!(connector(&parse("http://shop.example/").unwrap(), none.clone()).is_ok());
        assert!(connector(&parse("https://shop.example/").unwrap(), none).is_err());
    }
}
