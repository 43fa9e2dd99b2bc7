//! A demo: a living shop at first sight.

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;

use super::{config, eventually};
use crate::{client::get, process::Server};

/// The sales of the engine that are deals, by their titles.
async fn deals(server: &Server) -> BTreeMap<String, Vec<Value>> {
    let list = get("/v1/sales?limit=1000").bearer(&server.operator);
    let list = server.client.tell(list).await.is(200).json();
    let mut deals: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for sale in list["items"].as_array().unwrap() {
        deals.entry(sale["title"].as_str().unwrap().to_owned()).or_default().push(sale.clone());
    }
    deals
}

/// Waits until as many deals are sales, one of them open.
async fn stocked(server: &Server, least: usize) -> BTreeMap<String, Vec<Value>> {
    eventually(async || {
        let deals = deals(server).await;
        let is_open = deals.values().flatten().any(|sale| sale["state"] == "open");
        (deals.len() >= least && is_open).then_some(deals)
    })
    .await
}

#[tokio::test]
async fn a_demo_has_deals_around_the_present_moment_and_each_once_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let text = config("slot_capacity = 20").replace("[doubles]\n", "[doubles]\ncatalogue = true\n");
    let server = Server::start(dir.path(), &text);
    // Some four are open and some thirteen are to come.
    let first = stocked(&server, 16).await;
    let open = first.values().flatten().find(|sale| sale["state"] == "open").unwrap();
    let sale = open["sale"].as_str().unwrap();
    let told = server.client.tell(get(format!("/v1/sales/{sale}"))).await.is(200).json();
    let offer = &told["offers"][0];
    assert!(offer["available"].as_u64().unwrap() >= 2, "{told}");
    assert!(offer["price"].as_i64().unwrap() > 1_000, "{told}");
    drop(server);
    let again = Server::start(dir.path(), &text);
    let second = stocked(&again, first.len()).await;
    for (title, sales) in &second {
        assert_eq!(sales.len(), 1, "{title} is there once");
    }
}
