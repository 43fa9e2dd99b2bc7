//! `KakaoPay`.

use std::time::Duration;

use doubles::{
    Fault,
    kakaopay::{CID, KakaoPay, Method, State},
};
use hyper::{
    StatusCode,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, LOCATION},
};
use outbound::{Call, CallError, Secret, Target};
use serde_json::{Value, json};

use crate::support::{ask, query, setting, target, text};

struct Shop {
    pay: KakaoPay,
    target: Target,
}

impl Shop {
    async fn open() -> Self {
        let pay = KakaoPay::start(setting().0, "key").await.unwrap();
        let target = target(&pay.url());
        Self { pay, target }
    }

    fn call(path: &str, body: &Value) -> Call {
        let key = Secret::new("key".to_owned());
        Call::post(path).secret(AUTHORIZATION, "SECRET_KEY", &key).json(body)
    }

    async fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        ask(&self.target, Self::call(path, body)).await
    }

    async fn ready(&self, order: &str, total: i64) -> Value {
        let (status, answer) = self.ask("/ready", &ready(order, total)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Ready and authenticated: the tid and the body to approve it.
    async fn authenticated(&self, order: &str, total: i64) -> (String, Value) {
        let tid = self.ready(order, total).await["tid"].as_str().unwrap().to_owned();
        let url = self.pay.pay(&tid, Method::Money).unwrap();
        let approve = json!({
            "cid": CID, "tid": tid, "partner_order_id": order, "partner_user_id": "u1",
            "pg_token": query(&url, "pg_token").unwrap(),
        });
        (tid, approve)
    }

    async fn state(&self, tid: &str) -> String {
        let (_, answer) = self.ask("/order", &json!({ "cid": CID, "tid": tid })).await;
        answer["status"].as_str().unwrap().to_owned()
    }
}

fn ready(order: &str, total: i64) -> Value {
    json!({
        "cid": CID, "partner_order_id": order, "partner_user_id": "u1", "item_name": "미스트",
        "quantity": 1, "total_amount": total, "tax_free_amount": 0,
        "approval_url": "http://shop.example/done?order=o1",
        "cancel_url": "http://shop.example/cancel", "fail_url": "http://shop.example/fail",
    })
}

#[tokio::test]
async fn a_payment_goes_from_ready_over_the_page_to_approved_and_is_returned_in_parts() {
    let shop = Shop::open().await;
    let begun = shop.ready("o1", 31_000).await;
    let tid = begun["tid"].as_str().unwrap();
    assert_eq!(tid.len(), 20);
    assert_eq!(shop.state(tid).await, "READY");

    // The shopper's browser, without scripts.
    let page = target(begun["next_redirect_pc_url"].as_str().unwrap());
    let korean = page.send(Call::get("")).await.unwrap();
    assert!(text(&korean).contains("₩31,000") && text(&korean).contains("페이머니로 결제"));
    let english = page.send(Call::get("").header(ACCEPT_LANGUAGE, "en-GB,en")).await.unwrap();
    assert!(text(&english).contains("Pay by card"));
    assert!(!text(&english).contains("<script"));
    assert_eq!(shop.state(tid).await, "OPEN_PAYMENT");
    let paid = page.send(Call::post("").form(&[("choice", "card")])).await.unwrap();
    assert_eq!(paid.status, StatusCode::SEE_OTHER);
    let back = paid.header(&LOCATION).unwrap();
    assert!(back.starts_with("http://shop.example/done?order=o1&pg_token="), "{back}");

    let approve = json!({
        "cid": CID, "tid": tid, "partner_order_id": "o1", "partner_user_id": "u1",
        "pg_token": query(back, "pg_token").unwrap(), "total_amount": 31_000,
    });
    let (status, approved) = shop.ask("/approve", &approve).await;
    assert_eq!((status, &approved["payment_method_type"]), (200, &json!("CARD")), "{approved}");
    assert_eq!(approved["amount"]["vat"], 2_818);
    // The browser goes back to the page and a button is pressed again.
    let ended = page.send(Call::post("?lang=en").form(&[("choice", "card")])).await.unwrap();
    assert_eq!(ended.status, StatusCode::OK);
    assert!(text(&ended).contains("This payment has ended"), "{}", text(&ended));
    assert!(text(&ended).contains("value=\"back\"") && !text(&ended).contains("value=\"card\""));
    let returned = page.send(Call::post("").form(&[("choice", "back")])).await.unwrap();
    assert_eq!(returned.header(&LOCATION), Some(back));
    let (status, again) = shop.ask("/approve", &approve).await;
    assert_eq!((status, &again["error_code"]), (400, &json!(-702)));
    assert_eq!(shop.pay.ledger().captures("o1"), 1);

    let cancel = |amount: i64| json!({ "cid": CID, "tid": tid, "cancel_amount": amount, "cancel_tax_free_amount": 0 });
    let (_, part) = shop.ask("/cancel", &cancel(1_000)).await;
    assert_eq!(part["status"], "PART_CANCEL_PAYMENT");
    assert_eq!(part["approved_cancel_amount"]["vat"], 91);
    assert_eq!(part["cancel_available_amount"]["total"], 30_000);
    let (status, too_much) = shop.ask("/cancel", &cancel(30_001)).await;
    assert_eq!((status, &too_much["error_code"]), (400, &json!(-710)));
    let (_, rest) = shop.ask("/cancel", &cancel(30_000)).await;
    assert_eq!(rest["status"], "CANCEL_PAYMENT");
    assert_eq!(rest["cancel_available_amount"]["vat"], 0, "no tax stays behind");
    assert_eq!(shop.pay.ledger().net("o1"), 0);
    assert_eq!(shop.pay.ledger().totals(), (31_000, 31_000));
    let (_, told) = shop.ask("/order", &json!({ "cid": CID, "tid": tid })).await;
    assert_eq!(told["payment_action_details"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn nothing_is_captured_but_for_the_order_the_shopper_and_the_token_it_was_begun_with() {
    let shop = Shop::open().await;
    let tid = shop.ready("o1", 500).await["tid"].as_str().unwrap().to_owned();
    let early = json!({
        "cid": CID, "tid": tid, "partner_order_id": "o1", "partner_user_id": "u1", "pg_token": "x",
    });
    assert_eq!(shop.ask("/approve", &early).await.1["error_code"], -701);
    let (_, approve) = shop.authenticated("o2", 500).await;
    for (field, value, code) in [
        ("tid", json!("T0000000000000000000"), -721),
        ("cid", json!("TCSUBSCRIP"), -721),
        ("partner_order_id", json!("o1"), -706),
        ("partner_user_id", json!("u2"), -707),
        ("pg_token", json!("guessed"), -708),
        ("total_amount", json!(1), -722),
        ("pg_token", json!(7), -2),
    ] {
        let mut wrong = approve.clone();
        wrong[field] = value;
        let (status, answer) = shop.ask("/approve", &wrong).await;
        assert_eq!((status, &answer["error_code"]), (400, &json!(code)), "{field}: {answer}");
    }
    let call = Call::post("/approve").json(&approve).header(AUTHORIZATION, "KakaoAK key");
    assert_eq!(ask(&shop.target, call).await.0, 401);
    assert_eq!(shop.pay.ledger().entries(), []);
    let mut wrong = ready("o3", 10);
    wrong["tax_free_amount"] = json!(11);
    assert_eq!(shop.ask("/ready", &wrong).await.1["error_code"], -722);
}

#[tokio::test]
async fn a_payment_that_was_given_up_failed_or_is_too_old_is_not_approved() {
    let (setting, clock) = setting();
    let pay = KakaoPay::start(setting, "key").await.unwrap();
    let target = target(&pay.url());
    let shop = Shop { pay, target };
    let (tid, approve) = shop.authenticated("o1", 500).await;
    assert_eq!(shop.pay.quit(&tid).unwrap(), "http://shop.example/cancel");
    assert_eq!(shop.pay.state(&tid), Some(State::Quit));
    assert_eq!(shop.ask("/approve", &approve).await.1["error_code"], -780);

    let (tid, _) = shop.authenticated("o2", 500).await;
    assert_eq!(shop.pay.fail(&tid).unwrap(), "http://shop.example/fail");
    assert_eq!(shop.state(&tid).await, "FAIL_AUTH_PASSWORD");

    let (tid, approve) = shop.authenticated("o3", 500).await;
    clock.advance(Duration::from_mins(15));
    assert_eq!(shop.ask("/approve", &approve).await.1["error_code"], -723);
    assert_eq!(shop.state(&tid).await, "FAIL_PAYMENT");
    assert_eq!(shop.pay.pay(&tid, Method::Card), None);
    assert_eq!(shop.pay.ledger().totals(), (0, 0));
}

#[tokio::test]
async fn a_fault_befalls_the_call_that_it_was_asked_for() {
    let shop = Shop::open().await;
    let faults = shop.pay.faults();
    let approve = |body: Value| {
        let target = shop.target.clone();
        async move { target.send(Shop::call("/approve", &body)).await }
    };
    for (order, fault, captures) in [
        ("refused", Fault::Refused, 0),
        ("before", Fault::LostBefore, 0),
        ("after", Fault::LostAfter, 1),
        ("silent", Fault::Silent, 1),
        ("late", Fault::Late, 1),
        ("overtaken", Fault::Overtaken, 1),
    ] {
        let (tid, body) = shop.authenticated(order, 500).await;
        faults.next("approve", Some(fault));
        let heard = approve(body).await;
        match fault {
            Fault::Refused => assert_eq!(heard.unwrap().status, StatusCode::SERVICE_UNAVAILABLE),
            Fault::Late | Fault::Overtaken => assert_eq!(heard.unwrap().status, StatusCode::OK),
            Fault::LostBefore | Fault::LostAfter | Fault::Silent | Fault::Doubled => {
                assert!(matches!(heard, Err(CallError::Unheard(_))), "{fault:?}: {heard:?}");
            }
        }
        assert_eq!(shop.pay.ledger().captures(order), captures, "{fault:?}");
        let is_paid = shop.pay.state(&tid) == Some(State::Paid);
        assert_eq!(is_paid, captures == 1, "{fault:?}");
    }
    let (_, body) = shop.authenticated("none", 500).await;
    assert_eq!(approve(body).await.unwrap().status, StatusCode::OK);
    assert_eq!(shop.pay.count("approve"), 7);
}

#[tokio::test]
async fn somebody_who_is_sent_to_no_payment_sees_a_page() {
    let shop = Shop::open().await;
    let (server, _) =
        shop.pay.url().split_once("/online").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let page = target(&server).send(Call::get("/pay/T0")).await.unwrap();
    assert_eq!(page.status.as_u16(), 404);
    assert!(text(&page).contains("찾을 수 없습니다"));
}
