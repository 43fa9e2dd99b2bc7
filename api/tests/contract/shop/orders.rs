//! From an admission to a paid order, and back.

use serde_json::{Value, json};

use super::{
    on_both,
    open_deal::{OpenDeal, UNIT, press},
};
use crate::client::get;

on_both! {
    /// Scenario 9: the happy purchase.
    async fn scenario_9_a_purchase_that_goes_well_is_priced_held_paid_and_sold(shop) {
        let deal = OpenDeal::of(shop, 500, 5).await;
        let u1 = deal.admitted("u1").await;
        let made = deal.order(&u1, 1, "k1").await.is(201);
        let order = made.json()["order"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), Some(format!("/v1/orders/{order}").as_str()));
        let made = made.json();
        assert_eq!((&made["amount"], &made["currency"], &made["state"]), (&json!(UNIT), &json!("KRW"), &json!("waiting")));
        assert!(made["expires_at"].is_string());
        assert_eq!(deal.units().await, [499, 1, 0]);
        let page = deal.begin(&u1.session, &order, "kakaopay").await;
        assert_eq!(deal.begin(&u1.session, &order, "kakaopay").await, page, "the same page again");
        let other = u1.session.post(&format!("/v1/orders/{order}/payments"));
        shop.tell(other.json(&json!({ "gateway": "card" }))).await.refuses(409, "payment_begun");
        let back = press(&page, "approve").await;
        let gone = shop.tell(get(back)).await.is(303);
        let result = format!("/shop/orders/{order}/result");
        assert_eq!(gone.header("location"), Some(result.as_str()));
        let paid = deal.until(&u1.session, &order, "paid").await;
        deal.until_units([499, 0, 1]).await;
        assert_eq!((&paid["amount"], &paid["payment"]["method"]), (&json!(UNIT), &json!("card")));
        assert_eq!(paid["lines"][0]["unit_price"], UNIT);
        assert_eq!(paid["expires_at"], Value::Null);
        let all = shop.tell(u1.session.get("/v1/orders")).await.is(200).json();
        for field in ["order", "state", "amount", "payment", "lines", "number"] {
            assert_eq!(all["items"][0][field], paid[field], "{field}");
        }
    }

    /// Scenario 8: an order takes a pass, the account's own, which holds, once.
    async fn scenario_8_defect_5_an_order_takes_the_accounts_own_pass_that_is_not_over_or_used(shop) {
        let deal = OpenDeal::of(shop, 50, 5).await;
        let (u1, u2) = (deal.admitted("u1").await, deal.admitted("u2").await);
        let mut without = deal.wanted(&u1.pass, 1);
        without.as_object_mut().unwrap().remove("pass");
        shop.tell(u1.session.post("/v1/orders").key("a").json(&without)).await.refuses(403, "pass_missing");
        let theirs = deal.wanted(&u1.pass, 1);
        shop.tell(u2.session.post("/v1/orders").key("a").json(&theirs)).await.refuses(403, "pass_foreign");
        let altered = deal.wanted(&format!("{}x", u1.pass), 1);
        shop.tell(u1.session.post("/v1/orders").key("a").json(&altered)).await.refuses(403, "pass_foreign");
        let elsewhere = OpenDeal::of(shop, 5, 1).await;
        let other = elsewhere.wanted(&u1.pass, 1);
        shop.tell(u1.session.post("/v1/orders").key("a").json(&other)).await.refuses(403, "pass_foreign");
        assert_eq!(deal.units().await, [50, 0, 0]);
        deal.paid(&u1, 1, "card").await;
        deal.order(&u1, 1, "again").await.refuses(403, "pass_used");
        let end = format!("/v1/sales/{}/sessions/{}/end", deal.deal, jti(&u2.pass));
        shop.tell(crate::client::post(end).bearer(&shop.server.backend)).await.is(204);
        deal.order(&u2, 1, "k").await.refuses(403, "pass_over");
    }

    /// Scenario 10: what a client says of the price is not looked at, and coming back five times charges once.
    async fn scenario_10_defect_8_a_tampered_or_repeated_call_changes_no_amount_and_charges_once(shop) {
        let deal = OpenDeal::of(shop, 50, 5).await;
        let u1 = deal.admitted("u1").await;
        let mut wanted = deal.wanted(&u1.pass, 1);
        wanted["totalAmount"] = json!(1);
        let asked = u1.session.post("/v1/orders").key("k1").json(&wanted);
        let first = shop.tell(asked.clone()).await.is(201);
        let again = shop.tell(asked).await.is(201);
        assert!(again.replayed() && again.body == first.body, "the same answer again");
        let mut other = wanted.clone();
        other["quantity"] = json!(2);
        let mismatch = u1.session.post("/v1/orders").key("k1").json(&other);
        shop.tell(mismatch).await.refuses(422, "idempotency_mismatch");
        assert_eq!(first.json()["amount"], UNIT);
        let order = first.json()["order"].as_str().unwrap().to_owned();
        let back = press(&deal.begin(&u1.session, &order, "kakaopay").await, "approve").await;
        let edited = format!("{back}&quantity=50");
        let come = || shop.tell(get(edited.clone()));
        let five = tokio::join!(come(), come(), come(), come(), come());
        for told in [five.0, five.1, five.2, five.3, five.4] {
            let told = told.is(303);
            assert_eq!(told.header("location"), Some(format!("/shop/orders/{order}/result").as_str()));
        }
        let paid = deal.until(&u1.session, &order, "paid").await;
        assert_eq!((&paid["amount"], &paid["lines"][0]["quantity"]), (&json!(UNIT), &json!(1)));
        deal.until_units([49, 0, 1]).await;
        // Whatever order returns come in, nothing more happens.
        let cancel = back.replace("/return?", "/cancel?");
        shop.tell(get(cancel)).await.is(303);
        deal.until(&u1.session, &order, "paid").await;
        shop.tell(get("/v1/payments/01jdz8m7q3k5v2x9c4b6n0r1ta/return")).await.refuses(404, "payment_unknown");
        shop.tell(get("/v1/payments/none/fail")).await.refuses(404, "not_found");
    }

    /// Scenario 11: of many who want the last unit one gets it, and the next when it is given up.
    async fn scenario_11_defect_9_the_last_unit_has_one_order_and_the_next_once_it_is_given_up(shop) {
        let deal = OpenDeal::of(shop, 1, 1).await;
        let (u1, u2) = (deal.admitted("u1").await, deal.admitted("u2").await);
        let both = tokio::join!(deal.order(&u1, 1, "k"), deal.order(&u2, 1, "k"));
        let (won, lost, made) = match (both.0.status, both.1.status) {
            (201, 409) => (&u1, &u2, both.0),
            (409, 201) => (&u2, &u1, both.1),
            other => unreachable!("{other:?}"),
        };
        deal.order(lost, 1, "k").await.refuses(409, "sold_out");
        let order = made.json()["order"].as_str().unwrap().to_owned();
        let foreign = format!("/v1/orders/{order}/cancel");
        shop.tell(lost.session.post(&foreign)).await.refuses(404, "order_unknown");
        shop.tell(won.session.post(&foreign)).await.is(200);
        let given_up = deal.until(&won.session, &order, "cancelled").await;
        assert_eq!(given_up["ending"], "given_up");
        deal.until_units([1, 0, 0]).await;
        deal.order(lost, 1, "k").await.is(201);
        let all = shop.tell(won.session.get("/v1/orders")).await.is(200).json();
        assert_eq!(all["items"][0]["state"], "cancelled");
        shop.tell(won.session.post(&foreign)).await.is(200);
    }

    /// Scenario 13: nothing is ordered before the hours or after them, or beyond the limit.
    async fn scenario_13_defect_7_a_deal_sells_within_its_hours_and_up_to_its_limit(shop) {
        let (_, session) = shop.verified("u1").await;
        let coming = OpenDeal::coming(shop).await;
        let asked = session.post("/v1/orders").key("k").json(&coming.wanted("x", 1));
        shop.tell(asked).await.refuses(409, "not_open");
        let over = OpenDeal::over(shop).await;
        let asked = session.post("/v1/orders").key("k").json(&over.wanted("x", 1));
        shop.tell(asked).await.refuses(409, "ended");
        let deal = OpenDeal::of(shop, 50, 2).await;
        let u1 = deal.admitted("u1").await;
        deal.order(&u1, 3, "k").await.refuses(409, "limit_exceeded");
        let mut nowhere = deal.wanted(&u1.pass, 1);
        nowhere["deal"] = json!("01jdz8m7q3k5v2x9c4b6n0r1ta");
        shop.tell(u1.session.post("/v1/orders").key("n").json(&nowhere)).await.refuses(404, "deal_unknown");
        nowhere = deal.wanted(&u1.pass, 1);
        nowhere["address"] = json!("01jdz8m7q3k5v2x9c4b6n0r1ta");
        shop.tell(u1.session.post("/v1/orders").key("n").json(&nowhere)).await.refuses(404, "address_unknown");
        nowhere["address"] = json!({ "receiver": "Kim", "phone": "1", "zip": "1", "road": "x" });
        shop.tell(u1.session.post("/v1/orders").key("n").json(&nowhere)).await.refuses(422, "invalid_request");
        assert_eq!(deal.units().await, [50, 0, 0], "whatever was refused holds nothing");
    }

    /// Scenario 14: money goes back once, to the buyer, and the units with it.
    async fn scenario_14_defect_15_a_refund_is_the_buyers_is_given_once_and_brings_the_units_back(shop) {
        let deal = OpenDeal::of(shop, 5, 5).await;
        let u1 = deal.admitted("u1").await;
        let (_, u2) = shop.verified("u2").await;
        let order = deal.paid(&u1, 5, "kakaopay").await;
        deal.until_units([0, 0, 5]).await;
        let refunds = format!("/v1/orders/{order}/refunds");
        let reason = json!({ "reason": "too large" });
        shop.tell(u2.post(&refunds).json(&reason)).await.refuses(404, "order_unknown");
        shop.tell(u2.get(&format!("/v1/orders/{order}"))).await.refuses(404, "order_unknown");
        shop.tell(u1.session.post(&refunds).json(&json!({}))).await.refuses(422, "invalid_request");
        let asked = |key: &str| shop.tell(u1.session.post(&refunds).key(key).json(&reason));
        let twice = tokio::join!(asked("a"), asked("b"));
        let (one, two) = (twice.0.is(201).json(), twice.1.is(201).json());
        assert_eq!((&one["refund"], &one["amount"]), (&two["refund"], &json!(5 * UNIT)));
        assert!(asked("a").await.is(201).replayed());
        let back = deal.until(&u1.session, &order, "refunded").await;
        assert_eq!((&back["refunded"], &back["refundable"]), (&json!(5 * UNIT), &json!(0)));
        assert_eq!(back["refunds"][0]["state"], "given");
        deal.until_units([5, 0, 0]).await;
        let u3 = deal.admitted("u3").await;
        let made = deal.order(&u3, 1, "k").await.is(201).json();
        let pending = format!("/v1/orders/{}/refunds", made["order"].as_str().unwrap());
        shop.tell(u3.session.post(&pending).json(&reason)).await.refuses(409, "order_not_paid");
    }

    async fn a_part_is_refunded_by_amount_or_by_goods(shop) {
        let deal = OpenDeal::of(shop, 5, 5).await;
        let u1 = deal.admitted("u1").await;
        let order = deal.paid(&u1, 3, "card").await;
        let refunds = format!("/v1/orders/{order}/refunds");
        let ask = |body: Value| shop.tell(u1.session.post(&refunds).json(&body));
        let lines = |quantity: u32| json!([{ "sku": deal.deal, "quantity": quantity }]);
        ask(json!({ "reason": "x", "amount": 3 * UNIT + 1 })).await.refuses(422, "refund_amount");
        ask(json!({ "reason": "x", "lines": lines(4) })).await.refuses(422, "refund_lines");
        ask(json!({ "reason": "x", "lines": lines(1), "amount": 1 })).await.refuses(422, "invalid_request");
        let one = ask(json!({ "reason": "x", "lines": lines(1) })).await.is(201).json();
        assert_eq!(one["amount"], UNIT);
        let part = deal.until(&u1.session, &order, "part_refunded").await;
        assert_eq!((&part["refunded"], &part["refundable"]), (&json!(UNIT), &json!(2 * UNIT)));
        ask(json!({ "reason": "x", "amount": 1_000 })).await.is(201);
        let all = shop.tell(u1.session.get(&refunds)).await.is(200).json();
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let returns = format!("/v1/orders/{order}/returns");
        let wish = u1.session.post(&returns).json(&json!({ "reason": "x" }));
        shop.tell(wish).await.refuses(409, "order_not_shipped");
        shop.tell(u1.session.get(&returns)).await.is(200);
    }

    async fn units_that_were_bought_in_the_room_are_ordered_by_their_purchase(shop) {
        let deal = OpenDeal::of(shop, 5, 5).await;
        let u1 = deal.admitted("u1").await;
        let (_, u2) = shop.verified("u2").await;
        let items = json!({ "items": [{ "sku": deal.deal, "quantity": 2 }] });
        let buy = crate::client::post(format!("/v1/sales/{}/purchase", deal.deal));
        let held = shop.tell(buy.bearer(&u1.pass).key("k").json(&items)).await.is(201).json();
        let mut wanted = deal.wanted("", 1);
        wanted.as_object_mut().unwrap().retain(|name, _| name == "deal" || name == "address");
        wanted["purchase"] = held["purchase"].clone();
        shop.tell(u2.post("/v1/orders").key("k").json(&wanted)).await.refuses(404, "purchase_unknown");
        let made = shop.tell(u1.session.post("/v1/orders").key("k").json(&wanted)).await.is(201).json();
        assert_eq!(made["amount"], 2 * UNIT);
        let again = shop.tell(u1.session.post("/v1/orders").key("l").json(&wanted)).await.is(201).json();
        assert_eq!(again["order"], made["order"], "a purchase has one order");
        let order = made["order"].as_str().unwrap();
        let page = deal.begin(&u1.session, order, "card").await;
        shop.tell(get(press(&page, "fail").await)).await.is(303);
        let failed = deal.until(&u1.session, order, "cancelled").await;
        assert_eq!(failed["ending"], "failed");
        deal.until_units([5, 0, 0]).await;
    }
}

/// The session that a pass names.
fn jti(pass: &str) -> String {
    use base64::Engine as _;
    let claims = pass.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["jti"].as_str().unwrap().to_owned()
}
