//! How the room looks: every state fits a phone and a desk, in both languages.
//!
//! With `RUSHGATE_SHOTS_DIR` set, a picture of each is written there.

use std::{env, fs, path::Path, thread, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    chromium::{Chromium, Setup},
    shop::Shop,
};

/// Narrow, usual and wide windows.
const WINDOWS: [(&str, (u32, u32)); 3] =
    [("narrow", (320, 640)), ("phone", (390, 844)), ("desk", (1_280, 900))];

/// The page as it is now, in each window.
fn look(browser: &Chromium, language: &str, state: &str) {
    for (window, size) in WINDOWS {
        browser.resize(size);
        let wide = browser.evaluate("return document.documentElement.scrollWidth");
        assert!(wide.as_u64().unwrap() <= u64::from(size.0), "{state} is {wide} wide at {size:?}");
        if let Some(directory) = env::var_os("RUSHGATE_SHOTS_DIR") {
            let name = format!("{state}-{language}-{window}.png");
            fs::write(Path::new(&directory).join(name), browser.picture()).unwrap();
        }
    }
    let lang = browser.evaluate("return document.documentElement.lang");
    assert_eq!(lang, language, "{state}");
}

fn every_state(language: &str, accept: &str) {
    let shop = Shop::start(&json!({ "title": "Autumn sneaker, limited", "session_seconds": 8,
                                    "hold_seconds": 600, "per_shopper_max": 10 }));
    let profile = TempDir::new().unwrap();
    let browser =
        Chromium::start(Setup { profile: profile.path(), language: accept, scripts: true });
    let look = |state| look(&browser, language, state);
    shop.act("pause", &Value::Null);
    browser.open(&shop.room());
    look("1-enter");
    browser.click("form[action$='/enter'] button");
    look("2-waiting");
    shop.act("resume", &Value::Null);
    while browser.evaluate("return !!document.querySelector(\"form[action$='/buy']\")") != true {
        thread::sleep(Duration::from_millis(100));
    }
    look("3-called");
    browser.click("form[action$='/buy'] button");
    look("4-reserved");
    browser.click("form[action$='/pay'] button");
    look("5-paid");
    thread::sleep(Duration::from_millis(8_500));
    browser.reload();
    look("6-over");
    browser.open(&shop.room().replace("/s/drop", "/s/unknown"));
    look("7-unknown");
    browser.open(&shop.room().replace("/s/drop", "/"));
    look("8-home");
}

#[test]
fn every_state_of_the_room_fits_its_window_in_english() {
    every_state("en", "en-US,en");
}

#[test]
fn every_state_of_the_room_fits_its_window_in_korean() {
    every_state("ko", "ko-KR,ko");
}
