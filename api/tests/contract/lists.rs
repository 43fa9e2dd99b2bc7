//! Lists in pages, parameters that nobody knows, and answers that a client has already.

use std::collections::BTreeSet;

use serde_json::json;
use tempfile::TempDir;

use crate::{
    client::{ask, get, post},
    process::{CONFIG, Server},
    wall::{Wall, text},
};

#[tokio::test]
async fn pages_of_sales_come_to_the_whole_list_in_order_and_each_is_within_its_limit() {
    let mut walls = Vec::new();
    for _ in 0..5 {
        walls.push(Wall::new(json!({})).await);
    }
    for (path, name) in [("/v1/sales", "sale"), ("/v1/admin/sales", "id")] {
        let (mut seen, mut cursor): (Vec<String>, _) = (Vec::new(), String::new());
        loop {
            let page = walls[0].operator(get(format!("{path}?limit=2{cursor}"))).await.is(200);
            let page = page.json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            seen.extend(items.iter().map(|item| text(&item[name])));
            if page["next_cursor"].is_null() {
                break;
            }
            cursor = format!("&cursor={}", text(&page["next_cursor"]));
        }
        assert!(seen.is_sorted(), "{seen:?}");
        let names: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(names.len(), seen.len(), "no sale stands on two pages");
        assert!(walls.iter().all(|wall| names.contains(wall.name())), "{seen:?}");
    }
    for query in ["limit=0", "limit=1001", "limit=x", "cursor=NO", "limit=1&limit=1"] {
        let told = walls[0].tell(get(format!("/v1/sales?{query}"))).await;
        told.refuses(422, "invalid_request");
    }
}

#[tokio::test]
async fn no_list_grows_with_the_shop() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let offers: Vec<_> = (0..64)
        .map(|sku| json!({ "sku": format!("s-{sku}"), "total": 1, "price": 1, "currency": "KRW" }))
        .collect();
    for sale in 0..120 {
        let table = json!({ "id": format!("sale-{sale:03}"), "offers": offers });
        let create = post("/v1/admin/sales").bearer(&server.operator).json(&table);
        server.client.tell(create).await.is(201);
    }
    for path in ["/v1/sales", "/v1/admin/sales"] {
        let page = get(format!("{path}?limit=1000")).bearer(&server.operator);
        let page = server.client.tell(page).await.is(200);
        let json = page.json();
        assert_eq!(json["items"].as_array().unwrap().len(), 32, "2,048 offers");
        assert!(page.body.len() < 512 * 1_024, "{} bytes", page.body.len());
        let cursor = text(&json["next_cursor"]);
        let next = get(format!("{path}?limit=1000&cursor={cursor}")).bearer(&server.operator);
        let next = server.client.tell(next).await.is(200).json();
        let first = &next["items"][0];
        assert!(first["sale"] == "sale-032" || first["id"] == "sale-032", "{first}");
    }
    let home = server.client.tell(get("/")).await.is(200).text();
    assert_eq!(home.matches("href=\"/s/sale-").count(), 100);
    assert!(home.contains("href=\"/?after=sale-099\""), "{home}");
    let rest = server.client.tell(get("/?after=sale-099")).await.is(200).text();
    assert_eq!(rest.matches("href=\"/s/sale-").count(), 20);
    assert!(rest.contains("/s/sale-119") && !rest.contains("/?after="));
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_name_on_every_call_and_ignored_by_pages() {
    let wall = Wall::new(json!({})).await;
    let ticket = wall.admitted().await.ticket;
    let unknown = |path: &str| format!("{path}?colour=red");
    for call in [
        get(unknown("/v1/sales")),
        get(unknown(&wall.path(""))),
        ask("POST", unknown(&wall.path("enter"))),
        get(unknown(&wall.path("position"))).bearer(&ticket),
        get(unknown("/v1/admin/outbox")).bearer(&wall.server.operator),
        get(unknown(&wall.admin("audit"))).bearer(&wall.server.operator),
    ] {
        let refused = wall.tell(call).await.refuses(422, "invalid_request").json();
        assert_eq!(refused["errors"][0]["field"], "colour");
    }
    wall.tell(get(unknown("/"))).await.is(200);
    wall.tell(get(unknown("/openapi.json"))).await.is(200);
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let wall = Wall::new(json!({})).await;
    for path in ["/openapi.json", "/docs", "/.well-known/jwks.json", &wall.path("")] {
        let told = wall.tell(get(path)).await.is(200);
        let tag = told.header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "a strong tag: {tag}");
        for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = wall.tell(get(path).header("if-none-match", &known)).await.is(304);
            assert_eq!((again.body.len(), again.header("etag")), (0, Some(tag.as_str())));
        }
        let head = wall.tell(ask("HEAD", path)).await.is(200);
        assert_eq!(head.header("etag"), Some(tag.as_str()), "HEAD {path}");
        wall.tell(get(path).header("if-none-match", "\"other\"")).await.is(200);
    }
    let tag = wall.tell(get(wall.path(""))).await.header("etag").unwrap().to_owned();
    wall.act("message", json!({ "message": "new" })).await;
    wall.tell(get(wall.path("")).header("if-none-match", &tag)).await.is(200);
}
