//! What the service says of itself: keys, description, reference, health, metrics.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use flate2::read::GzDecoder;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::{
    client::{ask, get, post},
    openapi,
    process::shared,
    wall::{Wall, eventually},
};

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

#[tokio::test]
async fn a_pass_verifies_with_the_published_key_alone() {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    let told = wall.tell(get("/.well-known/jwks.json")).await.is(200);
    assert_eq!(told.header("content-type"), Some("application/json"));
    let set = told.json();
    let parts: Vec<&str> = shopper.pass.split('.').collect();
    let [header, claims, signature] = parts[..] else { unreachable!("a JWS has three parts") };
    let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("JWT")));
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let key: [u8; 32] = decoded(key["x"].as_str().unwrap()).try_into().unwrap();
    let signed = shopper.pass.rsplit_once('.').unwrap().0.as_bytes();
    let signature = Signature::from_slice(&decoded(signature)).unwrap();
    VerifyingKey::from_bytes(&key).unwrap().verify_strict(signed, &signature).unwrap();

    let claims: Value = serde_json::from_slice(&decoded(claims)).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("rushgate"), &json!(wall.name())));
    assert_eq!((&claims["num"], &claims["jti"]), (&json!(shopper.number), &json!("s-1-1")));
    let held = wall.buy(&shopper.pass, 1, "k").await.is(201).json();
    assert_eq!(claims["sub"], held["shopper"]);
    let [nbf, iat, exp] = ["nbf", "iat", "exp"].map(|claim| claims[claim].as_u64().unwrap());
    assert!((600..=601).contains(&(exp - iat)), "{claims}");
    assert_eq!(iat - nbf, 30, "a backend whose clock is a little behind takes it");
}

#[tokio::test]
async fn what_never_changes_is_compressed_for_who_takes_it() {
    let server = shared();
    for path in ["/openapi.json", "/docs"] {
        let plain = server.client.tell(get(path)).await.is(200);
        assert_eq!(
            (plain.header("content-encoding"), plain.header("vary")),
            (None, Some("Accept-Encoding"))
        );
        let gzip = || get(path).header("accept-encoding", "br, gzip");
        let told = server.client.open(&gzip()).await;
        let (tag, encoding) =
            (told.headers()["etag"].clone(), told.headers()["content-encoding"].clone());
        assert_eq!(encoding, "gzip");
        assert_ne!(plain.header("etag"), tag.to_str().ok(), "each form has its own");
        let body = told.into_body().collect().await.unwrap().to_bytes();
        assert!(body.len() * 4 < plain.body.len(), "{} of {}", body.len(), plain.body.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(&*body).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        let known = gzip().header("if-none-match", tag.to_str().unwrap());
        server.client.tell(known).await.is(304);
    }
}

#[tokio::test]
async fn the_description_and_the_reference_are_served() {
    let server = shared();
    let told = server.client.tell(get("/openapi.json")).await.is(200);
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(told.text(), openapi::DOCUMENT);
    let docs = server.client.tell(get("/docs")).await.is(200);
    assert_eq!(docs.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(docs.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let page = docs.text();
    for code in ["sold_out", "ticket_expired", "wrong_state"] {
        assert!(page.contains(&format!("id=\"error-{code}\"")), "problems link to #error-{code}");
    }
}

#[tokio::test]
async fn operations_answer_on_their_own_listener_only() {
    let server = shared();
    for path in ["/metrics", "/healthz", "/readyz"] {
        server.client.tell(get(path)).await.refuses(404, "not_found");
        let told = server.ops.tell(get(path)).await.is(200);
        assert_eq!(told.header("cache-control"), Some("no-store"), "{path}");
        server.ops.tell(post(path)).await.refuses(405, "method_not_allowed");
    }
    assert_eq!(server.ops.tell(get("/healthz")).await.json(), json!({ "status": "alive" }));
    assert_eq!(server.ops.tell(get("/readyz")).await.json(), json!({ "status": "ready" }));
    let exposition = server.ops.tell(get("/metrics")).await;
    assert!(exposition.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    for path in ["/", "/v1/sales", "/openapi.json", "/v1/admin/sales"] {
        server.ops.tell(get(path)).await.refuses(404, "not_found");
    }
}

#[tokio::test]
async fn methods_are_told_and_unknown_ones_refused() {
    let server = shared();
    let told = server.client.tell(ask("OPTIONS", "/v1/admin/sales")).await.is(204);
    assert_eq!(told.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
    for (method, path) in [("DELETE", "/v1/sales"), ("BREW", "/v1/sales/x/enter"), ("PUT", "/")] {
        let told = server.client.tell(ask(method, path)).await.refuses(405, "method_not_allowed");
        assert!(told.header("allow").is_some_and(|allow| allow.contains("OPTIONS")));
    }
}

#[tokio::test]
async fn a_wait_that_was_estimated_is_compared_with_the_one_it_was() {
    let wall = Wall::new(json!({ "admission_per_second": 8 })).await;
    // One number in sixteen is followed.
    let mut estimated = Value::Null;
    for _ in 0..32 {
        estimated = wall.enter().await.json();
    }
    assert_eq!((&estimated["number"], &estimated["state"]), (&json!(32), &json!("waiting")));
    assert!(estimated["eta_seconds"]["min"].is_u64(), "{estimated}");
    let ticket = estimated["ticket"].as_str().unwrap();
    eventually(|| async {
        (wall.position(ticket).await.is(200).json()["state"] == "admitted").then_some(())
    })
    .await;
    eventually(|| async {
        let metrics = wall.server.ops.tell(get("/metrics")).await.text();
        let count =
            metrics.lines().find(|line| line.starts_with("rushgate_eta_error_seconds_count"));
        count.filter(|line| !line.ends_with(" 0")).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn metrics_have_their_names_and_labels_and_count_right() {
    let wall = Wall::new(json!({ "per_shopper_max": 1 })).await;
    let (shopper, id) = wall.held().await;
    wall.buy(&shopper.pass, 1, "first").await.is(201);
    wall.buy(&shopper.pass, 1, "more").await.refuses(409, "limit_exceeded");
    wall.step(&id, "confirm").await.is(200);
    wall.act("pause", Value::Null).await;
    let ticket = wall.waiting().await;
    wall.waiting().await;
    wall.position(&ticket).await.is(200);
    wall.tell(post(wall.path("leave")).bearer(&ticket)).await.is(204);
    let sale = wall.name();
    let metrics = eventually(|| async {
        let text = wall.server.ops.tell(get("/metrics")).await.text();
        let left = format!("rushgate_departed_total{{sale=\"{sale}\",reason=\"left\"}} 1");
        text.contains(&left).then_some(text)
    })
    .await;
    for line in [
        format!("rushgate_enter_total{{sale=\"{sale}\",outcome=\"admitted\"}} 1"),
        format!("rushgate_enter_total{{sale=\"{sale}\",outcome=\"waiting\"}} 2"),
        format!("rushgate_position_total{{sale=\"{sale}\"}} 1"),
        format!("rushgate_admitted_total{{sale=\"{sale}\"}} 1"),
        format!("rushgate_purchase_total{{sale=\"{sale}\",outcome=\"held\"}} 1"),
        format!("rushgate_purchase_total{{sale=\"{sale}\",outcome=\"replayed\"}} 1"),
        format!("rushgate_purchase_total{{sale=\"{sale}\",outcome=\"limit_exceeded\"}} 1"),
        format!("rushgate_line_length{{sale=\"{sale}\"}} 1"),
        format!("rushgate_active_sessions{{sale=\"{sale}\"}} 0"),
        format!("rushgate_stock_units{{sale=\"{sale}\",sku=\"sneaker-42\",state=\"available\"}} 9"),
        format!("rushgate_stock_units{{sale=\"{sale}\",sku=\"sneaker-42\",state=\"sold\"}} 1"),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    for name in [
        "rushgate_http_request_seconds_count{route=\"/v1/sales/{sale}/position\",status=\"200\"}",
        "rushgate_journal_sync_seconds_count",
        "rushgate_journal_batch_records_count",
        "rushgate_ring_depth ",
        "rushgate_outbox_lag ",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    assert!(!metrics.contains(&shopper.ticket) && !metrics.contains("p1-1\""));
}
