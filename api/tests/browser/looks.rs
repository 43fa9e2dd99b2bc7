//! How the pages look: every state fits a phone and a desk, light and dark, in both languages, with
//! and without scripts, and axe-core finds nothing wrong with it.
//!
//! With `RUSHGATE_SHOTS_DIR` set, a picture of each is written there.

use std::{env, fs, path::Path, thread, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    axe,
    chromium::{Chromium, Setup},
    shop::Shop,
    story::one_at_a_time,
};

/// Windows of phones and of a desk.
const WINDOWS: [(&str, (u32, u32)); 4] =
    [("small", (320, 640)), ("narrow", (360, 740)), ("phone", (390, 844)), ("desk", (1_280, 900))];

const SCHEMES: [&str; 2] = ["light", "dark"];

const ENTER: &str = "form[action$='/enter'] button";
const BUY: &str = "form[action$='/buy'] button";

/// One browser that looks at every state.
struct Look<'b> {
    browser: &'b Chromium,
    shop: &'b Shop,
    language: &'static str,
    scripts: bool,
}

impl Look<'_> {
    /// The page as it is now, in each window.
    fn at(&self, state: &str) {
        let browser = self.browser;
        let context = format!("{state} in {}", self.language);
        for (window, size) in WINDOWS {
            browser.resize(size);
            for scheme in SCHEMES {
                browser.prefer(scheme);
                let wide = browser.evaluate("return document.documentElement.scrollWidth");
                let fits = wide.as_u64().unwrap() <= u64::from(size.0);
                assert!(fits, "{context} is {wide} wide at {size:?}");
                self.picture(state, window, scheme);
                if window == "narrow" || (window == "desk" && scheme == "light") {
                    // The page was made without scripts; only axe runs in it.
                    browser.allow_scripts(true);
                    let found = axe::findings(browser);
                    browser.allow_scripts(self.scripts);
                    assert!(found.is_empty(), "{context}, {window}, {scheme}: {found:#?}");
                }
            }
        }
        let small = browser.evaluate(TOO_SMALL);
        assert_eq!(small, json!([]), "{context}: too small to be hit");
        let lang = browser.evaluate("return document.documentElement.lang");
        assert_eq!(lang, self.language, "{context}");
    }

    fn picture(&self, state: &str, window: &str, scheme: &str) {
        if let Some(directory) = env::var_os("RUSHGATE_SHOTS_DIR") {
            let scripts = if self.scripts { "" } else { "-no-js" };
            let name = format!("{state}-{}{scripts}-{window}-{scheme}.png", self.language);
            fs::write(Path::new(&directory).join(name), self.browser.picture()).unwrap();
        }
    }

    fn open(&self, path: &str) {
        self.browser.open(&self.shop.at(path));
    }

    /// Opens a page and looks at it.
    fn opened(&self, state: &str, path: &str) {
        self.open(path);
        self.at(state);
    }

    fn enter(&self) {
        self.browser.click(ENTER);
    }

    /// Loads the page again until `selector` is on it.
    fn has(&self, selector: &str) {
        self.finds(selector, || self.browser.reload());
    }

    /// Waits until `selector` is on the page that is being loaded: a notice is shown once.
    fn comes_to(&self, selector: &str) {
        self.finds(selector, || ());
    }

    fn finds(&self, selector: &str, between: impl Fn()) {
        let script = format!("return !!document.querySelector({})", json!(selector));
        for _ in 0..100 {
            if self.browser.evaluate(&script) == true {
                return;
            }
            thread::sleep(Duration::from_millis(200));
            between();
        }
        unreachable!("{selector} never comes: {}", self.browser.text())
    }
}

/// Controls of less than 44 pixels either way, but for links in a sentence.
pub(crate) const TOO_SMALL: &str = "\
    return [...document.querySelectorAll('button, select, summary, a.btn, a.link, a.brand')] \
      .filter((node) => node.checkVisibility() && !node.closest('.skip, .vh')) \
      .map((node) => [node, node.getBoundingClientRect()]) \
      .filter(([, box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5)) \
      .map(([node]) => node.outerHTML)";

fn before_the_turn(look: &Look<'_>) {
    look.opened("01-home", "/");
    look.opened("02-coming", "/s/soon");
    look.opened("03-enter", "/s/drop");
    look.opened("04-enter-choice", "/s/two");
    look.shop.act("pause", &Value::Null);
    look.opened("05-enter-paused", "/s/drop");
    look.enter();
    look.has("#place");
    look.at("06-waiting-paused");
    look.open("/s/full");
    look.enter();
    look.has("#place");
    look.at("07-waiting-full");
}

fn the_turn(look: &Look<'_>) {
    look.shop.act("resume", &Value::Null);
    look.open("/s/drop");
    look.has(BUY);
    look.at("08-turn");
    let script = "document.querySelector('option').value = 99";
    look.browser.evaluate(script);
    look.browser.click(BUY);
    look.comes_to("#refusal");
    look.at("09-refused");
    look.open("/s/drop");
    look.browser.click(BUY);
    look.has("form[action$='/pay']");
    look.at("10-reserved");
    let form =
        look.browser.evaluate("return document.querySelector(\"form[action$='/pay']\").action");
    let id = form.as_str().unwrap().rsplit('/').nth(1).unwrap().to_owned();
    look.shop.settle("drop", &id, "pay");
    look.browser.reload();
    look.at("11-paying");
    look.shop.settle("drop", &id, "confirm");
    look.browser.reload();
    look.at("12-paid");
    look.browser.click("#leave summary");
    look.at("13-leaving");
    look.browser.click("#leave button");
    look.has(ENTER);
    look.at("14-left");
    look.open("/s/two");
    look.enter();
    look.has(BUY);
    look.at("15-turn-choice");
}

fn by_invitation(look: &Look<'_>) {
    look.opened("23-uninvited", "/s/guests");
    look.opened("24-uninvited-coming", "/s/guests-soon");
    look.browser.open(&look.shop.invites("guests", "2026-01-01T00:00:00Z"));
    look.at("25-invitation-expired");
    let elsewhere = look.shop.invites("guests-soon", FAR).replace("guests-soon", "guests");
    look.browser.open(&elsewhere);
    look.at("26-invitation-of-another-sale");
    let link = look.shop.invites("guests", FAR);
    look.browser.open(&link);
    look.at("27-invited");
    look.enter();
    look.has("#place");
    look.browser.click("#leave summary");
    look.at("28-guest-leaving");
    look.browser.click("#leave button");
    look.comes_to("#refusal, h1#h:not(.say)");
    look.at("29-invitation-over");
    look.browser.open(&link);
    look.enter();
    look.comes_to("#refusal");
    look.at("30-invitation-used");
    look.browser.open(&look.shop.invites("guests-soon", FAR));
    look.at("31-invited-coming");
}

/// Longer than any sale here.
const FAR: &str = "2099-01-01T00:00:00Z";

fn after_the_turn(look: &Look<'_>) {
    look.open("/s/short");
    look.enter();
    thread::sleep(Duration::from_millis(1_500));
    look.has(ENTER);
    look.at("16-lapsed");
    let inside = look.shop.enter("gone");
    look.shop.act_on("gone", "pause");
    look.open("/s/gone");
    look.enter();
    look.has("#place");
    look.shop.sell_out("gone", inside["pass"].as_str().unwrap());
    look.browser.reload();
    look.has("[data-state=sold_out]#place");
    look.at("17-standby");
    look.shop.act_on("gone", "close");
    look.browser.reload();
    look.at("18-closed-in-line");
    look.opened("19-closed", "/s/over");
    look.opened("20-draining", "/s/last");
    look.opened("21-unknown", "/s/unknown");
    by_invitation(look);
    if look.language == "en" {
        look.opened("22-reference", "/docs");
    }
}

fn every_state(language: &'static str, accept: &str, scripts: bool) {
    let _one = one_at_a_time();
    let title =
        if language == "ko" { "병풀 진정 미스트 120ml" } else { "Autumn sneaker, limited" };
    let with = |more: Value| {
        let mut sale = json!({ "title": title, "hold_seconds": 600 });
        sale.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sale
    };
    let two = json!([
        { "sku": "shoe-42", "total": 10, "price": 99_000, "currency": "KRW" },
        { "sku": "shoe-43", "total": 5, "price": 109_000, "currency": "KRW" },
    ]);
    let one = json!([{ "sku": "shoe-42", "total": 1, "price": 99_000, "currency": "KRW" }]);
    let shop = Shop::start(&with(json!({ "closes_at": "2099-01-01T06:00:00Z" })));
    shop.sell("soon", &with(json!({ "opens_at": in_an_hour() })));
    shop.sell("two", &with(json!({ "offers": two })));
    shop.sell("full", &with(json!({ "active_max": 1, "claim_window_seconds": 3_600 })));
    shop.sell("short", &with(json!({ "session_seconds": 1 })));
    shop.sell("gone", &with(json!({ "active_max": 1, "offers": one, "session_seconds": 600 })));
    shop.sell("guests", &with(json!({ "identity": "invite" })));
    shop.act_on("guests", "pause");
    let soon = json!({ "identity": "invite", "opens_at": in_an_hour() });
    shop.sell("guests-soon", &with(soon));
    shop.sell("over", &with(json!({})));
    shop.sell("last", &with(json!({})));
    shop.act_on("over", "close");
    shop.act_on("last", "drain");
    for _ in 0..3 {
        shop.enter("full");
    }
    let profile = TempDir::new().unwrap();
    let browser = Chromium::start(Setup { profile: profile.path(), language: accept, scripts });
    let look = Look { browser: &browser, shop: &shop, language, scripts };
    before_the_turn(&look);
    the_turn(&look);
    after_the_turn(&look);
}

/// A time as the API takes it.
fn in_an_hour() -> String {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let at = jiff::Timestamp::from_second(i64::try_from(now.as_secs()).unwrap() + 3_600).unwrap();
    at.to_string()
}

#[test]
fn every_state_is_fit_for_all_in_english() {
    every_state("en", "en-US,en", true);
}

#[test]
fn every_state_is_fit_for_all_in_korean() {
    every_state("ko", "ko-KR,ko", true);
}

#[test]
fn every_state_is_fit_for_all_in_english_without_javascript() {
    every_state("en", "en-US,en", false);
}

#[test]
fn every_state_is_fit_for_all_in_korean_without_javascript() {
    every_state("ko", "ko-KR,ko", false);
}
