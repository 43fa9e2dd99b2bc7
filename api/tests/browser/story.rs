//! What people do in the room, from entering to coming back the next day.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    chromium::{Chromium, Setup},
    shop::Shop,
};

/// One browser at a time: a machine with two processors keeps no more in time.
static ONE: Mutex<()> = Mutex::new(());

/// A story that failed leaves nothing behind that another would mind.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const ENTER: &str = "form[action$='/enter'] button";
const LEAVE: &str = "form[action$='/leave'] button";
const BUY: &str = "form[action$='/buy'] button";
const RELEASE: &str = "form[action$='/release'] button";

/// Asked once more, what cannot be undone is in reach.
fn gives_up(browser: &Chromium) {
    browser.click("details[id^='give-up'] summary");
    browser.click(RELEASE);
}

fn leaves(browser: &Chromium) {
    browser.click("#leave summary");
    browser.click(LEAVE);
}

/// How many people are ahead, as the page shows it.
fn ahead(browser: &Chromium) -> Value {
    browser.evaluate("return document.getElementById('number').innerText")
}

/// Enters, waits, is called, buys, goes back and buys more, gives up, pays, and leaves.
fn lives_through(shop: &Shop, browser: &Chromium) {
    shop.act("pause", &Value::Null);
    browser.open(&shop.room());
    browser.click(ENTER);
    browser.shows("People ahead of you");
    assert_eq!(ahead(browser), "0");
    shop.act("message", &json!({ "message": "Back at noon" }));
    browser.shows("Back at noon");
    shop.act("resume", &Value::Null);
    browser.shows("You can buy now");
    assert!(browser.title().starts_with("It is your turn"), "{}", browser.title());

    browser.click("option:nth-of-type(2)");
    browser.click(BUY);
    browser.shows("Reserved until");
    shop.has_available(8);
    // Going back never shows the page of before: what is reserved stands there, with new forms.
    browser.back();
    browser.shows("Reserved until");
    browser.click("option:nth-of-type(1)");
    browser.click(BUY);
    shop.has_available(7);
    browser.shows("× 1");
    gives_up(browser);
    shop.has_available(8);
    browser.shows("You cancelled this reservation");
    gives_up(browser);
    shop.has_available(10);
    browser.shows("You can buy now");
    browser.click(BUY);
    browser.shows("Reserved until");
    browser.click("form[action$='/pay'] button");
    browser.shows("Your payment is complete");
    shop.has_available(9);

    leaves(browser);
    let text = browser.shows("You have left the line");
    assert!(text.contains("Your payment is complete"), "what was bought stays: {text}");
    assert_eq!(shop.stats()["entered"], 1);
}

fn browse(setup: impl Fn(&TempDir) -> Chromium, story: impl Fn(&Chromium, &TempDir)) {
    let _one = one_at_a_time();
    let profile = TempDir::new().unwrap();
    story(&setup(&profile), &profile);
}

fn english(scripts: bool) -> impl Fn(&TempDir) -> Chromium {
    move |profile| Chromium::start(Setup { profile: profile.path(), language: "en-US,en", scripts })
}

#[test]
fn a_person_gets_through_over_plain_http() {
    browse(english(true), |browser, _| lives_through(&Shop::start(&json!({})), browser));
}

#[test]
fn a_person_gets_through_without_javascript() {
    browse(english(false), |browser, _| lives_through(&Shop::start(&json!({})), browser));
}

#[test]
fn a_person_gets_through_behind_a_proxy_that_sends_another_host() {
    browse(english(true), |browser, _| lives_through(&Shop::behind_nginx(&json!({})), browser));
    browse(english(false), |browser, _| lives_through(&Shop::behind_nginx(&json!({})), browser));
}

#[test]
fn a_session_that_ends_is_explained_and_the_place_is_taken_again() {
    let shop = Shop::start(&json!({ "session_seconds": 2 }));
    browse(english(true), |browser, _| {
        browser.open(&shop.room());
        browser.click(ENTER);
        browser.shows("You can buy now");
        browser.click(BUY);
        // The page finds out by itself.
        let text = browser.shows("Your time to buy has run out");
        assert!(text.contains("Reserved until"), "the reservation goes on: {text}");
        browser.click(ENTER);
        let text = browser.shows("Buy more");
        assert!(text.contains("Reserved until"), "as the same shopper: {text}");
    });
    browse(english(false), |browser, _| {
        browser.open(&shop.room());
        browser.click(ENTER);
        thread::sleep(Duration::from_millis(3_200));
        browser.reload();
        browser.shows("Your time to buy has run out");
        browser.click(ENTER);
        browser.shows("You can buy now");
    });
}

#[test]
fn a_place_outlives_its_browser() {
    let shop = Shop::start(&json!({}));
    shop.act("pause", &Value::Null);
    browse(english(true), |browser, _| {
        browser.open(&shop.room());
        browser.click(ENTER);
        browser.shows("People ahead of you");
    });
    let _one = one_at_a_time();
    let profile = TempDir::new().unwrap();
    let first = english(true)(&profile);
    first.open(&shop.room());
    first.click(ENTER);
    first.is_called("1 ahead");
    assert_eq!(ahead(&first), "1");
    drop(first);
    let second = english(true)(&profile);
    second.open(&shop.room());
    second.is_called("1 ahead");
    assert_eq!(shop.stats()["entered"], 2);
}

#[test]
fn a_double_click_enters_once() {
    let shop = Shop::start(&json!({}));
    shop.act("pause", &Value::Null);
    browse(english(true), |browser, _| {
        browser.open(&shop.room());
        browser.click_twice(ENTER);
        browser.shows("People ahead of you");
        thread::sleep(Duration::from_millis(500));
        assert_eq!(shop.stats()["entered"], 1, "{}", browser.text());
    });
}

#[test]
fn with_a_script_the_page_is_live_and_never_reloads() {
    let shop = Shop::start(&json!({}));
    shop.act("pause", &Value::Null);
    browse(english(true), |browser, _| {
        browser.open(&shop.room());
        browser.click(ENTER);
        browser.shows("People ahead of you");
        // A page that is loaded again forgets this.
        browser.evaluate("window.marked = true");
        // Longer than the header by which a page without scripts reloads.
        thread::sleep(Duration::from_secs(17));
        shop.act("message", &json!({ "message": "Back at noon" }));
        browser.shows("Back at noon");
        shop.act("resume", &Value::Null);
        browser.shows("You can buy now");
        assert!(browser.title().starts_with("It is your turn"), "{}", browser.title());
        assert_eq!(browser.evaluate("return document.body.className"), "room turn");
        let alerts = browser.evaluate("return document.querySelectorAll('[role=alert]').length");
        assert_eq!(alerts, 1, "it is told once");
        assert_eq!(browser.evaluate("return window.marked"), true, "the page was loaded again");
    });
}

#[test]
fn a_place_is_kept_up_where_no_stream_is_to_be_had() {
    let shop = Shop::start(&json!({}));
    shop.act("pause", &Value::Null);
    browse(english(true), |browser, _| {
        browser.block("*/stream");
        browser.open(&shop.room());
        browser.click(ENTER);
        browser.shows("People ahead of you");
        shop.act("message", &json!({ "message": "Back at noon" }));
        browser.shows("Back at noon");
        shop.act("resume", &Value::Null);
        browser.shows("You can buy now");
    });
}

/// Comes by a link, waits, leaves, and learns that the invitation is used.
fn is_a_guest(shop: &Shop, browser: &Chromium) {
    browser.open(&shop.room());
    browser.shows("This sale is by invitation");
    let link = shop.invites("drop", FAR);
    browser.open(&link);
    browser.shows("You are invited");
    assert_eq!(browser.address(), shop.room(), "the invitation is not in the address");
    browser.reload();
    browser.click(ENTER);
    browser.shows("People ahead of you");
    assert_eq!(browser.address(), shop.room());
    leaves(browser);
    let text = browser.shows("You have left the line");
    assert!(text.contains("good for this one place"), "{text}");
    browser.open(&link);
    browser.click(ENTER);
    let text = browser.shows("already been used");
    assert!(text.contains("This sale is by invitation"), "{text}");
    // The history has the room alone: the way back leads to no link.
    browser.back();
    assert!(!browser.address().contains("invite"), "{}", browser.address());
}

/// Longer than any sale here.
const FAR: &str = "2099-01-01T00:00:00Z";

#[test]
fn a_guest_comes_by_a_link_with_and_without_javascript() {
    for scripts in [true, false] {
        let shop = Shop::start(&json!({ "identity": "invite" }));
        shop.act("pause", &Value::Null);
        browse(english(scripts), |browser, _| is_a_guest(&shop, browser));
    }
}

#[test]
fn the_hours_of_the_home_page_are_in_the_readers_zone_or_say_theirs() {
    let shop = Shop::start(&json!({ "opens_at": "2099-01-01T05:30:00Z" }));
    let shown = "return document.querySelector('.hour').innerText.replace(/\\s+/g, ' ')";
    for scripts in [true, false] {
        let korean = |profile: &TempDir| {
            Chromium::start(Setup { profile: profile.path(), language: "ko-KR,ko", scripts })
        };
        browse(korean, |browser, _| {
            browser.open(&shop.at("/"));
            let wanted = if scripts {
                let hour = "return new Date('2099-01-01T05:30:00Z').toTimeString().slice(0, 5)";
                browser.evaluate(hour).as_str().unwrap().to_owned()
            } else {
                "14:30 1.1 KST".to_owned()
            };
            let shown = browser.evaluate(shown);
            let shown = shown.as_str().unwrap();
            assert!(shown.starts_with(&wanted), "{shown:?} instead of {wanted:?}");
            assert_eq!(shown.contains("KST"), !scripts, "{shown}");
        });
    }
}

#[test]
fn the_language_is_chosen_by_a_link_and_kept() {
    let shop = Shop::start(&json!({}));
    browse(english(false), |browser, _| {
        browser.open(&shop.room());
        browser.click("a[hreflang=ko]");
        browser.shows("지금 줄에 선 사람");
        browser.click(ENTER);
        browser.shows("지금 구매할 수 있습니다");
        assert_eq!(browser.evaluate("return document.documentElement.lang"), "ko");
    });
}

#[test]
fn a_proxys_error_page_never_takes_the_rooms_place() {
    browse(english(true), |browser, _| {
        let mut shop = Shop::behind_nginx(&json!({}));
        shop.act("pause", &Value::Null);
        browser.open(&shop.room());
        browser.click(ENTER);
        browser.shows("People ahead of you");
        shop.stop();
        let refused = "return performance.getEntriesByType('resource') \
                       .filter(entry => entry.responseStatus === 502).length";
        let is_refused = || browser.evaluate(refused).as_u64() > Some(1);
        // As when a person comes back to the page: it asks at once.
        let look = || browser.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
        for _ in 0..60 {
            if is_refused() {
                break;
            }
            look();
            thread::sleep(Duration::from_millis(500));
        }
        assert!(is_refused(), "the page has met the proxy's own answers");
        let text = browser.text();
        assert!(text.contains("People ahead of you") && !text.contains("502"), "{text}");
        shop.start_again();
        shop.act("message", &json!({ "message": "Back at noon" }));
        look();
        browser.shows("Back at noon");
        assert_eq!(shop.stats()["entered"], 1, "the place is the same");
    });
}
