//! What operators and sellers decide, as far as it needs no sale.

use serde_json::json;

use super::on_both;

const NOTHING: &str = "01jdz8m7q3k5v2x9c4b6n0r1ta";

on_both! {
    async fn operators_see_lists_and_decide_about_nothing_that_is_not_there(shop) {
        let operator = shop.of_demo("operator").await;
        for list in ["deals?ended=false", "orders", "doubts", "returns", "dead-tasks", "audit?limit=3"] {
            let told = shop.tell(operator.get(&format!("/v1/admin/{list}"))).await.is(200).json();
            assert!(told["items"].is_array(), "{list}: {told}");
        }
        let reason = json!({ "reason": "complaints" });
        let task = json!({ "kind": "test.none", "key": "a", "reason": "the key was wrong" });
        for (path, body, code) in [
            ("deals/NOTHING/pause", json!({}), "deal_unknown"),
            ("deals/NOTHING/resume", json!({}), "deal_unknown"),
            ("deals/NOTHING/close", reason.clone(), "deal_unknown"),
            ("deals/NOTHING/cancel", reason.clone(), "deal_unknown"),
            ("orders/NOTHING/refunds", reason.clone(), "order_unknown"),
            ("payments/NOTHING/resolve", reason.clone(), "payment_unknown"),
            ("payments/NOTHING/look-up", json!({}), "payment_unknown"),
            ("payments/NOTHING/decide", json!({ "decision": "accept", "reason": "x" }), "payment_unknown"),
            ("returns/NOTHING/accept", json!({}), "return_unknown"),
            ("returns/NOTHING/refuse", json!({}), "return_unknown"),
            ("invoices/NOTHING/settle", json!({}), "invoice_unknown"),
            ("dead-tasks/revive", task.clone(), "task_unknown"),
            ("dead-tasks/dismiss", task.clone(), "task_unknown"),
        ] {
            let path = format!("/v1/admin/{}", path.replace("NOTHING", NOTHING));
            shop.tell(operator.post(&path).json(&body)).await.refuses(404, code);
        }
        let one = operator.get(&format!("/v1/admin/orders/{NOTHING}"));
        shop.tell(one).await.refuses(404, "order_unknown");
    }

    async fn what_ends_something_needs_a_reason(shop) {
        let operator = shop.of_demo("operator").await;
        let (long, lines) = ("x".repeat(201), "a\nb");
        for path in ["deals/NOTHING/close", "deals/NOTHING/cancel", "payments/NOTHING/resolve"] {
            let path = format!("/v1/admin/{}", path.replace("NOTHING", NOTHING));
            for reason in [json!({}), json!({ "reason": " " }), json!({ "reason": long }), json!({ "reason": lines })] {
                shop.tell(operator.post(&path).json(&reason)).await.refuses(422, "invalid_request");
            }
        }
        let both = json!({ "amount": 1, "lines": [{ "line": 0, "quantity": 1 }], "reason": "x" });
        let refund = format!("/v1/admin/orders/{NOTHING}/refunds");
        let told = shop.tell(operator.post(&refund).json(&both)).await;
        assert_eq!(told.refuses(422, "invalid_request").json()["errors"][0]["field"], "lines");
        let kind = operator.get("/v1/admin/audit?kind=weather&id=1");
        shop.tell(kind).await.refuses(422, "invalid_request");
    }

    async fn a_seller_ships_orders_of_their_own_deals_alone(shop) {
        let seller = shop.of_demo("business").await;
        shop.tell(seller.get("/v1/me/business/orders")).await.refuses(422, "invalid_request");
        let deal = seller.get(&format!("/v1/me/business/orders?deal={NOTHING}"));
        shop.tell(deal).await.refuses(404, "deal_unknown");
        let one = format!("/v1/me/business/orders/{NOTHING}");
        shop.tell(seller.get(&one)).await.refuses(404, "order_unknown");
        let parcel = json!({ "carrier": "CJ", "tracking": "1-2" });
        for (verb, body) in [("prepare", json!({})), ("ship", parcel), ("deliver", json!({}))] {
            let told = shop.tell(seller.post(&format!("{one}/{verb}")).json(&body)).await;
            told.refuses(404, "order_unknown");
        }
        let wrong = json!({ "carrier": "", "tracking": "1 2" });
        let told = shop.tell(seller.post(&format!("{one}/ship")).json(&wrong)).await;
        assert_eq!(told.refuses(422, "invalid_request").json()["errors"][0]["field"], "tracking");
        for verb in ["accept", "refuse"] {
            let path = format!("{one}/returns/{NOTHING}/{verb}");
            shop.tell(seller.post(&path)).await.refuses(404, "order_unknown");
        }
    }
}
