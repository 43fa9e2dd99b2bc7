//! Two nodes on one sale: one order, one stock, one history.

use std::collections::BTreeSet;

use engine::{
    command::Command,
    id::{Epoch, HoldId, ShopperKey},
    record::ReplayKey,
    sale::TicketRef,
    spec::SaleSpec,
};
use engine_redis::{StoreError, Verdict};

use super::server::{DEADLINE, Node, Server, run};
use crate::support;

/// Shoppers of each node.
const CROWD: u128 = 600;
const UNITS: u64 = 100;

#[test]
fn two_nodes_at_once_give_dense_numbers_and_sell_every_unit_once() {
    let server = Server::start();
    run(async {
        let spec = SaleSpec { active_max: 10_000, ..support::spec(&[UNITS]) };
        let mut a = Node::creating(server.store("own", DEADLINE).await, spec).await;
        a.decide(&[]).await;
        let mut b = a.beside(server.store("own", DEADLINE).await);
        b.join(&mut a).await;
        let (of_a, of_b) = tokio::join!(crowd(&mut a, 0), crowd(&mut b, CROWD));
        for node in [&mut a, &mut b] {
            node.decide(&[]).await;
        }
        while a.point != b.point {
            a.decide(&[]).await;
            b.decide(&[]).await;
        }
        assert_eq!(a.world.hash(), b.world.hash());
        let numbers: BTreeSet<u64> = of_a.numbers.iter().chain(&of_b.numbers).copied().collect();
        assert_eq!(numbers.len() as u128, 2 * CROWD);
        assert_eq!(numbers.last().copied(), Some(numbers.len() as u64));
        let holds: BTreeSet<HoldId> = of_a.holds.iter().chain(&of_b.holds).copied().collect();
        assert_eq!(holds.len(), of_a.holds.len() + of_b.holds.len());
        assert_eq!(holds.len() as u64, UNITS);
        assert_eq!(a.sale().counts()[0].available, 0);
        assert!(!of_a.holds.is_empty() && !of_b.holds.is_empty(), "both nodes sold");
    });
}

#[test]
fn who_lagged_when_the_store_was_lost_reads_on_from_the_one_that_rebuilt_it() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let mut ahead = Node::creating(store.clone(), support::spec(&[UNITS])).await;
        ahead.decide(&[support::enter(1, None)]).await;
        let mut behind = ahead.beside(store.clone());
        let base = ahead.point;
        let mut entries = Vec::new();
        for shopper in 2..=40 {
            entries.extend(ahead.decide(&[support::enter(shopper, None)]).await.facts.entries);
        }
        server.raw().await.call(&["FLUSHALL"]).await;
        ahead.rebuild(Epoch(2), &base, &entries).await;
        ahead.decide(&[support::enter(41, None)]).await;

        let refused = behind.try_decide(&[], false).await;
        assert_eq!(refused.unwrap_err(), StoreError::OtherEpoch { epoch: Epoch(2) });
        behind.epoch = Epoch(2);
        behind.join(&mut ahead).await;
        behind.decide(&[support::enter(42, None)]).await;
        ahead.decide(&[]).await;
        assert_eq!(behind.world.hash(), ahead.world.hash());
        assert_eq!((behind.sale().issued().0, behind.point.epoch), (42, Epoch(2)));
    });
}

#[derive(Debug, Default)]
struct Outcome {
    numbers: Vec<u64>,
    holds: Vec<HoldId>,
}

/// A node's shoppers enter in batches of ever other sizes, and buy as soon as they are let in.
async fn crowd(node: &mut Node, first: u128) -> Outcome {
    let (mut outcome, mut next) = (Outcome::default(), first);
    while next < first + CROWD {
        let size = 1 + next % 17;
        let shoppers: Vec<u128> = (next..(next + size).min(first + CROWD)).collect();
        next += shoppers.len() as u128;
        let entries: Vec<Command> =
            shoppers.iter().map(|shopper| support::enter(*shopper, None)).collect();
        let mut purchases = Vec::new();
        for (verdict, shopper) in node.decide(&entries).await.verdicts.into_iter().zip(&shoppers) {
            let Verdict::Entry(Ok(placed)) = verdict else { unreachable!("{verdict:?}") };
            outcome.numbers.push(placed.number.0);
            let replay = ReplayKey { key: *shopper, body: 0 };
            purchases.push(support::purchase(ticket(placed.number.0, *shopper), 1, replay));
        }
        // Calls are let in by the gate; who was not yet called is refused and buys nothing.
        for verdict in node.decide(&purchases).await.verdicts {
            if let Verdict::Purchase(Ok(told)) = verdict {
                outcome.holds.push(told.hold);
            }
        }
    }
    outcome
}

fn ticket(number: u64, shopper: u128) -> TicketRef {
    TicketRef { shopper: ShopperKey(shopper), ..support::ticket(number, shopper) }
}
