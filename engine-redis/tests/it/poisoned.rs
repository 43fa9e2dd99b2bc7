//! A sale whose keys or stream hold what cannot be worked with is out of service alone, and says so.

use engine::{codec::Binary as _, view::SaleView};
use engine_redis::{SharedOptions, Snapshot, Store};

use super::{
    agreement::snapshot_of,
    server::{DEADLINE, Raw, Server, run},
    serving::{Serving, shared, until},
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

/// The sale is named, and what is wrong with it.
async fn is_out_of_service(node: &Serving) {
    until("the sale is named", || {
        let troubles = node.troubles();
        let begins = "sale spoilt: out of service: entry ";
        troubles.len() == 1
            && troubles[0].starts_with(begins)
            && troubles[0].contains("contradicts")
    })
    .await;
}

#[test]
fn a_fact_that_contradicts_what_nodes_know_stops_its_sale_on_all_of_them_and_nothing_else() {
    let server = Server::start();
    run(async {
        let (a, sales) = two_sales(&server).await;
        let b = Serving::start("b", &server.url());
        for name in ["spoilt", "sound"] {
            b.serves(name).await;
        }
        let (raw, key) = (server.raw().await, meta(&sales[0]));
        // The next to enter gets a number far behind the last that nodes know of.
        raw.call(&["HSET", &key, "issued", "500"]).await;
        assert!(a.enter(&sales[0], 2).await.is_err(), "it is answered to nobody");
        for (node, shopper) in [(&a, 3), (&b, 4)] {
            is_out_of_service(node).await;
            let sound = node.sale("sound").await;
            node.enter(&sound, shopper).await.expect("the other sale is served");
        }
        // Each meets it again.
        let [a, b] = [a, b].map(Serving::stop);
        let a = Serving::on(&a, shared("a", &server.url()));
        is_out_of_service(&a).await;
        a.enters(&*a.sale("sound").await, 5).await;

        // An operator takes it out of the store, and has a node write it anew.
        let keys = server.store("own", DEADLINE).await.keys(sales[0].tag());
        let a = a.stop();
        raw.call(&[&["DEL"], keys.each_ref().map(String::as_str).as_slice()].concat()).await;
        let rebuild_store = true;
        let a = Serving::on(&a, SharedOptions { rebuild_store, ..shared("a", &server.url()) });
        let b = Serving::on(&b, shared("b", &server.url()));
        let entry = a.enters(&*a.sale("spoilt").await, 6).await;
        assert_eq!(entry.answer.number.0, 2, "behind the last that was acknowledged");
        assert_eq!(b.enters(&*b.sale("spoilt").await, 7).await.answer.number.0, 3);
        a.is_well().await;
        b.is_well().await;
    });
}

/// Puts a snapshot of a sale as a node has it, from which alone a new node can take it over.
async fn only_snapshot(raw: &Raw, store: &Store, node: &Serving, sale: &SaleView) -> Snapshot {
    let snapshot = snapshot_of(&node.disk, sale.tag());
    let Snapshot { point, at, bytes } = &snapshot;
    store.put_snapshot(sale.tag(), point.epoch, point, *at, bytes).await.expect("it is open");
    let first = format!("{}-{}", snapshot.point.epoch.0, snapshot.point.seq);
    raw.call(&["XTRIM", &meta(sale).replace(":meta", ":facts"), "MINID", &first]).await;
    snapshot
}

/// What is found in the place of a sale's snapshot.
struct Found {
    store: Store,
    raw: Raw,
    sale: std::sync::Arc<SaleView>,
    key: String,
    good: Snapshot,
}

impl Found {
    /// Written as nodes write them.
    async fn put(&self, contents: &[u8]) {
        let (tag, Snapshot { point, at, .. }) = (self.sale.tag(), &self.good);
        self.raw.call(&["DEL", &self.key]).await;
        let put = self.store.put_snapshot(tag, point.epoch, point, *at, contents).await;
        put.expect("its point is in the stream");
    }

    async fn set(&self, field: &str, value: &str) {
        self.put(&self.good.bytes).await;
        self.raw.call(&["HSET", &self.key, field, value]).await;
    }

    /// With a digest that is right, of a point that is not.
    async fn elsewhere(&self) {
        let mut point = self.good.point;
        point.seq += 1_000_000;
        let mut all = Vec::new();
        self.sale.tag().encode(&mut all);
        point.encode(&mut all);
        self.good.at.encode(&mut all);
        all.extend(&self.good.bytes);
        self.set("seq", &point.seq.to_string()).await;
        self.raw.put(&self.key, "digest", blake3::hash(&all).as_bytes()).await;
    }
}

#[test]
fn a_snapshot_that_no_node_put_of_the_sale_stops_it_where_it_is_taken_over_and_nothing_else() {
    let server = Server::start();
    run(async {
        let (a, [sale, sound]) = two_sales(&server).await;
        let (store, raw) = (server.store("own", DEADLINE).await, server.raw().await);
        let other = only_snapshot(&raw, &store, &a, &sound).await;
        let mut good = only_snapshot(&raw, &store, &a, &sale).await;
        // No sale of the test is of a later time.
        good.at = good.at.max(other.at);
        let key = meta(&sale).replace(":meta", ":snapshot");
        let found = Found { store, raw, sale, key, good };
        let bytes = &found.good.bytes;
        for (case, what) in [
            (0, "it is not what was put there"),
            (1, "a chunk of it is missing"),
            (2, "its fields cannot be read"),
            (3, "it is of another sale"),
            (4, "input ends early"),
            (5, "bytes left over"),
            (6, "its point is not in the stream"),
        ] {
            match case {
                0 => found.set("0", "nonsense").await,
                1 => found.set("count", "7").await,
                2 => found.set("chain", "nonsense").await,
                3 => found.put(&other.bytes).await,
                4 => found.put(&bytes[..bytes.len() - 1]).await,
                5 => found.put(&[bytes.as_slice(), b"more"].concat()).await,
                _ => found.elsewhere().await,
            }
            let b = Serving::start("b", &server.url());
            let named = format!(
                "sale spoilt: out of service: the snapshot beside its stream is not taken over: {what}"
            );
            until(&named, || b.troubles() == [named.clone()]).await;
            let shopper = 100 + case;
            b.enters(&*b.serves("sound").await, shopper).await;
            a.enter(&found.sale, shopper).await.expect("who knows the sale serves it");
            b.stop();
        }
        found.put(bytes).await;
        let b = Serving::start("b", &server.url());
        b.enters(&*b.serves("spoilt").await, 200).await;
        a.is_well().await;
        b.is_well().await;
    });
}
