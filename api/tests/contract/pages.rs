//! What all pages have in common: their language, their files, their policy, how they keep up.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::{
    browser::{ACCEPT, between, browser},
    client::get,
    process::shared,
};

#[tokio::test]
async fn a_language_that_was_chosen_is_kept() {
    let mut browser = browser(json!({})).await;
    let room = browser.room("");
    let asked = |path: &str| get(path.to_owned()).header("accept-language", "en-US,en");
    let page = browser.send(asked(&room)).await.is(200).text();
    assert!(
        page.contains(&format!("href=\"{room}?lang=ko\" lang=\"ko\" hreflang=\"ko\">한국어<")),
        "{page}"
    );
    for (path, back) in [(format!("{room}?lang=ko"), room.as_str()), ("/?lang=ko".to_owned(), "/")]
    {
        let told = browser.send(asked(&path)).await.is(303);
        assert_eq!(told.header("location"), Some(back));
    }
    for path in [&room, "/", "/nothing/here"] {
        let page = browser.send(asked(path)).await.text();
        assert!(page.contains("<html lang=\"ko\">"), "{path}: {page}");
    }
    browser.send(asked("/?lang=xx")).await.is(200);
    browser.send(asked("/?lang=en")).await.is(303);
    assert!(browser.send(asked(&room)).await.text().contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn a_page_keeps_up_without_a_script_and_can_be_told_to_stand_still() {
    let mut browser = browser(json!({})).await;
    let room = browser.room("");
    let outside = browser.send(get(room.clone())).await.is(200);
    assert_eq!(outside.header("refresh"), None, "nothing changes by itself");
    browser.wall.act("pause", Value::Null).await;
    browser.form("/enter", "").await;
    let waiting = browser.send(get(room.clone())).await.is(200);
    assert_eq!(waiting.header("refresh"), Some("15"));
    let page = waiting.text();
    let stop = between(&page, "<noscript>", "</noscript>");
    assert!(stop.contains(&format!("href=\"{room}?refresh=off\"")), "{stop}");
    let stopped = browser.send(get(format!("{room}?refresh=off"))).await.is(303);
    assert_eq!(stopped.header("location"), Some(room.as_str()));
    let still = browser.send(get(room.clone())).await.is(200);
    assert_eq!(still.header("refresh"), None);
    assert!(still.text().contains(&format!("href=\"{room}?refresh=on\">Refresh again")));
    // A form leads back to the room, and the choice stays.
    browser.form("/enter", "").await;
    assert_eq!(browser.send(get(room.clone())).await.header("refresh"), None);
    browser.send(get(format!("{room}?refresh=on"))).await.is(303);
    assert_eq!(browser.send(get(room)).await.header("refresh"), Some("15"));
}

#[tokio::test]
async fn nothing_of_a_page_is_inline_or_from_elsewhere() {
    let mut browser = browser(json!({})).await;
    for path in ["/".to_owned(), browser.room(""), "/nothing".to_owned(), "/docs".to_owned()] {
        let told = browser.send(get(path.clone())).await;
        let policy = told.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'"] {
            assert!(policy.split("; ").any(|found| found == part), "{path}: {policy}");
        }
        let page = told.text();
        for inline in
            ["<style", "style=", "<script>", "onclick", "nonce", "javascript:", "=\"data:"]
        {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn files_of_pages_are_kept_for_good_and_come_compressed() {
    let client = &shared().client;
    let page = client.tell(get("/").header("accept", ACCEPT)).await.is(200).text();
    let style = between(&page, "rel=\"stylesheet\" href=\"", "\"");
    let script = between(&page, "<script src=\"", "\"");
    for (path, kind) in
        [(style, "text/css; charset=utf-8"), (script, "text/javascript; charset=utf-8")]
    {
        let plain = client.tell(get(path)).await.is(200);
        assert_eq!(plain.header("content-type"), Some(kind));
        assert_eq!(plain.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(plain.header("content-encoding"), None);
        let brotli = client.tell(get(path).header("accept-encoding", "gzip, deflate, br")).await;
        assert_eq!(brotli.header("content-encoding"), Some("br"));
        let gzip = client.tell(get(path).header("accept-encoding", "gzip")).await;
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        assert!(brotli.body.len() < gzip.body.len() && gzip.body.len() * 2 < plain.body.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(&*gzip.body).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        let tag = plain.header("etag").unwrap();
        client.tell(get(path).header("if-none-match", tag)).await.is(304);
    }
    // A page of another build is not left without its style; no one keeps what it gets.
    let other = client.tell(get("/assets/rushgate.0123456789ab.css")).await.is(200);
    assert_eq!(other.header("cache-control"), Some("no-store"));
    client.tell(get("/assets/keys.json")).await.refuses(404, "not_found");
}
