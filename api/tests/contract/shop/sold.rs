//! What a deal sold, once orders were paid, refunded and given up.

use serde_json::json;

use super::{
    eventually, on_both,
    open_deal::{OpenDeal, UNIT},
};

on_both! {
    /// Scenario 15.
    async fn scenario_15_defect_28_the_seller_alone_sees_the_units_that_were_paid_and_refunds_apart(shop) {
        let deal = OpenDeal::of(shop, 50, 5).await;
        let (a, b) = (shop.of_demo("business").await, shop.other_seller().await);
        for (name, quantity) in [("one", 1), ("three", 3)] {
            deal.paid(&deal.admitted(name).await, quantity, "card").await;
        }
        let back = deal.admitted("back").await;
        let order = deal.paid(&back, 2, "kakaopay").await;
        let refunds = back.session.post(&format!("/v1/orders/{order}/refunds"));
        shop.tell(refunds.json(&json!({ "reason": "too large" }))).await.is(201);
        deal.until(&back.session, &order, "refunded").await;
        let never = deal.admitted("never").await;
        let order = deal.order(&never, 5, "k").await.is(201).json()["order"].as_str().unwrap().to_owned();
        shop.tell(never.session.post(&format!("/v1/orders/{order}/cancel"))).await.is(200);
        deal.until(&never.session, &order, "cancelled").await;

        let path = format!("/v1/me/business/sales?deal={}", deal.deal);
        let totals = eventually(async || {
            let told = shop.tell(a.get(&path)).await.is(200).json();
            (told["totals"]["units"] == 4).then(|| told["totals"].clone())
        })
        .await;
        for (field, value) in [
            ("orders", 2), ("units", 4), ("net", 4 * UNIT), ("gross", 6 * UNIT),
            ("refunded", 2 * UNIT), ("refunded_units", 2),
        ] {
            assert_eq!(totals[field], value, "{field}: {totals}");
        }
        shop.tell(b.get(&path)).await.refuses(404, "deal_unknown");
        shop.tell(back.session.get(&path)).await.refuses(403, "business_session_needed");
    }
}
