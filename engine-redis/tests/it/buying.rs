//! Buying while one shard of a cluster is away: its units are kept, and the others sell.

use std::collections::BTreeSet;

use engine::{
    Failure,
    id::HoldId,
    sale::{PurchaseRefusal, TicketRef},
    view::SaleView,
};

use super::{
    server::run,
    serving::{OFFER, Serving, eventually},
    shards::Cluster,
    shop::Shop,
};
use crate::support::{key, pass_of};

const UNITS: u64 = 20;
/// Who bought before the shard went.
const EARLY: u128 = 6;

async fn buy(
    node: &Serving,
    sale: &SaleView,
    ticket: TicketRef,
    replay: u128,
) -> Result<HoldId, Failure<PurchaseRefusal>> {
    let bought = node.engine().purchase(sale, ticket, vec![(OFFER, 1)], key(replay, 1)).await;
    bought.map(|reply| reply.hold.id)
}

/// Shoppers who are let in at their nodes.
async fn let_in(
    shop: &Shop,
    name: &str,
    shoppers: std::ops::RangeInclusive<u128>,
) -> Vec<TicketRef> {
    let mut tickets = Vec::new();
    for shopper in shoppers {
        let node = shop.at(shopper);
        let sale = node.sale(name).await;
        let entry = node.enters(&sale, shopper).await;
        let ticket = pass_of(&entry);
        eventually("a claim", async || node.engine().claim(&sale, ticket).await.ok()).await;
        tickets.push(ticket);
    }
    tickets
}

/// Everybody tries more often than there are units, with a key for each purchase, and nobody is told
/// anything: then as many permits are there as units.
async fn is_unavailable(shop: &Shop, name: &str, tickets: &[TicketRef]) {
    for round in 1..=4_u128 {
        for ticket in tickets {
            let shopper = ticket.shopper.0;
            let node = shop.at(shopper);
            let bought = buy(node, &*node.sale(name).await, *ticket, round * 100 + shopper).await;
            assert!(matches!(bought, Err(Failure::Unavailable)), "{bought:?}");
        }
    }
    for node in &shop.nodes {
        let sale = node.sale(name).await;
        let available = sale.stock().counts(OFFER).expect("an offer").available;
        assert_eq!(available, UNITS - u64::try_from(EARLY).expect("few"));
        assert_eq!(sale.stock().permits(OFFER), available.cast_signed(), "a unit leaked");
    }
}

/// Buys what is left at both nodes until both say that it is sold out: all units, none twice.
async fn sells_out(shop: &Shop, name: &str, tickets: &[TicketRef], mut sold: BTreeSet<HoldId>) {
    // Four for each at the most, the first EARLY have had one besides, and the limit is ten.
    let wanted = (1..=4_u128).flat_map(|round| tickets.iter().map(move |ticket| (round, ticket)));
    for (round, ticket) in wanted {
        let shopper = ticket.shopper.0;
        let (node, replay) = (shop.at(shopper), round * 100 + shopper);
        let bought = eventually("an answer", async || {
            let bought = buy(node, &*node.sale(name).await, *ticket, replay).await;
            (!matches!(bought, Err(Failure::Unavailable))).then_some(bought)
        })
        .await;
        match bought {
            Ok(hold) => assert!(sold.insert(hold), "{hold:?} was given twice"),
            Err(refused) => assert!(
                matches!(refused, Failure::Refused(PurchaseRefusal::SoldOut))
                    && sold.len() as u64 == UNITS,
                "{refused:?} after {}",
                sold.len()
            ),
        }
    }
    assert_eq!(sold.len() as u64, UNITS, "every unit was sold");
    for node in &shop.nodes {
        let sale = node.sale(name).await;
        assert!(node.engine().refresh(&sale).await.is_ok());
        let sale = node.sale(name).await;
        let counts = sale.stock().counts(OFFER).expect("an offer");
        assert_eq!((counts.held, counts.available, counts.stranded), (UNITS, 0, 0));
        assert_eq!(sale.stock().permits(OFFER), 0);
    }
}

/// Sales beside it go on selling, at both nodes.
async fn others_sell(shop: &Shop, shard: usize) {
    for sale in shop.beside(shard) {
        for shopper in [1, 2] {
            let entry = shop.at(shopper).enter(&sale, shopper).await.expect("it goes on");
            shop.at(shopper).buys(&sale, &entry).await;
        }
    }
}

async fn buy_early(shop: &Shop, name: &str, tickets: &[TicketRef]) -> BTreeSet<HoldId> {
    let mut sold = BTreeSet::new();
    for ticket in tickets.iter().take(usize::try_from(EARLY).expect("few")) {
        let shopper = ticket.shopper.0;
        let node = shop.at(shopper);
        let bought = buy(node, &*node.sale(name).await, *ticket, shopper).await;
        sold.insert(bought.expect("there are units"));
    }
    for node in &shop.nodes {
        assert!(node.engine().refresh(&*node.sale(name).await).await.is_ok());
    }
    sold
}

#[test]
fn a_dead_shard_sells_nothing_and_every_unit_once_when_it_is_back_empty() {
    run(async {
        let mut cluster = Cluster::start().await;
        let shop = Shop::open(&cluster, UNITS).await;
        let dead = shop.holders[0];
        let hit = shop.sale_of(dead);
        let name = hit.name().as_str();
        let tickets = let_in(&shop, name, 1..=8).await;
        let sold = buy_early(&shop, name, &tickets).await;
        cluster.masters[dead].kill().expect("a master to kill");
        is_unavailable(&shop, name, &tickets).await;
        others_sell(&shop, dead).await;
        cluster.masters[dead].start_again().expect("it starts again, empty");
        sells_out(&shop, name, &tickets, sold).await;
        shop.is_well().await;
        shop.stop();
    });
}

/// What was asked of it at last may be decided when it wakes: the key tells.
#[test]
fn a_silent_shard_answers_nobody_and_sells_every_unit_once_when_it_wakes() {
    run(async {
        let cluster = Cluster::start().await;
        let shop = Shop::open(&cluster, UNITS).await;
        let silent = shop.holders[0];
        let hit = shop.sale_of(silent);
        let name = hit.name().as_str();
        let tickets = let_in(&shop, name, 1..=8).await;
        let sold = buy_early(&shop, name, &tickets).await;
        cluster.masters[silent].freeze().expect("it runs");
        is_unavailable(&shop, name, &tickets).await;
        others_sell(&shop, silent).await;
        cluster.masters[silent].thaw().expect("it runs");
        sells_out(&shop, name, &tickets, sold).await;
        shop.is_well().await;
        shop.stop();
    });
}
