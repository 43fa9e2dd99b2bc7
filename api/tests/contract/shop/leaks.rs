//! Everything that can be read, read by everybody: nobody finds what is somebody else's, and the log has none of it.
//!
//! Owns a world in which everything personal has a word that stands nowhere else, and who may read it. A word
//! that turns up with another role, or in the log, fails with the call that showed it. Every GET of the table is
//! asked, so a route that is added is in here by itself.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::postgres::Postgres;

use super::{
    PASSWORD, Person, Shop, SignedIn, config, eventually,
    open_deal::{Admitted, OpenDeal, press},
};
use crate::{
    client::{Ask, Told, ask, get, post},
    process::Server,
};

/// A word, and who may read it.
struct Marked {
    word: String,
    readers: &'static [&'static str],
}

/// Everybody, what they have, and what the paths need.
struct World {
    roles: Vec<(&'static str, Option<SignedIn>)>,
    marked: Vec<Marked>,
    /// What nobody reads.
    secrets: Vec<String>,
    /// Names in a path and what stands for them.
    names: Vec<(&'static str, Vec<String>)>,
}

/// Whoever a shopper's own data is for.
const OWN: &[&str] = &["one"];
const TWOS: &[&str] = &["two"];
/// Whoever deals with the order of a shopper.
const ORDER: &[&str] = &["one", "seller", "operator"];
/// Who somebody is.
const PERSON: &[&str] = &["one", "operator"];
/// Whoever decides about a business.
const COMPANY: &[&str] = &["pending business", "operator"];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn address(word: &str, phone: &str) -> Value {
    json!({
        "receiver": format!("{word}-receiver"), "phone": phone, "zip": "06236",
        "road": format!("{word}-road"), "detail": format!("{word}-detail"),
    })
}

/// What a shopper says of themselves.
async fn says(shop: Shop, session: &SignedIn, word: &str) -> String {
    let named = session.ask("PATCH", "/v1/me").json(&json!({ "name": format!("{word}-name") }));
    shop.tell(named).await.is(200);
    let device = json!({ "token": format!("{word}-device"), "platform": "web" });
    shop.tell(session.post("/v1/me/devices").json(&device)).await.is(204);
    let follows = json!({ "categories": ["pet"], "keywords": [format!("{word}word")] });
    shop.tell(session.ask("PUT", "/v1/me/alerts").json(&follows)).await.is(200);
    let body = address(&format!("{word}-home"), "010-7391-0001");
    text(&shop.tell(session.post("/v1/me/addresses").json(&body)).await.is(201).json()["address"])
}

/// Buys something that goes to an address of its own; the order and its payment's path.
async fn buys(shop: Shop, deal: &OpenDeal, session: &SignedIn, word: &str) -> (String, String) {
    let by = Admitted { session: session.clone(), pass: deal.pass(session).await };
    let mut wanted = deal.wanted(&by.pass, 1);
    wanted["address"] = address(&format!("{word}-gift"), "010-7391-0002");
    let asked = session.post("/v1/orders").key("marked").json(&wanted);
    let order = text(&shop.tell(asked).await.is(201).json()["order"]);
    let back = press(&deal.begin(session, &order, "kakaopay").await, "approve").await;
    shop.tell(get(back.clone())).await.is(303);
    deal.until(session, &order, "paid").await;
    let wish = json!({ "reason": format!("{word}-reason"), "amount": 1_000 });
    shop.tell(session.post(&format!("/v1/orders/{order}/refunds")).json(&wish)).await.is(201);
    deal.until(session, &order, "part_refunded").await;
    let payment = back.split('/').nth(3).unwrap().to_owned();
    (order, payment)
}

/// Somebody who applies as a business.
async fn applies(shop: Shop, number: &str, word: &str) -> (Person, String) {
    let (person, first) = shop.verified(word).await;
    let company = json!({
        "company_name": format!("{word}-company"), "business_number": number,
        "ceo_name": format!("{word}-ceo"), "ceo_email": format!("{word}-ceo@people.example"),
        "ceo_phone": "02-7391-0003",
    });
    let made = shop.tell(first.post("/v1/businesses").json(&company)).await.is(201).json();
    (person, text(&made["business"]))
}

async fn as_business(shop: Shop, person: &Person) -> SignedIn {
    let body = json!({ "email": person.email, "password": PASSWORD, "role": "business" });
    SignedIn::of(&shop.tell(post("/v1/sessions").json(&body)).await.is(200).json())
}

/// A business that was approved and is suspended.
async fn suspended(shop: Shop, operator: &SignedIn) -> SignedIn {
    let (person, id) = applies(shop, "9990000068", "qzsuspended").await;
    let path = |verb: &str| format!("/v1/admin/businesses/{id}/{verb}");
    eventually(async || {
        let told = shop.tell(operator.post(&path("approve"))).await;
        (told.status == 200).then_some(())
    })
    .await;
    let session = as_business(shop, &person).await;
    let reason = json!({ "reason": "complaints" });
    shop.tell(operator.post(&path("suspend")).json(&reason)).await.is(200);
    session
}

fn marked(one: &Person, two: &Person) -> Vec<Marked> {
    let of =
        |word: &str, readers: &'static [&'static str]| Marked { word: word.to_owned(), readers };
    let mut all = vec![
        of("qzcompany-ceo@people.example", COMPANY),
        of("qzcompany-company", COMPANY),
        of("qzone-reason", ORDER),
        of(&one.email, PERSON),
        of(&two.email, TWOS),
        of("qztwo-name", TWOS),
    ];
    for part in ["receiver", "road", "detail"] {
        all.push(of(&format!("qzone-gift-{part}"), ORDER));
        all.push(of(&format!("qzone-home-{part}"), OWN));
        all.push(of(&format!("qztwo-home-{part}"), TWOS));
    }
    for (word, readers) in [("qzone", OWN), ("qztwo", TWOS)] {
        all.push(of(&format!("{word}word"), readers));
        // By its export alone.
        all.push(of(&format!("{word}-device"), readers));
    }
    all.push(of("qzone-name", PERSON));
    all
}

impl World {
    async fn of(shop: Shop) -> Self {
        let deal = OpenDeal::of(shop, 20, 5).await;
        let (operator, seller) = (shop.of_demo("operator").await, shop.of_demo("business").await);
        let ((one, first), (two, second)) =
            (shop.verified("qzone").await, shop.verified("qztwo").await);
        let home = says(shop, &first, "qzone").await;
        says(shop, &second, "qztwo").await;
        let (order, payment) = buys(shop, &deal, &first, "qzone").await;
        let (person, business) = applies(shop, "9990000054", "qzcompany").await;
        let pending = as_business(shop, &person).await;
        let roles = vec![
            ("nobody", None),
            ("one", Some(first)),
            ("two", Some(second)),
            ("seller", Some(seller)),
            ("other business", Some(shop.other_seller().await)),
            ("pending business", Some(pending)),
            ("suspended business", Some(suspended(shop, &operator).await)),
            ("operator", Some(operator)),
        ];
        let sessions = roles.iter().filter_map(|(_, session)| session.as_ref());
        let tokens = sessions.flat_map(|session| [session.refresh.clone(), session.access.clone()]);
        let keys = [&shop.server.operator, &shop.server.backend].map(Clone::clone);
        let fixed = ["$argon2", "double-key", PASSWORD].map(str::to_owned);
        let secrets = tokens.chain(keys).chain(fixed).collect();
        let names = vec![
            ("{deal}", vec![deal.deal.clone()]),
            ("{order}", vec![order]),
            ("{payment}", vec![payment]),
            ("{address}", vec![home]),
            ("{business}", vec![business]),
            ("{provider}", vec!["kakao".to_owned(), "google".to_owned()]),
            ("{purchase}", vec!["p1-1".to_owned()]),
        ];
        Self { roles, marked: marked(&one, &two), secrets, names }
    }

    /// The paths that a row of the table stands for; names of nothing in particular stay as they are.
    fn paths(&self, row: &str) -> Vec<String> {
        let mut paths = vec![row.to_owned()];
        for (name, values) in &self.names {
            let with = |path: &String| {
                values.iter().map(|value| path.replace(name, value)).collect::<Vec<_>>()
            };
            if row.contains(name) {
                paths = paths.iter().flat_map(with).collect();
            }
        }
        let deal = &self.names[0].1[0];
        match row {
            "/v1/me/business/orders" | "/v1/me/business/sales" | "/shop/business/sales" => {
                paths.push(format!("{row}?deal={deal}"));
            }
            "/v1/deals" => {
                paths.extend(["/v1/deals?q=qzone", "/v1/deals?week="].map(str::to_owned));
            }
            "/shop/deals" => paths.push("/shop/deals?q=qzone".to_owned()),
            _ => {}
        }
        paths.iter().map(|path| path.replace(['{', '}', '*'], "")).collect()
    }

    /// What an answer has that this role must not read.
    fn found(&self, role: &str, told: &Told) -> Vec<&str> {
        let mut shown = String::from_utf8_lossy(&told.body).into_owned();
        for value in told.headers.values() {
            shown.push_str(&String::from_utf8_lossy(value.as_bytes()));
            shown.push('\n');
        }
        let foreign = self.marked.iter().filter(|marked| !marked.readers.contains(&role));
        let words = foreign.map(|marked| marked.word.as_str());
        let all = words.chain(self.secrets.iter().map(String::as_str));
        all.filter(|word| shown.contains(word)).collect()
    }
}

/// The calls of a path: for programs, and for browsers.
fn asked(path: &str, session: Option<&SignedIn>) -> Ask {
    let mut asked = ask("GET", path);
    if path.starts_with("/shop") {
        asked = asked.header("accept", "text/html").header("accept-language", "en");
    }
    match session {
        Some(session) => asked.bearer(&session.access),
        None => asked,
    }
}

async fn run(server: &'static Server) {
    let shop = Shop { server };
    let world = World::of(shop).await;
    let (mut leaks, mut seen) = (Vec::new(), vec![false; world.marked.len()]);
    for row in commerce::table().iter().filter(|row| row.method == "GET") {
        for path in world.paths(row.path) {
            for (role, session) in &world.roles {
                let told = shop.tell(asked(&path, session.as_ref())).await;
                assert!(told.status < 500, "{role}: {path}: {}", told.text());
                for word in world.found(role, &told) {
                    leaks.push(format!("{role} reads {word} at {path}"));
                }
                let body = String::from_utf8_lossy(&told.body);
                for (seen, marked) in seen.iter_mut().zip(&world.marked) {
                    *seen |= body.contains(&marked.word);
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    // The walk got to where the words are: otherwise it would show nothing.
    for (seen, marked) in seen.iter().zip(&world.marked) {
        assert!(*seen || marked.readers != OWN, "nobody was shown {}", marked.word);
    }

    let log = server.log();
    assert!(log.contains("DEBUG"), "the log says everything");
    let words = world.marked.iter().map(|marked| marked.word.as_str());
    let people = ["qzone", "qztwo", "qzcompany", "@people.example", "010-7391", "1073910"];
    for word in words.chain(world.secrets.iter().map(String::as_str)).chain(people) {
        let line = log.lines().find(|line| line.contains(word));
        assert!(line.is_none(), "the log has {word}: {}", line.unwrap_or_default());
    }
}

/// The configuration of a server whose log is read, in this form.
fn logging(database: &str, format: &str) -> String {
    let log =
        format!("[log]\naccess_sample = 1\naccess_per_second = 1000000\nformat = \"{format}\"");
    config(database).replace("[log]", &log)
}

mod nobody_reads_what_is_anothers_and_the_log_has_nothing_personal {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        static SHOP: OnceLock<Server> = OnceLock::new();
        run(SHOP.get_or_init(|| Server::start_for_all(&logging("", "json")))).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        static SHOP: OnceLock<Server> = OnceLock::new();
        let database = format!("database = \"{}\"", Postgres::shared().database().unwrap());
        run(SHOP.get_or_init(|| Server::start_for_all(&logging(&database, "text")))).await;
    }
}
