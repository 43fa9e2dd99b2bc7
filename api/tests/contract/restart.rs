//! SIGKILL and a start on the same data: what was answered still holds, byte for byte.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    client::{Ask, Told, get, post},
    figures::{figures, value},
    process::{CONFIG, Server},
    wall::{Wall, eventually, text},
};

/// What clients hold in their hands when the server dies.
struct Remembered {
    waiting: String,
    place: Value,
    pass: String,
    purchase: String,
    /// Keyed requests with what they were answered.
    answered: Vec<(Ask, Told)>,
}

async fn live_through(wall: &Wall<'_>) -> Remembered {
    let mut answered = Vec::new();
    let enter = post(wall.path("enter")).key("enter-before-the-restart");
    answered.push((enter.clone(), wall.tell(enter).await.is(200)));
    let pass = text(&answered[0].1.json()["pass"]);
    let items = json!({ "items": [{ "sku": "sneaker-42", "quantity": 1 }] });
    let buy = post(wall.path("purchase")).bearer(&pass).key("buy").json(&items);
    answered.push((buy.clone(), wall.tell(buy).await.is(201)));
    let purchase = text(&answered[1].1.json()["purchase"]);
    let confirm = post(wall.path(&format!("purchases/{purchase}/confirm"))).key("confirm");
    let confirm = confirm.bearer(&wall.server.backend);
    answered.push((confirm.clone(), wall.tell(confirm).await.is(200)));
    wall.act("pause", Value::Null).await;
    wall.act("message", json!({ "message": "hold on" })).await;
    let left = wall.waiting().await;
    let waiting = wall.waiting().await;
    let late = post(wall.path("enter")).key("late-before-the-restart");
    answered.push((late.clone(), wall.tell(late).await.is(202)));
    wall.tell(post(wall.path("leave")).bearer(&left)).await.is(204);
    let place = wall.position(&waiting).await.is(200).json();
    Remembered { waiting, place, pass, purchase, answered }
}

/// A picture without what differs from one moment to the next.
fn steady(mut place: Value) -> Value {
    place.as_object_mut().unwrap().remove("expires_at");
    place
}

#[tokio::test]
async fn all_that_was_answered_outlives_a_kill() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({})).await;
    let held = wall.held().await;
    let known = live_through(&wall).await;
    let picture = wall.picture().await;
    let jwks = wall.tell(get("/.well-known/jwks.json")).await.is(200).body;
    let path = |call: &str| wall.path(call);
    let (position, show) = (path("position"), path(&format!("purchases/{}", known.purchase)));
    let paths = [path(""), wall.admin(""), wall.admin("audit"), wall.admin("stats")];
    let (purchase_path, release) =
        (path("purchase"), path(&format!("purchases/{}/release", held.1)));
    server.kill();

    let server = Server::start(dir.path(), CONFIG);
    let tell = |ask: Ask| server.client.tell(ask);
    let operator = |path: &String| get(path).bearer(&server.operator);
    assert_eq!(tell(get(&paths[0])).await.is(200).json(), picture[3], "status");
    assert_eq!(tell(operator(&paths[1])).await.is(200).json(), picture[2], "sale");
    assert_eq!(tell(operator(&paths[2])).await.is(200).json(), picture[1], "audit");
    let place = tell(get(&position).bearer(&known.waiting)).await.is(200).json();
    assert_eq!(steady(place), steady(known.place.clone()));
    for (ask, told) in &known.answered {
        let again = tell(ask.clone()).await;
        assert_eq!((again.status, &again.body), (told.status, &told.body), "{}", ask.path);
        assert!(again.replayed(), "{}", ask.path);
    }
    assert_eq!(tell(get("/.well-known/jwks.json")).await.is(200).body, jwks);
    let shown = tell(get(&show).bearer(&known.pass)).await.is(200).json();
    assert_eq!(shown["state"], "confirmed");
    // The pass of before still buys, and the hold of before still ends.
    let items = json!({ "items": [{ "sku": "sneaker-42", "quantity": 1 }] });
    let buy = post(&purchase_path).bearer(&held.0.pass).key("after").json(&items);
    tell(buy).await.is(201);
    let given_up = tell(post(&release).bearer(&held.0.pass)).await.is(200).json();
    assert_eq!(given_up["state"], "released");
}

#[tokio::test]
async fn figures_of_the_whole_sale_outlive_a_kill() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(dir.path(), CONFIG);
    let wall = Wall::on(&server, json!({})).await;
    live_through(&wall).await;
    let (mut before, path) = (wall.stats().await, wall.admin("stats"));
    server.kill();
    let server = Server::start(dir.path(), CONFIG);
    let mut after = server.client.tell(get(path).bearer(&server.operator)).await.is(200).json();
    // How far the order log had come when the kill struck is chance.
    for stats in [&mut before, &mut after] {
        stats["outbox_lag"] = Value::Null;
    }
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_configured_sale_is_made_once_and_keeps_what_operators_made_of_it() {
    let dir = TempDir::new().unwrap();
    let config = format!(
        "{CONFIG}\n[[sale]]\nid = \"fixed\"\ntitle = \"From the file\"\n\
         [[sale.offer]]\nsku = \"a\"\ntotal = 3\nprice = 100\ncurrency = \"KRW\"\n"
    );
    let server = Server::start(dir.path(), &config);
    let message = json!({ "message": "by hand" });
    let ask = post("/v1/admin/sales/fixed/message").bearer(&server.operator).json(&message);
    server.client.tell(ask).await.is(200);
    server.kill();
    let server = Server::start(dir.path(), &config);
    let status = server.client.tell(get("/v1/sales/fixed")).await.is(200).json();
    assert_eq!((&status["title"], &status["epoch"]), (&json!("From the file"), &json!(1)));
    assert_eq!(status["message"], "by hand");
    let audit = get("/v1/admin/sales/fixed/audit").bearer(&server.operator);
    let audit = server.client.tell(audit).await.is(200).json();
    assert_eq!(audit["items"][1]["author"], "config");
    assert!(!server.log().contains("differs from the running sale"), "{}", server.log());
    server.kill();

    let changed =
        config.replace("From the file", "Another title").replace("price = 100", "price = 7");
    let server = Server::start(dir.path(), &changed);
    let status = server.client.tell(get("/v1/sales/fixed")).await.is(200).json();
    assert_eq!(status["title"], "From the file");
    let log = server.log();
    let warned = |parts: &[&str]| {
        let is_it = |line: &&str| parts.iter().all(|part| line.contains(part));
        log.lines()
            .filter(|line| line.contains("differs from the running sale"))
            .any(|line| is_it(&line))
    };
    assert!(warned(&["WARN", "fixed", "title", "Another title", "From the file"]), "{log}");
    assert!(warned(&["WARN", "fixed", "offers[0].price", "7", "100"]), "{log}");
    assert_eq!(log.matches("differs from the running sale").count(), 2, "{log}");
}

#[tokio::test]
async fn a_sale_is_archived_by_policy_and_its_orders_are_refunded_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let config = format!("{CONFIG}\n[data]\narchive_after_seconds = 1\n");
    let server = Server::start(dir.path(), &config);
    let wall = Wall::on(&server, json!({})).await;
    let (shopper, id) = wall.held().await;
    wall.step(&id, "pay").await.is(200);
    // Others that are over with it are archived, though this one cannot be yet.
    let others = [Wall::on(&server, json!({})).await, Wall::on(&server, json!({})).await];
    for wall in others.iter().chain([&wall]) {
        wall.act("close", Value::Null).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    wall.status().await;
    for other in &others {
        other.tell(get(other.path(""))).await.is(410);
    }
    wall.step(&id, "confirm").await.is(200);
    eventually(|| async { (wall.tell(get(wall.path(""))).await.status == 410).then_some(()) })
        .await;
    let audit = wall.operator(get(wall.admin("audit"))).await.is(200).json();
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["author"]), (&json!("archive"), &json!("policy")));
    let shown = wall.show(&id, &shopper.ticket).await.is(200);
    let (show, refund) =
        (wall.path(&format!("purchases/{id}")), wall.path(&format!("purchases/{id}/refund")));
    let room = get(format!("/s/{}", wall.name())).header("accept", "text/html");
    server.kill();

    let server = Server::start(dir.path(), &config);
    // It is packed ten seconds after something concerned it.
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    let unpacked = || async {
        let figures = figures(&server).await;
        value(&figures, "rushgate_archived_views_bytes")
    };
    server.client.tell(get(&show)).await.refuses(401, "unauthorized");
    server.client.tell(get(&show).bearer("of another sale")).await.refuses(401, "pass_invalid");
    server.client.tell(post(&refund).bearer(&shopper.ticket)).await.refuses(401, "unauthorized");
    let room = server.client.tell(room).await.is(410);
    assert!(room.text().contains("<html"), "{}", room.text());
    assert_eq!(unpacked().await, Some(0.0), "nothing is unpacked for people who may not ask");
    // A node of many first sees to it that the store has the emptied sale, and packs it later for that.
    let again = eventually(|| async {
        let again = server.client.tell(get(&show).bearer(&shopper.ticket)).await.is(200);
        (unpacked().await > Some(0.0)).then_some(again)
    })
    .await;
    assert_eq!(again.body, shown.body);
    let refunded = server.client.tell(post(&refund).bearer(&server.backend)).await.is(200).json();
    assert_eq!(refunded["state"], "refunded");
}
