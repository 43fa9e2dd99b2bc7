//! One sale of one test on the shared server, and what people do with it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    client::{Ask, PATIENCE, Told, ask, get, post},
    process::{Server, shared},
};

/// The SKU every sale here has.
pub(crate) const SKU: &str = "sneaker-42";
/// Its price.
pub(crate) const PRICE: i64 = 99_000;

/// A sale of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wall<'s> {
    pub(crate) server: &'s Server,
    name: [u8; 12],
}

/// Someone who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Shopper {
    pub(crate) ticket: String,
    pub(crate) pass: String,
    pub(crate) number: u64,
}

impl Wall<'static> {
    /// A sale on the shared server that lets everyone in at once, but for `changes`.
    pub(crate) async fn new(changes: Value) -> Self {
        Self::on(shared(), changes).await
    }
}

impl<'s> Wall<'s> {
    pub(crate) async fn on(server: &'s Server, changes: Value) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut name = [0; 12];
        name.copy_from_slice(format!("wall-{count:07}").as_bytes());
        Self { server, name }.again(changes).await
    }

    /// The sale of this name, made after it was deleted.
    pub(crate) async fn again(self, changes: Value) -> Self {
        let mut table = json!({
            "id": self.name(), "title": "A wall", "admission_per_second": 1_000_000,
            "active_max": 100_000, "offers": [offer(10)],
        });
        table.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.operator(post("/v1/admin/sales").json(&table)).await.is(201);
        self
    }

    /// A sale of this name on another server.
    pub(crate) async fn again_on<'o>(&self, server: &'o Server, changes: Value) -> Wall<'o> {
        Wall { server, name: self.name }.again(changes).await
    }

    pub(crate) fn name(&self) -> &str {
        std::str::from_utf8(&self.name).unwrap()
    }

    /// The path of a shopper's call of this sale.
    pub(crate) fn path(&self, call: &str) -> String {
        let slash = if call.is_empty() { "" } else { "/" };
        format!("/v1/sales/{}{slash}{call}", self.name())
    }

    /// The path of an operator's call of this sale.
    pub(crate) fn admin(&self, call: &str) -> String {
        self.path(call).replace("/v1/sales", "/v1/admin/sales")
    }

    pub(crate) async fn tell(&self, ask: Ask) -> Told {
        self.server.client.tell(ask).await
    }

    pub(crate) async fn operator(&self, ask: Ask) -> Told {
        self.tell(ask.bearer(&self.server.operator)).await
    }

    pub(crate) async fn backend(&self, ask: Ask) -> Told {
        self.tell(ask.bearer(&self.server.backend)).await
    }

    /// An operator's call that takes no body, or this one, and succeeds.
    pub(crate) async fn act(&self, call: &str, body: Value) -> Value {
        let mut ask = post(self.admin(call));
        if !body.is_null() {
            ask = ask.json(&body);
        }
        self.operator(ask).await.is(200).json()
    }

    pub(crate) async fn status(&self) -> Value {
        self.tell(get(self.path(""))).await.is(200).json()
    }

    pub(crate) async fn stats(&self) -> Value {
        self.operator(get(self.admin("stats"))).await.is(200).json()
    }

    /// Available, held, paying, sold; the four always add up to the total.
    pub(crate) async fn units(&self) -> [u64; 4] {
        let stats = self.stats().await;
        let offer = &stats["offers"][0];
        let units = ["available", "held", "paying", "sold"].map(|n| offer[n].as_u64().unwrap());
        assert_eq!(units.iter().sum::<u64>(), offer["total"].as_u64().unwrap());
        units
    }

    pub(crate) async fn enter(&self) -> Told {
        self.tell(post(self.path("enter"))).await
    }

    /// Enters and is let in at once.
    pub(crate) async fn admitted(&self) -> Shopper {
        let told = self.enter().await.is(200).json();
        assert_eq!(told["state"], "admitted");
        Shopper {
            ticket: text(&told["ticket"]),
            pass: text(&told["pass"]),
            number: told["number"].as_u64().unwrap(),
        }
    }

    /// Enters a sale whose gate stands still.
    pub(crate) async fn waiting(&self) -> String {
        text(&self.enter().await.is(202).json()["ticket"])
    }

    pub(crate) async fn position(&self, ticket: &str) -> Told {
        self.tell(get(self.path("position")).bearer(ticket)).await
    }

    pub(crate) async fn buy(&self, pass: &str, quantity: u64, key: &str) -> Told {
        let body = json!({ "items": [{ "sku": SKU, "quantity": quantity }] });
        self.tell(post(self.path("purchase")).bearer(pass).key(key).json(&body)).await
    }

    /// A purchase of one unit by someone new.
    pub(crate) async fn held(&self) -> (Shopper, String) {
        let shopper = self.admitted().await;
        let held = self.buy(&shopper.pass, 1, "first").await.is(201).json();
        (shopper, text(&held["purchase"]))
    }

    /// A step of the backend.
    pub(crate) async fn step(&self, purchase: &str, verb: &str) -> Told {
        self.backend(post(self.path(&format!("purchases/{purchase}/{verb}")))).await
    }

    pub(crate) async fn show(&self, purchase: &str, token: &str) -> Told {
        self.tell(get(self.path(&format!("purchases/{purchase}"))).bearer(token)).await
    }

    pub(crate) async fn delete(&self) -> Told {
        self.operator(ask("DELETE", self.admin(""))).await
    }

    /// Everything an operator can see of the sale: what a refused request must leave as it was.
    pub(crate) async fn picture(&self) -> Value {
        let audit = self.operator(get(self.admin("audit"))).await.is(200).json();
        let table = self.operator(get(self.admin(""))).await.is(200).json();
        let mut stats = self.stats().await;
        // The outbox is the whole server's, and other tests fill it.
        stats.as_object_mut().unwrap().remove("outbox_lag");
        json!([stats, audit, table, self.status().await])
    }
}

/// The offer's table, with so many units.
pub(crate) fn offer(total: u64) -> Value {
    json!({ "sku": SKU, "total": total, "price": PRICE, "currency": "KRW" })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| unreachable!("{value} is not a text")).to_owned()
}

/// The names of an object's members, in order.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Asks until the answer satisfies.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came about");
        sleep(Duration::from_millis(50)).await;
    }
}
