//! The name of a request: on every answer, and one that a listed proxy gave it.

use serde_json::json;

use crate::{
    client::{Ask, ask, get, post},
    process::shared,
    wall::Wall,
};

/// Listed in the server's `trusted_proxies`.
const PROXY: [u8; 4] = [127, 0, 0, 2];

fn named(ask: Ask, id: &str) -> Ask {
    ask.header("x-request-id", id)
}

/// That every answer of HTTP/1.1 and HTTP/2 has one is held by the client of these tests.
#[tokio::test]
async fn answers_without_a_handler_have_an_id_too() {
    let server = shared();
    for request in [
        "GET /v1/sales HTTP/1.1\r\n\r\n".to_owned(),
        "GET /v1/sales HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        "HEAD /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
        "OPTIONS /v1/sales HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let answer = server.client.raw(request.as_bytes()).await;
        assert_eq!(answer.matches("\r\nx-request-id: ").count(), 1, "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_listed_proxy_names_a_request_and_the_answer_and_its_problem_say_so() {
    let wall = Wall::new(json!({})).await;
    let id = "b7e2c1a0-4f9d-4c0e-9a5e-0c7f1d2e3b4a";
    let through = |ask: Ask| wall.server.client.tell(named(ask, id).from(PROXY));
    for ask in [get("/v1/sales"), get("/docs"), get(wall.path("position")), ask("PUT", "/v1/sales")]
    {
        let told = through(ask).await;
        assert_eq!(told.header("x-request-id"), Some(id));
        if told.status >= 400 {
            assert_eq!(told.json()["request_id"], id);
        }
    }
    let later = through(post(wall.path("leave")).bearer("x")).await.refuses(401, "ticket_invalid");
    assert_eq!(later.header("x-request-id"), Some(id));
    let page = through(get("/s/no-such-sale").header("accept", "text/html")).await.is(404);
    assert!(page.text().contains(id), "{}", page.text());
}

#[tokio::test]
async fn a_name_from_anyone_else_or_in_odd_characters_is_not_taken() {
    let client = shared().client;
    let long = "a".repeat(129);
    for (from, id) in [([127, 0, 0, 1], "mine"), (PROXY, "a b"), (PROXY, "<b>"), (PROXY, &long)] {
        let told = client.tell(named(get("/v1/sales/none"), id).from(from)).await;
        let told = told.refuses(404, "not_found");
        assert_ne!(told.header("x-request-id"), Some(id));
    }
    // A proxy that adds its own to its client's: nobody knows which is which.
    let two = named(named(get("/v1/sales/none"), "the-clients"), "the-proxys").from(PROXY);
    let told = client.tell(two).await.refuses(404, "not_found");
    let id = told.header("x-request-id").unwrap();
    assert!(!["the-clients", "the-proxys"].contains(&id), "{id}");
}
