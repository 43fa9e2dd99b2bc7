//! Signing up, in and out, and what is one's own.

use serde_json::{Value, json};

use super::{PASSWORD, SignedIn, on_both};
use crate::client::{get, post};

fn address(receiver: &str) -> Value {
    json!({
        "receiver": receiver, "phone": "010-1234-5678", "zip": "06236",
        "road": "서울특별시 강남구 테헤란로 152",
    })
}

on_both! {
    async fn scenario_15_a_person_signs_up_verifies_signs_out_and_is_out(shop) {
        let person = shop.sign_up("hana").await;
        let session = shop.sign_in(&person.email, PASSWORD).await;
        let me = shop.tell(session.get("/v1/me")).await.is(200).json();
        assert_eq!(
            (&me["account"], &me["verified"], &me["roles"]),
            (&json!(person.account), &json!(false), &json!(["shopper"]))
        );
        let token = shop.mailed(&person.email, "/shop/verify?token=").await;
        let body = json!({ "token": token });
        let verify = || post("/v1/accounts/verify").json(&body);
        shop.tell(verify()).await.refuses(401, "unauthorized");
        let (_, other) = shop.verified("other").await;
        shop.tell(verify().bearer(&other.access)).await.refuses(410, "proof_invalid");
        shop.tell(verify().bearer(&session.access)).await.is(204);
        shop.tell(verify().bearer(&session.access)).await.refuses(410, "proof_invalid");
        assert_eq!(shop.tell(session.get("/v1/me")).await.json()["verified"], true);
        shop.tell(session.ask("DELETE", "/v1/sessions/current")).await.is(204);
        shop.tell(session.get("/v1/me")).await.refuses(401, "session_over");
        let body = json!({ "refresh_token": session.refresh });
        shop.tell(post("/v1/sessions/refresh").json(&body)).await.refuses(401, "session_over");
    }

    async fn every_wrong_field_is_told_and_nothing_of_a_password(shop) {
        let body = json!({ "email": "no", "password": "short", "name": "", "stray": 1 });
        let told = shop.tell(post("/v1/accounts").json(&body)).await;
        let told = told.refuses(422, "invalid_request");
        assert!(told.text().contains("stray") && !told.text().contains("short"), "{}", told.text());
        let body = json!({ "email": "no", "password": "hunter2", "name": " " });
        let told = shop.tell(post("/v1/accounts").json(&body)).await.is(422);
        let fields: Vec<Value> =
            told.json()["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, ["email", "password", "name"]);
        assert!(!told.text().contains("hunter2"), "{}", told.text());
        let in_korean = post("/v1/accounts").json(&body).header("accept-language", "ko");
        let told = shop.tell(in_korean).await.is(422);
        assert!(told.text().contains("비밀번호는 8자 이상"), "{}", told.text());
        let told = shop.tell(get("/v1/me?x=1")).await;
        told.refuses(401, "unauthorized");
        let told = shop.tell(crate::client::ask("PUT", "/v1/accounts")).await;
        let told = told.refuses(405, "method_not_allowed");
        assert_eq!(told.header("allow"), Some("POST, OPTIONS"));
        shop.tell(get("/v1/nothing-like-this")).await.refuses(404, "not_found");
        let long = "a".repeat(20_000);
        shop.tell(post("/v1/sessions").body(long)).await.refuses(413, "body_too_large");
    }

    async fn an_address_has_one_account_and_one_password(shop) {
        let person = shop.sign_up("taken").await;
        let again = json!({ "email": person.email.to_uppercase(), "password": PASSWORD, "name": "X" });
        shop.tell(post("/v1/accounts").json(&again)).await.refuses(409, "email_taken");
        for (email, password) in [(person.email.as_str(), "another password"), ("no@no.example", PASSWORD)] {
            let body = json!({ "email": email, "password": password });
            shop.tell(post("/v1/sessions").json(&body)).await.refuses(401, "credentials_wrong");
        }
    }

    async fn passwords_cannot_be_tried_out(shop) {
        let person = shop.sign_up("tried").await;
        let body = json!({ "email": person.email, "password": "not this one" });
        for _ in 0..10 {
            shop.tell(post("/v1/sessions").json(&body)).await.refuses(401, "credentials_wrong");
        }
        shop.tell(post("/v1/sessions").json(&body)).await.refuses(429, "too_many_requests");
    }

    async fn scenario_15_defect_3_a_refresh_token_is_good_once_and_a_stolen_one_ends_the_session(shop) {
        let person = shop.sign_up("fresh").await;
        let first = shop.sign_in(&person.email, PASSWORD).await;
        let refresh = async |token: &str| {
            let body = json!({ "refresh_token": token });
            shop.tell(post("/v1/sessions/refresh").json(&body)).await
        };
        let second = SignedIn::of(&refresh(&first.refresh).await.is(200).json());
        assert_ne!(first.refresh, second.refresh);
        let repeated = SignedIn::of(&refresh(&first.refresh).await.is(200).json());
        assert_eq!(repeated.refresh, second.refresh, "a lost answer is given again");
        let third = SignedIn::of(&refresh(&second.refresh).await.is(200).json());
        refresh(&first.refresh).await.refuses(401, "refresh_reused");
        refresh(&third.refresh).await.refuses(401, "session_over");
        shop.tell(third.get("/v1/me")).await.refuses(401, "session_over");
        refresh("no token").await.refuses(401, "refresh_invalid");
    }

    async fn a_session_is_renewed_so_often_and_no_more(shop) {
        let person = shop.sign_up("renewing").await;
        let mut session = shop.sign_in(&person.email, PASSWORD).await;
        for _ in 0..60 {
            let body = json!({ "refresh_token": session.refresh });
            let told = shop.tell(post("/v1/sessions/refresh").json(&body)).await;
            if told.status == 429 {
                told.refuses(429, "too_many_requests");
                shop.tell(session.get("/v1/me")).await.is(200);
                return;
            }
            session = SignedIn::of(&told.is(200).json());
        }
        unreachable!("each renewal is a write, and there is no end of them");
    }

    async fn what_lets_somebody_in_takes_a_session_that_was_opened_lately(shop) {
        let person = shop.sign_up("stale").await;
        let session = shop.sign_in(&person.email, PASSWORD).await;
        shop.age(&session).await;
        let email = json!({ "email": "thief@people.example" });
        let change = session.ask("PATCH", "/v1/me").json(&email);
        shop.tell(change).await.refuses(403, "sign_in_again");
        shop.tell(session.ask("DELETE", "/v1/me")).await.refuses(403, "sign_in_again");
        let name = session.ask("PATCH", "/v1/me").json(&json!({ "name": "Kim" }));
        shop.tell(name).await.is(200);
    }

    async fn whoever_reads_the_address_recovers_the_account(shop) {
        let (person, session) = shop.verified("lost").await;
        for email in [person.email.as_str(), "nobody@people.example"] {
            let body = json!({ "email": email });
            shop.tell(post("/v1/password-resets").json(&body)).await.is(202);
        }
        let token = shop.mailed(&person.email, "/shop/reset/set?token=").await;
        let body = json!({ "token": token, "password": "a new good password" });
        let complete = || post("/v1/password-resets/complete").json(&body);
        shop.tell(complete()).await.is(204);
        shop.tell(complete()).await.refuses(410, "proof_invalid");
        shop.tell(session.get("/v1/me")).await.refuses(401, "session_over");
        shop.sign_in(&person.email, "a new good password").await;
    }

    async fn a_person_changes_their_profile_and_password_and_sees_their_sessions(shop) {
        let person = shop.sign_up("me").await;
        let here = shop.sign_in(&person.email, PASSWORD).await;
        let there = shop.sign_in(&person.email, PASSWORD).await;
        let change = json!({ "name": "김하나", "phone": "01012345678" });
        let me = shop.tell(here.ask("PATCH", "/v1/me").json(&change)).await.is(200).json();
        assert_eq!((&me["name"], &me["phone"]), (&json!("김하나"), &json!("010-1234-5678")));
        let change = json!({ "phone": null });
        let me = shop.tell(here.ask("PATCH", "/v1/me").json(&change)).await.is(200).json();
        assert_eq!((&me["name"], &me["phone"]), (&json!("김하나"), &Value::Null));
        let all = shop.tell(here.get("/v1/me/sessions")).await.is(200).json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let body = json!({ "password": "wrong", "new_password": "another good one" });
        let wrong = shop.tell(here.ask("PUT", "/v1/me/password").json(&body)).await;
        assert_eq!(wrong.refuses(422, "invalid_request").json()["errors"][0]["field"], "password");
        let body = json!({ "password": PASSWORD, "new_password": "another good one" });
        shop.tell(here.ask("PUT", "/v1/me/password").json(&body)).await.is(204);
        shop.tell(there.get("/v1/me")).await.refuses(401, "session_over");
        shop.tell(here.get("/v1/me")).await.is(200);
        let device = json!({ "token": "a-push-token", "platform": "android" });
        shop.tell(here.post("/v1/me/devices").json(&device)).await.is(204);
        let export = shop.tell(here.get("/v1/me/export")).await.is(200).json();
        assert_eq!(export["devices"][0]["token"], "a-push-token");
        shop.tell(here.ask("DELETE", "/v1/me")).await.is(204);
        shop.tell(here.get("/v1/me")).await.refuses(401, "session_over");
    }

    async fn one_default_address_and_a_repeated_request_adds_none(shop) {
        let person = shop.sign_up("addresses").await;
        let session = shop.sign_in(&person.email, PASSWORD).await;
        let add = |receiver: &str| {
            session.post("/v1/me/addresses").json(&address(receiver)).key("the-first-one")
        };
        let first = shop.tell(add("김하나")).await.is(201);
        let again = shop.tell(add("김하나")).await.is(201);
        assert!(again.replayed() && again.body == first.body);
        shop.tell(add("이두리")).await.refuses(422, "idempotency_mismatch");
        let first = first.json()["address"].as_str().unwrap().to_owned();
        let second = session.post("/v1/me/addresses").json(&address("박세찌"));
        let second = shop.tell(second).await.is(201).json()["address"].as_str().unwrap().to_owned();
        let list = async || {
            let all = shop.tell(session.get("/v1/me/addresses")).await.is(200).json();
            let items = all["items"].as_array().unwrap().clone();
            items
                .iter()
                .map(|one| (one["address"].as_str().unwrap().to_owned(), one["default"] == true))
                .collect::<Vec<_>>()
        };
        assert_eq!(list().await, [(first.clone(), true), (second.clone(), false)]);
        let set = session.post(&format!("/v1/me/addresses/{second}/default"));
        assert_eq!(shop.tell(set).await.is(200).json()["default"], true);
        let one = format!("/v1/me/addresses/{second}");
        let changed = session.ask("PUT", &one).json(&address("최네찌"));
        assert_eq!(shop.tell(changed).await.is(200).json()["receiver"], "최네찌");
        shop.tell(session.ask("DELETE", &one)).await.is(204);
        assert_eq!(list().await, [(first, true)]);
        shop.tell(session.ask("DELETE", &one)).await.refuses(404, "address_unknown");
        let old = json!({ "receiver": "", "phone": "1", "zip": "135-080", "road": "" });
        let told = shop.tell(session.post("/v1/me/addresses").json(&old)).await;
        assert_eq!(told.refuses(422, "invalid_request").json()["errors"].as_array().unwrap().len(), 4);
    }
}
