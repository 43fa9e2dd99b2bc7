//! The browser that sent a request: its language, its cookies, and whether a form is from our page.
//!
//! Cookies, all `HttpOnly` but the floor, all `SameSite=Lax`:
//!
//! | name | holds | lives |
//! |---|---|---|
//! | `rushgate-ticket.{sale}` | the ticket | until the day after the sale, 30 days at most |
//! | `rushgate-invite.{sale}` | an invitation | the same |
//! | `rushgate-visitor` | a random name that form keys are bound to | until the browser ends |
//! | `rushgate-notice` | why the last form was refused, as a code | a minute, or until it is shown |
//! | `rushgate-floor` | the lowest position shown, with several nodes | a day |
//! | `rushgate-language` | `ko` or `en`, once the visitor has chosen | a year |
//! | `rushgate-refresh` | `off`, once the visitor has stopped it | until the browser ends |
//!
//! Over HTTPS the first three are `Secure` and carry the prefix `__Host-`, so that no other host of
//! the domain can set them.

use engine::{clock::Millis, id::SaleTag, view::SaleView};
use hyper::{
    HeaderMap,
    header::{ACCEPT, ACCEPT_LANGUAGE, HeaderName},
};
use pages::Language;
use web::{
    caller::Scheme,
    cookies::{self, Cookie},
    csrf,
};

use crate::{
    app::App,
    error::ApiError,
    handlers::authority,
    server::Peer,
    token::{InviteError, is_visitor, visitor_at_random},
};

const VISITOR: &str = "rushgate-visitor";
const NOTICE: &str = "rushgate-notice";
pub(super) const FLOOR: &str = "rushgate-floor";
const LANGUAGE: &str = "rushgate-language";
const REFRESH: &str = "rushgate-refresh";
const OFF: &str = "off";

const DAY_SECONDS: u32 = 86_400;
const YEAR_SECONDS: u32 = 365 * DAY_SECONDS;
/// How long a notice waits for the page that shows it.
const NOTICE_SECONDS: u32 = 60;
/// A ticket's cookie outlives no sale by more than a day, and never lives longer than this.
const TICKET_SECONDS_MAX: u32 = 30 * DAY_SECONDS;

/// What a request says of the browser that sent it.
pub(super) struct Browser<'a> {
    /// The language it has chosen, or else the one it asks for.
    pub(super) language: Language,
    /// Whether pages may reload by themselves: not once its user has stopped them.
    pub(super) refreshes: bool,
    headers: &'a HeaderMap,
    /// How it reached us, or the listed proxy in front of us.
    scheme: Scheme,
    /// The host under which it knows us, as far as that can be told.
    host: Option<&'a str>,
}

impl<'a> Browser<'a> {
    pub(super) fn of(app: &'a App, headers: &'a HeaderMap, peer: &'a Peer) -> Self {
        let caller = app.callers.caller(headers, peer.socket);
        let chosen = cookies::named(headers, LANGUAGE).find_map(Language::of_tag);
        let language =
            chosen.unwrap_or_else(|| Language::of_header(text(headers, &ACCEPT_LANGUAGE)));
        let scheme = app.cookie_scheme(headers, peer);
        let refreshes = cookies::named(headers, REFRESH).all(|value| value != OFF);
        Self { language, refreshes, headers, scheme, host: caller.host() }
    }

    /// Whether an answer that is a page suits it. Programs that name no type are answered in JSON.
    pub(super) fn takes_pages(&self) -> bool {
        let takes = |accept: &str| ["text/html", "text/*", "*/*"].map(|kind| accept.contains(kind));
        text(self.headers, &ACCEPT).is_some_and(|accept| takes(accept).contains(&true))
    }

    /// What it sent.
    pub(super) const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// What it sent, and how: cookies have other names over HTTPS.
    pub(super) const fn cookies(&self) -> (&'a HeaderMap, Scheme) {
        (self.headers, self.scheme)
    }

    /// Its random name, if it has one.
    pub(super) fn visitor(&self) -> Option<&'a str> {
        cookies::values(self.headers, VISITOR).find(|value| is_visitor(value))
    }

    /// A new random name and the cookie that sets it; none without randomness.
    pub(super) fn new_visitor(&self) -> Option<(String, Cookie<'static>)> {
        let name = visitor_at_random().ok()?;
        let cookie = cookies::of_host(VISITOR, &name, self.scheme);
        Some((name, cookie))
    }

    /// Whether a form comes from a page of ours. A right form key proves it.
    pub(super) fn sends_our_form(&self, app: &App, sale: SaleTag, key: Option<&str>) -> bool {
        csrf::is_our_form(self.headers, self.host, || self.has_form_key(app, sale, key))
    }

    /// Whether a form's key was made here for this browser.
    pub(super) fn has_form_key(&self, app: &App, sale: SaleTag, key: Option<&str>) -> bool {
        let both = self.visitor().zip(key);
        both.is_some_and(|(visitor, key)| app.keyring.is_form_key(sale, visitor, key))
    }

    /// The cookie that keeps a ticket.
    pub(super) fn ticket_cookie(
        &self,
        sale: &SaleView,
        ticket: &str,
        now: Millis,
    ) -> Cookie<'static> {
        self.of_sale(sale, &authority::ticket_cookie(sale), ticket, now)
    }

    /// The cookie that keeps an invitation.
    pub(super) fn invite_cookie(
        &self,
        sale: &SaleView,
        invite: &str,
        now: Millis,
    ) -> Cookie<'static> {
        self.of_sale(sale, &authority::invite_cookie(sale), invite, now)
    }

    /// A cookie that lasts until the day after the sale.
    fn of_sale(&self, sale: &SaleView, name: &str, value: &str, now: Millis) -> Cookie<'static> {
        let seconds = sale.settings().spec.closes_at.map_or(TICKET_SECONDS_MAX, |at| {
            let left = u32::try_from(at.0.saturating_sub(now.0) / 1_000).unwrap_or(u32::MAX);
            left.saturating_add(DAY_SECONDS).min(TICKET_SECONDS_MAX)
        });
        cookies::lasting(cookies::of_host(name, value, self.scheme), seconds)
    }

    /// The cookies that take an invitation away.
    pub(super) fn no_invite(&self, sale: &SaleView) -> Vec<Cookie<'static>> {
        cookies::gone(self.headers, &authority::invite_cookie(sale))
    }

    /// The cookies that take a ticket away, under each name it may have.
    pub(super) fn no_ticket(&self, sale: &SaleView) -> Vec<Cookie<'static>> {
        cookies::gone(self.headers, &authority::ticket_cookie(sale))
    }

    /// The code of the last form's refusal, to be shown once.
    pub(super) fn notice(&self) -> Option<&'a str> {
        cookies::values(self.headers, NOTICE).next().filter(|code| !code.is_empty())
    }

    /// The lowest position this browser was shown at a place with this number.
    pub(super) fn floor(&self, number: u64) -> Option<u64> {
        floor_of(self.headers, number)
    }
}

fn floor_of(headers: &HeaderMap, number: u64) -> Option<u64> {
    let floors = cookies::values(headers, FLOOR).filter_map(|value| {
        let (of, position) = value.split_once('-')?;
        let position = position.parse().ok().filter(|position| *position > 0);
        position.filter(|_| of.parse() == Ok(number))
    });
    floors.min()
}

/// A parameter of a page's address.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The cookie that keeps a choice of language.
pub(super) fn language_cookie(language: Language) -> Cookie<'static> {
    let mut cookie = cookies::of_path(LANGUAGE, language.tag(), "/".to_owned());
    cookie.set_http_only(true);
    cookies::lasting(cookie, YEAR_SECONDS)
}

/// The cookie that keeps whether pages may reload by themselves. Any choice but `off` takes it away.
pub(super) fn refresh_cookie(choice: &str) -> Cookie<'static> {
    let value = if choice == OFF { OFF } else { "" };
    let mut cookie = cookies::of_path(REFRESH, value, "/".to_owned());
    cookie.set_http_only(true);
    if value == OFF { cookie } else { cookies::lasting(cookie, 0) }
}

/// The code by which a refusal's notice is worded: people need to know more of an invitation than programs.
pub(super) fn notice_code(refusal: &ApiError) -> &'static str {
    let ApiError::InviteInvalid(why) = refusal else { return refusal.facts().code };
    match why {
        InviteError::Invalid => "invite_invalid",
        InviteError::WrongSale => "invite_wrong_sale",
        InviteError::Expired => "invite_expired",
    }
}

/// The cookie that brings a refusal's code to the room; an empty code takes it away.
pub(super) fn notice_cookie(sale: &SaleView, code: &str) -> Cookie<'static> {
    let seconds = if code.is_empty() { 0 } else { NOTICE_SECONDS };
    let mut cookie = cookies::of_path(NOTICE, code, room(sale));
    cookie.set_http_only(true);
    cookies::lasting(cookie, seconds)
}

/// The cookie that keeps the lowest position shown; the page's script writes it too.
pub(super) fn floor_cookie(sale: &SaleView, number: u64, position: u64) -> Cookie<'static> {
    let value = format!("{number}-{position}");
    cookies::lasting(cookies::of_path(FLOOR, value, room(sale)), DAY_SECONDS)
}

fn room(sale: &SaleView) -> String {
    format!("/s/{}", sale.name())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
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
}
