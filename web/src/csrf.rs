//! Whether a form comes from a page of ours, so that no other site acts in a visitor's name.
//!
//! For calls that a cookie authorizes. A call that carries a bearer token needs no such proof: no
//! other site can make a browser add one.

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN, REFERER};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Judges a form. `host` is the name under which its browser knows us, as far as that can be told;
/// `has_proof` says whether the form carries what only our page could give this browser.
///
/// `Sec-Fetch-Site` is the browser's own judgement and stands. Without it a proof counts, whatever
/// host a proxy made of ours. Otherwise the origin must be one of our hosts; a browser that names no
/// origin at all has sent the cookie as `SameSite=Lax` allows.
pub fn is_our_form(
    headers: &HeaderMap,
    host: Option<&str>,
    has_proof: impl FnOnce() -> bool,
) -> bool {
    if let Some(site) = text(headers, &SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    has_proof() || names_our_origin(headers, host)
}

fn names_our_origin(headers: &HeaderMap, host: Option<&str>) -> bool {
    let origin = text(headers, &ORIGIN).or_else(|| text(headers, &REFERER));
    let mut hosts = host.into_iter().chain(text(headers, &HOST));
    origin.is_none_or(|origin| hosts.any(|host| is_same_host(origin, host)))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether an origin, or an address that begins with one, is at `host`: without regard to case, to
/// a dot at the end, or to the port that its scheme has anyway.
fn is_same_host(origin: &str, host: &str) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |host: &str| {
        let host = host.trim().to_ascii_lowercase();
        host.strip_suffix(port).unwrap_or(&host).trim_end_matches('.').to_owned()
    };
    let theirs = bare(rest.split(['/', '?', '#']).next().unwrap_or_default());
    !theirs.is_empty() && theirs == bare(host)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_browsers_judgement_outweighs_a_proof_and_a_proof_the_origin() {
        for (lines, has_proof, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], false, true),
            (&[("sec-fetch-site", "none")], false, true),
            (&[("sec-fetch-site", "cross-site")], true, false),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://shop.example")], true, false),
            (&[("origin", "http://evil.example")], true, true),
            (&[("origin", "http://evil.example")], false, false),
            (&[("origin", "null")], false, false),
            (&[("origin", "https://shop.example")], false, true),
            (&[("origin", "http://inner:8080")], false, true),
            (&[("referer", "https://shop.example/s/demo")], false, true),
            (&[("referer", "https://evil.example/https://shop.example")], false, false),
            (&[], false, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("inner:8080"));
            for &(name, value) in lines {
                let name = HeaderName::from_static(name);
                headers.insert(name, HeaderValue::from_static(value));
            }
            let judged = is_our_form(&headers, Some("shop.example"), || has_proof);
            assert_eq!(judged, ours, "{lines:?} {has_proof}");
        }
    }

    #[test]
    fn hosts_are_compared_as_browsers_mean_them() {
        for (origin, host, same) in [
            ("http://shop.example", "shop.example", true),
            ("https://shop.example", "Shop.Example:443", true),
            ("http://shop.example:80", "shop.example", true),
            ("http://shop.example/s/demo?x", "shop.example.", true),
            ("http://shop.example:8080", "shop.example:8080", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://shop.example", "shop.example:80", false),
            ("http://shop.example:8080", "shop.example", false),
            ("http://shop.example.evil.example", "shop.example", false),
            ("http://evil.example", "shop.example", false),
            ("ftp://shop.example", "shop.example", false),
            ("http://", "", false),
            ("null", "null", false),
        ] {
            assert_eq!(is_same_host(origin, host), same, "{origin} {host}");
        }
    }
}
