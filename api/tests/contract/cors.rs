//! Pages of other origins: those listed may call the API, and all others are told nothing.

use serde_json::json;
use tempfile::TempDir;

use crate::{
    client::{Ask, Told, ask, get, post},
    process::{Server, run},
    wall::{SKU, Wall, eventually},
};

const LISTED: &str = "https://app.shop.example";
const CONFIG: &str = r#"
[server]
cors_origins = ["http://localhost:3000", "https://app.shop.example"]
"#;

fn of(ask: Ask, origin: &str) -> Ask {
    ask.header("origin", origin)
}

fn preflight(path: &str, method: &str, origin: &str) -> Ask {
    of(ask("OPTIONS", path), origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,idempotency-key")
}

/// The names of a header's list, in small letters.
fn names(told: &Told, header: &str) -> Vec<String> {
    let list = told.header(header).unwrap_or_default().to_ascii_lowercase();
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

#[tokio::test]
async fn a_listed_page_enters_buys_and_reads_what_it_has_to() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({})).await;
    for (path, method) in [
        (wall.path("enter"), "POST"),
        (wall.path("position"), "GET"),
        (wall.admin(""), "PATCH"),
        (wall.admin(""), "DELETE"),
    ] {
        let told = wall.tell(preflight(&path, method, LISTED)).await.is(204);
        assert_eq!(told.header("access-control-allow-origin"), Some(LISTED));
        assert_eq!(told.header("access-control-allow-credentials"), None, "no cookies");
        assert!(names(&told, "access-control-allow-methods").contains(&method.to_lowercase()));
        let allowed = names(&told, "access-control-allow-headers");
        for name in ["authorization", "idempotency-key", "if-none-match", "if-match"] {
            assert!(allowed.iter().any(|allowed| allowed == name), "{name}");
        }
        let seconds: u32 = told.header("access-control-max-age").unwrap().parse().unwrap();
        assert!(seconds > 0);
        assert!(names(&told, "vary").contains(&"origin".to_owned()));
    }
    let entered = wall.tell(of(post(wall.path("enter")), LISTED)).await.is(200);
    let pass = entered.json()["pass"].as_str().unwrap().to_owned();
    let items = json!({ "items": [{ "sku": SKU, "quantity": 1 }] });
    let buy = post(wall.path("purchase")).bearer(&pass).key("order-1").json(&items);
    let bought = wall.tell(of(buy, LISTED)).await.is(201);
    let refused = wall.tell(of(get(wall.path("position")), LISTED)).await;
    let unknown = wall.tell(of(get("/v1/sales/nowhere"), LISTED)).await;
    for told in [&entered, &bought, &refused, &unknown] {
        assert_eq!(told.header("access-control-allow-origin"), Some(LISTED), "{}", told.status);
        let exposed = names(told, "access-control-expose-headers");
        for name in ["retry-after", "etag", "ratelimit", "x-request-id", "idempotent-replayed"] {
            assert!(exposed.iter().any(|exposed| exposed == name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_page_of_any_other_origin_is_told_nothing() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({})).await;
    let is_told =
        |told: &Told| told.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
    for origin in ["https://evil.example", "null", "https://app.shop.example.evil.example"] {
        let told = wall.tell(preflight(&wall.path("enter"), "POST", origin)).await.is(204);
        assert!(!is_told(&told), "{origin}: {:?}", told.headers);
        let told = wall.tell(of(get(wall.path("")), origin)).await.is(200);
        assert!(!is_told(&told), "{origin}: {:?}", told.headers);
        assert_eq!(told.header("vary"), Some("Origin"), "a shared cache keeps them apart");
    }
    assert_eq!(wall.tell(get(wall.path(""))).await.header("vary"), Some("Origin"));
    // The pages of this site are for its own visitors.
    let page = wall.tell(of(get(format!("/s/{}", wall.name())), LISTED)).await.is(200);
    assert!(!is_told(&page), "{:?}", page.headers);
    // Where nothing is listed, nothing is said.
    let silent = Wall::new(json!({})).await;
    let told = silent.tell(of(get(silent.path("")), LISTED)).await.is(200);
    assert!(!is_told(&told) && told.header("vary").is_none());
}

/// A listed page of a neighbouring host could have the browser send the cookie along.
#[tokio::test]
async fn a_cookie_is_no_ticket_for_a_page_of_another_origin() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({})).await;
    let ticket = wall.admitted().await.ticket;
    let cookie = format!("rushgate-ticket.{}={ticket}", wall.name());
    for path in [wall.path("position"), wall.path("stream")] {
        let with_cookie = || get(&path).header("cookie", &cookie);
        for origin in [LISTED, "https://elsewhere.example"] {
            wall.tell(of(with_cookie(), origin)).await.refuses(401, "ticket_invalid");
        }
    }
    wall.tell(get(wall.path("position")).header("cookie", &cookie)).await.is(200);
}

#[test]
fn only_exact_origins_are_taken_from_the_configuration() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config.toml");
    for bad in [
        "*",
        "https://*.shop.example",
        "shop.example",
        "https://shop.example/",
        "https://shop.example/app",
        "https://Shop.example",
        "https://shop.example:443",
        "null",
    ] {
        std::fs::write(&file, format!("[server]\ncors_origins = [\"{bad}\"]\n")).unwrap();
        let (code, _, errors) = run(&["check", "--config", file.to_str().unwrap()], &[]);
        assert_eq!(code, 2, "{bad}");
        assert!(errors.contains("server.cors_origins") && errors.contains(bad), "{errors}");
    }
    std::fs::write(&file, CONFIG).unwrap();
    let (code, resolved, _) = run(&["check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(code, 0);
    assert!(resolved.contains(LISTED), "{resolved}");
}

#[tokio::test]
async fn a_request_whose_answer_nobody_sees_claims_no_admission() {
    let wall = Wall::new(json!({ "admission_per_second": 0.001, "active_max": 1 })).await;
    wall.admitted().await;
    let ticket = wall.waiting().await;
    wall.act("rate", json!({ "admission_per_second": 1_000_000 })).await;
    wall.tell(post(wall.path("sessions/s-1-1/end")).bearer(&wall.server.backend)).await.is(204);
    // Called, and every look leaves it so.
    let look = |ask: Ask| wall.tell(ask.bearer(&ticket));
    let ahead = || get(wall.path("position")).header("sec-purpose", "prefetch;prerender");
    eventually(|| async { (look(ahead()).await.is(200).json()["state"] == "ready").then_some(()) })
        .await;
    for _ in 0..3 {
        look(ask("HEAD", wall.path("position"))).await.is(200);
        look(ask("HEAD", wall.path("stream"))).await.is(200);
        let told = look(ahead()).await.is(200).json();
        assert_eq!((&told["state"], &told["pass"]), (&json!("ready"), &json!(null)));
    }
    let told = look(get(wall.path("position"))).await.is(200).json();
    assert_eq!(told["state"], "admitted");
}
