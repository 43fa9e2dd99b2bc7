//! Bodies and headers as nobody should send them: refused by name, and without a trace.

use serde_json::{Value, json};

use crate::{
    client::{Ask, Told, ask, get, post},
    wall::{SKU, Shopper, Wall, offer},
};

async fn someone() -> (Wall<'static>, Shopper) {
    let wall = Wall::new(json!({})).await;
    let shopper = wall.admitted().await;
    (wall, shopper)
}

fn purchase(wall: &Wall<'_>, shopper: &Shopper, body: impl Into<bytes::Bytes>) -> Ask {
    let ask = post(wall.path("purchase")).bearer(&shopper.pass).key("k");
    ask.header("content-type", "application/json").body(body)
}

/// The fields a refusal names.
fn fields(told: Told) -> Vec<String> {
    let errors = told.refuses(422, "invalid_request").json()["errors"].clone();
    let field = |error: &Value| error["field"].as_str().unwrap().to_owned();
    errors.as_array().unwrap().iter().map(field).collect()
}

#[tokio::test]
async fn a_quantity_is_a_whole_number_from_one() {
    let (wall, shopper) = someone().await;
    for quantity in [
        "0",
        "-1",
        "1.5",
        "1.0",
        "1e0",
        "\"1\"",
        "\"1e3\"",
        "2147483648",
        "9223372036854775808",
        "18446744073709551617",
        "null",
        "true",
        "[1]",
    ] {
        let body = format!(r#"{{"items":[{{"sku":"{SKU}","quantity":{quantity}}}]}}"#);
        let told = wall.tell(purchase(&wall, &shopper, body)).await;
        assert_eq!(fields(told), ["items[0].quantity"], "{quantity}");
    }
    for quantity in ["NaN", "Infinity", "0x1", "01", "+1", ""] {
        let body = format!(r#"{{"items":[{{"sku":"{SKU}","quantity":{quantity}}}]}}"#);
        let told = wall.tell(purchase(&wall, &shopper, body)).await;
        told.refuses(422, "invalid_request");
    }
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn unknown_repeated_and_missing_fields_are_named() {
    let (wall, shopper) = someone().await;
    let item = format!(r#""sku":"{SKU}","quantity":1"#);
    for (body, named) in [
        (format!(r#"{{"items":[{{{item},"price":1}}]}}"#), "items[0].price"),
        (format!(r#"{{"items":[{{{item}}}],"state":"confirmed"}}"#), "state"),
        (format!(r#"{{"items":[{{{item}}}],"shopper":"x"}}"#), "shopper"),
        (format!(r#"{{"items":[{{{item},"quantity":2}}]}}"#), "items[0].quantity"),
        (format!(r#"{{"items":[{{{item}}}],"items":[]}}"#), "items"),
        (format!(r#"{{"items":[{{{item}}},{{{item}}}]}}"#), "items[1].sku"),
        (r#"{"items":[{"sku":"other","quantity":1}]}"#.to_owned(), "items[0].sku"),
        (r#"{"items":[{"sku":"../a","quantity":1}]}"#.to_owned(), "items[0].sku"),
        (r#"{"items":[]}"#.to_owned(), "items"),
        ("{}".to_owned(), "items"),
    ] {
        let named_by = fields(wall.tell(purchase(&wall, &shopper, body.clone())).await);
        assert!(named_by.iter().any(|field| field == named), "{body}: {named_by:?}");
    }
    for (ask, named) in [
        (post(wall.path("enter")).json(&json!({ "number": 1 })), "number"),
        (post(wall.path("leave")).bearer(&shopper.ticket).json(&json!({ "x": 1 })), "x"),
    ] {
        assert_eq!(fields(wall.tell(ask).await), [named]);
    }
    let pause = post(wall.admin("pause")).json(&json!({ "for": 5 }));
    assert_eq!(fields(wall.operator(pause).await), ["for"]);
    let table = json!({ "id": "A b", "offers": [offer(1)], "colour": "red" });
    let made = fields(wall.operator(post("/v1/admin/sales").json(&table)).await);
    assert_eq!(made, ["id", "colour"]);
    for fixed in ["id", "identity", "offers", "offer"] {
        let patch = ask("PATCH", wall.admin("")).json(&json!({ fixed: 1 }));
        assert_eq!(fields(wall.operator(patch).await), [fixed]);
    }
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
}

#[tokio::test]
async fn what_is_not_json_is_refused_without_a_quotation() {
    let (wall, shopper) = someone().await;
    let deep = format!("{}{}", "[".repeat(8_000), "]".repeat(8_000));
    for body in ["", "x", "{", "null", "[]", "\"\"", "{}{}", "{\"items\":[}", "\u{feff}{}", &deep] {
        let told = wall.tell(purchase(&wall, &shopper, body.to_owned())).await;
        let told = told.refuses(422, "invalid_request");
        assert!(told.body.len() < 2_000, "{}", told.text());
    }
    let broken = wall.tell(purchase(&wall, &shopper, vec![b'{', b'"', 0xff, 0xfe, b'"'])).await;
    broken.refuses(422, "invalid_request");
    // A body is what it parses to, whatever its header claims.
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let ask = post(wall.path("purchase")).bearer(&shopper.pass).key("k");
        let told = wall.tell(ask.header("content-type", kind).body("sku=a&quantity=1")).await;
        told.refuses(422, "invalid_request");
    }
}

#[tokio::test]
async fn a_body_may_have_16_kib_and_not_a_byte_more() {
    let (wall, shopper) = someone().await;
    let items = json!({ "items": [{ "sku": SKU, "quantity": 1 }] }).to_string();
    let padded = |length: usize| format!("{items}{}", " ".repeat(length - items.len()));
    wall.tell(purchase(&wall, &shopper, padded(16 * 1_024))).await.is(201);
    let told = wall.tell(purchase(&wall, &shopper, padded(16 * 1_024 + 1))).await;
    told.refuses(413, "body_too_large");
    let step = wall.path("purchases/p1-1/pay");
    let large = || vec![b' '; 16 * 1_024 + 1];
    for path in [step, wall.path("sessions/s-1-1/end")] {
        wall.backend(post(path).body(large())).await.refuses(413, "body_too_large");
    }
    for path in [wall.path("enter"), wall.path("leave")] {
        let told = wall.tell(post(path).bearer(&shopper.ticket).body(large())).await;
        told.refuses(413, "body_too_large");
    }
    wall.operator(post(wall.admin("pause")).body(large())).await.refuses(413, "body_too_large");
}

#[tokio::test]
async fn an_idempotency_key_is_one_header_of_visible_ascii() {
    let (wall, shopper) = someone().await;
    let items = json!({ "items": [{ "sku": SKU, "quantity": 1 }] });
    let buy = || post(wall.path("purchase")).bearer(&shopper.pass).json(&items);
    wall.tell(buy()).await.refuses(422, "invalid_request");
    for key in ["", "a b", "\t", &"k".repeat(129)] {
        assert_eq!(fields(wall.tell(buy().key(key)).await), ["Idempotency-Key"], "{key:?}");
    }
    assert_eq!(fields(wall.tell(buy().key("a").key("b")).await), ["Idempotency-Key"]);
    assert_eq!(fields(wall.tell(post(wall.path("enter")).key("a b")).await), ["Idempotency-Key"]);
    // Where shoppers are anonymous the key is who they are: one that can be guessed is none.
    for key in ["1", "alice-1", &"k".repeat(21)] {
        let told = wall.tell(post(wall.path("enter")).key(key)).await;
        assert_eq!(fields(told), ["Idempotency-Key"], "{key}");
    }
    wall.tell(post(wall.path("enter")).key(&"k".repeat(22))).await.is(200);
    let confirm = post(wall.path("purchases/p1-1/confirm")).key(&"k".repeat(129));
    assert_eq!(fields(wall.backend(confirm).await), ["Idempotency-Key"]);
    assert_eq!(wall.units().await, [10, 0, 0, 0]);
    wall.tell(buy().key(&"~".repeat(128))).await.is(201);
}

#[tokio::test]
async fn ids_that_would_break_a_path_or_a_key_name_nothing() {
    let (wall, shopper) = someone().await;
    for sale in ["..", ".", "%2e%2e", "a%2Fb", "a{b}", "A", "a_b", "a%00", &"a".repeat(65)] {
        wall.tell(get(format!("/v1/sales/{sale}"))).await.refuses(404, "not_found");
        let made = json!({ "id": sale, "offers": [offer(1)] });
        let told = wall.operator(post("/v1/admin/sales").json(&made)).await;
        assert_eq!(fields(told), ["id"]);
    }
    for id in ["p1-01", "p01-1", "p1-18446744073709551616", "p1--1", "p1-0", "p-1", "..", "p1-1%0a"]
    {
        wall.show(id, &shopper.pass).await.refuses(404, "not_found");
        wall.step(id, "pay").await.refuses(404, "not_found");
    }
    for sku in ["", "a b", "a\n", "a{b}", "a/b", "é", &"s".repeat(65)] {
        let offer = json!({ "sku": sku, "total": 1, "price": 1, "currency": "KRW" });
        let made = json!({ "id": "never", "offers": [offer] });
        let told = wall.operator(post("/v1/admin/sales").json(&made)).await;
        assert!(fields(told).contains(&"offers[0].sku".to_owned()), "{sku:?}");
    }
}

#[tokio::test]
async fn nothing_a_client_sends_makes_a_line_of_the_log() {
    let (wall, shopper) = someone().await;
    let mark = format!("injected-{}", wall.name());
    let message = json!({ "message": format!("a\r\n{mark} b") });
    let told = wall.operator(post(wall.admin("message")).json(&message)).await.is(200).json();
    assert_eq!(told["message"], format!("a\n{mark} b"));
    let body = json!({ format!("x\n{mark}"): 1 });
    wall.tell(post(wall.path("enter")).json(&body)).await.refuses(422, "invalid_request");
    wall.tell(get(format!("/v1/sales/x%0a{mark}"))).await.refuses(404, "not_found");
    let raw = format!("GET /v1/sales HTTP/1.1\r\nHost: a\r\nX-A: b\n{mark}: c\r\n\r\n");
    let told = wall.server.client.raw(raw.as_bytes()).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 400 "), "{told}");
    let header = get(wall.path("position")).bearer(&format!("{}\t{mark}", shopper.ticket));
    wall.tell(header).await.refuses(401, "ticket_invalid");
    let log = wall.server.log();
    assert!(!log.lines().any(|line| line.starts_with(&mark)), "{log}");
    for secret in [&shopper.ticket, &shopper.pass, &wall.server.operator, &wall.server.backend] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }
}
