//! Every route of the shop by everybody: who gets in, and who does not.
//!
//! Each call has a body with a field that no call knows, or none, so whoever gets in is refused for that,
//! and nothing changes. A route without a row here fails.

use std::collections::BTreeMap;

use serde_json::json;

use super::{PASSWORD, Shop, SignedIn, eventually, on_both};
use crate::client::{Told, ask, get};

/// Who gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    /// Whoever asks.
    Anyone,
    /// Whoever is signed in.
    Members,
    /// Businesses, those that wait for their approval or are suspended too.
    Businesses,
    /// Businesses that may sell.
    Sellers,
    /// Operators.
    Operators,
}

const TABLE: &[(&str, In)] = &[
    ("POST /v1/accounts", In::Anyone),
    ("POST /v1/accounts/verify", In::Members),
    ("POST /v1/accounts/verify/resend", In::Anyone),
    ("POST /v1/password-resets", In::Anyone),
    ("POST /v1/password-resets/complete", In::Anyone),
    ("POST /v1/sessions", In::Anyone),
    ("POST /v1/sessions/refresh", In::Anyone),
    ("DELETE /v1/sessions/current", In::Members),
    ("GET /v1/me/sessions", In::Members),
    ("DELETE /v1/me/sessions/{session}", In::Members),
    ("GET /v1/keys", In::Anyone),
    ("GET /v1/me", In::Members),
    ("PATCH /v1/me", In::Members),
    ("DELETE /v1/me", In::Members),
    ("GET /v1/me/export", In::Members),
    ("PUT /v1/me/password", In::Members),
    ("POST /v1/me/devices", In::Members),
    ("GET /v1/me/links", In::Members),
    ("DELETE /v1/me/links/{link}", In::Members),
    ("GET /v1/me/addresses", In::Members),
    ("POST /v1/me/addresses", In::Members),
    ("PUT /v1/me/addresses/{address}", In::Members),
    ("DELETE /v1/me/addresses/{address}", In::Members),
    ("POST /v1/me/addresses/{address}/default", In::Members),
    ("GET /v1/oidc/{provider}/start", In::Anyone),
    ("GET /v1/oidc/{provider}/callback", In::Anyone),
    ("POST /v1/businesses", In::Members),
    ("GET /v1/me/business", In::Members),
    ("PUT /v1/me/business", In::Members),
    ("GET /v1/admin/businesses", In::Operators),
    ("GET /v1/admin/businesses/{business}", In::Operators),
    ("POST /v1/admin/businesses/{business}/approve", In::Operators),
    ("POST /v1/admin/businesses/{business}/reject", In::Operators),
    ("POST /v1/admin/businesses/{business}/suspend", In::Operators),
    ("POST /v1/admin/businesses/{business}/reinstate", In::Operators),
    ("POST /v1/admin/businesses/{business}/check", In::Operators),
    ("GET /v1/deals", In::Anyone),
    ("GET /v1/deals/{deal}", In::Anyone),
    ("GET /v1/slots", In::Anyone),
    ("PUT /v1/deals/{deal}/like", In::Members),
    ("DELETE /v1/deals/{deal}/like", In::Members),
    ("GET /v1/me/likes", In::Members),
    ("POST /v1/deals", In::Sellers),
    ("PATCH /v1/deals/{deal}", In::Sellers),
    ("DELETE /v1/deals/{deal}", In::Sellers),
    ("POST /v1/deals/{deal}/publish", In::Sellers),
    ("POST /v1/deals/{deal}/pause", In::Sellers),
    ("POST /v1/deals/{deal}/resume", In::Sellers),
    ("POST /v1/deals/{deal}/close", In::Sellers),
    ("POST /v1/deals/{deal}/cancel", In::Sellers),
    ("GET /v1/me/business/deals", In::Businesses),
    ("GET /v1/me/business/sales", In::Businesses),
    ("GET /v1/me/business/rent", In::Businesses),
    ("GET /v1/orders", In::Members),
    ("POST /v1/orders", In::Members),
    ("GET /v1/orders/{order}", In::Members),
    ("POST /v1/orders/{order}/payments", In::Members),
    ("POST /v1/orders/{order}/cancel", In::Members),
    ("GET /v1/orders/{order}/refunds", In::Members),
    ("POST /v1/orders/{order}/refunds", In::Members),
    ("GET /v1/orders/{order}/returns", In::Members),
    ("POST /v1/orders/{order}/returns", In::Members),
    ("GET /v1/payments/{payment}/return", In::Anyone),
    ("GET /v1/payments/{payment}/cancel", In::Anyone),
    ("GET /v1/payments/{payment}/fail", In::Anyone),
    ("POST /v1/media", In::Members),
    ("GET /v1/media/{media}", In::Members),
    ("POST /v1/media/{media}/complete", In::Members),
    ("GET /media/{*key}", In::Anyone),
    ("PUT /media/{*key}", In::Anyone),
    ("GET /v1/me/alerts", In::Members),
    ("PUT /v1/me/alerts", In::Members),
    ("GET /v1/me/notifications", In::Members),
    ("POST /v1/me/notifications/read", In::Members),
    ("GET /v1/me/channels", In::Members),
    ("PUT /v1/me/channels/{topic}", In::Members),
    ("GET /v1/me/devices", In::Members),
    ("DELETE /v1/me/devices/{device}", In::Members),
    ("GET /shop/inbox", In::Members),
    ("GET /shop/inbox/{notice}", In::Members),
    ("POST /shop/inbox/read-all", In::Members),
    ("GET /shop/me/alerts", In::Members),
    ("POST /shop/me/alerts", In::Members),
    ("GET /v1/me/business/orders", In::Sellers),
    ("GET /v1/me/business/orders/{order}", In::Sellers),
    ("POST /v1/me/business/orders/{order}/prepare", In::Sellers),
    ("POST /v1/me/business/orders/{order}/ship", In::Sellers),
    ("POST /v1/me/business/orders/{order}/deliver", In::Sellers),
    ("POST /v1/me/business/orders/{order}/returns/{return}/accept", In::Sellers),
    ("POST /v1/me/business/orders/{order}/returns/{return}/refuse", In::Sellers),
    ("GET /v1/admin/deals", In::Operators),
    ("POST /v1/admin/deals/{deal}/pause", In::Operators),
    ("POST /v1/admin/deals/{deal}/resume", In::Operators),
    ("POST /v1/admin/deals/{deal}/close", In::Operators),
    ("POST /v1/admin/deals/{deal}/cancel", In::Operators),
    ("GET /v1/admin/orders", In::Operators),
    ("GET /v1/admin/orders/{order}", In::Operators),
    ("POST /v1/admin/orders/{order}/refunds", In::Operators),
    ("GET /v1/admin/doubts", In::Operators),
    ("POST /v1/admin/payments/{payment}/resolve", In::Operators),
    ("POST /v1/admin/payments/{payment}/look-up", In::Operators),
    ("POST /v1/admin/payments/{payment}/decide", In::Operators),
    ("GET /v1/admin/returns", In::Operators),
    ("POST /v1/admin/returns/{return}/accept", In::Operators),
    ("POST /v1/admin/returns/{return}/refuse", In::Operators),
    ("GET /v1/admin/dead-tasks", In::Operators),
    ("POST /v1/admin/dead-tasks/revive", In::Operators),
    ("POST /v1/admin/dead-tasks/dismiss", In::Operators),
    ("GET /v1/admin/audit", In::Operators),
    ("GET /v1/admin/businesses/{business}/invoices", In::Operators),
    ("POST /v1/admin/invoices/{invoice}/settle", In::Operators),
    ("GET /shop", In::Anyone),
    ("GET /shop/deals", In::Anyone),
    ("GET /shop/deals/{deal}", In::Anyone),
    ("POST /shop/deals/{deal}/like", In::Members),
    ("GET /shop/likes", In::Members),
    ("GET /shop/terms", In::Anyone),
    ("GET /shop/privacy", In::Anyone),
    ("GET /shop/sign-in", In::Anyone),
    ("POST /shop/sign-in", In::Anyone),
    ("GET /shop/sign-in/{provider}", In::Anyone),
    ("GET /shop/sign-up", In::Anyone),
    ("POST /shop/sign-up", In::Anyone),
    ("POST /shop/sign-out", In::Anyone),
    ("GET /shop/verify", In::Members),
    ("POST /shop/verify", In::Members),
    ("POST /shop/verify/again", In::Members),
    ("GET /shop/reset", In::Anyone),
    ("POST /shop/reset", In::Anyone),
    ("GET /shop/reset/set", In::Anyone),
    ("POST /shop/reset/set", In::Anyone),
    ("GET /shop/me", In::Members),
    ("GET /shop/me/profile", In::Members),
    ("POST /shop/me/profile", In::Members),
    ("POST /shop/me/profile/email", In::Members),
    ("POST /shop/me/profile/password", In::Members),
    ("POST /shop/me/profile/links", In::Members),
    ("POST /shop/me/profile/links/{link}/remove", In::Members),
    ("POST /shop/me/profile/sessions/{session}/end", In::Members),
    ("GET /shop/me/addresses", In::Members),
    ("GET /shop/me/addresses/new", In::Members),
    ("POST /shop/me/addresses/new", In::Members),
    ("GET /shop/me/addresses/{address}", In::Members),
    ("POST /shop/me/addresses/{address}", In::Members),
    ("POST /shop/me/addresses/{address}/default", In::Members),
    ("POST /shop/me/addresses/{address}/remove", In::Members),
    ("GET /shop/me/withdraw", In::Members),
    ("POST /shop/me/withdraw", In::Members),
    ("GET /shop/checkout/{deal}/{purchase}", In::Members),
    ("POST /shop/checkout/{deal}/{purchase}", In::Members),
    ("POST /shop/checkout/{deal}/{purchase}/cancel", In::Members),
    ("GET /shop/orders", In::Members),
    ("GET /shop/orders/{order}", In::Members),
    ("GET /shop/orders/{order}/pay", In::Members),
    ("POST /shop/orders/{order}/pay", In::Members),
    ("GET /shop/orders/{order}/go", In::Members),
    ("GET /shop/orders/{order}/result", In::Members),
    ("POST /shop/orders/{order}/cancel", In::Members),
    ("POST /shop/orders/{order}/refund", In::Members),
    ("POST /shop/orders/{order}/return", In::Members),
    ("POST /shop/orders/{order}/received", In::Members),
    ("GET /shop/business", In::Members),
    ("GET /shop/business/deals", In::Businesses),
    ("GET /shop/business/deals/new", In::Sellers),
    ("POST /shop/business/deals/new", In::Sellers),
    ("GET /shop/business/deals/{deal}", In::Sellers),
    ("POST /shop/business/deals/{deal}", In::Sellers),
    ("GET /shop/business/deals/{deal}/watch", In::Businesses),
    ("POST /shop/business/deals/{deal}/withdraw", In::Sellers),
    ("POST /shop/business/deals/{deal}/pause", In::Sellers),
    ("POST /shop/business/deals/{deal}/resume", In::Sellers),
    ("POST /shop/business/deals/{deal}/close", In::Sellers),
    ("POST /shop/business/deals/{deal}/cancel", In::Sellers),
    ("GET /shop/business/sales", In::Businesses),
    ("GET /shop/business/sales.csv", In::Businesses),
    ("GET /shop/business/invoices", In::Businesses),
    ("GET /shop/business/apply", In::Members),
    ("POST /shop/business/apply", In::Members),
    ("GET /shop/business/company", In::Members),
    ("POST /shop/business/company", In::Members),
    ("GET /shop/desk", In::Operators),
    ("GET /shop/desk/businesses", In::Operators),
    ("POST /shop/desk/businesses/{business}/approve", In::Operators),
    ("POST /shop/desk/businesses/{business}/reject", In::Operators),
    ("POST /shop/desk/businesses/{business}/suspend", In::Operators),
    ("POST /shop/desk/businesses/{business}/reinstate", In::Operators),
];

/// Everybody, by name; nobody has no session.
async fn everybody(shop: Shop) -> Vec<(&'static str, Option<SignedIn>)> {
    let (_, shopper) = shop.verified("shopper").await;
    let (_, other) = shop.verified("other").await;
    let (person, first) = shop.verified("pending").await;
    let company = json!({
        "company_name": "Waiting", "business_number": "9990000054", "ceo_name": "Kim",
        "ceo_email": "a@b.example", "ceo_phone": "02-123-4567",
    });
    shop.tell(first.post("/v1/businesses").json(&company)).await.is(201);
    let pending = json!({ "email": person.email, "password": PASSWORD, "role": "business" });
    let pending = shop.tell(crate::client::post("/v1/sessions").json(&pending)).await.is(200);
    let pending = SignedIn::of(&pending.json());
    let operator = shop.of_demo("operator").await;
    let other_business = approved(shop, &operator, "9990000068").await.1;
    let (business, suspended) = approved(shop, &operator, "9990000184").await;
    let suspend = operator.post(&format!("/v1/admin/businesses/{business}/suspend"));
    shop.tell(suspend.json(&json!({ "reason": "complaints" }))).await.is(200);
    vec![
        ("nobody", None),
        ("shopper", Some(shopper)),
        ("other shopper", Some(other)),
        ("pending business", Some(pending)),
        ("business", Some(shop.of_demo("business").await)),
        ("other business", Some(other_business)),
        ("suspended business", Some(suspended)),
        ("operator", Some(operator)),
    ]
}

/// A business that was approved, by its id, and its session.
async fn approved(shop: Shop, operator: &SignedIn, number: &str) -> (String, SignedIn) {
    let (person, first) = shop.verified("business").await;
    let company = json!({
        "company_name": "Another", "business_number": number, "ceo_name": "Lee",
        "ceo_email": "a@b.example", "ceo_phone": "02-123-4567",
    });
    let made = shop.tell(first.post("/v1/businesses").json(&company)).await.is(201).json();
    let business = made["business"].as_str().unwrap().to_owned();
    let approve = format!("/v1/admin/businesses/{business}/approve");
    eventually(async || {
        let told = shop.tell(operator.post(&approve)).await;
        (told.status == 200).then_some(())
    })
    .await;
    (business, shop.sign_in(&person.email, PASSWORD).await)
}

/// Whether somebody got in, as the answer shows.
fn got_in(told: &Told) -> bool {
    let refused = [
        "unauthorized",
        "operator_session_needed",
        "business_session_needed",
        "business_not_approved",
    ];
    !(matches!(told.status, 401 | 403) && refused.contains(&told.code().as_str()))
}

on_both! {
    async fn every_route_lets_in_whom_its_row_names_and_nobody_else(shop) {
        let known: BTreeMap<&str, In> = TABLE.iter().copied().collect();
        let rows = commerce::table();
        assert_eq!(rows.len(), known.len(), "every route has one row here");
        let everybody = everybody(shop).await;
        for row in rows {
            let name = format!("{} {}", row.method, row.path);
            let allowed = *known.get(name.as_str()).unwrap_or_else(|| unreachable!("{name} has no row"));
            let path = row.path.replace("{provider}", "kakao");
            let path = path.replace(['{', '}'], "");
            for (who, session) in &everybody {
                let mut asked = ask(row.method.as_str(), path.clone());
                if row.method != "GET" {
                    asked = asked.json(&json!({ "a stray field": 1 }));
                }
                let is_form = row.method != "GET" && row.path.starts_with("/shop");
                if is_form && (session.is_some() || allowed == In::Anyone) {
                    // The target of a form: whoever gets in is refused as no page of ours posts this.
                    asked = asked.header("sec-fetch-site", "cross-site");
                }
                if let Some(session) = session {
                    asked = asked.bearer(&session.access);
                }
                let told = shop.tell(asked).await;
                let expected = match allowed {
                    In::Anyone => true,
                    In::Members => session.is_some(),
                    In::Businesses => who.ends_with("business"),
                    In::Sellers => matches!(*who, "business" | "other business"),
                    In::Operators => *who == "operator",
                };
                assert_eq!(got_in(&told), expected, "{who}: {name}: {} {}", told.status, told.text());
                assert!(told.status < 500, "{who}: {name}: {}", told.text());
                assert!(
                    !got_in(&told) || row.method == "GET" || told.status == 422
                        || (told.status, told.code().as_str()) == (403, "foreign_form")
                        // No file has such a name.
                        || (row.path.starts_with("/media") && told.status == 404),
                    "{who}: {name} did something: {} {}", told.status, told.text()
                );
            }
        }
    }

    async fn defect_2_what_is_anothers_is_not_there(shop) {
        let (_, owner) = shop.verified("owner").await;
        let (_, other) = shop.verified("other").await;
        let body = json!({
            "receiver": "Kim", "phone": "010-1234-5678", "zip": "06236", "road": "Teheran-ro 152",
        });
        let made = shop.tell(owner.post("/v1/me/addresses").json(&body)).await.is(201).json();
        let one = format!("/v1/me/addresses/{}", made["address"].as_str().unwrap());
        for asked in [
            other.ask("PUT", &one).json(&body),
            other.ask("DELETE", &one),
            other.post(&format!("{one}/default")),
        ] {
            shop.tell(asked).await.refuses(404, "address_unknown");
        }
        let all = shop.tell(owner.get("/v1/me/sessions")).await.is(200).json();
        let session = all["items"][0]["session"].as_str().unwrap();
        let end = other.ask("DELETE", &format!("/v1/me/sessions/{session}"));
        shop.tell(end).await.refuses(404, "session_unknown");
        shop.tell(owner.get("/v1/me")).await.is(200);
    }

    async fn a_token_that_is_none_of_ours_lets_nobody_in(shop) {
        let (_, session) = shop.verified("token").await;
        let mut altered = session.access.clone();
        let last = if altered.pop() == Some('A') { 'B' } else { 'A' };
        altered.push(last);
        let (head, _) = session.access.split_once('.').unwrap();
        for token in ["", "a.b.c", &altered, head, &session.refresh] {
            let told = shop.tell(get("/v1/me").bearer(token)).await;
            assert_eq!(told.status, 401, "{token}: {}", told.text());
        }
        let twice = session.get("/v1/me").bearer(&session.access);
        shop.tell(twice).await.refuses(401, "unauthorized");
    }
}
