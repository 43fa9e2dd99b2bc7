//! What takes long for one sale keeps no other waiting.

use std::time::Duration;

use engine_redis::{SharedOptions, StoreOptions};
use tokio::time::Instant;

use super::{
    proxy::{Fate, Proxy},
    server::{DEADLINE, Server, run},
    serving::{Serving, shared, until},
};
use crate::support::SALE;

/// How long each part of a sale is on its way to the store: a rebuild is of six parts or more.
const HELD_UP: Duration = Duration::from_millis(300);
/// The longest that an entry may take meanwhile: it may share its connection with two such parts.
const SOON: Duration = Duration::from_millis(1_200);

/// Calls that write a sale take long.
fn slow_loads(_: usize, bytes: &[u8]) -> Fate {
    const LOAD: &[u8] = b"rushgate_2_load";
    let is_load = bytes.windows(LOAD.len()).any(|name| name == LOAD);
    if is_load { Fate::HeldUp(HELD_UP) } else { Fate::Passed }
}

#[test]
fn while_one_sale_is_written_into_the_store_the_others_are_served() {
    let server = Server::start();
    run(async {
        let slow = Proxy::before(&server, slow_loads);
        let options = shared("a", &slow.url());
        let store = StoreOptions { deadline: DEADLINE, ..options.store };
        let options = SharedOptions { store, ..options };
        let node = Serving::on(&engine::disk::sim::SimDisk::new(), options);
        node.create(SALE, 9).await;
        let other = node.create("other", 9).await;
        let lost = node.serves(SALE).await;
        node.serves("other").await;
        node.enters(&lost, 1).await;
        let store = server.store("own", DEADLINE).await;
        let keys = store.keys(lost.tag());
        let unlink: Vec<&str> =
            ["UNLINK"].into_iter().chain(keys.iter().map(String::as_str)).collect();
        server.raw().await.call(&unlink).await;
        until("it is missed", || !node.troubles().is_empty()).await;
        let (mut entered, mut slowest) = (0, Duration::ZERO);
        while !node.troubles().is_empty() {
            let asked = Instant::now();
            node.enters(&other, 100 + entered).await;
            slowest = slowest.max(asked.elapsed());
            entered += 1;
        }
        assert!(entered >= 3, "{entered} entries while the sale was written");
        assert!(slowest < SOON, "an entry took {slowest:?}");
        assert_eq!(node.enters(&lost, 2).await.answer.number.0, 2, "and nothing was lost");
        node.stop();
    });
}
