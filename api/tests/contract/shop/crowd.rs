//! Many shoppers at one deal.

use std::sync::OnceLock;

use testkit::postgres::Postgres;
use tokio::task::JoinSet;

use super::{
    PASSWORD, Shop, config,
    open_deal::{Admitted, OpenDeal},
};
use crate::process::Server;

/// How many are admitted for one unit.
const CROWD: usize = 100;

/// So many people who were let in.
async fn crowd(shop: Shop, deal: &OpenDeal) -> Vec<Admitted> {
    let mut people = JoinSet::new();
    for _ in 0..CROWD {
        people.spawn(async move {
            let person = shop.sign_up("crowd").await;
            shop.sign_in(&person.email, PASSWORD).await
        });
    }
    let mut all = Vec::new();
    for session in people.join_all().await {
        let pass = deal.pass(&session).await;
        all.push(Admitted { session, pass });
    }
    all
}

async fn run(server: &'static Server) {
    let shop = Shop { server };
    let deal = OpenDeal::of(shop, 1, 1).await;
    let all = crowd(shop, &deal).await;
    let mut orders = JoinSet::new();
    for (nth, shopper) in all.iter().cloned().enumerate() {
        let deal = deal.clone();
        orders.spawn(async move { (nth, deal.order(&shopper, 1, "k").await) });
    }
    let mut won = None;
    for (nth, told) in orders.join_all().await {
        if told.status == 201 {
            let order = told.json()["order"].as_str().unwrap().to_owned();
            assert!(won.replace((nth, order)).is_none(), "two have one unit");
        } else {
            told.refuses(409, "sold_out");
        }
    }
    let (winner, order) = won.unwrap();
    assert_eq!(deal.units().await, [0, 1, 0]);
    let winner = &all[winner].session;
    deal.begin(winner, &order, "kakaopay").await;
    shop.tell(winner.post(&format!("/v1/orders/{order}/cancel"))).await.is(200);
    deal.until_units([1, 0, 0]).await;
    let next = all.iter().find(|other| other.session.access != winner.access).unwrap();
    deal.paid(next, 1, "card").await;
    deal.until_units([0, 0, 1]).await;
    let list = shop.tell(winner.get("/v1/orders")).await.is(200).json();
    assert_eq!(list["items"][0]["state"], "cancelled");
}

mod scenario_11_defect_9_one_of_a_hundred_who_were_admitted_gets_the_last_unit {
    use super::*;

    /// A room that admits many for one unit.
    fn lines(database: &str) -> String {
        format!(
            "{}[deals]\noverbook_percent = 100000\nadmission_per_second = 1000\n",
            config(database)
        )
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        static SHOP: OnceLock<Server> = OnceLock::new();
        run(SHOP.get_or_init(|| Server::start_for_all(&lines("")))).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        static SHOP: OnceLock<Server> = OnceLock::new();
        let database = format!("database = \"{}\"", Postgres::shared().database().unwrap());
        run(SHOP.get_or_init(|| Server::start_for_all(&lines(&database)))).await;
    }
}
