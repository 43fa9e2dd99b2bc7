//! A shop that is off, and one whose database is away.

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use testkit::postgres::Postgres;
use tokio::time::Instant;

use super::{Shop, config, eventually};
use crate::{
    client::{Client, get, post},
    process::{CONFIG, Server, run, shared},
    wall::Wall,
};

#[tokio::test]
async fn without_the_section_no_database_is_opened_and_no_route_is_there() {
    let server = shared();
    // The description is that of a program with the shop.
    let client = Client { described: false, ..server.client };
    for path in ["/v1/me", "/v1/accounts", "/shop", "/v1/keys"] {
        let told = client.tell(get(path)).await;
        assert_eq!(told.status, 404, "{path}: {}", told.text());
    }
    assert!(!server.data.join("shop.db").exists() && server.doubles.is_none());
}

#[tokio::test]
async fn while_its_database_is_away_the_shop_answers_503_and_the_room_goes_on() {
    let (dir, mut postgres) = (TempDir::new().unwrap(), Postgres::start_durable().unwrap());
    let lines = format!("database = \"{}\"", postgres.database().unwrap());
    postgres.kill().unwrap();
    let started = Instant::now();
    let server = Server::start(dir.path(), &config(&lines));
    assert!(started.elapsed() < Duration::from_secs(20), "a start waits a moment, and goes on");
    server.client.tell(get("/v1/me").bearer("a")).await.refuses(503, "shop_unavailable");
    let body = json!({ "email": "a@b.example", "password": "a good long one", "name": "A" });
    let told = server.client.tell(post("/v1/accounts").json(&body)).await;
    told.refuses(503, "shop_unavailable");
    let wall = Wall::on(&server, json!({})).await;
    wall.tell(post(wall.path("enter"))).await.is(200);
    let jwt = Wall::on(&server, json!({ "identity": "jwt" })).await;
    let told = jwt.tell(post(jwt.path("enter")).bearer("a.b.c")).await;
    assert!(matches!(told.status, 401 | 503), "{}", told.text());
    postgres.start_again().unwrap();
    eventually(async || {
        let told = server.client.tell(post("/v1/accounts").json(&body)).await;
        (told.status == 201).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_restart_finds_is_what_was_there() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), &config(""));
    let body =
        json!({ "email": "kim@people.example", "password": "a good long one", "name": "Kim" });
    server.client.tell(post("/v1/accounts").json(&body)).await.is(201);
    server.kill();
    let server = Server::start(dir.path(), &config(""));
    let body = json!({ "email": "kim@people.example", "password": "a good long one" });
    server.client.tell(post("/v1/sessions").json(&body)).await.is(200);
    let demo = std::fs::metadata(server.data.join("demo.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&demo.permissions()) & 0o777, 0o600);
}

#[test]
fn half_a_section_is_refused_with_what_is_missing() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config.toml");
    let lines = "[mail]\nhost = \"smtp.shop.example\"\n[login.kakao]\nclient_id = \"a\"\n\
                 [login.google]\nurl = \"http://127.0.0.1:1\"\n[jwt]\njwks = \"/a\"\nissuer = \"a\"\n\
                 audience = \"b\"\n[shop]\nenabled = true\ndatabase = \"mysql://a:hunter2@b\"\n";
    std::fs::write(&file, format!("{CONFIG}\n{lines}")).unwrap();
    let (code, _, said) = run(&["check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(code, 2, "{said}");
    for part in [
        "mail.from: found nothing, allowed: mail.host and mail.from together",
        "login.kakao.client_secret: found nothing",
        "login.google.client_id: found nothing",
        "login.google.client_secret: found nothing",
        "jwt.jwks: found a key set, allowed: no [jwt] section",
        "shop.database: found (hidden, ",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    let environment = [("RUSHGATE__LOGIN__KAKAO__CLIENT_SECRET", "")];
    let (_, _, said) = run(&["check", "--config", file.to_str().unwrap()], &environment);
    assert!(said.contains("in RUSHGATE__LOGIN__KAKAO__CLIENT_SECRET"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_has_the_shops_calls_where_it_runs() {
    let shop = Shop::on_sqlite();
    let told = shop.tell(get("/openapi.json")).await.is(200).json();
    assert!(told["paths"]["/v1/me"].is_object() && told["paths"]["/v1/sales"].is_object());
    let docs = shop.tell(get("/docs")).await.is(200).text();
    assert!(docs.contains("/v1/sessions/refresh") && docs.contains("error-credentials_wrong"));
    for row in commerce::table().iter().filter(|row| row.path.starts_with("/v1/")) {
        let method = row.method.as_str().to_ascii_lowercase();
        let described = &told["paths"][row.path][&method];
        assert!(described.is_object(), "{} {} is not described", row.method, row.path);
        let is_open = described["security"].as_array().unwrap().is_empty();
        assert_eq!(is_open, row.who == commerce::Who::Anyone, "{} {}", row.method, row.path);
    }
}
