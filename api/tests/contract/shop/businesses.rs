//! A business applies, the tax service is asked, an operator decides.

use serde_json::{Value, json};

use super::{PASSWORD, Shop, SignedIn, eventually, on_both};
use crate::client::post;

fn company(number: &str) -> Value {
    json!({
        "company_name": "하나상회", "business_number": number, "ceo_name": "김하나",
        "ceo_email": "office@company.example", "ceo_phone": "02-123-4567",
    })
}

async fn apply(shop: Shop, by: &SignedIn, number: &str) -> String {
    let told = shop.tell(by.post("/v1/businesses").json(&company(number))).await.is(201).json();
    assert_eq!(told["state"], "pending");
    told["business"].as_str().unwrap().to_owned()
}

/// Waits until the tax service has said this of a business.
async fn until_verdict(shop: Shop, by: &SignedIn, verdict: &str) -> Value {
    eventually(async || {
        let told = shop.tell(by.get("/v1/me/business")).await.is(200).json();
        (told["verdict"] == verdict).then_some(told)
    })
    .await
}

on_both! {
    async fn scenario_1_defect_1_a_business_sells_once_the_tax_service_and_an_operator_agree(shop) {
        let operator = shop.of_demo("operator").await;
        let (person, session) = shop.verified("seller").await;
        let id = apply(shop, &session, "999-00-00049").await;
        until_verdict(shop, &session, "active").await;
        let path = |verb: &str| format!("/v1/admin/businesses/{id}/{verb}");
        let waiting = shop.tell(operator.get("/v1/admin/businesses?limit=100")).await.is(200).json();
        let waiting = waiting["items"].as_array().unwrap().clone();
        assert!(waiting.iter().any(|one| one["business"] == id.as_str()));
        shop.tell(operator.post(&path("suspend")).json(&json!({ "reason": "x" })))
            .await
            .refuses(409, "business_state_wrong");
        let approved = shop.tell(operator.post(&path("approve"))).await.is(200).json();
        assert_eq!(approved["state"], "approved");
        let as_business = json!({ "email": person.email, "password": PASSWORD });
        let told = shop.tell(post("/v1/sessions").json(&as_business)).await.is(200).json();
        assert_eq!(told["role"], "business");
        let me = shop.tell(session.get("/v1/me")).await.json();
        assert_eq!(me["roles"], json!(["shopper", "business"]));
        shop.tell(operator.post(&path("suspend")).json(&json!({})))
            .await
            .refuses(422, "reason_missing");
        let reason = json!({ "reason": "complaints" });
        let suspended = shop.tell(operator.post(&path("suspend")).json(&reason)).await.is(200).json();
        assert_eq!((&suspended["state"], &suspended["reason"]), (&json!("suspended"), &json!("complaints")));
        shop.tell(operator.post(&path("check"))).await.is(202);
        shop.tell(operator.post(&path("reinstate"))).await.is(200);
    }

    async fn an_operator_decides_on_the_page_about_what_it_showed(shop) {
        let operator = shop.of_demo("operator").await;
        let (_, session) = shop.verified("renamed").await;
        let id = apply(shop, &session, "9990000165").await;
        until_verdict(shop, &session, "active").await;
        let list = "/shop/desk/businesses";
        let seen = async || {
            let page = operator.get(&format!("{list}?limit=100")).header("accept", "text/html");
            let page = shop.tell(page).await.is(200).text();
            let (_, form) = page.split_once(&format!("{list}/{id}/approve")).unwrap();
            let (_, seen) = form.split_once("name=\"seen\" value=\"").unwrap();
            seen.split_once('"').unwrap().0.to_owned()
        };
        let approve = async |seen: &str| {
            let form = operator.post(&format!("{list}/{id}/approve")).header("accept", "text/html");
            shop.tell(form.body(format!("seen={seen}"))).await
        };
        let before = seen().await;
        let mut renamed = company("9990000165");
        renamed["company_name"] = json!("Another one");
        shop.tell(session.post("/v1/businesses").json(&renamed)).await.is(201);
        until_verdict(shop, &session, "active").await;
        approve(&before).await.is(409);
        approve("").await.is(409);
        let told = shop.tell(session.get("/v1/me/business")).await.json();
        assert_eq!(told["state"], "pending");
        approve(&seen().await).await.is(303);
        let told = shop.tell(session.get("/v1/me/business")).await.json();
        assert_eq!(told["state"], "approved");
    }

    async fn another_name_of_an_approved_business_is_approved_again(shop) {
        let operator = shop.of_demo("operator").await;
        let (_, session) = shop.verified("company").await;
        let change = |company: &Value| session.ask("PUT", "/v1/me/business").json(company);
        shop.tell(change(&company("9990000170"))).await.refuses(404, "business_unknown");
        let id = apply(shop, &session, "9990000170").await;
        shop.tell(change(&company("9990000170"))).await.refuses(409, "business_not_decided");
        let to_apply = session.get("/shop/business/company").header("accept", "text/html");
        assert_eq!(shop.tell(to_apply).await.is(303).header("location"), Some("/shop/business/apply"));
        until_verdict(shop, &session, "active").await;
        shop.tell(operator.post(&format!("/v1/admin/businesses/{id}/approve"))).await.is(200);
        shop.tell(change(&company("9990000016"))).await.refuses(409, "business_number_fixed");
        let form = async |body: &str| {
            let form = session.post("/shop/business/company").header("accept", "text/html");
            shop.tell(form.body(body.to_owned())).await
        };
        let page = session.get("/shop/business/company").header("accept", "text/html");
        assert!(shop.tell(page).await.is(200).text().contains("office@company.example"));
        let wrong = "company_name=&representative=Kim&email=new@company.example&phone=02-123-4567";
        let wrong = form(wrong).await.is(422).text();
        assert!(wrong.contains("new@company.example"), "{wrong}");
        let mut moved = company("9990000170");
        moved["ceo_email"] = json!("new@company.example");
        let told = shop.tell(change(&moved)).await.is(200).json();
        assert_eq!((&told["state"], &told["ceo_email"]), (&json!("approved"), &moved["ceo_email"]));
        let renamed = "company_name=Another&representative=Kim&email=a@b.example&phone=02-123-4567";
        let saved = form(renamed).await.is(303);
        assert_eq!(saved.header("location"), Some("/shop/business/company"));
        let told = shop.tell(session.get("/v1/me/business")).await.is(200).json();
        assert_eq!((&told["state"], &told["company_name"]), (&json!("pending"), &json!("Another")));
    }

    async fn scenario_1_defect_1_a_number_that_was_mistyped_taken_or_closed_is_refused(shop) {
        let (_, session) = shop.verified("wrong").await;
        let told = shop.tell(session.post("/v1/businesses").json(&company("9990000041"))).await;
        assert_eq!(told.refuses(422, "invalid_request").json()["errors"][0]["field"], "business_number");
        let taken = session.post("/v1/businesses").json(&company("9990000016"));
        shop.tell(taken).await.refuses(409, "business_number_taken");
        apply(shop, &session, "9990000020").await;
        let rejected = until_verdict(shop, &session, "closed").await;
        assert_eq!(rejected["state"], "rejected");
        let person = shop.sign_up("unverified").await;
        let session = shop.sign_in(&person.email, PASSWORD).await;
        let told = shop.tell(session.post("/v1/businesses").json(&company("9990000087"))).await;
        told.refuses(403, "email_not_verified");
    }

    async fn operators_do_not_decide_about_what_is_not_there(shop) {
        let operator: SignedIn = shop.of_demo("operator").await;
        let nothing = "/v1/admin/businesses/01jdz8m7q3k5v2x9c4b6n0r1ta";
        shop.tell(operator.get(nothing)).await.refuses(404, "business_unknown");
        shop.tell(operator.get("/v1/admin/businesses/none")).await.refuses(404, "not_found");
        let told = shop.tell(operator.get("/v1/admin/businesses?state=new")).await;
        told.refuses(422, "invalid_request");
        let told = shop.tell(operator.get("/v1/admin/businesses?stat=pending")).await;
        assert!(told.refuses(422, "invalid_request").text().contains("did you mean `state`"));
    }
}
