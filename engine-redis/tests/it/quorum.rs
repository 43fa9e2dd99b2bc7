//! A store that was restarted, emptied or replaced: who opens the sale again, and who waits.

use std::time::Duration;

use engine::{
    id::{Epoch, NodeName},
    limits::{IN_TOUCH_MISSING_MS, IN_TOUCH_MS},
    record::Change,
    stream::Point,
};
use engine_redis::{Entry, QuorumAnswer, StoreError};

use super::server::{DEADLINE, Node, Raw, Server, name, run};
use crate::support;

/// Longer than any test takes: who is missing is waited for.
const LONG_MS: u64 = 600_000;

fn open(epoch: u32) -> QuorumAnswer {
    QuorumAnswer::Open { epoch: Epoch(epoch) }
}

fn wait(present: &[&str]) -> QuorumAnswer {
    QuorumAnswer::Wait { present: present.iter().map(|node| name(node)).collect() }
}

/// What came of a word at the quorum, where a rebuild is told by its epoch, the least that anybody knows,
/// and who is missing.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Rebuild(u32, u64, Vec<NodeName>),
    Other(Result<QuorumAnswer, StoreError>),
}

fn told(answer: Result<QuorumAnswer, StoreError>) -> Told {
    let Ok(QuorumAnswer::Rebuild { epoch, missing, present, .. }) = answer else {
        return Told::Other(answer);
    };
    assert!(present.iter().all(|node| !node.is_forked), "{present:?}");
    let lowest = present.iter().map(|node| node.point.seq).min();
    Told::Rebuild(epoch.0, lowest.expect("who is told is there"), missing)
}

fn rebuild(epoch: u32, base_seq: u64, missing: &[&str]) -> Told {
    Told::Rebuild(epoch, base_seq, missing.iter().map(|node| name(node)).collect())
}

/// Two nodes that serve, each with connections of its own, with the same knowledge.
async fn members(server: &Server) -> (Node, Node) {
    let spec = support::spec(&[5]);
    let mut a = Node::creating(server.store("own", DEADLINE).await, spec).await;
    let mut b = a.beside(server.store("own", DEADLINE).await);
    a.decide(&[support::enter(1, None)]).await;
    b.join(&mut a).await;
    b.decide(&[support::enter(2, None)]).await;
    a.decide(&[]).await;
    assert_eq!(a.point, b.point);
    (a, b)
}

/// Lets `ahead` decide what `other` does not hear of.
async fn go_ahead(ahead: &mut Node, shoppers: std::ops::Range<u128>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for shopper in shoppers {
        entries.extend(ahead.decide(&[support::enter(shopper, None)]).await.facts.entries);
    }
    entries
}

/// Reads what the store still has.
async fn read_on(node: &mut Node) {
    let facts = node.store.facts(node.sale, &node.point, 100).await.expect("the same history");
    node.follow(&facts);
}

/// Gives both nodes connections to another server, or to one that was started anew.
async fn move_to(server: &Server, nodes: [&mut Node; 2]) {
    for node in nodes {
        node.store.close().await;
        node.store = server.store("own", DEADLINE).await;
    }
}

async fn serve_on(a: &mut Node, b: &mut Node) {
    for (node, shopper) in [(&mut *a, 901), (&mut *b, 902)] {
        node.decide(&[support::enter(shopper, None)]).await;
    }
    a.decide(&[]).await;
    assert_eq!((a.point, a.world.hash()), (b.point, b.world.hash()));
}

#[test]
fn a_restarted_store_that_kept_all_is_opened_again_when_the_members_are_there() {
    let mut server = Server::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    run(async {
        let (mut a, mut b) = members(&server).await;
        go_ahead(&mut a, 3..6).await;
        server.restart();
        move_to(&server, [&mut a, &mut b]).await;
        let restarted = Err(StoreError::Restarted { seq: a.point.seq });
        assert_eq!(a.try_decide(&[], false).await.map(drop), restarted);
        assert_eq!(b.try_decide(&[], false).await.map(drop), restarted, "wherever it stands");
        let change = &Change::Pause;
        let appended = a.append(&a.point, change).await;
        assert_eq!(appended.map(drop), restarted);

        assert_eq!(b.quorum(LONG_MS).await, Ok(wait(&["b"])));
        assert_eq!(a.quorum(LONG_MS).await, Ok(open(1)), "the store has what the longest has");
        assert_eq!(b.quorum(LONG_MS).await, Ok(open(1)));
        read_on(&mut b).await;
        serve_on(&mut a, &mut b).await;
        assert_eq!(a.epoch, Epoch(1));
    });
}

#[test]
fn a_store_that_comes_back_empty_is_written_by_the_node_that_came_furthest() {
    let mut server = Server::start();
    run(async {
        let (mut a, mut b) = members(&server).await;
        let base = a.point;
        let entries = go_ahead(&mut b, 3..6).await;
        server.restart();
        move_to(&server, [&mut a, &mut b]).await;
        rebuilt_by_b(&mut a, &mut b, &base, &entries).await;
    });
}

#[test]
fn a_flushed_store_is_written_by_the_node_that_came_furthest() {
    let server = Server::start();
    run(async {
        let (mut a, mut b) = members(&server).await;
        let base = a.point;
        let entries = go_ahead(&mut b, 3..6).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        rebuilt_by_b(&mut a, &mut b, &base, &entries).await;
    });
}

async fn rebuilt_by_b(a: &mut Node, b: &mut Node, base: &Point, entries: &[Entry]) {
    assert_eq!(a.try_decide(&[], false).await.map(drop), Err(StoreError::UnknownSale));
    assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a"])));
    let granted = rebuild(2, base.seq, &[]);
    assert_eq!(told(b.quorum(LONG_MS).await), granted);
    assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a", "b"])));
    assert_eq!(told(b.quorum(LONG_MS).await), granted, "an answer that was lost is given again");
    b.rebuild(Epoch(2), base, entries).await;
    assert_eq!(a.quorum(LONG_MS).await, Ok(open(2)));
    read_on(a).await;
    assert_eq!(a.world.hash(), b.world.hash());
    a.epoch = Epoch(2);
    serve_on(a, b).await;
}

#[test]
fn a_replica_that_missed_writes_is_not_served_from_before_they_are_written_again() {
    let port = testkit::ports::free().to_string();
    let primary = Server::start_with(&["--bind", "127.0.0.1", "--port", &port]);
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &port]);
    run(async {
        let (mut a, mut b) = members(&primary).await;
        let (of_primary, of_replica) = (primary.raw().await, replica.raw().await);
        replicated(&of_primary).await;
        // Nothing answers there: the replica keeps what it has.
        of_replica.call(&["REPLICAOF", "127.0.0.1", "1"]).await;
        let base = a.point;
        let entries = go_ahead(&mut b, 3..6).await;
        of_replica.call(&["REPLICAOF", "NO", "ONE"]).await;
        move_to(&replica, [&mut a, &mut b]).await;
        // It lags where the replica ends: without the run id it would go on, and undo what b told.
        assert_eq!(
            a.try_decide(&[support::enter(9, None)], false).await.map(drop),
            Err(StoreError::Restarted { seq: base.seq })
        );
        assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a"])));
        assert_eq!(told(b.quorum(LONG_MS).await), rebuild(2, base.seq, &[]));
        b.rebuild(Epoch(2), &base, &entries).await;
        assert_eq!(a.quorum(LONG_MS).await, Ok(open(2)));
        read_on(&mut a).await;
        a.epoch = Epoch(2);
        serve_on(&mut a, &mut b).await;
    });
}

/// Waits until the replica has all.
async fn replicated(primary: &Raw) {
    for _ in 0..500 {
        if primary.call(&["WAIT", "1", "100"]).await.as_u64() == Some(1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the replica does not come up");
}

#[test]
fn who_is_missing_is_waited_for_and_then_named() {
    let server = Server::start();
    run(async {
        let (mut a, mut b) = members(&server).await;
        go_ahead(&mut b, 3..4).await;
        a.decide(&[]).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        assert_eq!(a.quorum(300).await, Ok(wait(&["a"])));
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(a.quorum(300).await, Ok(wait(&["a"])), "since the first word, not the last");
        tokio::time::sleep(Duration::from_millis(160)).await;
        assert_eq!(told(a.quorum(300).await), rebuild(2, a.point.seq, &["b"]));
        a.rebuild(Epoch(2), &a.point.clone(), &[]).await;
        assert_eq!(b.quorum(LONG_MS).await, Ok(open(2)), "it is open: who comes late goes on");
    });
}

#[test]
fn a_store_that_kept_all_is_written_anew_when_a_node_is_missing() {
    let mut server = Server::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    run(async {
        let (mut a, mut b) = members(&server).await;
        server.restart();
        move_to(&server, [&mut a, &mut b]).await;
        assert_eq!(told(a.quorum(0).await), rebuild(2, a.point.seq, &["b"]));
    });
}

#[test]
fn who_came_furthest_and_then_fell_silent_is_missing() {
    let server = Server::start();
    run(async {
        let (a, mut b) = members(&server).await;
        go_ahead(&mut b, 3..4).await;
        let raw = server.raw().await;
        raw.call(&["FLUSHALL"]).await;
        assert_eq!(b.quorum(LONG_MS).await, Ok(wait(&["b"])));
        assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a", "b"])));
        assert_eq!(told(b.quorum(0).await), rebuild(2, a.point.seq, &[]));
        // As if its last word were 3 s ago.
        let quorum = &a.store.keys(a.sale)[13];
        let said = raw.call(&["HGET", quorum, "b"]).await.into_string().unwrap();
        let (at, rest) = said.split_once(' ').unwrap();
        let earlier = format!("{} {rest}", at.parse::<u64>().unwrap() - 3_000);
        raw.call(&["HSET", quorum, "b", &earlier]).await;
        assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a"])));
        assert_eq!(told(a.quorum(0).await), rebuild(3, a.point.seq, &["b"]), "an epoch of its own");
    });
}

#[test]
fn a_load_is_left_alone_while_it_goes_on_and_taken_over_when_it_does_not() {
    let server = Server::start();
    run(async {
        let (mut a, mut b) = members(&server).await;
        let raw = server.raw().await;
        raw.call(&["FLUSHALL"]).await;
        assert_eq!(b.quorum(LONG_MS).await, Ok(wait(&["b"])));
        // The lesser name, of two that came as far.
        assert_eq!(told(a.quorum(LONG_MS).await), rebuild(2, a.point.seq, &[]));
        a.rebuild(Epoch(2), &a.point.clone(), &[]).await;
        // As if the last parts were still to come.
        let meta = &a.store.keys(a.sale)[0];
        raw.call(&["HSET", meta, "status", "loading"]).await;
        let loading = Err(StoreError::Loading { epoch: Epoch(2) });
        assert_eq!(b.try_decide(&[], false).await.map(drop), loading);
        let answer = b.quorum(1).await;
        assert!(
            matches!(answer, Ok(QuorumAnswer::Loading { epoch: Epoch(2), age_ms: 0..5_000 })),
            "{answer:?}"
        );
        b.epoch = Epoch(3);
        assert_eq!(b.load_with(&b.store).await, loading, "nobody else writes meanwhile");

        raw.call(&["HINCRBY", meta, "loaded_at", "-10000"]).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(told(b.quorum(1).await), rebuild(3, b.point.seq, &["a"]));
        b.rebuild(Epoch(3), &b.point.clone(), &[]).await;
        assert_eq!(a.load_with(&a.store).await, Err(StoreError::OtherEpoch { epoch: Epoch(3) }));
        assert_eq!(a.quorum(LONG_MS).await, Ok(open(3)));
        a.epoch = Epoch(3);
        serve_on(&mut a, &mut b).await;
    });
}

#[test]
fn a_loader_whose_load_failed_is_told_to_begin_again() {
    let server = Server::start();
    run(async {
        let (mut a, b) = members(&server).await;
        let raw = server.raw().await;
        raw.call(&["FLUSHALL"]).await;
        a.rebuild(Epoch(2), &a.point.clone(), &[]).await;
        raw.call(&["HSET", &a.store.keys(a.sale)[0], "status", "loading"]).await;
        let answer = b.quorum(LONG_MS).await;
        assert!(matches!(answer, Ok(QuorumAnswer::Loading { .. })), "{answer:?}");
        assert_eq!(told(a.quorum(LONG_MS).await), rebuild(3, a.point.seq, &[]));
    });
}

#[test]
fn a_sale_that_is_open_is_not_written_over() {
    let server = Server::start();
    run(async {
        let (mut a, mut b) = members(&server).await;
        b.epoch = Epoch(2);
        assert_eq!(b.load_with(&b.store).await, Err(StoreError::OtherEpoch { epoch: Epoch(1) }));
        b.epoch = Epoch(1);
        serve_on(&mut a, &mut b).await;
        assert_eq!(a.quorum(LONG_MS).await, Ok(open(1)));
    });
}

#[test]
fn a_store_that_was_set_back_without_a_restart_is_not_served_from() {
    let server = Server::start();
    run(async {
        let (mut a, mut b) = members(&server).await;
        let raw = server.raw().await;
        // Everything as it is now, in place of what a node is told after it.
        let keys = b.store.keys(b.sale);
        for key in &keys {
            raw.call(&["COPY", key, &format!("{key}-earlier")]).await;
        }
        let base = b.point;
        let entries = go_ahead(&mut a, 3..6).await;
        for key in &keys {
            raw.call(&["DEL", key]).await;
            raw.call(&["COPY", &format!("{key}-earlier"), key]).await;
        }
        b.decide(&[]).await;
        assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a"])));
        let restarted = Err(StoreError::Restarted { seq: b.point.seq });
        assert_eq!(b.try_decide(&[], false).await.map(drop), restarted, "nobody goes on");
        assert_eq!(b.quorum(LONG_MS).await, Ok(wait(&["a", "b"])));
        assert_eq!(told(a.quorum(LONG_MS).await), rebuild(2, base.seq, &[]));
        a.rebuild(Epoch(2), &base, &entries).await;
        assert_eq!(b.quorum(LONG_MS).await, Ok(open(2)));
        read_on(&mut b).await;
        b.epoch = Epoch(2);
        serve_on(&mut a, &mut b).await;
    });
}

/// Sets the store back to before the fourth shopper and lets `laggard`, which has not heard of it, go on from
/// there for as many entries as `ahead` has beyond, and `more`.
async fn set_back(server: &Server, ahead: &mut Node, laggard: &mut Node, more: u128) {
    let raw = server.raw().await;
    let keys = laggard.store.keys(laggard.sale);
    for key in &keys {
        raw.call(&["COPY", key, &format!("{key}-earlier")]).await;
    }
    go_ahead(ahead, 3..6).await;
    for key in &keys {
        raw.call(&["DEL", key]).await;
        raw.call(&["COPY", &format!("{key}-earlier"), key]).await;
    }
    go_ahead(laggard, 13..16 + more).await;
}

#[test]
fn a_store_that_was_set_back_and_has_gone_on_since_is_not_served_from_either() {
    for more in [0, 2] {
        let server = Server::start();
        run(async {
            let (mut a, mut b) = members(&server).await;
            set_back(&server, &mut a, &mut b, more).await;
            assert!(b.point.seq >= a.point.seq, "by its length nothing is amiss");
            assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a"])));
            let restarted = Err(StoreError::Restarted { seq: b.point.seq });
            assert_eq!(b.try_decide(&[], false).await.map(drop), restarted, "nobody goes on");
            b.quorum(LONG_MS).await.expect("it is there too");
            // Of two that came as far, the lesser name writes.
            let (writer, other) = if more == 0 { (&a, &b) } else { (&b, &a) };
            let answer = writer.quorum(LONG_MS).await;
            let Ok(QuorumAnswer::Rebuild { missing, present, .. }) = &answer else {
                unreachable!("the sale is not just opened again: {answer:?}");
            };
            assert_eq!(missing, &[], "both are here");
            let forked = present.iter().find(|node| node.node == other.name).expect("it is here");
            // The store has b's history. That a has another is for a itself to see where it writes.
            assert_eq!(forked.is_forked, more > 0);
        });
    }
}

#[test]
fn nodes_that_may_all_have_been_away_rebuild_nothing() {
    let mut server = Server::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    run(async {
        let (mut a, mut b) = members(&server).await;
        let unsure = |present: &[&str]| QuorumAnswer::Unsure {
            present: present.iter().map(|node| name(node)).collect(),
        };
        // A store that has all they know is only opened again.
        server.restart();
        move_to(&server, [&mut a, &mut b]).await;
        assert_eq!(b.quorum_after(LONG_MS, None).await, Ok(wait(&["b"])));
        assert_eq!(a.quorum_after(LONG_MS, None).await, Ok(open(1)));
        server.raw().await.call(&["FLUSHALL"]).await;
        assert_eq!(b.quorum_after(LONG_MS, None).await, Ok(wait(&["b"])), "a may know");
        assert_eq!(a.quorum_after(LONG_MS, None).await, Ok(unsure(&["a", "b"])));
        assert_eq!(b.quorum_after(0, None).await, Ok(unsure(&["a", "b"])));
        // One that was in touch speaks for all who are here, whichever of them came furthest.
        assert_eq!(b.quorum_after(LONG_MS, Some(IN_TOUCH_MS)).await, Ok(wait(&["a", "b"])));
        assert_eq!(told(a.quorum_after(LONG_MS, None).await), rebuild(2, a.point.seq, &[]));
    });
}

#[test]
fn with_a_node_missing_only_one_that_was_just_in_touch_rebuilds() {
    let server = Server::start();
    run(async {
        let (a, _b) = members(&server).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        let unsure = QuorumAnswer::Unsure { present: vec![name("a")] };
        assert_eq!(a.quorum_after(0, Some(IN_TOUCH_MISSING_MS + 1)).await, Ok(unsure));
        let just = told(a.quorum_after(0, Some(IN_TOUCH_MISSING_MS)).await);
        assert_eq!(just, rebuild(2, a.point.seq, &["b"]));
    });
}

#[test]
fn who_does_not_know_a_sale_makes_none_while_those_who_do_gather() {
    let server = Server::start();
    run(async {
        let (mut a, b) = members(&server).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        assert_eq!(a.quorum(LONG_MS).await, Ok(wait(&["a"])));
        let loading = StoreError::Loading { epoch: Epoch(1) };
        assert_eq!(a.load_with(&server.store("own", DEADLINE).await).await, Err(loading));
        assert_eq!(b.quorum(LONG_MS).await, Ok(wait(&["a", "b"])));
        assert_eq!(told(a.quorum(LONG_MS).await), rebuild(2, b.point.seq, &[]));
        a.rebuild(Epoch(2), &a.point.clone(), &[]).await;
    });
}

#[test]
fn the_members_is_as_the_furthest_knows_it() {
    let server = Server::start();
    run(async {
        let (mut a, b) = members(&server).await;
        let silent = engine_redis::NodeNote::Part { node: &b.name, silent_ms: 0 };
        a.tell(&[silent]).await;
        assert_eq!(a.sale().members().nodes().collect::<Vec<&NodeName>>(), [&a.name]);
        let mut behind = a.beside(a.store.clone());
        (behind.name, behind.point, behind.world) = (name("c"), b.point, b.world.clone());
        server.raw().await.call(&["FLUSHALL"]).await;
        assert_eq!(behind.quorum(LONG_MS).await, Ok(wait(&["c"])), "for a and for b");
        assert_eq!(told(a.quorum(LONG_MS).await), rebuild(2, b.point.seq, &[]), "b had parted");
    });
}

#[test]
fn a_deleted_sale_is_not_brought_back_by_a_quorum() {
    let server = Server::start();
    run(async {
        let (a, b) = members(&server).await;
        let change = &Change::Delete;
        a.append(&a.point, change).await.unwrap();
        assert_eq!(b.quorum(0).await, Err(StoreError::UnknownSale));
    });
}
