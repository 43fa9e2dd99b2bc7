//! Engines of which none is left that archived the sale.

use engine::hold::{HoldState, Step};
use tokio::time::sleep;

use super::{
    super::{
        agreement::certify,
        server::{DEADLINE, Raw, Server, run},
        serving::{Serving, until},
    },
    REST, agree, deliver, is_archived, sold_and_archived, state, step,
};
use crate::support;

/// Longer than who was silent may come back and speak for a sale.
const LONG_AGO_MS: u64 = 400_000;

/// Has the store take it that all who are noted of a sale called last long ago.
async fn age(raw: &Raw, nodes: &str) {
    let noted = raw.call(&["HGETALL", nodes]).await.into_array();
    for pair in noted.chunks(2) {
        let node = pair[0].as_string().expect("a name");
        let mut bytes = pair[1].as_bytes().expect("bytes").to_vec();
        let (at, _) = bytes.split_first_chunk_mut::<8>().expect("when it called last");
        *at = u64::from_le_bytes(*at).saturating_sub(LONG_AGO_MS).to_le_bytes();
        raw.put(nodes, &node, &bytes).await;
    }
}

#[test]
fn engines_that_take_the_place_of_all_that_archived_a_sale_refund_in_it_and_write_it_again() {
    let server = Server::start();
    run(async {
        let old = sold_and_archived(&server).await;
        sleep(REST).await;
        let [c, d] = ["c", "d"].map(|node| Serving::start(node, &server.url()));
        is_archived(&[&c, &d]).await;
        for node in old {
            node.stop();
        }
        // Who was away itself parts nobody for being silent.
        sleep(REST).await;
        let (raw, store) = (server.raw().await, server.store("own", DEADLINE).await);
        let keys = store.keys(support::tag());
        age(&raw, keys.iter().find(|key| key.ends_with(":nodes")).expect("a key")).await;
        // Those that are gone are parted first.
        step(&c, 1, Step::Refund).await;
        until("d shows it", || state(&d, 1) == Some(HoldState::Refunded)).await;
        deliver(&c, 9..=9).await;
        sleep(REST).await;
        raw.call(&["FLUSHALL"]).await;
        step(&d, 2, Step::Refund).await;
        until("c shows it", || state(&c, 2) == Some(HoldState::Refunded)).await;
        agree(&[&c, &d]).await;
        for node in [c, d] {
            node.is_well().await;
            certify(&node.stop());
        }
    });
}
