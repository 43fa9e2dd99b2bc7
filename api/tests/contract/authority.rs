//! Every route × everyone who might ask: who may, who may not, and that nothing changes for those
//! who may not.

use serde_json::{Value, json};

use crate::{
    client::{Ask, ask, get, post},
    wall::{SKU, Shopper, Wall, offer},
};

/// What somebody shows.
#[derive(Clone, Debug)]
struct Caller {
    name: &'static str,
    token: Option<String>,
}

/// One room with an owner, another shopper of it, and a shopper of another sale.
struct Scene {
    wall: Wall<'static>,
    owner: Shopper,
    purchase: String,
    callers: Vec<Caller>,
}

async fn scene() -> Scene {
    let (wall, elsewhere) = (Wall::new(json!({})).await, Wall::new(json!({})).await);
    let (owner, purchase) = wall.held().await;
    let other = wall.admitted().await;
    let stranger = elsewhere.admitted().await;
    let caller = |name, token: &str| Caller { name, token: Some(token.to_owned()) };
    let callers = vec![
        Caller { name: "nobody", token: None },
        caller("owner's ticket", &owner.ticket),
        caller("owner's pass", &owner.pass),
        caller("other's ticket", &other.ticket),
        caller("other's pass", &other.pass),
        caller("stranger's ticket", &stranger.ticket),
        caller("stranger's pass", &stranger.pass),
        caller("operator", &wall.server.operator),
        caller("backend", &wall.server.backend),
        caller("garbage", "garbage"),
        caller("empty", ""),
    ];
    Scene { wall, owner, purchase, callers }
}

impl Scene {
    /// Sends `call` as everyone but those who `may`, and expects a refusal that changes nothing.
    async fn refused(&self, call: &Ask, may: &[&str], expected: impl Fn(&str) -> u16) {
        let wall = &self.wall;
        let before = (wall.picture().await, self.holds().await);
        for caller in self.callers.iter().filter(|caller| !may.contains(&caller.name)) {
            let mut call = call.clone();
            if let Some(token) = &caller.token {
                call = call.header("authorization", format!("Bearer {token}").trim_end());
            }
            let context = format!("{} {} as {}", call.method, call.path, caller.name);
            let told = wall.tell(call).await;
            assert_eq!(told.status, expected(caller.name), "{context}: {}", told.text());
        }
        let after = (wall.picture().await, self.holds().await);
        assert_eq!(after, before, "{} {}", call.method, call.path);
    }

    async fn holds(&self) -> Value {
        self.wall.show(&self.purchase, &self.wall.server.backend).await.is(200).json()
    }
}

#[tokio::test]
async fn a_place_is_its_ticket_holders_alone() {
    let scene = scene().await;
    let may = ["owner's ticket", "other's ticket"];
    for call in ["position", "stream"] {
        scene.refused(&get(scene.wall.path(call)), &may, |_| 401).await;
    }
    scene.refused(&post(scene.wall.path("leave")), &may, |_| 401).await;
}

#[tokio::test]
async fn buying_takes_a_pass_of_this_sale() {
    let scene = scene().await;
    let items = json!({ "items": [{ "sku": SKU, "quantity": 1 }] });
    let call = post(scene.wall.path("purchase")).key("matrix").json(&items);
    scene.refused(&call, &["owner's pass", "other's pass"], |_| 401).await;
}

#[tokio::test]
async fn a_purchase_shows_and_ends_for_its_shopper_and_the_keys() {
    let scene = scene().await;
    let path = scene.wall.path(&format!("purchases/{}", scene.purchase));
    let not_found_for_others = |name: &str| if name.starts_with("other's") { 404 } else { 401 };
    let may = ["owner's pass", "owner's ticket", "operator", "backend"];
    scene.refused(&get(&path), &may, not_found_for_others).await;
    let release = post(format!("{path}/release"));
    let expected = |name: &str| if name == "operator" { 403 } else { not_found_for_others(name) };
    let may = ["owner's pass", "owner's ticket", "backend"];
    scene.refused(&release, &may, expected).await;
    let keyed = release.key("matrix");
    scene.refused(&keyed, &may, expected).await;
}

#[tokio::test]
async fn settling_is_the_backends() {
    let scene = scene().await;
    let expected = |name: &str| if name == "operator" { 403 } else { 401 };
    for verb in ["pay", "confirm", "refund"] {
        let path = scene.wall.path(&format!("purchases/{}/{verb}", scene.purchase));
        scene.refused(&post(path), &["backend"], expected).await;
    }
    let path = scene.wall.path(&format!("sessions/s-1-{}/end", scene.owner.number));
    scene.refused(&post(path), &["backend"], expected).await;
}

#[tokio::test]
async fn operating_is_the_operators() {
    let scene = scene().await;
    let wall = &scene.wall;
    let expected = |name: &str| if name == "backend" { 403 } else { 401 };
    let table = json!({ "id": "never-made", "offers": [offer(1)] });
    let mut calls = vec![
        get("/v1/admin/sales"),
        post("/v1/admin/sales").json(&table),
        get("/v1/admin/outbox"),
        post("/v1/admin/outbox/replay"),
        get(wall.admin("")),
        ask("PATCH", wall.admin("")).json(&json!({ "title": "Taken over" })),
        ask("DELETE", wall.admin("")),
        get(wall.admin("audit")),
        get(wall.admin("stats")),
        post(wall.admin("message")).json(&json!({ "message": "mine" })),
        post(wall.admin("rate")).json(&json!({ "admission_per_second": 1 })),
        post(wall.admin("restock")).json(&json!({ "sku": SKU, "units": 1_000 })),
    ];
    for act in ["pause", "resume", "drain", "open", "close"] {
        calls.push(post(wall.admin(act)));
    }
    for call in calls {
        scene.refused(&call, &["operator"], expected).await;
    }
    wall.tell(get("/v1/sales/never-made")).await.refuses(404, "not_found");
    // Whether a sale is there is told to operators alone.
    wall.tell(get("/v1/admin/sales/nowhere")).await.refuses(401, "unauthorized");
}

#[tokio::test]
async fn authority_is_asked_before_the_body_is_looked_at() {
    let scene = scene().await;
    let wall = &scene.wall;
    let purchase = |verb| wall.path(&format!("purchases/{}/{verb}", scene.purchase));
    for path in [
        wall.path("leave"),
        wall.path("purchase"),
        purchase("pay"),
        purchase("release"),
        wall.path("sessions/s-1-1/end"),
        wall.admin("message"),
        "/v1/admin/sales".to_owned(),
    ] {
        let call = post(path).header("content-type", "text/plain").body("{\"x\":");
        scene.refused(&call, &HOLDERS, |_| 401).await;
    }
}

/// Everyone with something to show: the rest is refused for what they lack, not for what they say.
const HOLDERS: [&str; 8] = [
    "owner's ticket",
    "owner's pass",
    "other's ticket",
    "other's pass",
    "stranger's ticket",
    "stranger's pass",
    "operator",
    "backend",
];

#[tokio::test]
async fn only_one_authorization_header_of_one_scheme_counts() {
    let scene = scene().await;
    let (wall, ticket) = (&scene.wall, &scene.owner.ticket);
    let position = || get(wall.path("position"));
    let bearer = format!("Bearer {ticket}");
    wall.tell(position().header("authorization", &format!("bearer {ticket}"))).await.is(200);
    for refused in [
        position().header("authorization", &bearer).header("authorization", &bearer),
        position().header("authorization", ticket),
        position().header("authorization", &format!("Basic {ticket}")),
        position().header("authorization", &format!("Bearer {ticket} x")),
        position().header("authorization", &format!("Bearer {ticket}, {bearer}")),
    ] {
        wall.tell(refused).await.refuses(401, "ticket_invalid");
    }
    // A token in a path would stand in every log on the way.
    let in_query = get(format!("{}?access_token={ticket}", wall.path("position")));
    wall.tell(in_query).await.refuses(422, "invalid_request");
}
