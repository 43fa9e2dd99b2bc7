//! Sentinels: the primary dies, its replica takes over, and the nodes go on.

use std::collections::{BTreeMap, BTreeSet};

use testkit::redis::{AppendFsync, Redis, Reply};

use super::{
    agreement::part,
    server::run,
    serving::{Serving, eventually, ports},
};

/// A primary, its replica, and a sentinel that watches them.
struct Watched {
    primary: Redis,
    _replica: Redis,
    _sentinel: Redis,
    url: String,
}

impl Watched {
    async fn start() -> Self {
        let [primary_port, replica_port, sentinel_port] = ports();
        let directory = std::env::temp_dir();
        let start = |port: u16, more: &[&str]| {
            let port = port.to_string();
            let own = ["--port", &port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"];
            let options = [&own[..], more].concat();
            Redis::start_with(&directory, AppendFsync::Off, &options).expect("a server")
        };
        let primary = start(primary_port, &[]);
        let replica = start(replica_port, &["--replicaof", &format!("127.0.0.1 {primary_port}")]);
        let sentinel = Redis::start_sentinel(&format!(
            "port {sentinel_port}\nbind 127.0.0.1\n\
             sentinel monitor shop 127.0.0.1 {primary_port} 1\n\
             sentinel down-after-milliseconds shop 500\n\
             sentinel failover-timeout shop 2000\n"
        ))
        .expect("a sentinel");
        eventually("a replica that follows", async || {
            let said = replica.link().ok()?.call(&[b"INFO", b"replication"]).ok()?;
            says(&said, "master_link_status:up").then_some(())
        })
        .await;
        eventually("a sentinel that knows the replica", async || {
            let said = sentinel.link().ok()?.call(&[b"SENTINEL", b"REPLICAS", b"shop"]).ok()?;
            matches!(said, Reply::List(replicas) if !replicas.is_empty()).then_some(())
        })
        .await;
        let url = format!("redis-sentinel://127.0.0.1:{sentinel_port}?sentinelServiceName=shop");
        Self { primary, _replica: replica, _sentinel: sentinel, url }
    }
}

fn says(reply: &Reply, text: &str) -> bool {
    matches!(reply, Reply::Bulk(bytes) if String::from_utf8_lossy(bytes).contains(text))
}

/// The replica may lack the last facts that the primary had acknowledged: the nodes' journals have them.
#[test]
fn after_a_failover_all_that_was_acknowledged_is_there_and_entering_goes_on() {
    run(async {
        let mut store = Watched::start().await;
        let nodes = [Serving::start("a", &store.url), Serving::start("b", &store.url)];
        let of_a = nodes[0].create("launch", 100).await;
        let sales = [of_a, nodes[1].sale("launch").await];

        let (mut told, mut bought) = (BTreeMap::new(), Vec::new());
        for shopper in 1..=40 {
            let (node, sale) = (&nodes[shopper as usize % 2], &sales[shopper as usize % 2]);
            let entry = node.enters(sale, shopper).await;
            if shopper % 4 == 0 {
                bought.push(node.buys(sale, &entry).await);
            }
            told.insert(shopper, entry.answer.number);
        }
        store.primary.kill().expect("a primary to kill");
        let killed = tokio::time::Instant::now();
        // Nothing is acknowledged by a store that is gone.
        assert!(nodes[0].enter(&sales[0], 41).await.is_err());
        for shopper in 41..=80 {
            let (node, sale) = (&nodes[shopper as usize % 2], &sales[shopper as usize % 2]);
            let entry = node.enters(sale, shopper).await;
            if shopper == 41 {
                println!("entering was refused for {:?}", killed.elapsed());
            }
            told.insert(shopper, entry.answer.number);
        }
        let numbers: BTreeSet<_> = told.values().collect();
        assert_eq!(numbers.len(), told.len(), "no number was given twice");
        for (shopper, number) in &told {
            for (node, sale) in nodes.iter().zip(&sales) {
                let again = node.enters(sale, *shopper).await;
                assert_eq!((again.answer.number, again.epoch), (*number, sales[0].epoch()));
            }
        }
        for node in &nodes {
            // Looked up again: who took the sale over shows it by another view.
            let sale = node.sale("launch").await;
            drop(node.engine().refresh(&sale).await);
            assert!(bought.iter().all(|hold| sale.hold(*hold).is_some()), "a hold was lost");
            let counts: Vec<_> = sale.counts().collect();
            assert_eq!((counts[0].held, counts[0].available), (10, 90));
        }
        let well = async || nodes.iter().all(|node| node.troubles().is_empty()).then_some(());
        eventually("no trouble is told", well).await;
        part(nodes);
    });
}
