//! How often one address and one identity may enter, held against the real program.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    client::{Ask, PATIENCE, Told, get, post},
    process::Server,
    wall::Wall,
};

/// The listed proxy's address.
const PROXY: [u8; 4] = [127, 0, 0, 2];
/// Entries one address may make at once. One more a second comes back, which a slow run gets too:
/// every test asks far more often than that can matter.
const BURST: usize = 30;
const CONFIG: &str = r#"
[server]
trusted_proxies = ["127.0.0.2"]
[limits]
entries_per_second = 1
entries_burst = 30
exempt = ["198.51.100.0/24"]
"#;

async fn paused<'s>(server: &'s Server, identity: &str) -> Wall<'s> {
    let wall = Wall::on(server, json!({ "identity": identity })).await;
    wall.act("pause", Value::Null).await;
    wall
}

fn enter(wall: &Wall<'_>, client: &str) -> Ask {
    post(wall.path("enter")).header("x-forwarded-for", client).from(PROXY)
}

/// Asks a hundred times at once, for refusals come late; how often it went through, and the refusals.
async fn hundred(wall: &Wall<'_>, ask: impl Fn(usize) -> Ask) -> (usize, Vec<Told>) {
    let mut asked = JoinSet::new();
    for index in 0..100 {
        asked.spawn(wall.server.client.tell(ask(index)));
    }
    let mut refused = Vec::new();
    for told in asked.join_all().await {
        if told.status == 429 {
            refused.push(told.refuses(429, "too_many_requests"));
        } else {
            told.is(202);
        }
    }
    (100 - refused.len(), refused)
}

#[tokio::test]
async fn an_address_that_enters_too_often_is_refused_before_anything_changes() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = paused(&server, "anonymous").await;
    let first = wall.tell(enter(&wall, "192.0.2.1")).await.is(202);
    assert_eq!(first.header("ratelimit-policy"), Some("\"entries\";q=30;w=30"));
    assert_eq!(first.header("ratelimit"), Some("\"entries\";r=29;t=1"));

    let (passed, refused) = hundred(&wall, |_| enter(&wall, "192.0.2.1")).await;
    assert!((BURST - 1..BURST * 2).contains(&passed), "{passed}");
    for told in &refused {
        assert_eq!(told.header("ratelimit"), Some("\"entries\";r=0;t=1"));
        assert!(told.header("retry-after").is_some());
    }
    assert_eq!(wall.stats().await["entered"], passed + 1, "a refusal gives out no number");

    // What the client writes itself does not make it another one, nor does the page's form, which
    // sends the browser back to the room whatever came of it.
    let before = wall.stats().await["entered"].as_u64().unwrap();
    let forged = enter(&wall, "203.0.113.9, 192.0.2.1");
    let form = post(format!("/s/{}/enter", wall.name()))
        .header("x-forwarded-for", "192.0.2.1")
        .header("sec-fetch-site", "same-origin")
        .from(PROXY);
    let mut asked = JoinSet::new();
    for ask in [forged, form] {
        (0..BURST).for_each(|_| drop(asked.spawn(wall.server.client.tell(ask.clone()))));
    }
    while let Some(told) = asked.join_next().await {
        let status = told.unwrap().status;
        assert!([202, 303, 429].contains(&status), "{status}");
    }
    let entered = wall.stats().await["entered"].as_u64().unwrap() - before;
    assert!(entered < 15, "{entered} of 60: only what comes back in a second or so");
    // Others enter, and an exempt address without end.
    wall.tell(enter(&wall, "203.0.113.9")).await.is(202);
    let (passed, _) = hundred(&wall, |_| enter(&wall, "198.51.100.7")).await;
    assert_eq!(passed, 100);
}

#[tokio::test]
async fn a_refused_entry_and_a_refused_form_are_told_late() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = paused(&server, "anonymous").await;
    let form = post(format!("/s/{}/enter", wall.name())).header("sec-fetch-site", "same-origin");
    for (host, ask) in [(3, post(wall.path("enter"))), (4, form)] {
        let ask = ask.from([127, 0, 0, host]);
        let mut asked = JoinSet::new();
        (0..2 * BURST).for_each(|_| drop(asked.spawn(wall.server.client.tell(ask.clone()))));
        let begun = Instant::now();
        asked.join_all().await;
        assert!(begun.elapsed() > Duration::from_millis(950), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn an_identity_is_limited_from_wherever_it_enters() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = paused(&server, "header").await;
    let from_anywhere =
        |index: usize| enter(&wall, &format!("10.{index}.0.1")).header("x-shopper-id", "anna");
    let (passed, _) = hundred(&wall, from_anywhere).await;
    assert!((60..100).contains(&passed), "{passed}");
    wall.tell(enter(&wall, "10.200.0.1").header("x-shopper-id", "bert")).await.is(202);
}

#[tokio::test]
async fn a_proxy_that_names_no_client_is_not_taken_for_one() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = paused(&server, "anonymous").await;
    let (passed, _) = hundred(&wall, |_| post(wall.path("enter")).from(PROXY)).await;
    assert_eq!(passed, 100);
}

#[tokio::test]
async fn streams_of_one_address_leave_half_of_its_connections_to_others_behind_it() {
    const SHARED: [u8; 4] = [127, 0, 0, 3];
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), "[limits]\nconnections_per_peer = 4\n");
    let wall = paused(&server, "anonymous").await;
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(wall.waiting().await);
    }
    let ask = |ticket: &String| get(wall.path("stream")).bearer(ticket).from(SHARED);
    let client = wall.server.client;
    let first = client.open(&ask(&tickets[0])).await;
    let second = client.open_http2(&ask(&tickets[1])).await;
    assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::OK));
    let told = client.tell(ask(&tickets[2])).await.refuses(503, "overloaded");
    assert!(told.header("retry-after").is_some());
    assert_eq!(told.header("connection"), None, "the connection stays for polls");
    let poll = get(wall.path("position")).bearer(&tickets[2]).from(SHARED);
    client.tell(poll).await.is(200);
    // A refused stream ends none of its ticket's others, and another address has its own share.
    assert_eq!(client.open(&ask(&tickets[2]).from([127, 0, 0, 4])).await.status(), StatusCode::OK);
    drop(first);
    let freed = async {
        while client.open(&ask(&tickets[2])).await.status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, freed).await.expect("a stream that ends makes room for the next");
    drop(second);
}
