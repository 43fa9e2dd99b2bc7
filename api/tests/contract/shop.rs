//! The shop of the program: real processes, each test on SQLite and on PostgreSQL.
//!
//! Mails, sign-in elsewhere and the tax service are doubles that the program starts; what came to them is
//! read as a demo's visitor would.

mod accounts;
mod authority;
mod away;
mod businesses;
mod checkout;
mod crowd;
mod deals;
mod demo;
mod desk;
mod elsewhere;
mod killed;
mod leaks;
mod media;
mod news;
mod open_deal;
mod orders;
mod room;
mod site;
mod sold;
mod storefront;
mod watching;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use store::sea_orm::{ConnectionTrait as _, Database};
use testkit::postgres::Postgres;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use crate::{
    client::{Ask, PATIENCE, Told, ask, get, post},
    process::Server,
};

/// A password for everybody.
pub(crate) const PASSWORD: &str = "a good long password";

/// Makes each test of the block two: one on SQLite, one on PostgreSQL.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($shop:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn run($shop: $crate::shop::Shop) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run($crate::shop::Shop::on_sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                run($crate::shop::Shop::on_postgres()).await;
            }
        }
    )*};
}

pub(crate) use on_both;

/// The shop on PostgreSQL, and the address of its database.
static POSTGRES: OnceLock<(String, &'static Server)> = OnceLock::new();

/// A running shop, which tests share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shop {
    pub(crate) server: &'static Server,
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) account: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The configuration of a shop, with further lines of its section.
pub(crate) fn config(lines: &str) -> String {
    format!(
        "[shop]\nenabled = true\n{lines}\n[doubles]\nlisten = \"127.0.0.1:0\"\n\
         [limits]\nexempt = [\"127.0.0.1\"]\n[log]\nfilter = \"debug\"\n"
    )
}

impl Shop {
    pub(crate) fn on_sqlite() -> Self {
        static SHOP: OnceLock<Server> = OnceLock::new();
        Self { server: SHOP.get_or_init(|| Server::start_for_all(&config(""))) }
    }

    pub(crate) fn on_postgres() -> Self {
        static SHOP: OnceLock<Server> = OnceLock::new();
        let (_, server) = POSTGRES.get_or_init(|| {
            let url = Postgres::shared().database().unwrap();
            let lines = config(&format!("database = \"{url}\""));
            (url, SHOP.get_or_init(|| Server::start_for_all(&lines)))
        });
        Self { server }
    }

    /// Where its database is.
    fn database(self) -> &'static str {
        static ON_SQLITE: OnceLock<String> = OnceLock::new();
        match POSTGRES.get() {
            Some((url, server)) if std::ptr::eq(*server, self.server) => url,
            _ => ON_SQLITE
                .get_or_init(|| format!("sqlite:{}", self.server.data.join("shop.db").display())),
        }
    }

    /// Has a session be one that was opened an hour ago.
    pub(crate) async fn age(self, session: &SignedIn) {
        let all = self.tell(session.get("/v1/me/sessions")).await.is(200).json();
        let all = all["items"].as_array().unwrap();
        let here = all.iter().find(|one| one["current"] == true).unwrap();
        let database = Database::connect(self.database()).await.unwrap();
        let id = here["session"].as_str().unwrap();
        let sql = format!("UPDATE session SET opened_at = opened_at - 3600000 WHERE id = '{id}'");
        assert_eq!(database.execute_unprepared(&sql).await.unwrap().rows_affected(), 1);
        database.close().await.unwrap();
    }

    pub(crate) async fn tell(self, ask: Ask) -> Told {
        self.server.client.tell(ask).await
    }

    /// Somebody new.
    pub(crate) async fn sign_up(self, name: &str) -> Person {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let email = format!("{name}{number}@people.example");
        let body = json!({ "email": email, "password": PASSWORD, "name": "Kim Hana" });
        let made = self.tell(post("/v1/accounts").json(&body)).await.is(201).json();
        Person { email, account: made["account"].as_str().unwrap().to_owned() }
    }

    /// Somebody new whose address is verified, and who is signed in.
    pub(crate) async fn verified(self, name: &str) -> (Person, SignedIn) {
        let person = self.sign_up(name).await;
        let session = self.sign_in(&person.email, PASSWORD).await;
        let token = self.mailed(&person.email, "/shop/verify?token=").await;
        let body = json!({ "token": token });
        self.tell(post("/v1/accounts/verify").bearer(&session.access).json(&body)).await.is(204);
        (person, session)
    }

    pub(crate) async fn sign_in(self, email: &str, password: &str) -> SignedIn {
        let body = json!({ "email": email, "password": password });
        SignedIn::of(&self.tell(post("/v1/sessions").json(&body)).await.is(200).json())
    }

    /// Somebody of the demo, in a session that tests share: an address is signed in only so often.
    pub(crate) async fn of_demo(self, role: &str) -> SignedIn {
        static SESSIONS: Mutex<BTreeMap<(SocketAddr, String), SignedIn>> =
            Mutex::const_new(BTreeMap::new());
        let key = (self.server.client.addr, role.to_owned());
        let mut sessions = SESSIONS.lock().await;
        if let Some(session) = sessions.get(&key) {
            return session.clone();
        }
        let file = std::fs::read(self.server.data.join("demo.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        let text = |name: &str| file[role][name].as_str().unwrap().to_owned();
        let session = self.sign_in(&text("email"), &text("password")).await;
        sessions.insert(key, session.clone());
        session
    }

    /// A business beside the demo's, which tests share too.
    pub(crate) async fn other_seller(self) -> SignedIn {
        static EMAILS: Mutex<BTreeMap<SocketAddr, String>> = Mutex::const_new(BTreeMap::new());
        let mut emails = EMAILS.lock().await;
        if let Some(email) = emails.get(&self.server.client.addr) {
            return self.sign_in(email, PASSWORD).await;
        }
        let (person, first) = self.verified("seller").await;
        let company = json!({
            "company_name": "다른상회", "business_number": "9990000073", "ceo_name": "이다른",
            "ceo_email": "other@shop.example", "ceo_phone": "02-123-4567",
        });
        let made = self.tell(first.post("/v1/businesses").json(&company)).await.is(201).json();
        let operator = self.of_demo("operator").await;
        let path = format!("/v1/admin/businesses/{}/approve", made["business"].as_str().unwrap());
        eventually(async || {
            let told = self.tell(operator.post(&path)).await;
            (told.status == 200).then_some(())
        })
        .await;
        emails.insert(self.server.client.addr, person.email.clone());
        self.sign_in(&person.email, PASSWORD).await
    }

    /// The subject of the latest mail to an address.
    pub(crate) async fn subject(self, to: &str) -> String {
        let response = self.server.doubles.unwrap().open(&get(format!("/mail?to={to}"))).await;
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        let mails: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        mails["items"].as_array().unwrap().last().unwrap()["subject"].as_str().unwrap().to_owned()
    }

    /// The token in the latest link of this kind that was mailed to an address.
    pub(crate) async fn mailed(self, to: &str, kind: &str) -> String {
        let doubles = self.server.doubles.unwrap();
        eventually(async || {
            let asked = get(format!("/mail?to={to}"));
            let response = doubles.open(&asked).await;
            let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
            let mails: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
            let links = mails["items"].as_array().unwrap().iter().rev();
            let mut links = links.filter_map(|mail| mail["link"].as_str());
            links.find_map(|link| Some(link.split_once(kind)?.1.to_owned()))
        })
        .await
    }
}

impl SignedIn {
    pub(crate) fn of(told: &Value) -> Self {
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        get(path).bearer(&self.access)
    }

    pub(crate) fn post(&self, path: &str) -> Ask {
        post(path).bearer(&self.access)
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        ask(method, path).bearer(&self.access)
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "it does not come");
        sleep(Duration::from_millis(50)).await;
    }
}
