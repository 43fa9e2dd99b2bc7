//! The room without JavaScript: forms, a cookie, redirects, and no way in from other sites.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Ask, Told, get, post},
    process::Server,
    wall::{SKU, Wall, eventually},
};

/// A browser that keeps one cookie.
struct Browser {
    wall: Wall<'static>,
    cookie: Option<String>,
}

impl Browser {
    fn room(&self, form: &str) -> String {
        format!("/s/{}{form}", self.wall.name())
    }

    async fn send(&mut self, mut ask: Ask) -> Told {
        if let Some(cookie) = &self.cookie {
            ask = ask.header("cookie", &format!("other=1; {cookie}; theme=dark"));
        }
        let told = self.wall.tell(ask).await;
        if let Some(set) = told.header("set-cookie") {
            let pair = set.split(';').next().unwrap();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        told
    }

    /// Posts a form as a browser does, and follows it back to the room.
    async fn form(&mut self, form: &str, fields: &str) -> String {
        let ask =
            post(self.room(form)).header("sec-fetch-site", "same-origin").body(fields.to_owned());
        let ask = ask.header("content-type", "application/x-www-form-urlencoded");
        let told = self.send(ask).await.is(303);
        assert_eq!(told.header("location"), Some(self.room("").as_str()));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        self.page().await
    }

    async fn page(&mut self) -> String {
        let told = self.send(get(self.room(""))).await.is(200);
        assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert_eq!(told.header("x-frame-options"), Some("DENY"));
        told.text()
    }
}

async fn browser(changes: Value) -> Browser {
    Browser { wall: Wall::new(changes).await, cookie: None }
}

/// What stands between two marks of a page.
fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    let rest = page.split_once(start).unwrap_or_else(|| unreachable!("{start} is not in {page}")).1;
    rest.split_once(end).unwrap().0
}

#[tokio::test]
async fn someone_enters_waits_buys_pays_gives_up_and_leaves() {
    let mut browser = browser(json!({ "title": "Sale <b>& more" })).await;
    let home = browser.send(get("/")).await.is(200).text();
    assert!(home.contains(&browser.room("")) && home.contains("Sale &lt;b&gt;&amp; more"));
    browser.wall.act("pause", Value::Null).await;
    let page = browser.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "{page}");
    assert_eq!(between(&page, "id=\"position\">", "<"), "1");
    assert!(page.contains("http-equiv=\"refresh\""), "it refreshes itself without a script");
    browser.form("/enter", "").await;
    assert_eq!(browser.wall.stats().await["entered"], 1, "a visitor has one place");

    browser.wall.act("resume", Value::Null).await;
    eventually(|| async { (browser.wall.stats().await["serving"] == 1).then_some(()) }).await;
    let page = browser.page().await;
    let key = between(&page, "name=\"key\" value=\"", "\"").to_owned();
    let buy = format!("sku={SKU}&quantity=1&key={key}");
    let page = browser.form("/buy", &buy).await;
    browser.form("/buy", &buy).await;
    assert_eq!(browser.wall.units().await, [9, 1, 0, 0], "a form sent twice buys once");
    let pay = between(&page, &format!("action=\"{}", browser.room("/purchases/")), "\"");
    let id = pay.split('/').next().unwrap().to_owned();
    browser.form(&format!("/purchases/{id}/pay"), "").await;
    assert_eq!(browser.wall.units().await, [9, 0, 0, 1]);

    browser.form("/buy", &format!("sku={SKU}&quantity=1&key=another-key")).await;
    assert_eq!(browser.wall.units().await, [8, 1, 0, 1]);
    browser.form("/purchases/p1-2/release", "").await;
    assert_eq!(browser.wall.units().await, [9, 0, 0, 1]);
    let page = browser.form("/leave", "").await;
    assert_eq!(browser.cookie, None);
    assert!(page.contains("/enter\""), "who left may enter again");
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_works_for_polls() {
    let mut browser = browser(json!({})).await;
    browser.wall.act("pause", Value::Null).await;
    let ask = post(browser.room("/enter")).header("sec-fetch-site", "same-origin");
    let told = browser.send(ask).await.is(303);
    let cookie = told.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
    let path = browser.wall.path("position");
    assert_eq!(browser.send(get(path)).await.is(200).json()["state"], "waiting");
    // The cookie is for looking: what changes something takes the ticket itself.
    let path = browser.wall.path("leave");
    browser.send(post(path)).await.refuses(401, "ticket_invalid");
}

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
            browser.send(ask).await.refuses(403, "forbidden");
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
async fn a_refused_form_says_why_on_the_page() {
    let mut browser = browser(json!({ "per_shopper_max": 1 })).await;
    let buy = post(browser.room("/buy")).body(format!("sku={SKU}&quantity=1&key=k"));
    let told = browser.send(buy).await.is(401);
    assert!(told.text().contains("role=\"status\""));
    browser.form("/enter", "").await;
    for (fields, status) in [
        (format!("sku={SKU}&quantity=2&key=a"), 409),
        (format!("sku={SKU}&quantity=0&key=a"), 400),
        (format!("sku={SKU}&quantity=-1&key=a"), 400),
        (format!("sku={SKU}&quantity=1"), 400),
        ("sku=other&quantity=1&key=a".to_owned(), 400),
        (String::new(), 400),
    ] {
        let buy = post(browser.room("/buy")).body(fields.clone());
        let told = browser.send(buy).await;
        assert_eq!(told.status, status, "{fields}");
        assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
    }
    assert_eq!(browser.wall.units().await, [10, 0, 0, 0]);
    let pay = post(browser.room("/purchases/p1-1/pay"));
    assert_eq!(browser.send(pay).await.status, 404);
}

#[tokio::test]
async fn the_page_speaks_korean_or_english_as_asked() {
    let mut browser = browser(json!({})).await;
    for (asked, lang) in [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-US,en;q=0.9,ko;q=0.1", "en"),
        ("de, ko;q=0.5", "ko"),
        ("fr", "en"),
    ] {
        for path in ["/".to_owned(), browser.room("")] {
            let page = browser.send(get(path).header("accept-language", asked)).await.text();
            assert!(page.contains(&format!("<html lang=\"{lang}\"")), "{asked}: {page}");
        }
    }
}

#[tokio::test]
async fn page_visitors_are_counted_as_all_others() {
    let mut browser = browser(json!({})).await;
    browser.form("/enter", "").await;
    browser.form("/buy", &format!("sku={SKU}&quantity=1&key=k")).await;
    let sale = browser.wall.name().to_owned();
    let metrics = browser.wall.server.ops.tell(get("/metrics")).await.text();
    for line in [
        format!("rushgate_enter_total{{sale=\"{sale}\",outcome=\"admitted\"}} 1"),
        format!("rushgate_purchase_total{{sale=\"{sale}\",outcome=\"held\"}} 1"),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn outside_the_demo_nobody_pays_by_a_form() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), "");
    let wall = Wall::on(&server, json!({})).await;
    let (shopper, id) = wall.held().await;
    let cookie = format!("rushgate-{}={}", wall.name(), shopper.ticket);
    let pay = post(format!("/s/{}/purchases/{id}/pay", wall.name())).header("cookie", &cookie);
    assert_eq!(wall.tell(pay).await.status, 404);
    assert_eq!(wall.units().await, [9, 1, 0, 0]);
}
