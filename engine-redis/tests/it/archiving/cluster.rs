//! Archived sales of a cluster.

use engine::hold::{HoldState, Step};

use super::{
    super::{
        agreement::certify,
        cluster::{SALES, placed},
        server::run,
        serving::{Serving, eventually, until},
        shards::Cluster,
    },
    crowd::{archive, deliver, state, step},
};
use testkit::redis::Reply;

/// Two orders in each.
async fn sell(a: &Serving, name: &str) {
    let view = a.serves(name).await;
    for shopper in 1..=2 {
        let entry = a.enters(&view, shopper).await;
        let hold = a.buys(&view, &entry).await;
        step(a, name, hold.0, Step::Confirm).await;
    }
    deliver(a, name, 1..=4).await;
}

async fn are_packed(nodes: &[Serving; 2], names: &[String]) {
    for node in nodes {
        let is_packed = |name: &String| node.engine().sale_at_once(name).is_none();
        until("all are packed", || names.iter().all(is_packed)).await;
    }
}

#[test]
fn archived_sales_of_a_shard_that_came_back_empty_are_written_again_though_nothing_is_asked() {
    run(async {
        let mut cluster = Cluster::start().await;
        let nodes = ["a", "b"].map(|node| Serving::start(node, &cluster.url));
        let [a, b] = &nodes;
        let names: Vec<String> = (0..SALES).map(|index| format!("sale-{index}")).collect();
        let mut sales = Vec::new();
        for name in &names {
            sales.push(a.create(name, 9).await);
            b.serves(name).await;
            sell(a, name).await;
            archive(a, name).await;
        }
        let holders = placed(&cluster, &sales);
        for node in &nodes {
            until("all are archived", || names.iter().all(|name| node.engine().is_archived(name)))
                .await;
        }
        are_packed(&nodes, &names).await;
        for name in &names {
            step(b, name, 1, Step::Refund).await;
            until("the other shows it", || state(a, name, 1) == Some(HoldState::Refunded)).await;
            deliver(b, name, 5..=5).await;
        }
        are_packed(&nodes, &names).await;

        let lists = ["own:sales", "own:archived"].map(|list| cluster.holders(list));
        let has_list = |shard: &usize| lists.iter().any(|holders| holders.contains(shard));
        let dead = (0..3).find(|shard| !has_list(shard)).expect("two lists at most");
        cluster.masters[dead].kill().expect("a master to kill");
        cluster.masters[dead].start_again().expect("it starts again, empty");
        let lost = sales.iter().zip(&holders).filter(|(_, holder)| **holder == dead);
        let lost: Vec<_> = lost.map(|(sale, _)| sale).collect();
        for sale in &lost {
            eventually("it is written again", async || {
                let mut link = cluster.masters[dead].link().ok()?;
                let key = format!("own:{{{:016x}}}:holds", sale.tag().0);
                let found = link.call(&[b"EXISTS", key.as_bytes()]).ok()?;
                (found == Reply::Integer(1)).then_some(())
            })
            .await;
        }
        for sale in &lost {
            let name = sale.name().as_str();
            step(a, name, 2, Step::Refund).await;
            until("the other shows it", || state(b, name, 2) == Some(HoldState::Refunded)).await;
        }
        for node in nodes {
            node.is_well().await;
            certify(&node.stop());
        }
    });
}
