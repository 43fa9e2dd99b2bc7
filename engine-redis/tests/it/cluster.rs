//! A cluster: each sale on one shard, and a shard that is gone stops none but its own sales.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use engine::{id::Epoch, view::SaleView};
use testkit::redis::{Redis, Reply};
use tokio::time::Instant;

use super::{
    server::run,
    serving::{CALL_MAX, Serving, eventually},
    shards::{Cluster, call, text},
};

/// Enough that every shard has some.
pub(super) const SALES: usize = 9;

/// Whether the library was loaded into a server once since it started.
fn loads(server: &Redis) -> bool {
    text(call(server, "INFO commandstats")).contains("cmdstat_function|load:calls=1,")
}

#[test]
fn a_shard_that_is_gone_stops_its_own_sales_alone_and_is_rebuilt_when_it_is_back() {
    run(async {
        let mut cluster = Cluster::start().await;
        let node = Serving::start("a", &cluster.url);
        let mut sales = Vec::new();
        for index in 0..SALES {
            let sale = node.create(&format!("sale-{index}"), 100).await;
            let entry = node.enters(&sale, 1).await;
            node.buys(&sale, &entry).await;
            sales.push(sale);
        }
        let holders = placed(&cluster, &sales);
        assert!(cluster.masters.iter().all(loads), "each shard has the library, loaded once");

        // The worst of the three: the list of all sales is on it.
        let dead = cluster.holders("own:sales")[0];
        cluster.masters[dead].kill().expect("a master to kill");
        let (gone, alive) = apart(&sales, &holders, dead);
        let first = serve(&node, &alive, 2, Duration::from_secs(1)).await;
        let later = serve(&node, &alive, 1_000, Duration::from_secs(2)).await;
        println!("beside a dead shard, the slowest entry took {first:?}, and later {later:?}");
        assert!(later < CALL_MAX, "no turn waits for it again: {later:?}");
        for sale in &gone {
            assert!(node.enter(sale, 2).await.is_err(), "nobody can decide");
        }
        let told = node.troubles().join("; ");
        assert!(told.contains("127.0.0.1:"), "the shard is named: {told}");

        cluster.masters[dead].start_again().expect("it starts again, empty");
        for sale in &gone {
            assert_eq!(
                node.enters(sale, 1).await.answer.number.0,
                1,
                "who was there is still there"
            );
            assert_eq!(node.enters(sale, 2).await.epoch, Epoch(1), "tickets stay good");
            let sale = node.sale(sale.name().as_str()).await;
            let held: Vec<_> = sale.counts().map(|counts| counts.held).collect();
            assert_eq!(held, [1]);
        }
        assert!(cluster.masters.iter().all(loads), "it alone was given the library again");
        eventually(
            "a list of all sales, of which those of other shards were not rebuilt",
            async || {
                let listed = call(&cluster.masters[dead], "SMEMBERS own:sales");
                matches!(listed, Reply::List(names) if names.len() == SALES).then_some(())
            },
        )
        .await;
        let another = node.create("another", 1).await;
        node.enters(&another, 1).await;
        eventually("no trouble is told", async || node.troubles().is_empty().then_some(())).await;
        node.stop();
    });
}

#[test]
fn a_shard_that_says_nothing_is_waited_for_once() {
    run(async {
        let cluster = Cluster::start().await;
        let node = Serving::start("a", &cluster.url);
        let mut sales = Vec::new();
        for index in 0..SALES {
            sales.push(node.create(&format!("sale-{index}"), 100).await);
        }
        let holders = placed(&cluster, &sales);
        let silent = holders[0];
        let (gone, alive) = apart(&sales, &holders, silent);
        cluster.masters[silent].freeze().expect("it runs");
        let first = serve(&node, &alive, 1, Duration::from_secs(1)).await;
        assert!(first >= CALL_MAX / 2, "who finds out waits for it: {first:?}");
        let later = serve(&node, &alive, 1_000_000, Duration::from_secs(3)).await;
        println!("beside a silent shard, the slowest entry took {first:?}, and later {later:?}");
        assert!(later < CALL_MAX, "no turn waits for it again: {later:?}");
        cluster.masters[silent].thaw().expect("it runs");
        for sale in &gone {
            node.enters(sale, 1).await;
        }
        node.stop();
    });
}

/// The master of each sale: one for all its keys, and each master with some.
pub(super) fn placed(cluster: &Cluster, sales: &[Arc<SaleView>]) -> Vec<usize> {
    let mut holders = Vec::new();
    for sale in sales {
        let found = cluster.holders(&format!("own:{{{:016x}}}:*", sale.tag().0));
        assert_eq!(found.len(), 1, "all keys of a sale are on one shard");
        holders.extend(found);
    }
    assert_eq!(holders.iter().collect::<BTreeSet<_>>().len(), 3, "every shard has sales");
    assert_eq!(cluster.holders("own:sales").len(), 1);
    holders
}

/// The sales of one master, and those of the others.
fn apart<'a>(
    sales: &'a [Arc<SaleView>],
    holders: &[usize],
    master: usize,
) -> (Vec<&'a SaleView>, Vec<&'a SaleView>) {
    let (gone, alive): (Vec<_>, Vec<_>) =
        sales.iter().zip(holders).partition(|(_, holder)| **holder == master);
    let sales = |of: Vec<(&'a Arc<SaleView>, _)>| of.into_iter().map(|(sale, _)| &**sale).collect();
    (sales(gone), sales(alive))
}

/// Enters all of the sales in turn for a while, never refused; the longest that it took.
async fn serve(node: &Serving, sales: &[&SaleView], first: u128, time: Duration) -> Duration {
    let (started, mut shopper, mut slowest) = (Instant::now(), first, Duration::ZERO);
    while started.elapsed() < time {
        for sale in sales {
            let asked = Instant::now();
            let entered = node.enter(sale, shopper).await;
            assert!(entered.is_ok(), "after {:?}: {entered:?}", started.elapsed());
            slowest = slowest.max(asked.elapsed());
        }
        shopper += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    slowest
}
