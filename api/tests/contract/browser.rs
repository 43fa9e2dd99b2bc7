//! A browser without JavaScript, in the room of a sale of its own.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    client::{Ask, Told, get, post},
    wall::Wall,
};

/// What a browser says it takes.
pub(crate) const ACCEPT: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// A browser: it keeps cookies and says so.
pub(crate) struct Browser<'s> {
    pub(crate) wall: Wall<'s>,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) fn room(&self, form: &str) -> String {
        format!("/s/{}{form}", self.wall.name())
    }

    /// The name of the sale's ticket cookie.
    pub(crate) fn ticket(&self) -> String {
        format!("rushgate-ticket.{}", self.wall.name())
    }

    pub(crate) async fn send(&mut self, mut ask: Ask) -> Told {
        let kept = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let line = ["other=1".to_owned()].into_iter().chain(kept).collect::<Vec<_>>().join("; ");
        ask = ask.header("cookie", &format!("{line}; theme=dark"));
        if !ask.headers.contains_key("accept") {
            ask = ask.header("accept", ACCEPT);
        }
        let told = self.wall.tell(ask).await;
        for set in told.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        told
    }

    /// Posts a form as a browser does.
    pub(crate) async fn post(&mut self, form: &str, fields: &str) -> Told {
        let ask =
            post(self.room(form)).header("sec-fetch-site", "same-origin").body(fields.to_owned());
        self.send(ask.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// The same, and follows it back to the room.
    pub(crate) async fn form(&mut self, form: &str, fields: &str) -> String {
        let told = self.post(form, fields).await.is(303);
        assert_eq!(told.header("location"), Some(self.room("").as_str()));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        self.page().await
    }

    pub(crate) async fn page(&mut self) -> String {
        let told = self.send(get(self.room(""))).await.is(200);
        assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert_eq!(told.header("x-frame-options"), Some("DENY"));
        // With `no-referrer` a browser would send `Origin: null` with our own forms.
        assert_eq!(told.header("referrer-policy"), Some("same-origin"));
        told.text()
    }

    /// The key of a page's form.
    pub(crate) fn key(&self, page: &str, form: &str) -> String {
        let form = between(page, &format!("action=\"{}\"", self.room(form)), "</form>");
        between(form, "name=\"key\" value=\"", "\"").to_owned()
    }
}

pub(crate) async fn browser(changes: Value) -> Browser<'static> {
    Browser { wall: Wall::new(changes).await, cookies: BTreeMap::new() }
}

/// A refusal as a person sees it: a page, in their language, with a way on.
pub(crate) fn is_a_page(told: &Told, status: u16, words: &str) {
    assert_eq!(told.status, status, "{}", told.text());
    assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
    let page = told.text();
    assert!(page.contains(words) && page.contains("class=\"btn\" href="), "{page}");
}

/// What stands between two marks of a page.
pub(crate) fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    let rest = page.split_once(start).unwrap_or_else(|| unreachable!("{start} is not in {page}")).1;
    rest.split_once(end).unwrap().0
}
