//! One request: what it says of itself, and what its answer takes along.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use axum::http::{
    HeaderMap, Method, Uri,
    header::{ACCEPT, ACCEPT_LANGUAGE},
    request::Parts,
};
use base::language::Language as Written;
use identity::session::{DeviceName, Role};
use pages::Language;
use store::Db;
use web::{
    caller::{Caller, Scheme, Socket},
    cookies::{self, Cookie},
    csrf,
    mounted::Visitor,
};

use crate::{refusal::Refusal, shop::Shop};

/// The cookie that keeps the language a visitor chose, as the room's pages have it.
const LANGUAGE: &str = "rushgate-language";
/// The parameter by which a link chooses one.
const LANGUAGE_PARAMETER: &str = "lang";
/// For how long it is kept: a year.
const LANGUAGE_SECONDS: u32 = 365 * 24 * 3_600;

/// Where in the table of routes a request arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// What stands in the path where the route has names.
    pub(crate) captured: Vec<(String, String)>,
    /// How many parts of the path lead to a page: the one asked for, or the one whose form was sent.
    /// Nothing of a path that belongs to no page.
    pub(crate) page: Option<usize>,
}

/// A request that is being answered. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

impl fmt::Debug for Visit {
    /// Headers and addresses have secrets in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit").field("method", &self.0.method).finish_non_exhaustive()
    }
}

struct Inner {
    shop: Shop,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    place: Place,
    client: Option<IpAddr>,
    is_tls: bool,
    /// As what it is signed in, once that is known.
    role: OnceLock<Role>,
    cookies: Mutex<Vec<Cookie<'static>>>,
}

impl Visit {
    pub(crate) fn new(shop: Shop, parts: Parts, place: Place) -> Self {
        let visitor = parts.extensions.get::<Visitor>().copied();
        Self(Arc::new(Inner {
            shop,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            place,
            client: visitor.and_then(|visitor| visitor.client),
            is_tls: visitor.is_some_and(|visitor| visitor.tls),
            role: OnceLock::new(),
            cookies: Mutex::default(),
        }))
    }

    pub(crate) fn shop(&self) -> &Shop {
        &self.0.shop
    }

    pub(crate) fn db(&self) -> Result<&Db, Refusal> {
        self.0.shop.db()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The address of the page: of the one asked for, or of the one whose form was sent. The choice of a
    /// language is no part of it.
    pub(crate) fn here(&self) -> String {
        let path = self.0.uri.path();
        let end = self.0.place.page.and_then(|parts| path.match_indices('/').nth(parts));
        if let Some((end, _)) = end {
            return path[..end].to_owned();
        }
        let is_choice = |pair: &&str| {
            form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == LANGUAGE_PARAMETER)
        };
        let pairs = self.query().split('&').filter(|pair| !pair.is_empty() && !is_choice(pair));
        let query = pairs.collect::<Vec<_>>().join("&");
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The path that was asked for.
    pub(crate) fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// Whether it belongs to a page above, as the target of a form does.
    pub(crate) fn is_below_its_page(&self) -> bool {
        let parts = self.0.uri.path().matches('/').count();
        self.0.place.page.is_some_and(|page| page < parts)
    }

    /// Whether a browser asks for a page.
    pub(crate) fn wants_page(&self) -> bool {
        let mut all = self.0.headers.get_all(ACCEPT).iter();
        all.any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
    }

    pub(crate) fn query(&self) -> &str {
        self.0.uri.query().unwrap_or_default()
    }

    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// Whether nothing is asked for but to be told.
    pub(crate) fn only_reads(&self) -> bool {
        self.0.method == Method::GET || self.0.method == Method::HEAD
    }

    /// What stands in the path where the route has this name; a text that is not of this kind names
    /// nothing.
    pub(crate) fn captured<T: std::str::FromStr>(&self, name: &str) -> Result<T, Refusal> {
        let found = self.0.place.captured.iter().find(|(known, _)| known == name);
        found.and_then(|(_, text)| text.parse().ok()).ok_or(Refusal::NotFound)
    }

    /// Who sent it. The mount has left only what listed proxies say of others.
    fn caller(&self) -> Caller<'_> {
        let addr = (Ipv4Addr::UNSPECIFIED, 0).into();
        let socket = Socket { addr, tls: self.0.is_tls, trusted: true };
        self.0.shop.callers().caller(&self.0.headers, socket)
    }

    /// How cookies are made for this browser.
    pub(crate) fn cookie_scheme(&self) -> Scheme {
        if self.0.shop.is_always_secure() { Scheme::Https } else { self.caller().scheme() }
    }

    /// The name under which its browser knows us.
    pub(crate) fn host(&self) -> Option<&str> {
        self.caller().host()
    }

    /// Where its browser finds us: `https://shop.example`.
    pub(crate) fn origin(&self) -> Result<String, Refusal> {
        self.caller().origin().ok_or(Refusal::BadRequest("exactly one Host header is required"))
    }

    /// The language to speak.
    pub(crate) fn language(&self) -> Language {
        let header = self.0.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let chosen = cookies::named(&self.0.headers, LANGUAGE).find_map(Language::of_tag);
        self.asked_language().or(chosen).unwrap_or_else(|| Language::of_header(header))
    }

    /// The language that the link to the other one asks for.
    fn asked_language(&self) -> Option<Language> {
        let mut pairs = form_urlencoded::parse(self.query().as_bytes());
        pairs.find_map(|(name, tag)| {
            (name == LANGUAGE_PARAMETER).then(|| Language::of_tag(&tag)).flatten()
        })
    }

    /// The language that somebody says they want to be written to in; nothing if they do not say.
    pub(crate) fn said_language(&self) -> Option<Written> {
        let says = self.0.headers.contains_key(ACCEPT_LANGUAGE)
            || self.asked_language().is_some()
            || cookies::named(&self.0.headers, LANGUAGE).next().is_some();
        says.then(|| written(self.language()))
    }

    /// The language that somebody chose just now, by a link on a page of ours.
    pub(crate) fn chosen_language(&self) -> Option<Written> {
        let chosen = self.asked_language().filter(|_| self.only_reads());
        let is_ours = || csrf::is_our_form(&self.0.headers, self.host(), || false);
        chosen.filter(|_| is_ours()).map(written)
    }

    /// Notes as what it is signed in.
    pub(crate) fn note_role(&self, role: Role) {
        self.0.role.get_or_init(|| role);
    }

    /// As what it is signed in, as far as that was asked.
    pub(crate) fn role(&self) -> Option<Role> {
        self.0.role.get().copied()
    }

    /// Has the browser keep the language that was asked for.
    pub(crate) fn keep_language(&self) {
        if let Some(language) = self.asked_language() {
            let cookie = cookies::of_path(LANGUAGE, language.tag(), "/".to_owned());
            self.set_cookie(cookies::lasting(cookie, LANGUAGE_SECONDS));
        }
    }

    /// What people are shown of the device they sign in on.
    pub(crate) fn device(&self) -> DeviceName {
        let agent = self.0.headers.get(axum::http::header::USER_AGENT);
        DeviceName::of(agent.and_then(|value| value.to_str().ok()).unwrap_or_default())
    }

    /// Has the answer set a cookie.
    pub(crate) fn set_cookie(&self, cookie: Cookie<'static>) {
        self.0.cookies.lock().unwrap_or_else(PoisonError::into_inner).push(cookie);
    }

    /// The cookies that the answer sets.
    pub(crate) fn take_cookies(&self) -> Vec<Cookie<'static>> {
        std::mem::take(&mut self.0.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The language of pages, as accounts keep it.
const fn written(language: Language) -> Written {
    match language {
        Language::Korean => Written::Korean,
        Language::English => Written::English,
    }
}
