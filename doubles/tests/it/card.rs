//! The card gateway.

use std::{sync::Arc, time::Duration};

use base::moment::Clock as _;
use doubles::{
    Fault, Setting,
    card::{CardGateway, State, is_signed},
    clock::MovedClock,
    inbox::Inbox,
};
use hyper::header::{AUTHORIZATION, HeaderName, LOCATION};
use outbound::{Call, CallError, Secret, Target};
use serde_json::{Value, json};

use crate::support::{ask, setting, target, text, until};

const KEY: &str = "key";

struct Shop {
    gateway: CardGateway,
    target: Target,
    clock: Arc<MovedClock>,
}

impl Shop {
    async fn open() -> Self {
        let (setting, clock) = setting();
        let gateway = CardGateway::start(setting, KEY).await.unwrap();
        let target = target(&gateway.url());
        Self { gateway, target, clock }
    }

    fn call(path: &str, key: &str, body: &Value) -> Call {
        let secret = Secret::new(KEY.to_owned());
        Call::post(path)
            .secret(AUTHORIZATION, "Bearer", &secret)
            .header(HeaderName::from_static("idempotency-key"), key)
            .json(body)
    }

    async fn ask(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        ask(&self.target, Self::call(path, key, body)).await
    }

    async fn look(&self, path: &str) -> (u16, Value) {
        let secret = Secret::new(KEY.to_owned());
        ask(&self.target, Call::get(path).secret(AUTHORIZATION, "Bearer", &secret)).await
    }

    async fn begin(&self, order: &str) -> String {
        let (status, begun) = self.ask("/authorisations", order, &begin(order)).await;
        assert_eq!(status, 201, "{begun}");
        begun["id"].as_str().unwrap().to_owned()
    }

    async fn authorised(&self, order: &str) -> String {
        let id = self.begin(order).await;
        assert!(self.gateway.choose(&id, "pay").unwrap().contains("state=authorised"));
        id
    }
}

fn refund(amount: i64, before: i64) -> Value {
    json!({ "amount": amount, "refunded_before": before, "reference": "refund" })
}

fn begin(order: &str) -> Value {
    json!({
        "order": order, "amount": 10_000, "currency": "KRW", "description": "미스트",
        "return_url": "http://shop.example/done",
    })
}

#[tokio::test]
async fn somebody_who_is_sent_to_no_payment_sees_a_page() {
    let shop = Shop::open().await;
    let pages = target(shop.gateway.url().trim_end_matches("/v1"));
    for (language, word) in [("ko", "찾을 수 없습니다"), ("en", "Not found")] {
        for call in [Call::get("/pay/auth_0"), Call::post("/pay/auth_0")] {
            let page = pages.send(call.query("lang", language)).await.unwrap();
            assert_eq!(page.status.as_u16(), 404);
            assert!(text(&page).contains(word) && text(&page).starts_with("<!doctype html>"));
        }
    }
    assert_eq!(shop.look("/authorisations/auth_0").await.1["error"]["code"], "not_found");
}

#[tokio::test]
async fn what_was_authorised_is_captured_once_and_refunded_in_parts() {
    let shop = Shop::open().await;
    let id = shop.begin("o1").await;
    let (capture, refunds) =
        (format!("/authorisations/{id}/capture"), format!("/authorisations/{id}/refunds"));
    let all = json!({ "amount": 10_000 });
    assert_eq!(shop.ask(&capture, "early", &all).await.0, 409);
    let page = target(&format!("{}/pay/{id}", shop.gateway.url().trim_end_matches("/v1")));
    let paid = page.send(Call::post("").form(&[("choice", "pay")])).await.unwrap();
    assert_eq!(paid.status.as_u16(), 303);
    // The browser goes back to the page and a button is pressed again.
    let ended = page.send(Call::post("?lang=en").form(&[("choice", "pay")])).await.unwrap();
    assert_eq!(ended.status.as_u16(), 200);
    assert!(text(&ended).contains("This payment has ended"), "{}", text(&ended));
    let returned = page.send(Call::post("").form(&[("choice", "back")])).await.unwrap();
    assert_eq!(returned.header(&LOCATION), paid.header(&LOCATION));

    assert_eq!(shop.ask(&capture, "more", &json!({ "amount": 10_001 })).await.0, 422);
    let (status, captured) = shop.ask(&capture, "c1", &all).await;
    assert_eq!((status, &captured["state"]), (200, &json!("captured")), "{captured}");
    assert_eq!(shop.ask(&capture, "c2", &all).await.0, 409);
    let (_, part) = shop.ask(&refunds, "r1", &refund(1_000, 0)).await;
    assert_eq!((&part["state"], &part["refunded"]), (&json!("part_refunded"), &json!(1_000)));
    assert_eq!(shop.ask(&refunds, "r2", &refund(9_001, 1_000)).await.0, 422);
    for (before, status) in [(json!({ "amount": 1 }), 400), (refund(1, 0), 409)] {
        assert_eq!(shop.ask(&refunds, "r3", &before).await.0, status, "{before}");
    }
    assert!(shop.gateway.refund_unasked(&id, 9_000));
    let (_, told) = shop.look(&format!("/authorisations/{id}")).await;
    assert_eq!(told["state"], "refunded");
    assert_eq!(shop.gateway.ledger().totals(), (10_000, 10_000));
    assert_eq!(shop.gateway.ledger().net("o1"), 0);
}

#[tokio::test]
async fn one_key_has_one_effect_and_one_answer() {
    let shop = Shop::open().await;
    let id = shop.authorised("o1").await;
    let (again, first) = (shop.begin("o1").await, id.clone());
    assert_eq!(again, first, "the same key begins the same payment");
    let (_, listed) = shop.look("/authorisations?order=o1").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);

    // The answer is lost after the capture; the repetition hears it.
    let (capture, all) = (format!("/authorisations/{id}/capture"), json!({ "amount": 10_000 }));
    shop.gateway.faults().next("capture", Some(Fault::LostAfter));
    let lost = shop.target.send(Shop::call(&capture, "c1", &all)).await;
    assert!(matches!(lost, Err(CallError::Unheard(_))), "{lost:?}");
    assert_eq!(shop.gateway.state(&id), Some(State::Captured));
    let racers = (0..8).map(|_| {
        let (target, call) = (shop.target.clone(), Shop::call(&capture, "c1", &all));
        tokio::spawn(async move { target.send(call).await.unwrap() })
    });
    let racers: Vec<_> = racers.collect();
    for racer in racers {
        assert_eq!(racer.await.unwrap().status.as_u16(), 200);
    }
    assert_eq!(shop.gateway.ledger().captures("o1"), 1);
    let (status, reused) = shop.ask(&capture, "c1", &json!({ "amount": 1 })).await;
    assert_eq!((status, &reused["error"]["code"]), (409, &json!("idempotency_conflict")));
}

#[tokio::test]
async fn what_is_not_gone_on_with_expires_and_what_is_voided_stays_so() {
    let shop = Shop::open().await;
    let (pending, authorised) = (shop.begin("o1").await, shop.authorised("o2").await);
    shop.clock.advance(Duration::from_mins(15));
    assert_eq!(shop.gateway.state(&pending), Some(State::Expired));
    assert_eq!(shop.gateway.choose(&pending, "pay"), None);
    assert_eq!(shop.gateway.state(&authorised), Some(State::Authorised));
    shop.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(shop.gateway.state(&authorised), Some(State::Expired));

    let voided = shop.authorised("o3").await;
    let path = format!("/authorisations/{voided}/void");
    for key in ["v1", "v1", "v2"] {
        assert_eq!(shop.ask(&path, key, &json!({})).await.1["state"], "voided");
    }
    let capture = format!("/authorisations/{voided}/capture");
    assert_eq!(shop.ask(&capture, "c1", &json!({ "amount": 1 })).await.0, 409);
    let declined = shop.begin("o4").await;
    assert!(shop.gateway.choose(&declined, "decline").unwrap().ends_with("state=declined"));
    assert_eq!(shop.gateway.ledger().entries(), []);
}

#[tokio::test]
async fn notices_are_signed_and_may_be_lost_doubled_or_overtaken() {
    let inbox = Inbox::start(Setting::local()).await.unwrap();
    let shop = Shop::open().await;
    let mut body = begin("o1");
    body["notify_url"] = json!(inbox.url());
    let mut ids = Vec::new();
    for (index, (fault, choice)) in [
        (None, "pay"),
        (Some(Fault::LostBefore), "pay"),
        (Some(Fault::Doubled), "decline"),
        (Some(Fault::Overtaken), "cancel"),
        (None, "decline"),
    ]
    .into_iter()
    .enumerate()
    {
        let (_, begun) = shop.ask("/authorisations", &index.to_string(), &body).await;
        let id = begun["id"].as_str().unwrap().to_owned();
        shop.gateway.faults().next("notify", fault);
        shop.gateway.choose(&id, choice).unwrap();
        ids.push(id);
    }
    until("all notices", || inbox.asked().len() == 5).await;
    let taken = inbox.asked();
    let times = |id: &str| {
        let of = |asked: &&doubles::Asked| asked.json()["authorisation"]["id"] == *id;
        taken.iter().filter(of).count()
    };
    assert_eq!(ids.iter().map(|id| times(id)).collect::<Vec<_>>(), [1, 0, 2, 1, 1]);
    let last = taken.last().unwrap();
    assert_eq!(last.json()["authorisation"]["id"], *ids[3], "the one that was overtaken");
    let signature = last.header("gateway-signature").unwrap();
    let now = shop.clock.now();
    assert!(is_signed(KEY, signature, &last.body, now));
    let is_signed = |key, signature: &str, body| is_signed(key, signature, body, now);
    assert!(!is_signed("other", signature, &last.body) && !is_signed(KEY, signature, b"{}"));
    let (at, mac) = signature.split_once(",v1=").unwrap();
    let short = &signature[..signature.len() - 1];
    for bad in ["", at, &format!("t=,v1={mac}"), short, &format!("{signature}0")] {
        assert!(!is_signed(KEY, bad, &last.body), "{bad}");
    }
    for (ahead, holds) in [(290, true), (310, false)] {
        let later = now.after(Duration::from_secs(ahead));
        assert_eq!(doubles::card::is_signed(KEY, signature, &last.body, later), holds, "{ahead}");
    }
}
