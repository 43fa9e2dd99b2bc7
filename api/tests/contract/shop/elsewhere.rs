//! Signing in with Kakao and Google, in a browser.

use serde_json::json;

use super::{Shop, on_both};
use crate::client::{Ask, Client, Told, get};

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(told: &Told) -> String {
    let all = told.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    all.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

fn location(told: &Told) -> String {
    told.header("location").unwrap().to_owned()
}

/// Does what a person does on a provider's page; says where the browser goes then.
async fn choose(page: &str, subject: &str) -> String {
    let rest = page.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let double = Client { addr: host.parse().unwrap(), described: false };
    let asked = crate::client::post(format!("/{path}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("choice={subject}"));
    let response = double.open(&asked).await;
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// The path of an address of this server's.
fn path(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}

async fn sign_in(shop: Shop, provider: &str, subject: &str) -> (Told, String) {
    let start = get(format!("/v1/oidc/{provider}/start?role=shopper&return_to=/shop/me"));
    let started = shop.tell(start).await.is(303);
    let back = choose(&location(&started), subject).await;
    let browser = cookies(&started);
    (shop.tell(get(path(&back)).header("cookie", &browser)).await, back)
}

fn by(cookie: &str, ask: Ask) -> Ask {
    ask.header("cookie", cookie)
}

on_both! {
    async fn a_person_comes_back_signed_in_by_cookies_that_only_our_pages_write_with(shop) {
        for provider in ["kakao", "google"] {
            let (arrived, _) = sign_in(shop, provider, "4001").await;
            let arrived = arrived.is(303);
            assert_eq!(location(&arrived), "/shop/me");
            let cookie = cookies(&arrived);
            let me = shop.tell(by(&cookie, get("/v1/me"))).await.is(200).json();
            assert_eq!((&me["email"], &me["verified"]), (&json!("hana@example.com"), &json!(true)));
            let change = crate::client::ask("PATCH", "/v1/me").json(&json!({ "name": "Hana" }));
            let foreign = by(&cookie, change.clone()).header("sec-fetch-site", "cross-site");
            shop.tell(foreign).await.refuses(403, "foreign_form");
            let foreign = by(&cookie, change.clone()).header("origin", "http://evil.example");
            shop.tell(foreign).await.refuses(403, "foreign_form");
            let ours = by(&cookie, change).header("sec-fetch-site", "same-origin");
            shop.tell(ours).await.is(200);
        }
    }

    async fn an_access_token_that_is_gone_from_the_browser_is_renewed(shop) {
        let (arrived, _) = sign_in(shop, "google", "4003").await;
        let all = cookies(&arrived.is(303));
        let refresh = all.split("; ").find(|one| one.starts_with("rushgate-refresh=")).unwrap();
        let told = shop.tell(by(refresh, get("/v1/me"))).await.is(200);
        assert!(cookies(&told).contains("rushgate-session="), "{:?}", told.headers);
        assert_eq!(told.json()["email"], json!(null), "a person without an address is one too");
    }

    async fn an_account_elsewhere_is_linked_by_a_form_of_ours_in_a_session_opened_lately(shop) {
        let (_, session) = shop.verified("linking").await;
        let link = |site: &str| {
            session
                .post("/shop/me/profile/links")
                .header("accept", "text/html")
                .header("sec-fetch-site", site)
                .body("provider=google")
        };
        shop.tell(link("cross-site")).await.is(403);
        let bare = session.get("/shop/me/profile/links").header("accept", "text/html");
        assert_eq!(location(&shop.tell(bare).await.is(303)), "/shop/me/profile");
        let denied = shop.tell(link("same-origin")).await.is(200);
        let page = |told: &Told| told.header("refresh").unwrap().strip_prefix("0; url=").unwrap().to_owned();
        let back = choose(&page(&denied), "deny").await;
        let back = by(&cookies(&denied), get(path(&back))).header("accept", "text/html");
        let back = shop.tell(back).await.is(303);
        assert_eq!(location(&back), "/shop/me/profile");
        assert!(cookies(&back).contains("rushgate-told=!provider_denied"), "{:?}", back.headers);
        let begun = shop.tell(link("same-origin")).await.is(200);
        assert!(begun.text().contains("href=\"http"), "{}", begun.text());
        // Somebody whom no other test signs in as.
        let back = choose(&page(&begun), "4002").await;
        let back = by(&cookies(&begun), get(path(&back))).header("accept", "text/html");
        let back = shop.tell(back).await.is(303);
        assert_eq!(location(&back), "/shop/me/profile");
        assert!(cookies(&back).contains("rushgate-told=link_added"), "{:?}", back.headers);
        let links = shop.tell(session.get("/v1/me/links")).await.is(200).json();
        assert_eq!(links["items"][0]["provider"], "google", "{links}");
        shop.age(&session).await;
        let stale = shop.tell(link("same-origin")).await.is(303);
        assert_eq!(location(&stale), "/shop/sign-in?return_to=/shop/me/profile");
        assert!(cookies(&stale).contains("rushgate-told=!sign_in_again"), "{:?}", stale.headers);
        let asked = get("/shop/sign-in").header("accept", "text/html").header("cookie", &cookies(&stale));
        let asked = shop.tell(asked.header("accept-language", "en")).await.is(200).text();
        assert!(asked.contains("note bad") && asked.contains("role=\"alert\""), "{asked}");
        let id = links["items"][0]["link"].as_str().unwrap();
        let remove = session.post(&format!("/shop/me/profile/links/{id}/remove"));
        let remove = remove.header("accept", "text/html").header("sec-fetch-site", "same-origin");
        shop.tell(remove).await.is(303);
        let links = shop.tell(session.get("/v1/me/links")).await.is(200).json();
        assert_eq!(links["items"].as_array().unwrap().len(), 1, "it stays: {links}");
    }

    async fn who_came_by_a_provider_sets_a_first_password_soon_after(shop) {
        let (arrived, _) = sign_in(shop, "google", "4004").await;
        let cookie = cookies(&arrived.is(303));
        let ours = |ask: Ask| by(&cookie, ask).header("sec-fetch-site", "same-origin");
        let me = shop.tell(by(&cookie, get("/v1/me"))).await.is(200).json();
        let page = shop.tell(by(&cookie, get("/shop/me/profile"))).await.is(200).text();
        assert!(!page.contains("current_password"), "{page}");
        let body = "new_password=a+first+good+one";
        let set = ours(crate::client::post("/shop/me/profile/password").body(body));
        shop.tell(set.header("accept", "text/html")).await.is(303);
        shop.sign_in(me["email"].as_str().unwrap(), "a first good one").await;
        let (arrived, _) = sign_in(shop, "google", "4003").await;
        let cookie = cookies(&arrived.is(303));
        let set = crate::client::ask("PUT", "/v1/me/password");
        let set = set.json(&json!({ "new_password": "a first good one" }));
        let told = shop.tell(by(&cookie, set).header("sec-fetch-site", "same-origin")).await;
        told.refuses(409, "address_missing");
    }

    async fn who_came_without_an_address_gives_one_on_the_pages(shop) {
        let (arrived, _) = sign_in(shop, "kakao", "4003").await;
        let cookie = cookies(&arrived.is(303));
        let ask = |asked: Ask| {
            shop.tell(by(&cookie, asked).header("accept", "text/html").header("sec-fetch-site", "same-origin"))
        };
        assert!(ask(get("/shop/me")).await.is(200).text().contains("/shop/me/profile#you"));
        assert_eq!(location(&ask(get("/shop/verify")).await.is(303)), "/shop/me/profile");
        let give = |email: &str| {
            ask(crate::client::post("/shop/me/profile/email").body(format!("email={email}")))
        };
        assert!(give("nobody").await.is(422).text().contains("value=\"nobody\""));
        let given = give("setjji@people.example").await.is(303);
        assert_eq!(location(&given), "/shop/verify");
        let token = shop.mailed("setjji@people.example", "/shop/verify?token=").await;
        let verify = crate::client::post("/shop/verify").body(format!("token={token}"));
        ask(verify).await.is(303);
        let me = shop.tell(by(&cookie, get("/v1/me"))).await.is(200).json();
        assert_eq!((&me["email"], &me["verified"]), (&json!("setjji@people.example"), &json!(true)));
    }

    async fn a_return_counts_once_and_in_its_own_browser(shop) {
        let (arrived, back) = sign_in(shop, "kakao", "4002").await;
        let cookie = cookies(&arrived.is(303));
        let again = shop.tell(by(&cookie, get(path(&back)))).await;
        again.refuses(410, "sign_in_flow_invalid");
        let started = shop.tell(get("/v1/oidc/kakao/start")).await.is(303);
        let back = choose(&location(&started), "4002").await;
        shop.tell(get(path(&back))).await.refuses(410, "sign_in_flow_invalid");
        let denied = choose(&location(&started), "deny").await;
        shop.tell(get(path(&denied))).await.refuses(403, "provider_denied");
        shop.tell(get("/v1/oidc/naver/start")).await.refuses(404, "not_found");
        let elsewhere = get("/v1/oidc/kakao/start?return_to=https://evil.example/");
        shop.tell(elsewhere).await.is(303);
    }
}
