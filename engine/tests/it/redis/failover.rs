//! A cluster's own failover: a master dies, its replica takes its slots, and the nodes go on.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use engine::{
    id::{HoldId, Number},
    view::SaleView,
};
use tokio::time::Instant;

use super::{
    cluster::{SALES, apart, placed},
    server::run,
    serving::{CALL_MAX, Serving, eventually},
    shards::{Cluster, call, text},
};

const UNITS: u64 = 100;

/// Two nodes, and a sale that is entered at both in turn.
struct Shop {
    nodes: [Serving; 2],
    /// What was acknowledged.
    told: BTreeMap<u128, Number>,
    bought: Vec<HoldId>,
}

impl Shop {
    /// All sales are known to both nodes.
    async fn open(cluster: &Cluster) -> (Self, Vec<Arc<SaleView>>) {
        let nodes = [Serving::start("a", &cluster.url), Serving::start("b", &cluster.url)];
        let mut sales = Vec::new();
        for index in 0..SALES {
            let name = format!("sale-{index}");
            sales.push(nodes[0].create(&name, UNITS).await);
            nodes[1].sale(&name).await;
        }
        (Self { nodes, told: BTreeMap::new(), bought: Vec::new() }, sales)
    }

    fn at(&self, shopper: u128) -> &Serving {
        &self.nodes[usize::from(shopper % 2 == 1)]
    }

    /// Shoppers enter as soon as it is possible, and every fourth buys.
    async fn enter(&mut self, name: &str, shoppers: std::ops::RangeInclusive<u128>) {
        for shopper in shoppers {
            let node = self.at(shopper);
            let sale = node.sale(name).await;
            let entry = node.enters(&sale, shopper).await;
            if shopper % 4 == 0 {
                let hold = node.buys(&sale, &entry).await;
                self.bought.push(hold);
            }
            self.told.insert(shopper, entry.answer.number);
        }
    }

    /// Whether each node shows all that was acknowledged by any.
    async fn is_complete(&self, name: &str) {
        let numbers: BTreeSet<_> = self.told.values().collect();
        assert_eq!(numbers.len(), self.told.len(), "no number was given twice");
        for node in &self.nodes {
            let sale = node.sale(name).await;
            for (shopper, number) in &self.told {
                let again = node.enters(&sale, *shopper).await;
                assert_eq!((again.answer.number, again.epoch), (*number, sale.epoch()));
            }
            // Looked up again: who took the sale over shows it by another view.
            let sale = node.sale(name).await;
            assert!(node.engine().refresh(&sale).await.is_ok());
            assert!(self.bought.iter().all(|hold| sale.hold(*hold).is_some()), "a hold was lost");
            let counts: Vec<_> = sale.counts().collect();
            let held = self.bought.len() as u64;
            assert_eq!(
                (counts[0].held, counts[0].available, counts[0].stranded),
                (held, UNITS - held, 0)
            );
        }
        let well =
            async || self.nodes.iter().all(|node| node.troubles().is_empty()).then_some(());
        eventually("no trouble is told", well).await;
    }

    fn stop(self) {
        self.nodes.into_iter().for_each(Serving::stop);
    }
}

/// Enters a sale at both nodes until each has let somebody in: how long that took.
async fn enters_again(shop: &Shop, name: &str, shoppers: [u128; 2]) -> Duration {
    let since = Instant::now();
    for shopper in shoppers {
        let node = shop.at(shopper);
        let sale = node.sale(name).await;
        node.enters(&sale, shopper).await;
    }
    since.elapsed()
}

/// Enters the other sales at both nodes until `is_over`, never refused; the longest that it took.
async fn goes_on_beside(shop: &Shop, sales: &[&SaleView], is_over: &Cell<bool>) -> Duration {
    let (mut shopper, mut slowest) = (1_000, Duration::ZERO);
    while !is_over.get() {
        for sale in sales {
            let asked = Instant::now();
            let entered = shop.at(shopper).enter(sale, shopper).await;
            assert!(entered.is_ok(), "another shard's sale was refused: {entered:?}");
            slowest = slowest.max(asked.elapsed());
        }
        shopper += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    slowest
}

/// The epoch of a sale's stream in a shard's promoted replica.
fn epoch(cluster: &Cluster, shard: usize, sale: &SaleView) -> String {
    let meta = format!("own:{{{:016x}}}:meta", sale.tag().0);
    text(call(&cluster.replicas[shard], &format!("HGET {meta} epoch")))
}

/// Kills the master of a sale while the others' sales go on, and waits until both nodes enter again.
async fn kill_under_entries(
    cluster: &mut Cluster,
    shop: &Shop,
    (sales, holders): (&[Arc<SaleView>], &[usize]),
    dead: usize,
) {
    let (hit, others) = apart(sales, holders, dead);
    cluster.masters[dead].kill().expect("a master to kill");
    let is_over = Cell::new(false);
    let name = hit[0].name().as_str();
    let hit = async {
        let refused = enters_again(shop, name, [901, 902]).await;
        is_over.set(true);
        refused
    };
    let (refused, slowest) = tokio::join!(hit, goes_on_beside(shop, &others, &is_over));
    println!("entering was refused for {refused:?}; beside it the slowest entry took {slowest:?}");
    assert!(slowest < 2 * CALL_MAX, "other shards were hindered: {slowest:?}");
    assert!(text(call(&cluster.replicas[dead], "INFO replication")).contains("role:master"));
}

#[test]
fn a_cluster_that_fails_over_keeps_all_that_was_acknowledged_and_hinders_no_other_shard() {
    run(async {
        let mut cluster = Cluster::with_replicas().await;
        let (mut shop, sales) = Shop::open(&cluster).await;
        let holders = placed(&cluster, &sales);
        // The worst of the three: the list of all sales is on it.
        let dead = cluster.holders("own:sales")[0];
        let hit = apart(&sales, &holders, dead).0[0];
        let name = hit.name().as_str();
        shop.enter(name, 1..=40).await;
        kill_under_entries(&mut cluster, &shop, (&sales, &holders), dead).await;
        shop.enter(name, 41..=60).await;
        shop.is_complete(name).await;
        let another = shop.nodes[0].create("another", 1).await;
        shop.nodes[1].enters(&*shop.nodes[1].sale("another").await, 1).await;
        drop(another);
        shop.stop();
    });
}

/// The replica's link to its master is cut before the last entries, so that it certainly lacks them.
#[test]
fn what_a_promoted_replica_missed_is_written_anew_from_the_nodes() {
    run(async {
        let mut cluster = Cluster::with_replicas().await;
        let (mut shop, sales) = Shop::open(&cluster).await;
        let holders = placed(&cluster, &sales);
        let dead = holders[0];
        let hit = apart(&sales, &holders, dead).0[0];
        let name = hit.name().as_str();
        shop.enter(name, 1..=20).await;
        let (master, replica) = (&cluster.masters[dead], &cluster.replicas[dead]);
        // It cannot come back: the master knows no such user.
        call(replica, "CONFIG SET masteruser nobody masterauth nothing");
        call(master, "CLIENT KILL TYPE replica");
        eventually("a replica that hears nothing", async || {
            let said = text(call(replica, "INFO replication"));
            said.contains("master_link_status:down").then_some(())
        })
        .await;
        shop.enter(name, 21..=40).await;
        kill_under_entries(&mut cluster, &shop, (&sales, &holders), dead).await;
        assert_eq!(epoch(&cluster, dead, hit), "2", "it was written anew, once");
        shop.enter(name, 41..=60).await;
        shop.is_complete(name).await;
        shop.stop();
    });
}
