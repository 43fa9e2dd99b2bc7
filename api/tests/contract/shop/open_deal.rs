//! A deal that is open now, and what shoppers do in its room.
//!
//! Deals are published for hours to come, so the deal is written by the shop's own verbs at a clock of two hours
//! ago. Everything from then on is the program's.

use std::{net::SocketAddr, sync::Arc};

use base::{
    calendar::Calendar,
    moment::{Clock, Moment},
    money::Currency,
};
use identity::{account, business, email::Email};
use serde_json::{Value, json};
use store::{Db, Failure, fact::Listeners};
use trade::{
    deal::{self, Terms, Typed},
    rental::Plan,
    slot::Policy,
};

use super::{Shop, SignedIn, eventually};
use crate::client::{Client, Told, get, post};

const HOUR_MS: i64 = 3_600_000;

/// What a unit costs.
pub(crate) const UNIT: i64 = 31_000;

/// A clock that stands still.
#[derive(Debug)]
struct At(Moment);

impl Clock for At {
    fn now(&self) -> Moment {
        self.0
    }
}

/// A deal of the demo's business.
#[derive(Clone, Debug)]
pub(crate) struct OpenDeal {
    shop: Shop,
    pub(crate) deal: String,
}

/// Somebody who was admitted.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) session: SignedIn,
    pub(crate) pass: String,
}

impl OpenDeal {
    /// A deal that began an hour ago at the latest, and ends within hours.
    pub(crate) async fn of(shop: Shop, stock: i64, per_shopper_max: i64) -> Self {
        Self::lasting(shop, stock, per_shopper_max, 4).await
    }

    /// A deal that ended with the last hour.
    pub(crate) async fn over(shop: Shop) -> Self {
        Self::at(shop, 5, 2, -2..0).await
    }

    /// A deal that opens in hours.
    pub(crate) async fn coming(shop: Shop) -> Self {
        Self::at(shop, 5, 2, 2..4).await
    }

    /// The same deal at a shop that was started again.
    pub(crate) fn at_shop(&self, shop: Shop) -> Self {
        Self { shop, deal: self.deal.clone() }
    }

    async fn lasting(shop: Shop, stock: i64, per_shopper_max: i64, hours: i64) -> Self {
        Self::at(shop, stock, per_shopper_max, 0..hours).await
    }

    async fn at(shop: Shop, stock: i64, limit: i64, hours: std::ops::Range<i64>) -> Self {
        let now = Moment(jiff::Timestamp::now().as_millisecond());
        let hour = Moment(now.0 - now.0 % HOUR_MS);
        let at = |hours: i64| Moment(hour.0 + hours * HOUR_MS);
        let (opens_at, closes_at) = (at(hours.start), at(hours.end));
        let then = Moment(opens_at.0.min(now.0) - HOUR_MS);
        let plan = Plan::free(Currency::KRW);
        let policy = Policy { calendar: Calendar::default(), capacity: 10_000, hours_min: 2, plan };
        let typed = Typed {
            title: "수분 미스트",
            description: "",
            category: "beauty",
            price: 2 * UNIT,
            discount_percent: 50,
            stock,
            per_shopper_max: limit,
            opens_at,
            closes_at,
            media: &[],
        };
        let terms = Terms::parse(&policy, &typed).unwrap();
        let db = database(shop, then).await;
        let file = std::fs::read(shop.server.data.join("demo.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        let email = Email::parse(file["business"]["email"].as_str().unwrap()).unwrap();
        let seller = account::by_email(&db.read(), &email).await.unwrap().unwrap().id;
        let written = db.write(async |tx| {
            let live = account::live(tx, seller).await.unwrap();
            let approved = business::approved(tx, &live).await.unwrap();
            let deal = deal::draft(tx, &approved, &terms).await.unwrap();
            deal::publish(tx, &policy, &approved, deal).await.unwrap();
            Ok::<_, Failure<store::sea_orm::DbErr>>(deal)
        });
        let open = Self { shop, deal: written.await.unwrap().to_string() };
        if hours.contains(&0) {
            open.until_there().await;
        }
        open
    }

    async fn until_there(&self) {
        let room = format!("/v1/sales/{}", self.deal);
        eventually(async || {
            let told = self.shop.tell(get(room.clone())).await;
            (told.status == 200).then_some(())
        })
        .await;
    }

    /// Somebody new with an account, who was let in.
    pub(crate) async fn admitted(&self, name: &str) -> Admitted {
        let (_, session) = self.shop.verified(name).await;
        let pass = self.pass(&session).await;
        Admitted { session, pass }
    }

    /// The pass of whoever enters.
    pub(crate) async fn pass(&self, session: &SignedIn) -> String {
        let enter = post(format!("/v1/sales/{}/enter", self.deal)).bearer(&session.access);
        let entered = eventually(async || {
            let told = self.shop.tell(enter.clone()).await;
            matches!(told.status, 200 | 202).then(|| told.json())
        })
        .await;
        if let Some(pass) = entered["pass"].as_str() {
            return pass.to_owned();
        }
        let ticket = entered["ticket"].as_str().unwrap().to_owned();
        let position = get(format!("/v1/sales/{}/position", self.deal)).bearer(&ticket);
        eventually(async || {
            let told = self.shop.tell(position.clone()).await.is(200).json();
            told["pass"].as_str().map(str::to_owned)
        })
        .await
    }

    /// What a pass is ordered with.
    pub(crate) fn wanted(&self, pass: &str, quantity: u32) -> Value {
        json!({
            "deal": self.deal, "quantity": quantity, "pass": pass,
            "address": {
                "receiver": "Kim Hana", "phone": "010-1234-5678", "zip": "06236",
                "road": "Teheran-ro 152",
            },
        })
    }

    pub(crate) async fn order(&self, by: &Admitted, quantity: u32, key: &str) -> Told {
        let asked = by.session.post("/v1/orders").key(key).json(&self.wanted(&by.pass, quantity));
        self.shop.tell(asked).await
    }

    /// An order that was paid.
    pub(crate) async fn paid(&self, by: &Admitted, quantity: u32, gateway: &str) -> String {
        let made = self.order(by, quantity, "paid").await.is(201).json();
        let order = made["order"].as_str().unwrap().to_owned();
        let page = self.begin(&by.session, &order, gateway).await;
        let back = press(&page, "approve").await;
        self.shop.tell(get(back)).await.is(303);
        self.until(&by.session, &order, "paid").await;
        order
    }

    /// The provider's page.
    pub(crate) async fn begin(&self, by: &SignedIn, order: &str, gateway: &str) -> String {
        let asked = by.post(&format!("/v1/orders/{order}/payments"));
        let told = self.shop.tell(asked.json(&json!({ "gateway": gateway }))).await.is(201).json();
        told["redirect_url"].as_str().unwrap().to_owned()
    }

    /// The order, once it stands so.
    pub(crate) async fn until(&self, by: &SignedIn, order: &str, state: &str) -> Value {
        let asked = by.get(&format!("/v1/orders/{order}"));
        eventually(async || {
            let told = self.shop.tell(asked.clone()).await.is(200).json();
            (told["state"] == state).then_some(told)
        })
        .await
    }

    /// Units that are available, reserved and sold.
    pub(crate) async fn units(&self) -> [u64; 3] {
        let path = format!("/v1/admin/sales/{}/stats", self.deal);
        let told = self.shop.tell(get(path).bearer(&self.shop.server.operator)).await;
        let offer = told.is(200).json()["offers"][0].clone();
        let of = |name: &str| offer[name].as_u64().unwrap();
        [of("available"), of("held") + of("paying"), of("sold")]
    }

    pub(crate) async fn until_units(&self, units: [u64; 3]) {
        eventually(async || (self.units().await == units).then_some(())).await;
    }
}

/// Presses a button of a provider's page; the path that the browser is sent back to.
pub(crate) async fn press(page: &str, action: &str) -> String {
    let (host, path) = page.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let addr: SocketAddr = host.parse().unwrap();
    let pressed = post(format!("/{path}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("action={action}"));
    let answer = Client { addr, described: false }.open(&pressed).await;
    assert_eq!(answer.status().as_u16(), 303);
    let location = answer.headers()["location"].to_str().unwrap();
    let back = location.split_once("/v1/payments").unwrap().1;
    format!("/v1/payments{back}")
}

/// The shop's database, at a clock of ours.
async fn database(shop: Shop, now: Moment) -> Db {
    let data = &shop.server.data;
    let config = std::fs::read_to_string(data.parent().unwrap().join("config.toml")).unwrap();
    let named = config.lines().find_map(|line| line.strip_prefix("database = \""));
    let own = || format!("sqlite:{}", data.join("shop.db").display());
    let url = named.map_or_else(own, |url| url.trim_end_matches('"').to_owned());
    let options = store::Options { url, connections: 1 };
    let steps = [commons::SCHEMA, identity::SCHEMA, trade::SCHEMA].concat();
    Db::open(&options, &steps, Listeners::default(), Arc::new(At(now))).await.unwrap()
}
