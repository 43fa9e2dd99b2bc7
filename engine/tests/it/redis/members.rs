//! Who serves a sale, which node delivers its events, and what nodes tell beside commands.

use engine::{
    arbiter::redis::{Decision, Note},
    id::EventId,
    record::Record,
};

use super::server::{DEADLINE, Node, Raw, Server, run};
use crate::support;

/// Two nodes of one sale, and a connection of their server.
async fn two(server: &Server) -> (Node, Node, Raw) {
    let arbiter = server.arbiter("own", DEADLINE).await;
    let a = Node::creating(arbiter.clone(), support::spec(&[5])).await;
    let b = a.beside(arbiter);
    (a, b, server.raw().await)
}

fn records(decision: &Decision) -> Vec<&Record> {
    decision.facts.entries.iter().flat_map(|entry| &entry.records).collect()
}

fn members(node: &Node) -> Vec<&str> {
    node.sale().members().nodes().map(engine::id::NodeName::as_str).collect()
}

/// Lets the sale's time go on.
async fn wait(raw: &Raw, node: &Node, ms: u64) {
    let meta = &node.arbiter.keys(node.sale)[0];
    raw.call(&["HINCRBY", meta, "clock_offset", &ms.to_string()]).await;
}

#[test]
fn a_node_joins_with_its_first_batch_and_again_when_it_was_parted() {
    let server = Server::start();
    run(async {
        let (mut a, mut b, raw) = two(&server).await;
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

        let leaving = Note::Part { node: &b.name.clone(), silent_ms: 0 };
        assert_eq!(records(&b.tell(&[leaving]).await), [&parted(&b)]);
        assert_eq!(records(&a.decide(&[]).await), [&parted(&b)]);
        assert_eq!(members(&a), ["a"]);
        let silent = Note::Part { node: &b.name.clone(), silent_ms: 15_000 };
        assert_eq!(a.tell(&[silent]).await.facts.entries, [], "who does not serve cannot part");
        let nodes = raw.call(&["HKEYS", &a.arbiter.keys(a.sale)[12]]).await;
        assert_eq!(nodes.into_array().len(), 1);
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
        let silent = Note::Part { node: &name, silent_ms: 15_000 };
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
        let silent = Note::Part { node: &name, silent_ms: 15_000 };
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
        let left = b.tell(&[Note::Part { node: &name, silent_ms: 0 }]).await;
        assert!(!left.delivers);
        assert!(a.decide(&[]).await.delivers, "what a leaving node gives up is free at once");
        let name = a.name.clone();
        let takes = b.tell(&[Note::Part { node: &name, silent_ms: 0 }]).await;
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
        let (sale, author) = (a.sale, support::author());
        let events = vec![EventId(3), EventId(4)];
        let told = [
            Record::Delivered { sale, events: events.clone() },
            Record::DeadLettered { sale, event: EventId(5), why: "no such order".to_owned() },
            Record::Requeued { sale, author, events },
        ];
        let notes: Vec<_> = told.iter().map(Note::Fact).collect();
        let decision = a.tell(&notes).await;
        assert_eq!(records(&decision), told.iter().collect::<Vec<_>>());
        assert_eq!(decision.verdicts, []);
        assert_eq!(records(&b.decide(&[]).await), told.iter().collect::<Vec<_>>());
        assert_eq!(a.world.hash(), b.world.hash());
    });
}
