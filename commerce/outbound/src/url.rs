//! Which URLs may be called.

use hyper::Uri;

/// What a URL that is called must be.
pub const URL_ALLOWED: &str =
    "an absolute http:// or https:// URL without user, password or fragment";

/// Whether a configured place is a URL, of whatever scheme, rather than the path of a file.
pub fn is_url(place: &str) -> bool {
    place.contains("://")
}

/// Reads a URL; `None` if it is not [`URL_ALLOWED`].
pub fn parse(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().is_some_and(|authority| {
        let port = authority.as_str().strip_prefix(authority.host());
        let port = port.is_some_and(|rest| rest.is_empty() || authority.port_u16().is_some());
        !authority.host().is_empty() && !authority.as_str().contains('@') && port
    });
    (scheme && authority && !url.contains('#')).then_some(uri)
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
            "https://[::1]:8443/",
            "https://[::1]/",
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
            "https://shop.example:99999/",
            "https://shop.example:/",
            "https://shop.example/#fragment",
        ] {
            assert!(parse(url).is_none(), "{url}");
        }
    }
}
