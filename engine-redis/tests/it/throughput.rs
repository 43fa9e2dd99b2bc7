//! What an entry costs Redis, by the size of its batch. Prints; asserts only that batches pay.

use engine::spec::SaleSpec;
use fred::types::Value;

use super::server::{DEADLINE, Node, Raw, Server, run};
use crate::support;

/// Entries measured at each size.
const ENTRIES: u128 = 4_096;

#[test]
fn an_entry_costs_redis_less_in_a_batch() {
    let server = Server::start();
    run(async {
        let raw = server.raw().await;
        // Nearly all stay in line, as in a waiting room.
        let spec = SaleSpec { active_max: 10, ..support::spec(&[5]) };
        let mut node = Node::creating(server.store("own", DEADLINE).await, spec).await;
        let (mut next, mut costs) = (0, Vec::new());
        for size in [1, 64, 512] {
            raw.call(&["CONFIG", "RESETSTAT"]).await;
            for _ in 0..ENTRIES / size {
                let batch: Vec<_> =
                    (next..next + size).map(|shopper| support::enter(shopper, None)).collect();
                node.decide(&batch).await;
                next += size;
            }
            let cost = microseconds(&raw).await / f64::from(u32::try_from(ENTRIES).unwrap());
            println!("batches of {size}: {cost:.2} us of Redis an entry");
            costs.push(cost);
        }
        assert_eq!(u128::from(node.sale().issued().0), next);
        assert!(costs[2] < costs[0] / 2.0, "{costs:?}");
    });
}

/// Time that Redis spent in calls of functions since its statistics were reset.
async fn microseconds(raw: &Raw) -> f64 {
    let stats: Value = raw.call(&["INFO", "commandstats"]).await;
    let stats = stats.into_string().expect("text");
    let line = stats.lines().find(|line| line.starts_with("cmdstat_fcall:")).expect("calls");
    let usec = line.split(',').find_map(|part| part.strip_prefix("usec=")).expect("a time");
    usec.parse().expect("a number")
}
