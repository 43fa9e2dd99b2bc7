//! Archived sales so large that they are packed and unpacked beside the turns.

use std::sync::Arc;

use engine::{
    hold::{HoldState, Step},
    id::EventId,
    limits::PACKED_AT_ONCE_MAX,
    sale::Settler,
    spec::SaleSpec,
};
use tokio::task::JoinSet;

use super::{
    super::{
        server::{Server, run},
        serving::{OFFER, Serving, once, until},
    },
    agree, all_proven, archive, is_archived, state, step,
};
use crate::support::{self, SALE, author, only, wide};

/// With the answer to each, more than are packed in a turn.
const ORDERS: u64 = PACKED_AT_ONCE_MAX as u64 / 2 + 1;

/// So many are asked for at once.
const GROUP: usize = 250;

/// Engines that have so many orders of one shopper in a sale that they archived and packed.
pub(super) async fn packed(server: &Server) -> [Serving; 2] {
    let [a, b] = ["a", "b"].map(|node| Serving::start(node, &server.url()));
    let most = 100_000;
    a.create_as(SaleSpec { per_shopper_max: most, ..wide(most.into()) }).await;
    a.serves(SALE).await;
    b.serves(SALE).await;
    let (view, pass) = (a.view(), a.pass(1).await);
    let all: Vec<u128> = (1..=ORDERS.into()).collect();
    for together in all.chunks(GROUP) {
        let mut orders = JoinSet::new();
        for serial in together.iter().copied() {
            let (engine, view) = (a.engine().clone(), Arc::clone(&view));
            orders.spawn(async move {
                let bought = engine.purchase(&view, pass, vec![(OFFER, 1)], once(serial)).await;
                let hold = bought.expect("there are units").hold.id;
                let paid = engine.settle(&view, hold, Step::Confirm, Settler::Backend, None).await;
                paid.expect("it is held");
            });
        }
        orders.join_all().await;
    }
    let events = (1..=2 * ORDERS).map(EventId).collect();
    a.engine().delivered(view.tag(), only(), events).await.expect("known events");
    for node in [&a, &b] {
        until("all know of it", || node.engine().registry().outbox_lag() == 0).await;
    }
    let (change, terms) = (engine::record::Change::Close, engine::command::Terms::default());
    a.engine().change(view.tag(), author(), change, terms).await.expect("it is open");
    archive(&a).await.expect("it is over");
    is_archived(&[&a, &b]).await;
    are_packed(&[&a, &b]).await;
    [a, b]
}

pub(super) async fn are_packed(nodes: &[&Serving]) {
    for node in nodes {
        until("it is packed", || node.engine().sale_at_once(SALE).is_none()).await;
    }
}

#[test]
fn a_large_archived_sale_is_packed_and_refunded_at_every_engine() {
    let server = Server::start();
    run(async {
        let [a, b] = packed(&server).await;
        step(&b, 1, Step::Refund).await;
        until("a shows it", || state(&a, 1) == Some(HoldState::Refunded)).await;
        let engine = a.engine();
        let told = engine.delivered(support::tag(), only(), vec![EventId(2 * ORDERS + 1)]).await;
        told.expect("a known event");
        are_packed(&[&a, &b]).await;
        step(&a, 2, Step::Refund).await;
        until("b shows it", || state(&b, 2) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}
