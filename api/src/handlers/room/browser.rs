//! The browser that sent a request: its language, its cookies, and whether a form is from our page.
//!
//! Cookies, all `HttpOnly` but the floor, all `SameSite=Lax`:
//!
//! | name | holds | lives |
//! |---|---|---|
//! | `rushgate-{sale}` | the ticket | until the day after the sale, 30 days at most |
//! | `rushgate-visitor` | a random name that form keys are bound to | until the browser ends |
//! | `rushgate-notice` | why the last form was refused, as a code | a minute, or until it is shown |
//! | `rushgate-floor` | the lowest position shown, with several nodes | a day |
//!
//! Over HTTPS the first two are `Secure` and carry the prefix `__Host-`, so that no other host of
//! the domain can set them.

use engine::{clock::Millis, id::SaleTag, view::SaleView};
use hyper::{
    HeaderMap,
    header::{ACCEPT, ACCEPT_LANGUAGE, HOST, HeaderName, ORIGIN, REFERER},
};

use crate::{
    app::App,
    caller::Scheme,
    handlers::cookies,
    pages::Language,
    server::Peer,
    token::{is_visitor, visitor_at_random},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const VISITOR: &str = "rushgate-visitor";
const NOTICE: &str = "rushgate-notice";
pub(super) const FLOOR: &str = "rushgate-floor";

const DAY_SECONDS: u64 = 86_400;
/// A ticket's cookie outlives no sale by more than a day, and never lives longer than this.
const TICKET_SECONDS_MAX: u64 = 30 * DAY_SECONDS;

/// What a request says of the browser that sent it.
pub(super) struct Browser<'a> {
    pub(super) language: Language,
    headers: &'a HeaderMap,
    /// Whether cookies are `Secure`: it reached us, or the listed proxy in front of us, by HTTPS.
    secure: bool,
    /// The host under which it knows us, as far as that can be told.
    host: Option<&'a str>,
}

impl<'a> Browser<'a> {
    pub(super) fn of(app: &'a App, headers: &'a HeaderMap, peer: &'a Peer) -> Self {
        let caller = app.callers.caller(headers, peer);
        let language = Language::of_header(text(headers, &ACCEPT_LANGUAGE));
        let secure = app.cookie_secure || caller.scheme() == Scheme::Https;
        Self { language, headers, secure, host: caller.host() }
    }

    /// Whether an answer that is a page suits it. Programs that name no type are answered in JSON.
    pub(super) fn takes_pages(&self) -> bool {
        let takes = |accept: &str| ["text/html", "text/*", "*/*"].map(|kind| accept.contains(kind));
        text(self.headers, &ACCEPT).is_some_and(|accept| takes(accept).contains(&true))
    }

    /// Its random name, if it has one.
    pub(super) fn visitor(&self) -> Option<&'a str> {
        let host = cookies::values(self.headers, "__Host-", VISITOR);
        let plain = cookies::values(self.headers, "", VISITOR);
        host.chain(plain).find(|value| is_visitor(value))
    }

    /// A new random name and the cookie that sets it; none without randomness.
    pub(super) fn new_visitor(&self) -> Option<(String, String)> {
        let name = visitor_at_random().ok()?;
        let cookie = self.host_cookie(VISITOR, &name, None);
        Some((name, cookie))
    }

    /// Whether a form comes from a page of ours, so that no other site acts in a visitor's name.
    ///
    /// `Sec-Fetch-Site` is the browser's own judgement and stands. Without it a right form key is
    /// proof, whatever host a proxy made of ours. Otherwise the origin must be one of our hosts;
    /// a browser that names no origin at all has sent the cookie as `SameSite=Lax` allows.
    pub(super) fn sends_our_form(&self, app: &App, sale: SaleTag, key: Option<&str>) -> bool {
        if let Some(site) = text(self.headers, &SEC_FETCH_SITE) {
            return matches!(site, "same-origin" | "none");
        }
        self.has_form_key(app, sale, key) || self.names_our_origin()
    }

    /// Whether a form's key was made here for this browser.
    pub(super) fn has_form_key(&self, app: &App, sale: SaleTag, key: Option<&str>) -> bool {
        let both = self.visitor().zip(key);
        both.is_some_and(|(visitor, key)| app.keyring.is_form_key(sale, visitor, key))
    }

    fn names_our_origin(&self) -> bool {
        let origin = text(self.headers, &ORIGIN).or_else(|| text(self.headers, &REFERER));
        origin.is_none_or(|origin| self.hosts().any(|host| is_same_host(origin, host)))
    }

    /// The names under which the browser may know us.
    fn hosts(&self) -> impl Iterator<Item = &'a str> {
        self.host.into_iter().chain(text(self.headers, &HOST))
    }

    /// The cookie that keeps a ticket.
    pub(super) fn ticket_cookie(&self, sale: &SaleView, ticket: &str, now: Millis) -> String {
        let seconds = sale.settings().spec.closes_at.map_or(TICKET_SECONDS_MAX, |at| {
            (at.0.saturating_sub(now.0) / 1_000 + DAY_SECONDS).min(TICKET_SECONDS_MAX)
        });
        self.host_cookie(&cookies::ticket_name(sale), ticket, Some(seconds))
    }

    /// The cookies that take a ticket away, under each name it may have.
    pub(super) fn no_ticket(&self, sale: &SaleView) -> Vec<String> {
        let name = cookies::ticket_name(sale);
        let kept = |prefix| cookies::values(self.headers, prefix, &name).next().is_some();
        let mut gone = Vec::new();
        if kept("__Host-") {
            gone.push(format!("__Host-{name}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"));
        }
        if kept("") {
            gone.push(format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
        }
        gone
    }

    /// The code of the last form's refusal, to be shown once.
    pub(super) fn notice(&self) -> Option<&'a str> {
        cookies::values(self.headers, "", NOTICE).next().filter(|code| !code.is_empty())
    }

    /// The lowest position this browser was shown at a place with this number.
    pub(super) fn floor(&self, number: u64) -> Option<u64> {
        floor_of(self.headers, number)
    }

    fn host_cookie(&self, name: &str, value: &str, seconds: Option<u64>) -> String {
        let (prefix, secure) = if self.secure { ("__Host-", "; Secure") } else { ("", "") };
        let age = seconds.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
        format!("{prefix}{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")
    }
}

fn floor_of(headers: &HeaderMap, number: u64) -> Option<u64> {
    let floors = cookies::values(headers, "", FLOOR).filter_map(|value| {
        let (of, position) = value.split_once('-')?;
        let position = position.parse().ok().filter(|position| *position > 0);
        position.filter(|_| of.parse() == Ok(number))
    });
    floors.min()
}

/// The cookie that brings a refusal's code to the room; an empty code takes it away.
pub(super) fn notice_cookie(sale: &SaleView, code: &str) -> String {
    let seconds = if code.is_empty() { 0 } else { 60 };
    let name = sale.name();
    format!("{NOTICE}={code}; Path=/s/{name}; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// The cookie that keeps the lowest position shown; the page's script writes it too.
pub(super) fn floor_cookie(sale: &SaleView, number: u64, position: u64) -> String {
    let name = sale.name();
    format!("{FLOOR}={number}-{position}; Path=/s/{name}; SameSite=Lax; Max-Age={DAY_SECONDS}")
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
    use super::*;

    #[test]
    fn a_floor_is_that_of_its_number_and_never_none() {
        let mut headers = HeaderMap::new();
        let cookies = "rushgate-floor=7-40; rushgate-floor=8-3; rushgate-floor=7-x; \
                       rushgate-floor=7-38; rushgate-floor=9-0; rushgate-floor";
        headers.append(hyper::header::COOKIE, cookies.parse().unwrap());
        assert_eq!(floor_of(&headers, 7), Some(38));
        assert_eq!(floor_of(&headers, 8), Some(3));
        assert_eq!((floor_of(&headers, 9), floor_of(&headers, 1)), (None, None));
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
