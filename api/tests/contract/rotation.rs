//! The token secret is rotated while two nodes serve: nobody is turned away, and no backend meets a
//! pass whose key it has not seen.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::redis::{AppendFsync, Redis};

use crate::{
    client::{get, post},
    process::{CONFIG, Server},
    wall::{eventually, offer, text},
};

const OLD: &str = "the old secret of all nodes, long enough";
const NEW: &str = "the new secret of all nodes, long enough";

/// What a node is configured with in a round.
#[derive(Clone, Copy)]
struct Round {
    secret: &'static str,
    previous: Option<&'static str>,
    next: Option<&'static str>,
}

const BEFORE: Round = Round { secret: OLD, previous: None, next: None };
const ANNOUNCED: Round = Round { secret: OLD, previous: None, next: Some(NEW) };
const TURNED: Round = Round { secret: NEW, previous: Some(OLD), next: None };

/// A node's directory, and the node while it runs.
struct Node {
    dir: TempDir,
    name: &'static str,
    server: Option<Server>,
}

impl Node {
    fn start(name: &'static str, redis: &Redis, round: Round) -> Self {
        let mut node = Self { dir: TempDir::new().unwrap(), name, server: None };
        node.restart(redis, round);
        node
    }

    fn restart(&mut self, redis: &Redis, round: Round) {
        drop(self.server.take());
        let set = |name: &'static str, value: &str| (name, value.to_owned());
        let mut environment = vec![
            set("RUSHGATE__ARBITER__KIND", "redis"),
            set("RUSHGATE__REDIS__URL", &format!("redis+unix://{}", redis.socket().display())),
            set("RUSHGATE__REDIS__PREFIX", "rotation"),
            set("RUSHGATE__SERVER__NODE", self.name),
            set("RUSHGATE__KEYS__SECRET", round.secret),
            set("RUSHGATE__KEYS__IDENTITY_SECRET", OLD),
        ];
        environment.extend(round.previous.map(|old| set("RUSHGATE__KEYS__PREVIOUS_SECRET", old)));
        environment.extend(round.next.map(|new| set("RUSHGATE__KEYS__NEXT_SECRET", new)));
        self.server = Some(Server::start_in(self.dir.path(), CONFIG, &environment));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    async fn key_set(&self) -> Value {
        let told = self.server().client.tell(get("/.well-known/jwks.json")).await.is(200);
        assert_eq!(told.header("cache-control"), Some("public, max-age=300"));
        told.json()
    }

    /// Lets somebody new in, once the node can.
    async fn admitted(&self) -> Tokens {
        let told = eventually(|| async {
            let told = self.server().client.tell(post("/v1/sales/turn/enter")).await;
            (told.status == 200).then(|| told.json())
        });
        let told = told.await;
        Tokens { ticket: text(&told["ticket"]), pass: text(&told["pass"]) }
    }

    /// What is asked with someone's tokens is never turned away, whichever node gave them out.
    async fn takes(&self, tokens: &Tokens) {
        eventually(|| async {
            let ask = get("/v1/sales/turn/position").bearer(&tokens.ticket);
            let place = self.server().client.tell(ask).await;
            let buy = json!({ "items": [{ "sku": "sneaker-42", "quantity": 1 }] });
            let buy = post("/v1/sales/turn/purchase").bearer(&tokens.pass).key("once").json(&buy);
            let bought = self.server().client.tell(buy).await;
            for told in [&place, &bought] {
                assert_ne!(told.status, 401, "{} at {}", told.text(), self.name);
            }
            (place.status == 200 && bought.status == 201).then_some(())
        })
        .await;
    }
}

struct Tokens {
    ticket: String,
    pass: String,
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// Whether a backend that has fetched this key set takes the pass.
fn verifies(keys: &Value, pass: &str) -> bool {
    let (signed, signature) = pass.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&decoded(signed.split('.').next().unwrap())).unwrap();
    let of_kid = |key: &&Value| key["kid"] == header["kid"];
    let Some(key) = keys["keys"].as_array().unwrap().iter().find(of_kid) else { return false };
    let key: [u8; 32] = decoded(key["x"].as_str().unwrap()).try_into().unwrap();
    let signature = Signature::from_slice(&decoded(signature)).unwrap();
    VerifyingKey::from_bytes(&key).unwrap().verify_strict(signed.as_bytes(), &signature).is_ok()
}

/// Rotates over two nodes, one restart after the other. Between two rounds the key sets expire, so that
/// a backend has one of the round before or of this one, from either node.
async fn rotate(rounds: &[Round]) -> bool {
    let redis = Redis::start(AppendFsync::Off).unwrap();
    let mut nodes = [Node::start("a", &redis, BEFORE), Node::start("b", &redis, BEFORE)];
    let table = json!({ "id": "turn", "offers": [offer(1_000)], "active_max": 1_000,
        "admission_per_second": 1_000_000, "per_shopper_max": 9 });
    let operator = &nodes[0].server().operator;
    let create = post("/v1/admin/sales").bearer(operator).json(&table);
    nodes[0].server().client.tell(create).await.is(201);

    let (mut tokens, mut all_verify) = (Vec::new(), true);
    for round in rounds {
        let mut fetched = [nodes[0].key_set().await, nodes[1].key_set().await].to_vec();
        for turned in 0..nodes.len() {
            let before = tokens.len();
            tokens.push(nodes[0].admitted().await);
            tokens.push(nodes[1].admitted().await);
            nodes[turned].restart(&redis, *round);
            tokens.push(nodes[0].admitted().await);
            tokens.push(nodes[1].admitted().await);
            fetched.push(nodes[turned].key_set().await);
            for tokens in &tokens {
                nodes[0].takes(tokens).await;
                nodes[1].takes(tokens).await;
            }
            let passes = tokens[before..].iter().map(|tokens| tokens.pass.as_str());
            all_verify &=
                passes.into_iter().all(|pass| fetched.iter().all(|keys| verifies(keys, pass)));
        }
    }
    all_verify
}

#[tokio::test]
async fn a_secret_that_is_announced_first_is_rotated_without_a_refusal() {
    assert!(rotate(&[ANNOUNCED, TURNED]).await, "a pass met a key set without its key");
}

#[tokio::test]
async fn a_secret_that_signs_at_once_meets_key_sets_without_it() {
    let redis = Redis::start(AppendFsync::Off).unwrap();
    let before = Node::start("a", &redis, BEFORE);
    let keys = before.key_set().await;
    let after = Node::start("b", &redis, TURNED).key_set().await;
    let kid = |keys: &Value| text(&keys["keys"][0]["kid"]);
    let published = |keys: &Value| keys["keys"].as_array().unwrap().len();
    assert_eq!((published(&keys), published(&after)), (1, 2));
    assert_ne!(kid(&keys), kid(&after), "why a new secret is announced before it signs");
    let announced = Node::start("c", &redis, ANNOUNCED).key_set().await;
    assert_eq!(kid(&announced), kid(&keys), "the present one signs");
    assert!(announced["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid(&after)));
}
