//! Pages and forms, as a browser meets them.

use super::{PASSWORD, Shop, on_both};
use crate::client::{Ask, Told, get, post};

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(told: &Told) -> String {
    let all = told.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    all.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

fn page(path: &str, cookie: &str) -> Ask {
    get(path).header("accept", "text/html").header("cookie", cookie)
}

fn form(path: &str, cookie: &str, body: impl Into<String>) -> Ask {
    post(path)
        .header("accept", "text/html")
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.into())
}

async fn sign_in(shop: Shop, email: &str, path: &str) -> Told {
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
}
