//! Whose forms are taken: those of our own page, whatever stands in front of it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    browser::{Browser, browser, is_a_page},
    client::post,
    wall::SKU,
};

#[tokio::test]
async fn another_sites_form_is_refused_and_changes_nothing() {
    let mut browser = browser(json!({})).await;
    browser.form("/enter", "").await;
    browser.form("/buy", &format!("sku={SKU}&quantity=1&key=k")).await;
    let before = browser.wall.picture().await;
    let host = browser.wall.server.client.addr.to_string();
    for form in ["/enter", "/leave", "/buy", "/purchases/p1-1/pay", "/purchases/p1-1/release"] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", &format!("http://{host}.evil.example")),
        ] {
            let ask = post(browser.room(form)).header(name, value);
            let ask = ask.body(format!("sku={SKU}&quantity=1&key=z"));
            is_a_page(&browser.send(ask.clone()).await, 403, "we did nothing");
            browser.send(ask.header("accept", "application/json")).await.refuses(403, "forbidden");
        }
    }
    assert_eq!(browser.wall.picture().await, before);
    let own = post(browser.room("/leave")).header("origin", &format!("http://{host}"));
    browser.send(own).await.is(303);
}

#[tokio::test]
async fn a_form_of_our_own_page_is_taken_over_http2_as_well() {
    let browser = browser(json!({})).await;
    let host = browser.wall.server.client.addr.to_string();
    let enter = post(browser.room("/enter"));
    let own = enter.clone().header("origin", &format!("http://{host}"));
    browser.wall.server.client.tell_http2(own).await.is(303);
    let foreign = enter.header("origin", "https://evil.example");
    browser.wall.server.client.tell_http2(foreign).await.refuses(403, "forbidden");
}

#[tokio::test]
async fn a_form_of_our_page_needs_no_origin_and_a_foreign_one_never_has_its_key() {
    let mut ours = browser(json!({})).await;
    let page = ours.page().await;
    let key = ours.key(&page, "/enter");
    // As behind a proxy that sends its upstream's name as Host, from a browser of any age.
    for origin in ["https://shop.example", "null"] {
        let enter = post(ours.room("/enter")).header("origin", origin);
        ours.send(enter.header("host", "upstream").body(format!("key={key}"))).await.is(303);
    }
    assert_eq!(ours.wall.stats().await["entered"], 1);
    // Another browser's key, another sale's, one that was made up, and a right one that the browser
    // itself says is sent from elsewhere.
    let mut other = Browser { wall: ours.wall, cookies: BTreeMap::new() };
    other.page().await;
    let mut elsewhere = browser(json!({})).await;
    elsewhere.cookies = ours.cookies.clone();
    for browser in [&mut other, &mut elsewhere] {
        let enter = post(browser.room("/enter")).header("origin", "https://evil.example");
        is_a_page(&browser.send(enter.body(format!("key={key}"))).await, 403, "we did nothing");
    }
    let leave = post(ours.room("/leave")).header("origin", "https://evil.example");
    is_a_page(&ours.send(leave.body("key=abc")).await, 403, "we did nothing");
    let leave = post(ours.room("/leave")).header("sec-fetch-site", "cross-site");
    is_a_page(&ours.send(leave.body(format!("key={key}"))).await, 403, "we did nothing");
    assert_eq!(ours.wall.stats().await["serving"], 1);
}

#[tokio::test]
async fn our_host_is_known_by_any_spelling_and_by_a_listed_proxys_word() {
    let mut browser = browser(json!({})).await;
    for (host, forwarded, from, origin, status) in [
        ("Shop.Example", None, [127, 0, 0, 1], "https://shop.example", 303),
        ("shop.example:443", None, [127, 0, 0, 1], "https://shop.example", 303),
        ("shop.example:80", None, [127, 0, 0, 1], "http://shop.example", 303),
        ("upstream", Some("shop.example"), [127, 0, 0, 2], "https://shop.example", 303),
        ("upstream", Some("shop.example"), [127, 0, 0, 1], "https://shop.example", 403),
        ("upstream", None, [127, 0, 0, 2], "https://shop.example", 403),
        ("shop.example", None, [127, 0, 0, 1], "https://shop.example.evil.example", 403),
        ("shop.example", None, [127, 0, 0, 1], "null", 403),
    ] {
        let mut ask = post(browser.room("/leave")).header("host", host).header("origin", origin);
        if let Some(forwarded) = forwarded {
            ask = ask.header("x-forwarded-host", forwarded);
        }
        let told = browser.send(ask.from(from)).await;
        assert_eq!(told.status, status, "{host} {origin}");
    }
}
