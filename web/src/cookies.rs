//! Cookies: how a browser's are read, and how ours are made.
//!
//! Every cookie of ours is `SameSite=Lax`. One that stands for its visitor is `HttpOnly` and of the
//! whole host; over HTTPS it is `Secure` and carries the prefix `__Host-`, so that no other host of
//! the domain can set it (RFC 6265bis, 4.1.3.2).

use cookie::{SameSite, time::Duration};
use http::{HeaderMap, header::COOKIE};

use crate::caller::Scheme;

pub use cookie::Cookie;

/// What stands before the name of a cookie that only this host can have set.
const HOST_PREFIX: &str = "__Host-";

/// The values of the cookies with this name: those that only this host can have set, then the
/// others, each in the order in which the browser sent them.
pub fn values<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    with_prefix(headers, HOST_PREFIX, name).chain(with_prefix(headers, "", name))
}

/// The values that may stand for a visitor: over HTTPS only those that this host can have set. Another host
/// of the domain could sign somebody in as somebody else by a cookie of the bare name.
pub fn of_visitor<'h>(
    headers: &'h HeaderMap,
    name: &str,
    scheme: Scheme,
) -> impl Iterator<Item = &'h str> {
    let own = with_prefix(headers, HOST_PREFIX, name);
    let bare = (scheme == Scheme::Http).then(|| with_prefix(headers, "", name));
    own.chain(bare.into_iter().flatten())
}

/// The values of the cookies that have exactly this name: another's, which we only read.
pub fn named<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    with_prefix(headers, "", name)
}

fn with_prefix<'h>(
    headers: &'h HeaderMap,
    prefix: &'static str,
    name: &str,
) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let found = cookies.filter(move |cookie| cookie.name().strip_prefix(prefix) == Some(name));
    found.filter_map(|cookie| cookie.value_raw())
}

/// A cookie that stands for its visitor, until the browser ends.
pub fn of_host(name: &str, value: impl Into<String>, scheme: Scheme) -> Cookie<'static> {
    let (prefix, secure) = match scheme {
        Scheme::Https => (HOST_PREFIX, true),
        Scheme::Http => ("", false),
    };
    let mut cookie = Cookie::new(format!("{prefix}{name}"), value.into());
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path("/");
    if secure {
        cookie.set_secure(true);
    }
    cookie
}

/// A note to ourselves for the pages below `path`, until the browser ends.
pub fn of_path(name: &'static str, value: impl Into<String>, path: String) -> Cookie<'static> {
    let mut cookie = Cookie::new(name, value.into());
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path(path);
    cookie
}

/// The same cookie, kept for so long; 0 takes it away.
pub fn lasting(mut cookie: Cookie<'static>, seconds: u32) -> Cookie<'static> {
    cookie.set_max_age(Duration::seconds(seconds.into()));
    cookie
}

/// The cookies that take a visitor's away, under each name by which the browser has it.
pub fn gone(headers: &HeaderMap, name: &str) -> Vec<Cookie<'static>> {
    let forms = [(HOST_PREFIX, Scheme::Https), ("", Scheme::Http)];
    let kept =
        forms.into_iter().filter(|(prefix, _)| with_prefix(headers, prefix, name).next().is_some());
    kept.map(|(_, scheme)| lasting(of_host(name, "", scheme), 0)).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn sent(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn every_value_of_a_name_is_found_in_order_and_those_of_the_host_first() {
        let headers = sent(&["a=1; b=2;a= 3 ; __Host-a=4; aa=5; =7", "a=6; c"]);
        assert_eq!(values(&headers, "a").collect::<Vec<_>>(), ["4", "1", "3", "6"]);
        assert_eq!(values(&headers, "c").count(), 0);
        let visitor = |scheme| of_visitor(&headers, "a", scheme).collect::<Vec<_>>();
        assert_eq!(visitor(Scheme::Http), ["4", "1", "3", "6"]);
        assert_eq!(visitor(Scheme::Https), ["4"], "another host of the domain set the others");
    }

    #[test]
    fn over_https_a_visitors_cookie_belongs_to_the_host() {
        let plain = of_host("a", "1", Scheme::Http).to_string();
        assert_eq!(plain, "a=1; HttpOnly; SameSite=Lax; Path=/");
        let kept = lasting(of_host("a", "1", Scheme::Https), 60).to_string();
        assert_eq!(kept, "__Host-a=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
    }

    #[test]
    fn a_cookie_is_taken_away_under_the_names_it_has() {
        let taken =
            |lines| gone(&sent(lines), "a").iter().map(Cookie::to_string).collect::<Vec<_>>();
        assert_eq!(taken(&["b=1"]), [""; 0]);
        let both = [
            "__Host-a=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            "a=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
        ];
        assert_eq!(taken(&["a=1; __Host-a=2"]), both);
        assert_eq!(taken(&["a=1"]), both[1..]);
    }
}
