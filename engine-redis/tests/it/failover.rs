//! A cluster's own failover: a master dies, its replica takes its slots, and the nodes go on.

use std::{cell::Cell, time::Duration};

use testkit::redis::Redis;
use tokio::time::Instant;

use super::{
    server::run,
    serving::{CALL_MAX, eventually},
    shards::{Cluster, call, epoch, text},
    shop::Shop,
};

const UNITS: u64 = 100;

/// The longest that nodes may take from a replica's promotion to the first entry: they look for it, connect
/// to it and come together.
const FOUND_MAX: Duration = Duration::from_millis(1_500);

async fn is_promoted(replica: &Redis) -> Duration {
    let since = Instant::now();
    eventually("a promotion", async || {
        text(call(replica, "INFO replication")).contains("role:master").then_some(())
    })
    .await;
    since.elapsed()
}

/// Kills the master of a sale while the others' sales go on, and waits until both nodes enter again.
/// How long all that took, in words.
async fn kill_under_entries(cluster: &mut Cluster, shop: &Shop, dead: usize) -> String {
    let (hit, others) = (shop.sale_of(dead), shop.beside(dead));
    cluster.masters[dead].kill().expect("a master to kill");
    let is_over = Cell::new(false);
    let hit = async {
        let refused = shop.enters_again(hit.name().as_str()).await;
        is_over.set(true);
        refused
    };
    let promotion = is_promoted(&cluster.replicas[dead]);
    let (refused, promoted, slowest) =
        tokio::join!(hit, promotion, shop.goes_on(&others, &is_over));
    assert!(refused.saturating_sub(promoted) < FOUND_MAX, "{promoted:?}, then {refused:?}");
    assert!(slowest < 2 * CALL_MAX, "other shards were hindered: {slowest:?}");
    format!(
        "entering was refused for {refused:?}, to {promoted:?} for want of a master; beside it the \
         slowest entry took {slowest:?}"
    )
}

#[test]
fn a_cluster_that_fails_over_keeps_all_that_was_acknowledged_and_hinders_no_other_shard() {
    run(async {
        let mut cluster = Cluster::with_replicas().await;
        let mut shop = Shop::open(&cluster, UNITS).await;
        // The worst of the three: the list of all sales is on it.
        let dead = cluster.holders("own:sales")[0];
        let hit = shop.sale_of(dead);
        let name = hit.name().as_str();
        shop.enter(name, 1..=40).await;
        println!("{}", kill_under_entries(&mut cluster, &shop, dead).await);
        shop.enter(name, 41..=60).await;
        shop.is_complete(name).await;
        let another = shop.make_another().await;
        shop.nodes[1].enters(&another, 1).await;
        shop.stop();
    });
}

/// The replica's link to its master is cut before the last entries, so that it certainly lacks them.
#[test]
fn what_a_promoted_replica_missed_is_written_anew_from_the_nodes() {
    run(async {
        let mut cluster = Cluster::with_replicas().await;
        let mut shop = Shop::open(&cluster, UNITS).await;
        let dead = shop.holders[0];
        let hit = shop.sale_of(dead);
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
        println!("{}", kill_under_entries(&mut cluster, &shop, dead).await);
        assert_eq!(epoch(&cluster.replicas[dead], &hit), "2", "it was written anew, once");
        shop.enter(name, 41..=60).await;
        shop.is_complete(name).await;
        shop.stop();
    });
}
