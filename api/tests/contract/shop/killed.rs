//! The program is killed when the provider has taken the money and nobody has heard of it, and started again.

use doubles::{Fault, Setting, kakaopay::KakaoPay};
use serde_json::json;
use store::sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;
use testkit::postgres::Postgres;

use super::{
    Shop, config, eventually,
    open_deal::{OpenDeal, UNIT, press},
};
use crate::{client::get, process::Server};

/// A server of one test, killed when it is dropped.
struct Running(&'static Server);

impl Running {
    fn start(dir: &TempDir, config: &str) -> Self {
        Self(Box::leak(Box::new(Server::start(dir.path(), config))))
    }

    fn shop(&self) -> Shop {
        Shop { server: self.0 }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.strike();
    }
}

/// Has the work that the killed process had taken be taken by another at once, as it is minutes later.
async fn end_leases(database: &str) {
    let database = Database::connect(database).await.unwrap();
    let sql = "UPDATE task SET due_at = 0 WHERE lease IS NOT NULL";
    assert!(database.execute_unprepared(sql).await.unwrap().rows_affected() > 0);
    database.close().await.unwrap();
}

async fn run(dir: &TempDir, lines: &str, database: &str) {
    // The provider outlives the shop.
    let provider = KakaoPay::start(Setting::local(), "a key").await.unwrap();
    let config = format!(
        "{}\n[payments.kakaopay]\ncid = \"TC0ONETIME\"\nkey = \"a key\"\nurl = \"{}\"\n\
         timeout_ms = 20000\n",
        config(lines),
        provider.url()
    );
    let running = Running::start(dir, &config);
    let deal = OpenDeal::of(running.shop(), 5, 2).await;
    let buyer = deal.admitted("buyer").await;
    let made = deal.order(&buyer, 1, "k").await.is(201).json();
    let order = made["order"].as_str().unwrap().to_owned();
    let page = deal.begin(&buyer.session, &order, "kakaopay").await;
    provider.faults().next("approve", Some(Fault::Silent));
    let back = press(&page, "approve").await;
    running.shop().tell(get(back)).await.is(303);
    let taken = async || (provider.ledger().totals() == (UNIT, 0)).then_some(());
    eventually(taken).await;
    let asked = buyer.session.get(&format!("/v1/orders/{order}"));
    assert_ne!(running.shop().tell(asked).await.is(200).json()["state"], "paid");
    drop(running);

    end_leases(database).await;
    let running = Running::start(dir, &config);
    let deal = deal.at_shop(running.shop());
    let paid = deal.until(&buyer.session, &order, "paid").await;
    assert_eq!((&paid["amount"], &paid["payment"]["method"]), (&json!(UNIT), &json!("card")));
    deal.until_units([4, 0, 1]).await;
    assert_eq!((provider.count("approve"), provider.ledger().totals()), (1, (UNIT, 0)));
    assert!(provider.count("order") > 0, "it was looked up");
    let all = running.shop().tell(buyer.session.get("/v1/orders")).await.is(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

mod scenario_12_a_payment_that_was_taken_when_the_program_was_killed_is_paid_once {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        let dir = TempDir::new().unwrap();
        let database = format!("sqlite:{}", dir.path().join("data/shop.db").display());
        run(&dir, "", &database).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        let (dir, database) = (TempDir::new().unwrap(), Postgres::shared().database().unwrap());
        run(&dir, &format!("database = \"{database}\""), &database).await;
    }
}
