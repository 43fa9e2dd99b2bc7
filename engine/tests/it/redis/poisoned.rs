//! A sale whose keys or stream hold what cannot be worked with is out of service alone, and says so.

use engine::view::SaleView;

use super::{
    server::{Server, run},
    serving::{Serving, until},
    shards::meta,
};

/// Two sales at one node, of which the test spoils the first.
async fn two_sales(server: &Server) -> (Serving, [std::sync::Arc<SaleView>; 2]) {
    let node = Serving::start("a", &server.url());
    let sales = [node.create("spoilt", 5).await, node.create("sound", 5).await];
    for sale in &sales {
        node.enter(sale, 1).await.expect("it is open");
    }
    (node, sales)
}

/// The spoilt sale decides nothing and is named; the other goes on.
async fn spoils_itself_alone(node: &Serving, sales: &[std::sync::Arc<SaleView>; 2]) {
    let [spoilt, sound] = sales;
    for shopper in 2..12 {
        node.enter(sound, shopper).await.expect("the other sale is served");
        assert!(node.enter(spoilt, shopper).await.is_err(), "nothing can be decided on it");
    }
    until("the sale is named", || {
        let troubles = node.troubles();
        troubles.len() == 1 && troubles[0].starts_with("sale spoilt: the library fails")
    })
    .await;
}

#[test]
fn a_sale_at_whose_keys_the_library_fails_is_out_of_service_alone_until_they_are_mended() {
    let server = Server::start();
    run(async {
        let (node, sales) = two_sales(&server).await;
        let (raw, key) = (server.raw().await, meta(&sales[0]));
        let sound = raw.call(&["HGET", &key, "issued"]).await.as_string().expect("a number");
        raw.call(&["HSET", &key, "issued", "many"]).await;
        spoils_itself_alone(&node, &sales).await;
        raw.call(&["HSET", &key, "issued", &sound]).await;
        until("it is well again", || node.troubles().is_empty()).await;
        node.enter(&sales[0], 20).await.expect("it is served again");
    });
}

#[test]
fn a_sale_to_whose_stream_somebody_else_wrote_is_out_of_service_alone() {
    let server = Server::start();
    run(async {
        let (node, sales) = two_sales(&server).await;
        let facts = meta(&sales[0]).replace(":meta", ":facts");
        let entry = ["XADD", &facts, "1-999", "at", "1", "epoch", "1", "seq", "999"];
        let rest = ["chain", "00", "records", "nonsense"];
        server.raw().await.call(&[&entry[..], &rest[..]].concat()).await;
        spoils_itself_alone(&node, &sales).await;
    });
}
