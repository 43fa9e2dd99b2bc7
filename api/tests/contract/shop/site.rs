//! Pages and forms, as a browser meets them.

use super::{PASSWORD, Shop, on_both};
use crate::client::{Ask, Told, get, post};

/// The cookies that an answer sets, as a browser sends them back.
pub(super) fn cookies(told: &Told) -> String {
    let all = told.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    all.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

pub(super) fn page(path: &str, cookie: &str) -> Ask {
    get(path).header("accept", "text/html").header("cookie", cookie)
}

pub(super) fn form(path: &str, cookie: &str, body: impl Into<String>) -> Ask {
    post(path)
        .header("accept", "text/html")
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.into())
}

pub(super) async fn sign_in(shop: Shop, email: &str, path: &str) -> Told {
    let body = format!("email={email}&password={}&role=shopper", PASSWORD.replace(' ', "+"));
    shop.tell(form(path, "", body)).await
}

on_both! {
    async fn a_person_signs_in_by_a_form_and_sees_pages_of_their_own(shop) {
        let (person, _) = shop.verified("reader").await;
        let away = shop.tell(page("/shop/me/profile", "")).await.is(303);
        assert_eq!(away.header("location"), Some("/shop/sign-in?return_to=/shop/me/profile"));
        let wrong = shop.tell(form("/shop/sign-in", "", format!("email={}&password=wrong", person.email)));
        let wrong = wrong.await.is(200).text();
        assert!(wrong.contains(&person.email), "what was typed is there: {wrong}");
        let arrived = sign_in(shop, &person.email, "/shop/sign-in").await.is(303);
        let cookie = cookies(&arrived);
        for path in [
            "/shop/me", "/shop/me/profile", "/shop/me/addresses", "/shop/me/addresses/new",
            "/shop/me/withdraw", "/shop/business/apply", "/shop/verify",
        ] {
            let told = shop.tell(page(path, &cookie)).await.is(200);
            assert!(told.header("content-type").unwrap().starts_with("text/html"), "{path}");
        }
        shop.tell(page("/shop/desk/businesses", &cookie)).await.is(403);
    }

    async fn a_form_that_was_refused_comes_back_and_one_that_was_done_leads_on(shop) {
        let (person, _) = shop.verified("typist").await;
        let cookie = cookies(&sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        let body = "receiver=Kim&phone=010-1234-5678&zip=1&road=Teheran-ro+152&detail=";
        let refused = shop.tell(form("/shop/me/addresses/new", &cookie, body)).await.is(422).text();
        assert!(refused.contains("Teheran-ro 152"), "{refused}");
        let right = body.replace("zip=1", "zip=06236");
        let done = shop.tell(form("/shop/me/addresses/new", &cookie, right.as_str())).await.is(303);
        assert_eq!(done.header("location"), Some("/shop/me/addresses"));
        let all = shop.tell(page("/shop/me/addresses", &cookie)).await.is(200).text();
        assert!(all.contains("Teheran-ro 152"), "{all}");
        let foreign = post("/shop/me/addresses/new")
            .header("accept", "text/html")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "cross-site")
            .body(right);
        shop.tell(foreign).await.is(403);
    }

    async fn who_forgot_a_password_and_who_signs_up_have_their_forms(shop) {
        for path in ["/shop/sign-in", "/shop/sign-up", "/shop/reset", "/shop/reset/set?token=x"] {
            shop.tell(page(path, "")).await.is(200);
        }
        let email = "form@people.example";
        let body = format!(
            "email={email}&password={}&name=Kim&agrees_terms=on&agrees_privacy=on",
            PASSWORD.replace(' ', "+")
        );
        let without = body.replace("&agrees_terms=on", "");
        shop.tell(form("/shop/sign-up", "", without)).await.is(422);
        let made = shop.tell(form("/shop/sign-up", "", body)).await.is(303);
        assert_eq!(made.header("location"), Some("/shop/verify"));
        let english = shop.tell(page("/shop/verify?lang=en", &cookies(&made))).await.is(200);
        assert!(english.text().contains("lang=\"en\""));
    }

    async fn a_page_links_to_itself_in_the_other_language_and_a_refused_form_to_its_page(shop) {
        let shown = shop.tell(page("/shop/sign-in?lang=en&return_to=/shop/me", "")).await.is(200);
        let text = shown.text();
        assert!(text.contains("lang=\"en\"") && text.contains("lang=ko"), "{text}");
        assert!(!text.contains("lang=en"), "the choice of before would count again: {text}");
        assert!(cookies(&shown).contains("rushgate-language=en"), "{:?}", shown.headers);
        let (person, _) = shop.verified("polyglot").await;
        let cookie = cookies(&sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        let target = "/shop/me/profile/password";
        let wrong = form(target, &cookie, "current_password=no&new_password=a+new+good+one");
        let refused = shop.tell(wrong).await.is(422).text();
        assert!(refused.contains("\"/shop/me/profile?lang="), "{refused}");
        let again = shop.tell(page(target, &cookie)).await.is(303);
        assert_eq!(again.header("location"), Some("/shop/me/profile"));
        shop.tell(get(target)).await.refuses(405, "method_not_allowed");
        let over = shop.tell(form(target, "", "new_password=a+new+good+one")).await.is(303);
        assert_eq!(over.header("location"), Some("/shop/sign-in?return_to=/shop/me/profile"));
    }

    async fn whoever_chooses_a_language_is_written_to_in_it(shop) {
        let (person, _) = shop.verified("letters").await;
        let cookie = cookies(&sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        let reset = async || {
            let asked = format!("email={}", person.email);
            shop.tell(form("/shop/reset", "", asked)).await.is(303);
            shop.mailed(&person.email, "/shop/reset/set?token=").await;
            shop.subject(&person.email).await
        };
        let foreign = page("/shop/me?lang=en", &cookie).header("sec-fetch-site", "cross-site");
        shop.tell(foreign).await.is(200);
        let ours = page("/shop/me?lang=en", &cookie).header("sec-fetch-site", "same-origin");
        shop.tell(ours).await.is(200);
        let subject = reset().await;
        assert!(subject.is_ascii(), "{subject}");
        let email = "korean@people.example";
        let body = format!(
            "email={email}&password={}&name=Kim&agrees_terms=on&agrees_privacy=on",
            PASSWORD.replace(' ', "+")
        );
        let signed_up = form("/shop/sign-up", "rushgate-language=en", body);
        shop.tell(signed_up).await.is(303);
        shop.mailed(email, "/shop/verify?token=").await;
        let subject = shop.subject(email).await;
        assert!(subject.is_ascii(), "{subject}");
    }

    async fn who_asks_for_a_desk_signs_in_as_an_operator(shop) {
        let away = shop.tell(page("/shop/desk/businesses?state=approved", "")).await.is(303);
        let to = "/shop/sign-in?role=operator&return_to=/shop/desk/businesses%3Fstate%3Dapproved";
        assert_eq!(away.header("location"), Some(to));
        let away = shop.tell(page("/shop/business/company", "")).await.is(303);
        let to = "/shop/sign-in?role=business&return_to=/shop/business/company";
        assert_eq!(away.header("location"), Some(to));
    }

    async fn a_browser_that_asks_for_what_is_not_there_gets_a_page(shop) {
        for path in ["/shop/nothing", "/shop/me/profile/nothing"] {
            let told = shop.tell(page(path, "")).await.is(404);
            assert!(told.header("content-type").unwrap().starts_with("text/html"), "{path}");
            assert!(told.header("content-security-policy").is_some(), "{path}");
            shop.tell(get(path)).await.refuses(404, "not_found");
        }
        shop.tell(page("/v1/nothing", "")).await.refuses(404, "not_found");
        let told = shop.tell(form("/shop/me", "", "")).await.is(405);
        assert!(told.header("content-type").unwrap().starts_with("text/html"));
        assert_eq!(told.header("allow"), Some("GET, HEAD, OPTIONS"));
    }

    async fn whoever_signs_in_again_in_a_browser_leaves_no_session_behind(shop) {
        let (person, other) = shop.verified("again").await;
        let first = cookies(&sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        let body = format!("email={}&password={}", person.email, PASSWORD.replace(' ', "+"));
        let second = shop.tell(form("/shop/sign-in", &first, body)).await.is(303);
        shop.tell(page("/shop/me", &cookies(&second))).await.is(200);
        shop.tell(page("/shop/me", &first)).await.is(303);
        let all = shop.tell(other.get("/v1/me/sessions")).await.is(200).json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2, "the other device stays: {all}");
    }

    async fn who_signs_out_is_out_or_told_to_come_again(shop) {
        let (person, session) = shop.verified("busy").await;
        let cookie = cookies(&sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        for _ in 0..200 {
            let change = session.ask("PATCH", "/v1/me").json(&serde_json::json!({ "name": "Kim" }));
            if shop.tell(change).await.status == 429 {
                break;
            }
        }
        let out = shop.tell(form("/shop/sign-out", &cookie, "")).await;
        let is_in = shop.tell(page("/shop/me", &cookie)).await.status == 200;
        assert_eq!((out.status, is_in), if is_in { (429, true) } else { (303, false) });
        assert!(!is_in || out.header("retry-after").is_some(), "{:?}", out.headers);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_https_only_cookies_of_the_host_sign_somebody_in() {
    let dir = tempfile::TempDir::new().unwrap();
    let secure = format!("{}[server]\ncookie_secure = true\n", super::config(""));
    let server = crate::process::Server::start(dir.path(), &secure);
    let person = serde_json::json!({ "email": "a@b.example", "password": PASSWORD, "name": "A" });
    server.client.tell(post("/v1/accounts").json(&person)).await.is(201);
    let body = format!("email=a@b.example&password={}", PASSWORD.replace(' ', "+"));
    let arrived = server.client.tell(form("/shop/sign-in", "", body)).await.is(303);
    let own = cookies(&arrived);
    assert!(own.contains("__Host-rushgate-session=") && own.contains("__Host-rushgate-refresh="));
    server.client.tell(page("/shop/me", &own)).await.is(200);
    // As another host of the domain can set them: they would sign a visitor in as somebody else.
    let planted = own.replace("__Host-", "");
    server.client.tell(page("/shop/me", &planted)).await.is(303);
    server.client.tell(get("/v1/me").header("cookie", &planted)).await.refuses(401, "unauthorized");
}
