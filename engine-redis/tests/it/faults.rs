//! A store that is not what it was says so, within the deadline, and decides nothing.

use std::time::Duration;

use engine::{id::Epoch, record::Change, stream::Point};
use engine_redis::StoreError;
use rustix::process::Signal;
use tokio::time::timeout;

use super::server::{DEADLINE, Node, Server, run};
use crate::support;

/// A deadline that tests wait for.
const SHORT: Duration = Duration::from_millis(300);

async fn node(server: &Server, deadline: Duration) -> Node {
    Node::creating(server.store("own", deadline).await, support::spec(&[5])).await
}

/// Decides an entry, which must answer within twice the deadline.
async fn enter(node: &mut Node, shopper: u128) -> Result<(), StoreError> {
    let deadline = 2 * SHORT.max(Duration::from_secs(1));
    let commands = [support::enter(shopper, None)];
    let answer = timeout(deadline, node.try_decide(&commands, false)).await;
    answer.expect("an answer or an error within the deadline").map(drop)
}

#[test]
fn a_wiped_store_knows_no_sale_until_it_is_loaded_under_a_higher_epoch() {
    let server = Server::start();
    run(async {
        let (mut node, raw) = (node(&server, DEADLINE).await, server.raw().await);
        enter(&mut node, 1).await.unwrap();
        raw.call(&["FLUSHALL"]).await;
        assert_eq!(enter(&mut node, 2).await, Err(StoreError::UnknownSale));
        let facts = node.store.facts(node.sale, &node.point, 10).await;
        assert_eq!(facts.unwrap_err(), StoreError::UnknownSale);
        let change = &Change::Pause;
        let appended = node.append(&node.point, change).await;
        assert_eq!(appended.unwrap_err(), StoreError::UnknownSale);
        node.reload().await;
        enter(&mut node, 2).await.unwrap();
        assert_eq!((node.sale().issued().0, node.point.epoch, node.point.seq), (2, Epoch(2), 2));
    });
}

#[test]
fn a_flushed_library_is_missed_and_loaded_again() {
    let server = Server::start();
    run(async {
        let (mut node, raw) = (node(&server, DEADLINE).await, server.raw().await);
        raw.call(&["FUNCTION", "FLUSH"]).await;
        assert_eq!(enter(&mut node, 1).await, Err(StoreError::LibraryMissing));
        node.store.load_library(node.sale).await.unwrap();
        enter(&mut node, 1).await.unwrap();
    });
}

#[test]
fn another_epoch_is_refused_before_anything_is_decided() {
    let server = Server::start();
    run(async {
        let mut node = node(&server, DEADLINE).await;
        enter(&mut node, 1).await.unwrap();
        let mut old = node.beside(node.store.clone());
        server.raw().await.call(&["FLUSHALL"]).await;
        node.reload().await;
        assert_eq!(enter(&mut old, 2).await, Err(StoreError::OtherEpoch { epoch: Epoch(2) }));
        assert_eq!(
            node.load_with(&node.store).await,
            Err(StoreError::OtherEpoch { epoch: Epoch(2) })
        );
        let facts = old.store.facts(old.sale, &old.point, 10).await.unwrap();
        assert_eq!((facts.epoch, facts.entries.len()), (Epoch(2), 0));
        old.epoch = facts.epoch;
        old.join(&mut node).await;
        enter(&mut old, 2).await.unwrap();
        assert_eq!(old.sale().issued().0, 2, "the refused entry was none");
    });
}

#[test]
fn another_history_is_refused_wherever_it_parts() {
    let server = Server::start();
    run(async {
        let mut node = node(&server, DEADLINE).await;
        let mut points = vec![node.point];
        for shopper in 1..=3 {
            enter(&mut node, shopper).await.unwrap();
            points.push(node.point);
        }
        let end = node.point;
        let wrong_chain = |at: usize, of: usize| Point { chain: points[of].chain, ..points[at] };
        let ahead = Point { seq: end.seq + 1, ..end };
        let other_epoch = Point { epoch: Epoch(7), ..points[2] };
        for point in [wrong_chain(3, 2), wrong_chain(2, 3), wrong_chain(0, 1), ahead, other_epoch] {
            node.point = point;
            let refused = Err(StoreError::Diverged { seq: end.seq });
            assert_eq!(enter(&mut node, 9).await, refused, "{point:?}");
            let facts = node.store.facts(node.sale, &point, 10).await;
            assert_eq!(facts.map(drop), refused, "{point:?}");
        }
        for (point, count) in points.into_iter().zip([3, 2, 1, 0]) {
            let facts = node.store.facts(node.sale, &point, 10).await.unwrap();
            assert_eq!(facts.entries.len(), count);
        }
    });
}

#[test]
fn a_node_that_was_away_reads_on_or_learns_that_it_cannot() {
    let server = Server::start();
    run(async {
        let mut ahead = node(&server, DEADLINE).await;
        let mut behind = ahead.beside(ahead.store.clone());
        for shopper in 1..=300 {
            enter(&mut ahead, shopper).await.unwrap();
        }
        let seq = ahead.point.seq;
        assert_eq!(enter(&mut behind, 999).await, Err(StoreError::Behind { seq }));
        while behind.point != ahead.point {
            let facts = behind.store.facts(behind.sale, &behind.point, 100).await.unwrap();
            assert!((1..=100).contains(&facts.entries.len()));
            behind.follow(&facts);
        }
        assert_eq!(behind.world.hash(), ahead.world.hash());
        let stream = &ahead.store.keys(ahead.sale)[11];
        server.raw().await.call(&["XTRIM", stream, "MAXLEN", "2"]).await;
        let mut late = ahead.beside(ahead.store.clone());
        late.point = Point::START;
        let first = seq - 1;
        let trimmed = late.store.facts(late.sale, &late.point, 10).await;
        assert_eq!(trimmed.map(drop), Err(StoreError::Trimmed { first }));
        assert_eq!(enter(&mut late, 999).await, Err(StoreError::Trimmed { first }));
    });
}

#[test]
fn what_was_decided_on_an_earlier_state_is_not_appended() {
    let server = Server::start();
    run(async {
        let mut node = node(&server, DEADLINE).await;
        let before = node.point;
        enter(&mut node, 1).await.unwrap();
        let change = &Change::Pause;
        let moved = node.append(&before, change).await;
        assert_eq!(moved.unwrap_err(), StoreError::Moved { seq: node.point.seq });
    });
}

#[test]
fn a_deleted_sale_tells_of_its_end_no_more_and_its_name_begins_again() {
    let server = Server::start();
    run(async {
        let mut node = node(&server, DEADLINE).await;
        enter(&mut node, 1).await.unwrap();
        let change = &Change::Delete;
        let facts = node.append(&node.point, change).await.unwrap();
        assert_eq!(facts.entries.len(), 1);
        assert_eq!(enter(&mut node, 2).await, Err(StoreError::UnknownSale));
        node.reload().await;
        enter(&mut node, 2).await.unwrap();
    });
}

#[test]
fn a_store_that_hangs_is_unavailable_and_what_it_decided_after_all_is_found() {
    let server = Server::start();
    run(async {
        let mut node = node(&server, SHORT).await;
        enter(&mut node, 1).await.unwrap();
        server.signal(Signal::STOP);
        let unavailable = enter(&mut node, 2).await;
        assert!(matches!(unavailable, Err(StoreError::Unavailable(_))), "{unavailable:?}");
        server.signal(Signal::CONT);
        eventually(&mut node, 3).await;
        let issued = node.sale().issued().0;
        assert!(issued == 2 || issued == 3, "the unknown outcome came to be known: {issued}");
    });
}

#[test]
fn a_store_that_died_and_came_back_empty_is_noticed() {
    let mut server = Server::start();
    run(async {
        let mut node = node(&server, SHORT).await;
        enter(&mut node, 1).await.unwrap();
        server.kill();
        let unavailable = enter(&mut node, 2).await;
        assert!(matches!(unavailable, Err(StoreError::Unavailable(_))), "{unavailable:?}");
        server.restart();
        let mut answer = enter(&mut node, 2).await;
        for _ in 0..100 {
            if !matches!(answer, Err(StoreError::Unavailable(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            answer = enter(&mut node, 2).await;
        }
        assert_eq!(answer, Err(StoreError::LibraryMissing));
        // Each connection comes back by itself, and this may be the other one.
        let mut loaded = node.store.load_library(node.sale).await;
        for _ in 0..100 {
            if !matches!(loaded, Err(StoreError::Unavailable(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            loaded = node.store.load_library(node.sale).await;
        }
        loaded.unwrap();
        assert_eq!(enter(&mut node, 2).await, Err(StoreError::UnknownSale));
        node.reload().await;
        enter(&mut node, 2).await.unwrap();
        assert_eq!(node.sale().issued().0, 2);
    });
}

/// Enters once the store is back.
async fn eventually(node: &mut Node, shopper: u128) {
    for _ in 0..100 {
        match enter(node, shopper).await {
            Ok(()) => return,
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => unreachable!("the store says {other}"),
        }
    }
    unreachable!("the store does not come back");
}
