//! A slot moves to another shard while it is used, step by step as `redis-cli --cluster reshard` does it.

use std::{cell::Cell, time::Duration};

use engine::Failure;

use super::{
    server::run,
    serving::eventually,
    shards::{Cluster, Migration, epoch, meta},
    shop::Shop,
};

const UNITS: u64 = 100;

/// Waits until both nodes refuse an entry.
async fn is_refused(shop: &Shop, name: &str) {
    for shopper in [801, 802] {
        let node = shop.at(shopper);
        eventually("an entry that is refused", async || {
            let entered = node.enter(&*node.sale(name).await, shopper).await;
            matches!(entered, Err(Failure::Unavailable)).then_some(())
        })
        .await;
    }
}

#[test]
fn a_sale_whose_slot_moves_is_refused_meanwhile_and_goes_on_at_its_new_shard() {
    run(async {
        let cluster = Cluster::start().await;
        let mut shop = Shop::open(&cluster, UNITS).await;
        let from = shop.holders[0];
        let to = (from + 1) % 3;
        let (hit, others) = (shop.sale_of(from), shop.sales[1..].to_vec());
        let name = hit.name().as_str();
        shop.enter(name, 1..=20).await;

        let is_over = Cell::new(false);
        let moving = async {
            let mut moving = Migration::begin(&cluster, &meta(&hit), from, to);
            is_refused(&shop, name).await;
            for _ in 0..4 {
                assert!(moving.take_one(), "a sale has more keys");
            }
            is_refused(&shop, name).await;
            while moving.take_one() {}
            is_refused(&shop, name).await;
            let trouble = shop
                .nodes
                .iter()
                .all(|node| node.troubles().iter().any(|trouble| trouble.contains(name)));
            assert!(trouble, "it is told: {:?}", shop.nodes[0].troubles());
            moving.finish();
            let refused = shop.enters_again(name).await;
            is_over.set(true);
            refused
        };
        let (refused, slowest) = tokio::join!(moving, shop.goes_on(&others, &is_over));
        println!(
            "entering was refused for {refused:?} after the move; beside it the slowest entry took {slowest:?}"
        );
        assert!(refused < Duration::from_secs(3), "{refused:?}");
        assert_eq!(cluster.holders(&meta(&hit)), [to]);
        let epoch = epoch(&cluster.masters[to], &hit);
        assert_eq!(epoch, "1", "nothing was lost, so nothing was written anew");
        shop.enter(name, 21..=40).await;
        shop.is_complete(name).await;
        shop.stop();
    });
}

/// Redis serves what is left of the sale as if it were all.
#[test]
fn of_a_sale_whose_move_was_broken_off_nothing_is_decided_before_it_is_written_anew() {
    run(async {
        let cluster = Cluster::start().await;
        let mut shop = Shop::open(&cluster, UNITS).await;
        let from = shop.holders[0];
        let hit = shop.sale_of(from);
        let name = hit.name().as_str();
        shop.enter(name, 1..=20).await;
        let mut moving = Migration::begin(&cluster, &meta(&hit), from, (from + 1) % 3);
        while moving.take_one_but(&meta(&hit)) {}
        is_refused(&shop, name).await;
        moving.break_off();
        shop.enter(name, 21..=40).await;
        assert_eq!(epoch(&cluster.masters[from], &hit), "2");
        shop.is_complete(name).await;
        shop.stop();
    });
}

/// It is asked for every second, by all nodes.
#[test]
fn the_list_of_sales_moves_to_another_shard_and_no_sale_is_hindered() {
    run(async {
        let cluster = Cluster::start().await;
        let shop = Shop::open(&cluster, UNITS).await;
        let from = cluster.holders("own:sales")[0];
        let to = (from + 1) % 3;
        let is_over = Cell::new(false);
        let moving = async {
            let mut moving = Migration::begin(&cluster, "own:sales", from, to);
            while moving.take_one() {}
            // Nobody answers for it now. Long enough that each node asks twice.
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            moving.finish();
            let another = shop.make_another().await;
            shop.nodes[1].enters(&another, 1).await;
            is_over.set(true);
        };
        let ((), slowest) = tokio::join!(moving, shop.goes_on(&shop.sales, &is_over));
        println!("the slowest entry took {slowest:?}");
        assert_eq!(cluster.holders("own:sales"), [to]);
        shop.is_well().await;
        shop.stop();
    });
}
