//! The room's cookies: what they are bound to, and what they bring.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    browser::{Browser, browser},
    client::{Ask, get, post},
    process::Server,
    wall::{Wall, offer, text},
};

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_works_for_polls() {
    let mut browser = browser(json!({})).await;
    browser.wall.act("pause", Value::Null).await;
    let ask = post(browser.room("/enter")).header("sec-fetch-site", "same-origin");
    let told = browser.send(ask).await.is(303);
    let cookie = told.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
    assert!(cookie.ends_with("; Max-Age=2592000"), "it outlives the browser: {cookie}");
    assert!(!cookie.contains("Secure"), "{cookie}");
    let path = browser.wall.path("position");
    assert_eq!(browser.send(get(path)).await.is(200).json()["state"], "waiting");
    // The cookie is for looking: what changes something takes the ticket itself.
    let path = browser.wall.path("leave");
    browser.send(post(path)).await.refuses(401, "ticket_invalid");
}

#[tokio::test]
async fn over_https_the_cookies_are_bound_to_the_host() {
    let mut browser = browser(json!({})).await;
    let host = format!("__Host-{}", browser.ticket());
    let https = |ask: Ask| ask.header("x-forwarded-proto", "https").from([127, 0, 0, 2]);
    let page = browser.send(https(get(browser.room("")))).await.is(200).text();
    let key = browser.key(&page, "/enter");
    let told = browser.send(https(post(browser.room("/enter")).body(format!("key={key}")))).await;
    let cookie = told.is(303).header("set-cookie").unwrap().to_owned();
    assert!(cookie.starts_with(&host) && cookie.contains("; Secure"), "{cookie}");
    let page = browser.send(https(get(browser.room("")))).await.text();
    assert!(page.contains("You can buy now"), "{page}");
    // A proxy that is not listed is not believed.
    let leave = post(browser.room("/leave")).header("x-forwarded-proto", "https");
    browser.send(leave.header("sec-fetch-site", "same-origin")).await.is(303);
    assert!(!browser.cookies.contains_key(&host), "leaving takes it away under each name");
    let enter = post(browser.room("/enter")).header("x-forwarded-proto", "https");
    let told = browser.send(enter.header("sec-fetch-site", "same-origin")).await.is(303);
    assert!(!told.header("set-cookie").unwrap().contains("Secure"));
}

#[tokio::test]
async fn settings_say_that_the_site_is_https() {
    for (setting, origin, status) in [
        ("cookie_secure = true", "https://shop.example", 403),
        ("public_origin = \"https://shop.example\"", "https://Shop.example:443", 303),
    ] {
        let dir = TempDir::new().unwrap();
        let server = Server::start(dir.path(), &format!("[server]\n{setting}\n"));
        let wall = Wall::on(&server, json!({})).await;
        let mut browser = Browser { wall, cookies: BTreeMap::new() };
        browser.page().await;
        let (name, _) = browser.cookies.first_key_value().unwrap();
        assert_eq!(name, "__Host-rushgate-visitor", "{setting}");
        let enter = post(browser.room("/enter")).header("origin", origin);
        assert_eq!(browser.send(enter).await.status, status, "{setting}");
    }
}

#[tokio::test]
async fn the_first_ticket_cookie_that_opens_counts() {
    let mut browser = browser(json!({})).await;
    browser.form("/enter", "").await;
    let name = browser.ticket();
    let cookies = format!("{name}=AAAA; {name}={}; {name}=", browser.cookies[&name]);
    let ask = get(browser.room("")).header("cookie", &cookies);
    let page = browser.wall.tell(ask).await.is(200).text();
    assert!(page.contains("You can buy now"), "{page}");
}

#[tokio::test]
async fn no_name_of_a_sale_makes_the_cookie_of_another_kind() {
    let mut browser = browser(json!({ "identity": "invite" })).await;
    let wall = browser.wall;
    let make = post(wall.admin("invites")).json(&json!({ "count": 1 }));
    let invite = text(&wall.operator(make).await.is(201).json()["invites"][0]);
    for sale in [format!("invite-{}", wall.name()), "refresh".to_owned()] {
        let table = json!({
            "id": sale, "title": "Another", "admission_per_second": 1_000_000, "active_max": 9,
            "offers": [offer(10)],
        });
        wall.operator(post("/v1/admin/sales").json(&table)).await.is(201);
        let enter = post(format!("/s/{sale}/enter")).header("sec-fetch-site", "same-origin");
        browser.send(enter).await.is(303);
        browser.send(get(browser.room(&format!("?invite={invite}&refresh=on")))).await.is(303);
        assert!(browser.page().await.contains("You are invited"));
        let page = browser.send(get(format!("/s/{sale}"))).await.is(200).text();
        assert!(page.contains("You can buy now"), "{sale} keeps its ticket: {page}");
    }
}

#[tokio::test]
async fn a_choice_that_no_link_of_ours_offers_is_kept_nowhere() {
    let mut browser = browser(json!({})).await;
    let link = browser.room("?refresh=x%3B%20Domain%3Dexample");
    let told = browser.send(get(link)).await.is(303);
    let set = told.header("set-cookie").unwrap();
    assert!(set.starts_with("rushgate-refresh=;") && set.contains("Max-Age=0"), "{set}");
    assert!(!set.contains("xample"), "{set}");
}

#[tokio::test]
async fn a_cookie_brings_no_pass_to_scripts() {
    let mut browser = browser(json!({})).await;
    browser.form("/enter", "").await;
    let place = browser.send(get(browser.wall.path("position"))).await.is(200).json();
    assert_eq!((&place["state"], &place["pass"]), (&json!("admitted"), &Value::Null));
    assert!(place["pass_expires_at"].is_string());
    let stream = browser.send(get(browser.wall.path("stream"))).await.is(200).text();
    assert!(stream.contains("\"state\":\"admitted\"") && stream.contains("\"pass\":null"));
    let ticket = browser.cookies[&browser.ticket()].clone();
    assert!(browser.wall.position(&ticket).await.is(200).json()["pass"].is_string());
}
