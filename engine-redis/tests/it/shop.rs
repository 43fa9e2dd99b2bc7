//! Two nodes that sell over a cluster, and what they acknowledged of the sale that a test hits.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};

use engine::{
    id::{HoldId, Number},
    spec::SaleSpec,
    view::SaleView,
};
use tokio::time::Instant;

use super::{
    agreement::part,
    cluster::{SALES, placed},
    serving::{Serving, eventually},
    shards::Cluster,
};
use crate::support;

#[derive(Debug)]
pub(super) struct Shop {
    pub(super) nodes: [Serving; 2],
    /// All sales, and the shard of each.
    pub(super) sales: Vec<Arc<SaleView>>,
    pub(super) holders: Vec<usize>,
    units: u64,
    told: BTreeMap<u128, Number>,
    bought: Vec<HoldId>,
}

impl Shop {
    /// Every shard has sales of so many units, and both nodes know all of them.
    pub(super) async fn open(cluster: &Cluster, units: u64) -> Self {
        let nodes = [Serving::start("a", &cluster.url), Serving::start("b", &cluster.url)];
        let mut sales = Vec::new();
        for index in 0..SALES {
            sales.push(nodes[0].create(&format!("sale-{index}"), units).await);
        }
        for sale in &sales {
            nodes[1].serves(sale.name().as_str()).await;
        }
        let holders = placed(cluster, &sales);
        Self { nodes, sales, holders, units, told: BTreeMap::new(), bought: Vec::new() }
    }

    /// A shopper's node: the other one for the next.
    pub(super) fn at(&self, shopper: u128) -> &Serving {
        &self.nodes[usize::from(shopper % 2 == 1)]
    }

    /// The first sale of a shard.
    pub(super) fn sale_of(&self, shard: usize) -> Arc<SaleView> {
        let index = self.holders.iter().position(|holder| *holder == shard);
        Arc::clone(&self.sales[index.expect("every shard has sales")])
    }

    /// The sales of all other shards.
    pub(super) fn beside(&self, shard: usize) -> Vec<Arc<SaleView>> {
        let all = self.sales.iter().zip(&self.holders);
        all.filter(|(_, holder)| **holder != shard).map(|(sale, _)| Arc::clone(sale)).collect()
    }

    /// Shoppers enter as soon as it is possible, and every fourth buys.
    pub(super) async fn enter(&mut self, name: &str, shoppers: RangeInclusive<u128>) {
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

    /// Enters a sale at both nodes until each has let somebody in: how long that took.
    pub(super) async fn enters_again(&self, name: &str) -> Duration {
        let since = Instant::now();
        for shopper in [901, 902] {
            let node = self.at(shopper);
            let sale = node.sale(name).await;
            node.enters(&sale, shopper).await;
        }
        since.elapsed()
    }

    /// Enters sales at both nodes until `is_over`, never refused; the longest that it took.
    pub(super) async fn goes_on(&self, sales: &[Arc<SaleView>], is_over: &Cell<bool>) -> Duration {
        let (mut shopper, mut slowest) = (1_000, Duration::ZERO);
        while !is_over.get() {
            for sale in sales {
                let (node, asked) = (self.at(shopper), Instant::now());
                let entered = node.enter(sale, shopper).await;
                let troubles = node.troubles();
                assert!(entered.is_ok(), "{} was hindered: {troubles:?}", sale.name());
                slowest = slowest.max(asked.elapsed());
            }
            shopper += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        slowest
    }

    /// Makes one sale more at the first node, once it is possible; as the second node has it.
    pub(super) async fn make_another(&self) -> Arc<SaleView> {
        let spec = SaleSpec { name: support::name("another"), ..support::spec(&[1]) };
        eventually("a new sale", async || {
            self.nodes[0].engine().create(support::author(), spec.clone(), None).await.ok()
        })
        .await;
        self.nodes[1].serves("another").await
    }

    /// Each node shows all that was acknowledged by any.
    pub(super) async fn is_complete(&self, name: &str) {
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
            let shown = (counts[0].held, counts[0].available, counts[0].stranded);
            assert_eq!(shown, (held, self.units - held, 0));
        }
        self.is_well().await;
    }

    pub(super) async fn is_well(&self) {
        let well = async || self.nodes.iter().all(|node| node.troubles().is_empty()).then_some(());
        eventually("no trouble is told", well).await;
    }

    pub(super) fn stop(self) {
        part(self.nodes);
    }
}
