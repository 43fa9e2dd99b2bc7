//! A store that lost everything while no node ran: the nodes wait for an operator's word, and say so.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::json;
use tempfile::TempDir;
use testkit::redis::{AppendFsync, Redis};

use crate::{
    client::{Ask, get, post},
    process::{CONFIG, Server},
    wall::{eventually, offer, text},
};

fn node(dir: &Path, redis: &Redis, rebuild_store: bool) -> Server {
    let set = |name: &'static str, value: &str| (name, value.to_owned());
    let environment = [
        set("RUSHGATE__ARBITER__KIND", "redis"),
        set("RUSHGATE__REDIS__URL", &format!("redis+unix://{}", redis.socket().display())),
        set("RUSHGATE__REDIS__PREFIX", "lost"),
        set("RUSHGATE__REDIS__REBUILD_STORE", if rebuild_store { "true" } else { "false" }),
        set("RUSHGATE__SERVER__NODE", "a"),
        set("RUSHGATE__KEYS__SECRET", "the secret of all nodes, long enough"),
    ];
    Server::start_in(dir, CONFIG, &environment)
}

fn wipe(redis: &Redis) {
    let mut stream = UnixStream::connect(redis.socket()).unwrap();
    stream.write_all(b"FLUSHALL\r\n").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
}

/// The number of whoever enters as soon as that is possible.
async fn entered(node: &Server) -> u64 {
    eventually(|| async {
        let told = node.client.tell(post("/v1/sales/drop/enter")).await;
        (told.status < 300).then(|| told.json()["number"].as_u64().unwrap())
    })
    .await
}

#[tokio::test]
async fn a_node_that_was_not_in_touch_until_the_loss_waits_for_the_operators_word() {
    let (redis, dir) = (Redis::start(AppendFsync::Off).unwrap(), TempDir::new().unwrap());
    let before = node(dir.path(), &redis, false);
    let table = json!({ "id": "drop", "offers": [offer(5)] });
    let create = post("/v1/admin/sales").bearer(&before.operator).json(&table);
    before.client.tell(create).await.is(201);
    assert_eq!(entered(&before).await, 1);
    let guests = json!({ "id": "guests", "identity": "invite", "offers": [offer(5)] });
    let operator = |ask: Ask| before.client.tell(ask.bearer(&before.operator));
    operator(post("/v1/admin/sales").json(&guests)).await.is(201);
    let invites = post("/v1/admin/sales/guests/invites").json(&json!({ "count": 2 }));
    let invites = operator(invites).await.is(201).json()["invites"].clone();
    let invite = |index: usize| post("/v1/sales/guests/enter").bearer(&text(&invites[index]));
    eventually(|| async { (before.client.tell(invite(0)).await.status < 300).then_some(()) }).await;
    before.kill();
    wipe(&redis);

    let unsure = node(dir.path(), &redis, false);
    let troubles = eventually(|| async {
        let told = unsure.ops.tell(get("/readyz")).await;
        let text = told.text();
        (told.status == 503 && text.contains("--rebuild-store")).then_some(text)
    });
    assert!(troubles.await.contains("sale drop"), "it is named");
    let told = unsure.client.tell(post("/v1/sales/drop/enter")).await;
    told.refuses(503, "arbiter_unavailable");
    // Reads go on.
    unsure.client.tell(get("/v1/sales/drop")).await.is(200);
    unsure.kill();

    let told = node(dir.path(), &redis, true);
    assert_eq!(entered(&told).await, 2, "behind all that was given out");
    let guest = eventually(|| async {
        Some(told.client.tell(invite(1)).await).filter(|told| told.status < 300)
    });
    assert_eq!(guest.await.json()["number"], 2, "an invitation outlives the loss");
    assert_eq!(told.client.tell(invite(0)).await.json()["number"], 1, "and a used one is used");
    let ready =
        eventually(|| async { (told.ops.tell(get("/readyz")).await.status == 200).then_some(()) });
    ready.await;
    assert!(told.log().contains("start without --rebuild-store the next time"));
}
