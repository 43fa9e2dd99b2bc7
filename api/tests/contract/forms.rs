//! The room without JavaScript: forms, a cookie, redirects, and no way in from other sites.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Ask, PATIENCE, Told, ask, get, post},
    process::Server,
    wall::{SKU, Wall, eventually},
};

/// What a browser says it takes.
const ACCEPT: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// A browser: it keeps cookies and says so.
struct Browser<'s> {
    wall: Wall<'s>,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    fn room(&self, form: &str) -> String {
        format!("/s/{}{form}", self.wall.name())
    }

    /// The name of the sale's ticket cookie.
    fn ticket(&self) -> String {
        format!("rushgate-{}", self.wall.name())
    }

    async fn send(&mut self, mut ask: Ask) -> Told {
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
    async fn post(&mut self, form: &str, fields: &str) -> Told {
        let ask =
            post(self.room(form)).header("sec-fetch-site", "same-origin").body(fields.to_owned());
        self.send(ask.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// The same, and follows it back to the room.
    async fn form(&mut self, form: &str, fields: &str) -> String {
        let told = self.post(form, fields).await.is(303);
        assert_eq!(told.header("location"), Some(self.room("").as_str()));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        self.page().await
    }

    async fn page(&mut self) -> String {
        let told = self.send(get(self.room(""))).await.is(200);
        assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert_eq!(told.header("x-frame-options"), Some("DENY"));
        // With `no-referrer` a browser would send `Origin: null` with our own forms.
        assert_eq!(told.header("referrer-policy"), Some("same-origin"));
        told.text()
    }

    /// The key of a page's form.
    fn key(&self, page: &str, form: &str) -> String {
        let form = between(page, &format!("action=\"{}\"", self.room(form)), "</form>");
        between(form, "name=\"key\" value=\"", "\"").to_owned()
    }
}

async fn browser(changes: Value) -> Browser<'static> {
    Browser { wall: Wall::new(changes).await, cookies: BTreeMap::new() }
}

/// A refusal as a person sees it: a page, in their language, with a way on.
fn is_a_page(told: &Told, status: u16, words: &str) {
    assert_eq!(told.status, status, "{}", told.text());
    assert_eq!(told.header("content-type"), Some("text/html; charset=utf-8"));
    let page = told.text();
    assert!(page.contains(words) && page.contains("class=\"button\" href="), "{page}");
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
    let key = browser.key(&page, "/buy");
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
    assert!(page.contains("/enter\""), "who left may enter again");
    assert!(page.contains("Paid") && page.contains("Cancelled"), "what was bought stays: {page}");
}

#[tokio::test]
async fn leaving_without_a_purchase_leaves_nothing_behind() {
    let mut browser = browser(json!({})).await;
    browser.form("/enter", "").await;
    let page = browser.form("/leave", "").await;
    assert!(page.contains("/enter\"") && !browser.cookies.contains_key(&browser.ticket()));
    browser.form("/leave", "").await;
}

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
async fn a_refused_form_says_why_in_the_room_once() {
    let mut browser = browser(json!({ "per_shopper_max": 1 })).await;
    let page = browser.form("/buy", &format!("sku={SKU}&quantity=1&key=k")).await;
    assert!(page.contains("You have no place in this line yet"), "{page}");
    assert!(!browser.page().await.contains("You have no place"), "it is said once");
    browser.form("/enter", "").await;
    let page = browser.form("/buy", &format!("sku={SKU}&quantity=2&key=a")).await;
    assert!(page.contains("more than one person can buy"), "{page}");
    for fields in [
        format!("sku={SKU}&quantity=0&key=a"),
        format!("sku={SKU}&quantity=-1&key=a"),
        format!("sku={SKU}&quantity=1"),
        "sku=other&quantity=1&key=a".to_owned(),
        String::new(),
    ] {
        is_a_page(&browser.post("/buy", &fields).await, 400, "was incomplete");
    }
    assert_eq!(browser.wall.units().await, [10, 0, 0, 0]);
    is_a_page(&browser.post("/purchases/p1-1/pay", "").await, 404, "does not exist");
}

#[tokio::test]
async fn a_lapsed_place_is_explained_and_taken_again() {
    let mut browser = browser(json!({ "session_seconds": 1, "hold_seconds": 600 })).await;
    browser.form("/enter", "").await;
    browser.form("/buy", &format!("sku={SKU}&quantity=1&key=k")).await;
    let ticket = browser.ticket();
    let first = browser.cookies[&ticket].clone();
    let page = eventually_ended(&mut browser).await;
    assert!(page.contains("Your time to buy has run out."), "{page}");
    assert!(page.contains("Get in line again"), "{page}");
    assert!(page.contains("/purchases/p1-1/release\""), "the reservation goes on: {page}");
    let page = browser.form("/enter", "").await;
    assert_ne!(browser.cookies[&ticket], first);
    assert!(page.contains("You can buy now") && page.contains("/purchases/p1-1/release\""));
    assert_eq!(browser.wall.stats().await["entered"], 2);
    browser.form("/purchases/p1-1/release", "").await;
    assert_eq!(browser.wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn an_open_purchase_is_given_up_after_its_session() {
    let mut browser = browser(json!({ "session_seconds": 1, "hold_seconds": 600 })).await;
    browser.form("/enter", "").await;
    browser.form("/buy", &format!("sku={SKU}&quantity=1&key=k")).await;
    eventually_ended(&mut browser).await;
    let page = browser.form("/purchases/p1-1/release", "").await;
    assert!(page.contains("Cancelled"), "{page}");
    assert_eq!(browser.wall.units().await, [10, 0, 0, 0]);
}

/// The page once the session is over.
async fn eventually_ended(browser: &mut Browser<'_>) -> String {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let page = browser.page().await;
        if !page.contains("It is your turn") {
            return page;
        }
        assert!(tokio::time::Instant::now() < deadline, "the session never ended");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn each_way_a_place_ends_has_its_own_words() {
    let mut idle = browser(json!({ "idle_seconds": 5, "claim_window_seconds": 1 })).await;
    idle.wall.act("pause", Value::Null).await;
    let page = idle.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "{page}");
    // Where many nodes serve, four periods of a second later than alone. Looking would be a sign of life.
    tokio::time::sleep(std::time::Duration::from_millis(11_500)).await;
    let page = idle.page().await;
    assert!(page.contains("was closed for too long"), "{page}");
    let page = idle.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "{page}");
    idle.wall.act("resume", Value::Null).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let page = idle.page().await;
    assert!(page.contains("this page was not open"), "{page}");

    // Made again under the same name: yesterday's visitors are not locked out.
    let name = idle.wall.name().to_owned();
    idle.wall.act("close", Value::Null).await;
    idle.wall.delete().await.is(204);
    let again = json!({ "id": name, "admission_per_second": 1_000_000, "active_max": 100,
                        "offers": [crate::wall::offer(10)] });
    idle.wall.operator(post("/v1/admin/sales").json(&again)).await.is(201);
    let page = idle.page().await;
    assert!(page.contains("was restarted"), "{page}");
    let page = idle.form("/enter", "").await;
    assert!(page.contains("You can buy now"), "{page}");
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

#[tokio::test]
async fn a_double_click_makes_one_place() {
    let mut browser = browser(json!({})).await;
    let page = browser.page().await;
    let key = browser.key(&page, "/enter");
    let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let click = post(browser.room("/enter")).header("sec-fetch-site", "same-origin");
    let click = click.header("cookie", &cookies.collect::<Vec<_>>().join("; "));
    let click = click.body(format!("key={key}"));
    let wall = browser.wall;
    let (first, second) = tokio::join!(wall.tell(click.clone()), wall.tell(click));
    let pair = |told: Told| {
        told.is(303).header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let (first, second) = (pair(first), pair(second));
    assert_eq!(first, second);
    assert_eq!(browser.wall.stats().await["entered"], 1);
    // Once that place is over, the same form brings a new one.
    let (name, value) = first.split_once('=').unwrap();
    browser.cookies.insert(name.to_owned(), value.to_owned());
    browser.form("/leave", "").await;
    assert!(!browser.cookies.contains_key(name));
    let page = browser.form("/enter", &format!("key={key}")).await;
    assert!(page.contains("You can buy now"), "{page}");
    assert_ne!(browser.cookies[name], value);
}

#[tokio::test]
async fn going_back_and_choosing_again_is_never_taken_for_the_first_choice() {
    let mut browser = browser(json!({ "per_shopper_max": 4 })).await;
    let page = browser.form("/enter", "").await;
    let key = browser.key(&page, "/buy");
    browser.form("/buy", &format!("sku={SKU}&quantity=1&key={key}")).await;
    let again = browser.post("/buy", &format!("sku={SKU}&quantity=2&key={key}")).await;
    is_a_page(&again, 422, "already sent this form");
    assert_eq!(browser.wall.units().await, [9, 1, 0, 0]);
    let page = browser.page().await;
    let fresh = browser.key(&page, "/buy");
    assert_ne!(fresh, key);
    browser.form("/buy", &format!("sku={SKU}&quantity=2&key={fresh}")).await;
    assert_eq!(browser.wall.units().await, [7, 3, 0, 0]);
}

#[tokio::test]
async fn every_refusal_of_a_page_is_a_page() {
    let mut browser = browser(json!({})).await;
    let korean = |ask: Ask| ask.header("accept-language", "ko-KR,ko;q=0.9");
    for (ask, status, words) in [
        (get("/s/unknown"), 404, "주소가 잘못되었거나"),
        (get("/nothing/here"), 404, "판매가 없어졌습니다"),
        (post("/s/unknown/enter"), 404, "판매가 없어졌습니다"),
        (get(browser.room("/leave")), 405, "대기실의 버튼으로만"),
        (post(browser.room("")), 405, "대기실의 버튼으로만"),
    ] {
        is_a_page(&browser.send(korean(ask)).await, status, words);
    }
    let told = browser.send(get(browser.room("/leave"))).await;
    assert_eq!(told.header("allow"), Some("POST, OPTIONS"));
    assert!(told.text().contains(&format!("href=\"{}\"", browser.room(""))));
    // The API answers programs, whatever they say they take.
    browser.send(get("/v1/sales/unknown")).await.refuses(404, "not_found");
    browser
        .send(get("/s/unknown").header("accept", "application/json"))
        .await
        .refuses(404, "not_found");
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

#[tokio::test]
async fn a_page_that_is_only_loaded_ahead_claims_nothing() {
    let mut browser = browser(json!({})).await;
    browser.wall.act("pause", Value::Null).await;
    browser.form("/enter", "").await;
    browser.wall.act("resume", Value::Null).await;
    eventually(|| async { (browser.wall.stats().await["serving"] == 1).then_some(()) }).await;
    let room = browser.room("");
    let ahead = || get(room.clone()).header("sec-purpose", "prefetch;prerender");
    for _ in 0..2 {
        browser.send(ask("HEAD", browser.room(""))).await.is(200);
        assert!(browser.send(ahead()).await.text().contains("data-state=\"ready\""));
    }
    assert!(browser.page().await.contains("You can buy now"));
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
