//! What people do in the room, from entering to coming back the next day.

use std::{sync::Mutex, thread, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    chromium::{Chromium, Setup},
    shop::Shop,
};

/// One browser at a time: a machine with two processors keeps no more in time.
static ONE: Mutex<()> = Mutex::new(());

const ENTER: &str = "form[action$='/enter'] button";
const LEAVE: &str = "form[action$='/leave'] button";
const BUY: &str = "form[action$='/buy'] button";
const RELEASE: &str = "form[action$='/release'] button";

/// Enters, waits, is called, buys, goes back and buys more, gives up, pays, and leaves.
fn lives_through(shop: &Shop, browser: &Chromium) {
    shop.act("pause", &Value::Null);
    browser.open(&shop.room());
    browser.click(ENTER);
    browser.shows("Your position");
    assert_eq!(browser.evaluate("return document.getElementById('position').innerText"), "1");
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
    browser.click(RELEASE);
    shop.has_available(8);
    browser.click(RELEASE);
    browser.shows("You cancelled this reservation");
    shop.has_available(10);
    browser.click(BUY);
    browser.shows("Reserved until");
    browser.click("form[action$='/pay'] button");
    browser.shows("Your payment is complete");
    shop.has_available(9);

    browser.click(LEAVE);
    let text = browser.shows("You have left the line");
    assert!(text.contains("Your payment is complete"), "what was bought stays: {text}");
    assert_eq!(shop.stats()["entered"], 1);
}

fn browse(setup: impl Fn(&TempDir) -> Chromium, story: impl Fn(&Chromium, &TempDir)) {
    // A story that failed leaves nothing behind that another would mind.
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        let text = browser.shows("You can buy now");
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
        browser.shows("Your position");
    });
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let profile = TempDir::new().unwrap();
    let first = english(true)(&profile);
    first.open(&shop.room());
    first.click(ENTER);
    first.shows("1 person ahead of you");
    drop(first);
    let second = english(true)(&profile);
    second.open(&shop.room());
    second.shows("1 person ahead of you");
    assert_eq!(shop.stats()["entered"], 2);
}

#[test]
fn a_double_click_enters_once() {
    let shop = Shop::start(&json!({}));
    shop.act("pause", &Value::Null);
    browse(english(true), |browser, _| {
        browser.open(&shop.room());
        browser.click_twice(ENTER);
        browser.shows("Your position");
        thread::sleep(Duration::from_millis(500));
        assert_eq!(shop.stats()["entered"], 1, "{}", browser.text());
    });
}
