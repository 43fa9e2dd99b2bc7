//! What people follow, the inbox, and where pushes go (defects 24 to 26).

use serde_json::json;

use super::{PASSWORD, on_both, site};

on_both! {
    /// Defect 24: what is saved twice is there once.
    async fn defect_24_an_account_follows_one_set_however_often_it_is_saved(shop) {
        let (_, session) = shop.verified("follower").await;
        let empty = shop.tell(session.get("/v1/me/alerts")).await.is(200).json();
        assert_eq!(empty, json!({ "categories": [], "keywords": [] }));
        let asked = json!({ "categories": ["Living", "living"], "keywords": ["수분 미스트", "MIST"] });
        for _ in 0..2 {
            let put = session.ask("PUT", "/v1/me/alerts").json(&asked);
            let saved = shop.tell(put).await.is(200).json();
            assert_eq!(saved, json!({ "categories": ["living"], "keywords": ["mist", "수분미스트"] }));
            assert_eq!(shop.tell(session.get("/v1/me/alerts")).await.is(200).json(), saved);
        }
        let wrong = json!({ "categories": ["none"], "keywords": ["x"] });
        let told = shop.tell(session.ask("PUT", "/v1/me/alerts").json(&wrong)).await;
        let told = told.refuses(422, "invalid_request").json();
        let fields: Vec<_> = told["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
        assert_eq!(fields, ["categories", "keywords"]);
    }

    /// Defect 25: each session has its device, nobody else sees its token, and one can be taken away.
    async fn defect_25_a_person_has_a_device_for_each_session_and_takes_it_away(shop) {
        let (person, phone) = shop.verified("owner").await;
        let desk = shop.sign_in(&person.email, PASSWORD).await;
        let (_, other) = shop.verified("other").await;
        for (session, token) in [(&phone, "phone-token"), (&desk, "desk-token")] {
            let body = json!({ "token": token, "platform": "web" });
            shop.tell(session.post("/v1/me/devices").json(&body)).await.is(204);
        }
        let told = shop.tell(phone.get("/v1/me/devices")).await.is(200);
        assert!(!told.text().contains("-token"), "{}", told.text());
        let all = told.json()["items"].as_array().unwrap().clone();
        assert_eq!(all.len(), 2);
        let here = all.iter().find(|device| device["here"] == true).unwrap();
        let one = format!("/v1/me/devices/{}", here["device"].as_str().unwrap());
        shop.tell(other.ask("DELETE", &one)).await.refuses(404, "session_unknown");
        shop.tell(desk.ask("DELETE", &one)).await.is(204);
        shop.tell(desk.ask("DELETE", &one)).await.is(204);
        let left = shop.tell(phone.get("/v1/me/devices")).await.is(200).json();
        assert_eq!(left["items"].as_array().unwrap().len(), 1);
        shop.tell(phone.get("/v1/me")).await.is(200);
    }

    async fn a_person_chooses_where_they_are_told(shop) {
        let (_, session) = shop.verified("chooser").await;
        let all = shop.tell(session.get("/v1/me/channels")).await.is(200).json();
        assert_eq!(all["items"], json!([{ "topic": "deal", "push": true, "mail": false }]));
        let chosen = json!({ "push": false, "mail": true });
        let put = |topic: &str| session.ask("PUT", &format!("/v1/me/channels/{topic}")).json(&chosen);
        shop.tell(put("deal")).await.is(200);
        shop.tell(put("rain")).await.refuses(404, "not_found");
        let all = shop.tell(session.get("/v1/me/channels")).await.is(200).json();
        assert_eq!(all["items"], json!([{ "topic": "deal", "push": false, "mail": true }]));
    }

    async fn what_nobody_was_told_cannot_be_read(shop) {
        let (_, session) = shop.verified("reader").await;
        let read = |body| session.post("/v1/me/notifications/read").json(&body);
        let inbox = shop.tell(session.get("/v1/me/notifications?unread=true")).await.is(200).json();
        assert_eq!(inbox, json!({ "items": [], "next_cursor": null, "unread": 0 }));
        assert_eq!(shop.tell(read(json!({ "all": true }))).await.is(200).json(), json!({ "unread": 0 }));
        let unknown = json!({ "ids": ["01jdz8m7q3k5v2x9c4b6n0r1ta"] });
        shop.tell(read(unknown)).await.refuses(404, "notification_unknown");
        for wrong in [json!({}), json!({ "ids": [], }), json!({ "ids": ["x"] }), json!({ "all": false })] {
            shop.tell(read(wrong)).await.refuses(422, "invalid_request");
        }
        let told = shop.tell(session.get("/v1/me/notifications?unread=no")).await;
        told.refuses(422, "invalid_request");
    }

    async fn the_settings_of_news_are_kept_by_a_form(shop) {
        let (person, session) = shop.verified("setter").await;
        let cookie = site::cookies(&site::sign_in(shop, &person.email, "/shop/sign-in").await.is(303));
        shop.tell(site::page("/shop/inbox", &cookie)).await.is(200);
        let wrong = "category=living&keywords=mist%2C+x&mail=on";
        let refused = shop.tell(site::form("/shop/me/alerts", &cookie, wrong)).await.is(422).text();
        assert!(refused.contains("mist, x"), "{refused}");
        let right = "category=living&category=pet&keywords=mist%2C+&mail=on";
        shop.tell(site::form("/shop/me/alerts", &cookie, right)).await.is(303);
        let kept = shop.tell(session.get("/v1/me/alerts")).await.is(200).json();
        assert_eq!(kept, json!({ "categories": ["living", "pet"], "keywords": ["mist"] }));
        let channels = shop.tell(session.get("/v1/me/channels")).await.is(200).json();
        assert_eq!(channels["items"][0], json!({ "topic": "deal", "push": false, "mail": true }));
        shop.tell(site::form("/shop/inbox/read-all", &cookie, "")).await.is(303);
    }
}
