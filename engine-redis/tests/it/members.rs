//! Who serves a sale, which node delivers its events, and what nodes tell beside commands.

use engine::{
    id::EventId,
    limits::SILENT_KEPT_MS,
    record::{Change, Record},
};
use engine_redis::{Decision, NodeNote, StoreError};

use super::server::{DEADLINE, Node, Raw, Server, run};
use crate::support;

/// Two nodes of one sale, and a connection of their server.
async fn two(server: &Server) -> (Node, Node, Raw) {
    let store = server.store("own", DEADLINE).await;
    let a = Node::creating(store.clone(), support::spec(&[5])).await;
    let b = a.beside(store);
    (a, b, server.raw().await)
}

/// One more, named `c`, that knows what `other` does.
fn third(other: &Node) -> Node {
    Node { name: super::server::name("c"), ..other.beside(other.store.clone()) }
}

fn records(decision: &Decision) -> Vec<&Record> {
    decision.facts.entries.iter().flat_map(|entry| &entry.records).collect()
}

fn members(node: &Node) -> Vec<&str> {
    node.sale().members().nodes().map(engine::id::NodeName::as_str).collect()
}

/// Lets the sale's time go on.
async fn wait(raw: &Raw, node: &Node, ms: u64) {
    let meta = &node.store.keys(node.sale)[0];
    raw.call(&["HINCRBY", meta, "clock_offset", &ms.to_string()]).await;
}

#[test]
fn a_node_joins_with_its_first_batch_and_again_when_it_was_parted() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, _raw) = two(&server).await;
        let sale = a.sale;
        let joined = |node: &Node| Record::Joined { sale, node: node.name.clone() };
        let parted = |node: &Node| Record::Parted { sale, node: node.name.clone() };
        let first = a.decide(&[support::enter(1, None)]).await;
        let found = records(&first);
        assert_eq!((found[0], found.len() > 1), (&joined(&a), true), "before all else");
        assert_eq!(records(&b.decide(&[]).await)[found.len()..], [&joined(&b)]);
        assert_eq!(records(&a.decide(&[]).await), [&joined(&b)]);
        assert_eq!(members(&a), ["a", "b"]);
        assert_eq!(b.decide(&[]).await.facts.entries, [], "a known node's tick is no fact");

        let leaving = NodeNote::Part { node: &b.name.clone(), silent_ms: 0 };
        assert_eq!(records(&b.tell(&[leaving]).await), [&parted(&b)]);
        assert_eq!(records(&a.decide(&[]).await), [&parted(&b)]);
        assert_eq!(members(&a), ["a"]);
        let silent = NodeNote::Part { node: &b.name.clone(), silent_ms: 15_000 };
        assert_eq!(a.tell(&[silent]).await.facts.entries, [], "who does not serve cannot part");
        assert_eq!(records(&b.decide(&[]).await), [&joined(&b)]);
        a.decide(&[]).await;
        assert_eq!((members(&a), a.world.hash()), (vec!["a", "b"], b.world.hash()));
    });
}

#[test]
fn a_node_is_parted_by_others_only_when_it_was_silent_for_so_long() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        a.decide(&[]).await;
        b.decide(&[]).await;
        a.decide(&[]).await;
        let name = b.name.clone();
        let silent = NodeNote::Part { node: &name, silent_ms: 15_000 };
        wait(&raw, &a, 14_000).await;
        assert_eq!(a.tell(&[silent]).await.facts.entries, []);
        b.decide(&[]).await;
        wait(&raw, &a, 14_000).await;
        assert_eq!(a.tell(&[silent]).await.facts.entries, [], "its call counted");
        wait(&raw, &a, 1_000).await;
        let parted = Record::Parted { sale: a.sale, node: name.clone() };
        // Twice in a batch, as when two reasons meet.
        assert_eq!(records(&a.tell(&[silent, silent]).await), [&parted]);
        assert_eq!(members(&a), ["a"]);
    });
}

#[test]
fn a_node_that_never_came_back_after_a_rebuild_is_parted() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        b.decide(&[]).await;
        a.decide(&[]).await;
        raw.call(&["FLUSHALL"]).await;
        a.reload().await;
        let name = b.name.clone();
        let silent = NodeNote::Part { node: &name, silent_ms: 15_000 };
        assert!(!records(&a.tell(&[silent]).await).contains(&&parted(&b)));
        wait(&raw, &a, 15_000).await;
        assert!(records(&a.tell(&[silent]).await).contains(&&parted(&b)));
        assert_eq!(members(&a), ["a"]);
    });
}

fn parted(node: &Node) -> Record {
    Record::Parted { sale: node.sale, node: node.name.clone() }
}

#[test]
fn a_node_is_asked_for_nothing_before_the_others_have_journaled_that_it_joined() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, _raw) = two(&server).await;
        a.decide(&[support::enter(1, None)]).await;
        let enter = [support::enter(2, None)];
        let joining = async |b: &mut Node| {
            let decision = b.decide(&enter).await;
            assert!(decision.is_joining && decision.verdicts.is_empty() && !decision.delivers);
            assert_eq!(b.append(&b.point, &Change::Pause).await, Err(StoreError::Joining));
        };
        joining(&mut b).await;
        joining(&mut b).await;
        // It follows the entry with this call, and has journaled it by the next.
        a.decide(&[]).await;
        joining(&mut b).await;
        a.decide(&[]).await;
        let decision = b.decide(&enter).await;
        assert!(!decision.is_joining, "at once, and not when a's call would be noted again");
        assert_eq!((decision.verdicts.len(), b.sale().issued().0), (1, 2));
    });
}

#[test]
fn who_was_parted_for_its_silence_is_waited_for_while_it_may_come_back_and_speak() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        a.decide(&[]).await;
        b.join(&mut a).await;
        let (mut c, name_of_b) = (third(&a), b.name.clone());
        wait(&raw, &a, 16_000).await;
        a.tell(&[NodeNote::Part { node: &name_of_b, silent_ms: 15_000 }]).await;
        assert_eq!(members(&a), ["a"]);
        for _ in 0..3 {
            assert!(c.decide(&[]).await.is_joining, "b may not know c");
            a.decide(&[]).await;
        }
        wait(&raw, &a, SILENT_KEPT_MS - 17_000).await;
        assert!(c.decide(&[]).await.is_joining);
        wait(&raw, &a, 2_000).await;
        assert!(!c.decide(&[]).await.is_joining, "b can no longer speak for the sale");
        for _ in 0..3 {
            b.decide(&[]).await;
            a.decide(&[]).await;
            c.decide(&[]).await;
        }
        assert!(!b.decide(&[]).await.is_joining, "it joined again");
    });
}

#[test]
fn of_two_that_were_silent_the_first_to_come_back_does_not_wait_for_the_other() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        a.decide(&[]).await;
        b.join(&mut a).await;
        let mut c = third(&a);
        while c.decide(&[]).await.is_joining {
            a.decide(&[]).await;
            b.decide(&[]).await;
        }
        wait(&raw, &a, 16_000).await;
        let names = [b.name.clone(), c.name.clone()];
        let silent = names.each_ref().map(|node| NodeNote::Part { node, silent_ms: 15_000 });
        a.tell(&silent).await;
        assert!(b.decide(&[]).await.is_joining);
        a.decide(&[]).await;
        a.decide(&[]).await;
        assert!(!b.decide(&[]).await.is_joining, "c, wherever it is, takes b for a member");
    });
}

#[test]
fn a_node_that_parted_itself_does_not_wait_for_one_that_is_away() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        a.decide(&[]).await;
        b.join(&mut a).await;
        let name = b.name.clone();
        wait(&raw, &b, 1_000).await;
        // From now on nothing is heard of a.
        b.tell(&[NodeNote::Part { node: &name, silent_ms: 0 }]).await;
        let back = b.decide(&[support::enter(1, None)]).await;
        assert!(!back.is_joining, "a takes b for a member as before");
        assert_eq!(b.sale().issued().0, 1);
    });
}

#[test]
fn a_node_that_was_parted_before_all_knew_it_waits_again_for_those_who_never_heard_of_it() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        a.decide(&[]).await;
        b.join(&mut a).await;
        // b is away from here on.
        let mut c = third(&a);
        assert!(c.decide(&[]).await.is_joining);
        let names = [b.name.clone(), c.name.clone()];
        let [b_silent, c_silent] =
            names.each_ref().map(|node| NodeNote::Part { node, silent_ms: 15_000 });
        wait(&raw, &a, 8_000).await;
        assert!(c.decide(&[]).await.is_joining);
        wait(&raw, &a, 8_000).await;
        a.tell(&[b_silent, c_silent]).await;
        assert_eq!(members(&a), ["a", "c"]);
        wait(&raw, &a, 8_000).await;
        a.tell(&[b_silent, c_silent]).await;
        assert_eq!(members(&a), ["a"]);
        for _ in 0..3 {
            assert!(c.decide(&[]).await.is_joining, "b has never heard of c");
            a.decide(&[]).await;
        }
    });
}

#[test]
fn one_node_delivers_until_its_calls_cease_or_it_parts() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
        assert!(a.decide(&[]).await.delivers);
        for _ in 0..4 {
            wait(&raw, &a, 3_000).await;
            assert!(!b.decide(&[]).await.delivers);
            assert!(a.decide(&[]).await.delivers, "a call prolongs the lease");
        }
        wait(&raw, &a, 4_000).await;
        assert!(!b.decide(&[]).await.delivers);
        wait(&raw, &a, 2_000).await;
        assert!(b.decide(&[]).await.delivers, "it ran out");
        assert!(!a.decide(&[]).await.delivers);
        let name = b.name.clone();
        let left = b.tell(&[NodeNote::Part { node: &name, silent_ms: 0 }]).await;
        assert!(!left.delivers);
        assert!(a.decide(&[]).await.delivers, "what a leaving node gives up is free at once");
        b.join(&mut a).await;
        let name = a.name.clone();
        let takes = b.tell(&[NodeNote::Part { node: &name, silent_ms: 0 }]).await;
        assert!(takes.delivers, "a parted node's lease is free at once");
    });
}

#[test]
fn facts_of_the_order_pipeline_are_told_before_the_commands_and_reach_all() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, _raw) = two(&server).await;
        a.decide(&[]).await;
        b.decide(&[]).await;
        a.decide(&[]).await;
        let (sale, author, by) = (a.sale, support::author(), support::only());
        let sink = by.sink;
        let events = vec![EventId(3), EventId(4)];
        let told = [
            Record::Delivered { sale, by: by.clone(), events: events.clone() },
            Record::DeadLettered { sale, by, event: EventId(5), why: "no such order".to_owned() },
            Record::Requeued { sale, author, sink, events },
        ];
        let notes: Vec<_> = told.iter().map(NodeNote::Fact).collect();
        let decision = a.tell(&notes).await;
        assert_eq!(records(&decision), told.iter().collect::<Vec<_>>());
        assert_eq!(decision.verdicts, []);
        assert_eq!(records(&b.decide(&[]).await), told.iter().collect::<Vec<_>>());
        assert_eq!(a.world.hash(), b.world.hash());
    });
}
