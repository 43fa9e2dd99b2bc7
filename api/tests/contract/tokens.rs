//! Tokens over HTTP: changed, cut, of the wrong kind, for another sale, over by a second.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    client::{get, post},
    wall::{Shopper, Wall, text},
};

async fn someone() -> (Wall<'static>, Shopper) {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    (wall, shopper)
}

/// `token` with one byte changed, at every `step`th place.
fn changed(token: &str, step: usize) -> impl Iterator<Item = String> {
    (0..token.len()).step_by(step).map(|at| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    })
}

#[tokio::test]
async fn a_ticket_with_any_byte_changed_or_cut_is_no_ticket() {
    let (wall, shopper) = someone().await;
    for forged in changed(&shopper.ticket, 1) {
        wall.position(&forged).await.refuses(401, "ticket_invalid");
    }
    let ticket = &shopper.ticket;
    for cut in ["", &ticket[..1], &ticket[1..], &ticket[..83], &format!("{ticket}A")] {
        let authorization = format!("Bearer {cut}");
        let ask = get(wall.path("position")).header("authorization", authorization.trim_end());
        wall.tell(ask).await.refuses(401, "ticket_invalid");
    }
    wall.position(ticket).await.is(200);
}

#[tokio::test]
async fn a_pass_with_any_byte_changed_or_cut_is_no_pass() {
    let (wall, shopper) = someone().await;
    let pass = &shopper.pass;
    let mut forged: Vec<String> = changed(pass, 5).collect();
    forged.extend([1, pass.len() / 2, pass.len() - 1].map(|at| pass[..at].to_owned()));
    forged.push(format!("{pass}A"));
    forged.push(format!("{pass}."));
    forged.push(format!("{pass}=="));
    for forged in forged.iter().filter(|forged| *forged != pass) {
        wall.buy(forged, 1, "k").await.refuses(401, "pass_invalid");
    }
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
    wall.buy(pass, 1, "k").await.is(201);
}

#[tokio::test]
async fn a_pass_says_what_we_said_and_with_our_algorithm_alone() {
    let (wall, shopper) = someone().await;
    let parts: Vec<&str> = shopper.pass.split('.').collect();
    let [header, claims, signature] = parts[..] else { unreachable!("a JWS has three parts") };
    let json_of = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut forged = vec![format!("{header}.{claims}."), format!("{header}.{claims}")];
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("kid", json!("other")),
        ("jwk", json!({ "kty": "OKP" })),
        ("jku", json!("https://evil.example/jwks.json")),
    ] {
        let mut header = json_of(header);
        header[name] = value;
        forged.push(format!("{}.{claims}.{signature}", part(&header)));
        forged.push(format!("{}.{claims}.", part(&header)));
    }
    for (name, value) in [
        ("exp", json!(4_000_000_000_u64)),
        ("num", json!(2)),
        ("aud", json!("other")),
        ("sub", json!("0".repeat(32))),
    ] {
        let mut claims = json_of(claims);
        claims[name] = value;
        forged.push(format!("{header}.{}.{signature}", part(&claims)));
    }
    for forged in &forged {
        wall.buy(forged, 1, "k").await.refuses(401, "pass_invalid");
    }
}

#[tokio::test]
async fn tokens_never_stand_in_for_each_other() {
    let (wall, shopper) = someone().await;
    let server = wall.server;
    for token in [&shopper.pass, &server.operator, &server.backend] {
        wall.position(token).await.refuses(401, "ticket_invalid");
    }
    for token in [&shopper.ticket, &server.operator, &server.backend] {
        wall.buy(token, 1, "k").await.refuses(401, "pass_invalid");
    }
    for token in [&shopper.ticket, &shopper.pass] {
        let told = wall.tell(get("/v1/admin/sales").bearer(token)).await;
        told.refuses(401, "unauthorized");
    }
    // The hash a configuration may hold is no key.
    let hash = format!("blake3:{}", blake3::hash(server.operator.as_bytes()).to_hex());
    wall.tell(get("/v1/admin/sales").bearer(&hash)).await.refuses(401, "unauthorized");
}

#[tokio::test]
async fn tokens_hold_for_their_sale_alone() {
    let (wall, shopper) = someone().await;
    let (other, _) = someone().await;
    other.position(&shopper.ticket).await.refuses(401, "ticket_invalid");
    other.buy(&shopper.pass, 1, "k").await.refuses(401, "pass_invalid");
    other.show("p1-1", &shopper.pass).await.refuses(401, "pass_invalid");
    wall.position(&shopper.ticket).await.is(200);
}

#[tokio::test]
async fn a_pass_ends_with_its_last_second() {
    let wall = Wall::new(json!({ "session_seconds": 2 })).await;
    let told = wall.enter().await.is(200).json();
    let pass = text(&told["pass"]);
    wall.buy(&pass, 1, "in-time").await.is(201);
    let claims = URL_SAFE_NO_PAD.decode(pass.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let lasts = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert!((2..=3).contains(&lasts), "{claims}");
    tokio::time::sleep(std::time::Duration::from_millis(3_050)).await;
    wall.buy(&pass, 1, "late").await.refuses(401, "pass_expired");
}

#[tokio::test]
async fn a_purchase_is_its_shoppers_after_the_session() {
    let wall = Wall::new(json!({ "session_seconds": 2, "hold_seconds": 60 })).await;
    let (shopper, id) = wall.held().await;
    let (paid_by, paid) = wall.held().await;
    wall.step(&paid, "confirm").await.is(200);
    tokio::time::sleep(std::time::Duration::from_millis(3_050)).await;
    wall.position(&shopper.ticket).await.refuses(410, "ticket_expired");
    wall.buy(&shopper.pass, 1, "late").await.refuses(401, "pass_expired");
    for token in [&shopper.pass, &shopper.ticket] {
        assert_eq!(wall.show(&id, token).await.is(200).json()["state"], "held");
        wall.show(&paid, token).await.refuses(404, "not_found");
    }
    for token in [&paid_by.pass, &paid_by.ticket] {
        assert_eq!(wall.show(&paid, token).await.is(200).json()["state"], "confirmed");
    }
    let release = post(wall.path(&format!("purchases/{id}/release")));
    wall.tell(release.clone().bearer(&paid_by.ticket)).await.refuses(404, "not_found");
    assert_eq!(
        wall.tell(release.bearer(&shopper.ticket)).await.is(200).json()["state"],
        "released"
    );
    assert_eq!(wall.show(&id, &shopper.pass).await.is(200).json()["state"], "released");
}
