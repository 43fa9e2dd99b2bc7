//! The room without JavaScript: forms, redirects, and what its pages say.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    browser::{Browser, between, browser, is_a_page},
    client::{Ask, PATIENCE, Told, ask, get, post},
    process::Server,
    wall::{SKU, Wall, eventually},
};

#[tokio::test]
async fn someone_enters_waits_buys_pays_gives_up_and_leaves() {
    let mut browser = browser(json!({ "title": "Sale <b>& more" })).await;
    let home = browser.send(get("/")).await.is(200).text();
    assert!(home.contains(&browser.room("")) && home.contains("Sale &#60;b&#62;&#38; more"));
    browser.wall.act("pause", Value::Null).await;
    let page = browser.form("/enter", "").await;
    assert!(page.contains("data-state=\"waiting\""), "{page}");
    assert_eq!(between(&page, "id=\"number\">", "<"), "0", "no one is ahead");
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
    assert!(page.contains("Your time to buy has run out"), "{page}");
    assert!(page.contains("Get in line again"), "{page}");
    assert!(page.contains("/purchases/p1-1/release\""), "the reservation goes on: {page}");
    let page = browser.form("/enter", "").await;
    assert_ne!(browser.cookies[&ticket], first);
    assert!(page.contains("/buy\"") && page.contains("/purchases/p1-1/release\""), "{page}");
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
        if !page.contains("/leave\"") {
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
    // The operator's look, for the visitor's own would be a sign of life. Where many nodes serve, it takes four
    // periods of a second longer than alone, and a machine that is busy takes its time besides.
    let gone = async {
        while idle.wall.stats().await["departed"] == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), gone).await.expect("it goes idle");
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
    let cookie = format!("rushgate-ticket.{}={}", wall.name(), shopper.ticket);
    let pay = post(format!("/s/{}/purchases/{id}/pay", wall.name())).header("cookie", &cookie);
    assert_eq!(wall.tell(pay).await.status, 404);
    assert_eq!(wall.units().await, [9, 1, 0, 0]);
}
