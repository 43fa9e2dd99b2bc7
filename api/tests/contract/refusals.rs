//! Every refusal code of the program, each met from outside or listed with the reason why not.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Told, ask, get, post},
    process::{CONFIG, Server, shared},
    wall::{Wall, offer},
};

/// Codes no request can bring about at will, each with what would have to happen.
const OUT_OF_REACH: [(&str, &str); 12] = [
    ("sale_archived", "the shared server archives nothing; it is met in operators.rs"),
    ("invite_used", "met in invites.rs, where there are invitations"),
    ("identity_expired", "the shared server knows no shop; it is met in accounts.rs"),
    ("identity_revoked", "the shared server knows no shop; it is met in accounts.rs"),
    ("identity_unavailable", "the shared server knows no shop; it is met in accounts.rs"),
    ("overloaded", "16,384 commands would have to wait for one thread at once"),
    ("backend_stalled", "the outbox would have to fill up to its bound"),
    ("arbiter_unavailable", "only an arbiter on the network can be unavailable"),
    ("storage_full", "the disk would have to be full; the engine's suite fills one"),
    ("shutting_down", "the journal would have to stop under a waiting request"),
    ("deadline_exceeded", "a sync would have to take longer than the request may"),
    ("internal", "a fault of ours"),
];

/// The codes of `error.rs`, each with its status.
fn codes() -> BTreeMap<&'static str, u16> {
    let source = include_str!("../../src/error.rs");
    let lines = source.lines().filter(|l| l.contains("facts(S::") || l.contains("later(S::"));
    let row = |line: &'static str| {
        let status = line.split("(S::").nth(1)?.split(',').next()?;
        Some((line.split('"').nth(1)?, status_of(status)))
    };
    lines.filter_map(row).collect()
}

fn status_of(name: &str) -> u16 {
    match name {
        "BAD_REQUEST" => 400,
        "UNAUTHORIZED" => 401,
        "FORBIDDEN" => 403,
        "NOT_FOUND" => 404,
        "METHOD_NOT_ALLOWED" => 405,
        "REQUEST_TIMEOUT" => 408,
        "CONFLICT" => 409,
        "GONE" => 410,
        "PRECONDITION_FAILED" => 412,
        "PAYLOAD_TOO_LARGE" => 413,
        "URI_TOO_LONG" => 414,
        "UNPROCESSABLE_ENTITY" => 422,
        "TOO_MANY_REQUESTS" => 429,
        "REQUEST_HEADER_FIELDS_TOO_LARGE" => 431,
        "INTERNAL_SERVER_ERROR" => 500,
        _ => 503,
    }
}

async fn about_tickets_and_passes() -> Vec<Told> {
    let wall = Wall::new(json!({ "session_seconds": 1, "per_shopper_max": 1 })).await;
    let shopper = wall.admitted().await;
    let limit = wall.buy(&shopper.pass, 2, "two").await;
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let pass_expired = wall.buy(&shopper.pass, 1, "late").await;
    let expired = wall.position(&shopper.ticket).await;
    wall.act("pause", Value::Null).await;
    let ticket = wall.waiting().await;
    wall.tell(post(wall.path("leave")).bearer(&ticket)).await.is(204);
    vec![
        limit,
        pass_expired,
        expired,
        wall.position(&ticket).await,
        wall.position("x").await,
        wall.buy("x", 1, "k").await,
    ]
}

async fn about_purchases() -> Vec<Told> {
    let wall = Wall::new(json!({ "offers": [{ "sku": "sneaker-42", "total": 1, "price": 1,
        "currency": "KRW" }] }))
    .await;
    let (shopper, id) = wall.held().await;
    let other = wall.admitted().await;
    let sold_out = wall.buy(&other.pass, 1, "k").await;
    let mismatch = wall.buy(&shopper.pass, 2, "first").await;
    let items = json!({ "items": [{ "sku": "sneaker-42", "quantity": 1 }] });
    let purchase = || post(wall.path("purchase")).bearer(&shopper.pass);
    let no_key = wall.tell(purchase().json(&items)).await;
    let invalid = wall.buy(&shopper.pass, 0, "zero").await;
    let large = wall.tell(purchase().key("k").body(vec![b' '; 16 * 1_024 + 1])).await;
    let wrong_state = wall.step(&id, "refund").await;
    wall.act("close", Value::Null).await;
    let closed = wall.enter().await;
    vec![sold_out, mismatch, no_key, invalid, large, wrong_state, closed]
}

async fn about_authority_and_paths() -> Vec<Told> {
    let wall = Wall::new(json!({ "identity": "header" })).await;
    let table = json!({ "id": wall.name(), "offers": [offer(1)] });
    vec![
        wall.operator(post("/v1/admin/sales").json(&table)).await,
        wall.operator(post(wall.admin("pause")).header("if-match", "\"1-9\"")).await,
        wall.enter().await,
        wall.tell(get("/v1/admin/sales")).await,
        wall.backend(get("/v1/admin/sales")).await,
        wall.tell(get("/v1/sales/nowhere")).await,
        wall.tell(ask("PUT", "/v1/sales")).await,
    ]
}

/// Buys and gives up in turn: one shopper may do so sixteen times, and others go on buying.
async fn about_wearing_out() -> Vec<Told> {
    let wall = Wall::new(json!({ "per_shopper_max": 1 })).await;
    let shopper = wall.admitted().await;
    for round in 0..16 {
        let bought = wall.buy(&shopper.pass, 1, &format!("round-{round}")).await;
        let bought = bought.is(201).json();
        let id = bought["purchase"].as_str().unwrap();
        let release = post(wall.path(&format!("purchases/{id}/release")));
        wall.tell(release.bearer(&shopper.pass)).await.is(200);
    }
    let refused = wall.buy(&shopper.pass, 1, "once-more").await;
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds >= 3_600, "the bound lasts as long as the sale: {seconds}");
    let other = wall.admitted().await;
    wall.buy(&other.pass, 1, "first").await.is(201);
    vec![refused]
}

/// Requests no well-behaved client can send: without a host, or with too much of something.
async fn about_framing() -> Vec<(String, u16)> {
    let mut met = Vec::new();
    // No longer than is read of it, so that nothing is unread when the connection closes.
    let line = "x".repeat(16 * 1_024 - 5);
    let headers = "X: y\r\n".repeat(101);
    for request in [
        "GET /v1/sales HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        format!("GET /{line}"),
        format!("GET /v1/sales HTTP/1.1\r\nHost: a\r\n{headers}\r\n"),
    ] {
        let told = shared().client.raw(request.as_bytes()).await;
        let status = told.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
        let code = told.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
        met.push((code.unwrap_or_default().to_owned(), status));
    }
    met
}

#[tokio::test]
async fn every_code_within_reach_is_met_with_its_status() {
    let (tokens, purchases, paths, wearing_out) = tokio::join!(
        about_tickets_and_passes(),
        about_purchases(),
        about_authority_and_paths(),
        about_wearing_out()
    );
    let mut met: BTreeMap<String, u16> = BTreeMap::new();
    for told in tokens.into_iter().chain(purchases).chain(paths).chain(wearing_out) {
        let (status, code) = (told.status, told.code());
        met.insert(code.clone(), told.refuses(status, &code).status);
    }
    met.extend(about_framing().await);
    let out_of_reach: BTreeMap<_, _> = OUT_OF_REACH.into_iter().collect();
    let by_hand = ["bad_body", "request_timeout"];
    for (code, status) in codes() {
        match met.get(code) {
            Some(found) => assert_eq!(*found, status, "{code}"),
            None => assert!(
                out_of_reach.contains_key(code) || by_hand.contains(&code),
                "{code} is neither met here nor out of reach"
            ),
        }
    }
    for (code, why) in out_of_reach {
        assert!(!met.contains_key(code), "{code} was met although {why}");
        assert!(codes().contains_key(code), "{code} is no code any more");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_never_comes_is_refused() {
    let wall = Wall::new(json!({})).await;
    let head = |length: usize| {
        let path = wall.path("enter");
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
    };
    // Ten seconds is what a body may take; the rest of the suite runs meanwhile.
    let late = wall.server.client.raw(head(5).as_bytes()).await;
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
    assert!(late.contains("\"code\":\"request_timeout\"") && late.contains("retry-after: "));
    let broken = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        wall.path("enter")
    );
    let told = wall.server.client.raw(broken.as_bytes()).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 400 "), "{told}");
    assert_eq!(wall.stats().await["entered"], 0);
}

#[tokio::test]
async fn the_type_of_a_problem_is_absolute_where_the_site_is_named() {
    let dir = TempDir::new().unwrap();
    let named = CONFIG.replace("[server]", "[server]\npublic_origin = \"https://shop.example\"");
    for (config, site) in [(CONFIG.to_owned(), ""), (named, "https://shop.example")] {
        let server = Server::start(dir.path(), &config);
        let expected = |code: &str| format!("{site}/docs#error-{code}");
        let refused = server.client.tell(get("/v1/sales/none")).await.is(404).json();
        assert_eq!(refused["type"], expected("not_found"));
        let unread = server.client.raw(b"nonsense\r\n\r\n").await;
        let named = format!("\"type\":\"{}\"", expected("bad_request"));
        assert!(unread.contains(&named), "{unread}");
    }
}
