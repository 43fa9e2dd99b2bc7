//! The rights that the manual gives a node's user in Redis are enough, and no more than its own keys.
//!
//! The line is read from the manual itself, so that what operators copy is what was tried.

use std::{collections::BTreeSet, fs, path::Path};

use engine::{
    command::{Ask, Command},
    hold::Step,
    id::{Number, OfferIndex},
    record::{Change, ReplayKey},
};
use engine_redis::{Heard, Replicas, Store, StoreError, StoreOptions};

use super::server::{DEADLINE, Node, Server, run};
use crate::support;

const MANUAL: &str = include_str!("../../../docs/operations.md");

/// The words of the manual's line.
fn line() -> Vec<&'static str> {
    let line = MANUAL.lines().find(|line| line.starts_with("ACL SETUSER rushgate "));
    line.expect("the manual has the line").split_whitespace().collect()
}

/// The arbiter as the user that the manual makes.
async fn store(server: &Server) -> Result<Store, StoreError> {
    server.raw().await.call(&line()).await;
    let line = line();
    let password = line.iter().find_map(|word| word.strip_prefix('>')).expect("a password");
    // The host is not looked at; without one the URL has no place for a user.
    let url = server.url().replace("unix://", &format!("unix://rushgate:{password}@localhost"));
    let prefix = "rushgate".to_owned();
    // None are there and none are asked for, but asked they are.
    let replicas = Some(Replicas { count: 0, timeout: DEADLINE });
    let options = StoreOptions { url, connections: 2, deadline: DEADLINE, replicas, prefix };
    Store::connect(&options).await
}

#[test]
fn a_node_s_user_may_do_all_that_a_node_does() {
    let server = Server::start();
    run(async {
        let store = store(&server).await.expect("the user may connect and load the library");
        let mut node = Node::creating(store, support::spec(&[3, 1])).await;
        let key = |key: u128| ReplayKey { key, body: 1 };
        let enter = |who: u128| support::enter(who, Some(key(who)));
        let decision = node.decide(&[enter(1), enter(2), enter(1)]).await;
        assert!(decision.replicated, "the user may wait for replicas");
        let items = [(OfferIndex(0), 2), (OfferIndex(1), 1)].into_iter().collect();
        let (sale, pass, replay) = (node.sale, support::ticket(1, 1), key(50));
        let buy = Command::Ask(sale, Ask::Purchase { pass, items, replay });
        let step = |step| support::settle(1, step, None);
        node.decide(&[buy, step(Step::Pay), step(Step::Confirm), step(Step::Refund)]).await;
        let behind = node.store.facts(sale, &node.point, 10).await.expect("facts may be read");
        assert_eq!(behind.entries.len(), 0);
        let change = &Change::Pause;
        let facts = node.append(&node.point, change).await;
        node.follow(&facts.expect("a change may be appended"));
        beside(&node).await.expect("what stands beside the stream may be written and read");
        let change = &Change::Archive { digest: [7; 32] };
        let facts = node.append(&node.point, change).await;
        node.follow(&facts.expect("a sale may be archived"));
        let change = &Change::Delete;
        let facts = node.append(&node.point, change).await;
        facts.expect("a sale may be deleted");
    });
}

/// Snapshots, who was heard, the lists of sales.
async fn beside(node: &Node) -> Result<(), StoreError> {
    let (store, sale, name) = (&node.store, node.sale, &node.sale().spec().name);
    store.put_snapshot(sale, node.epoch, &node.point, node.at, b"bytes").await?;
    store.snapshot(sale).await?;
    let heard = Heard { period: 1, period_ms: 1_000, base: Number(1), bitmap: &[0b1100_0000] };
    store.hear(sale, &heard).await?;
    store.heard(sale, heard.period, heard.base).await?;
    store.announce(name).await?;
    store.sales().await?;
    store.announce_archived(name).await?;
    store.count_archived().await?;
    store.archived_sales().await?;
    store.forget(name).await
}

#[test]
fn a_node_s_user_may_do_nothing_to_others() {
    let server = Server::start();
    run(async {
        let raw = server.raw().await;
        raw.call(&line()).await;
        for refused in [
            "FLUSHALL",
            "FUNCTION FLUSH",
            "CONFIG GET *",
            "ACL LIST",
            "EVAL return(1) 0",
            "HGET other:{1}:meta status",
            "SADD other:sales a",
        ] {
            let words: Vec<&str> = ["ACL", "DRYRUN", "rushgate"]
                .into_iter()
                .chain(refused.split_whitespace())
                .collect();
            let said = raw.call(&words).await.as_string().unwrap_or_default();
            assert!(said.contains("no permissions"), "{refused}: {said}");
        }
        assert!(store(&server).await.is_ok(), "the same user is of use");
    });
}

/// Redis asks for the right to every command that a function calls.
#[test]
fn every_command_of_the_functions_is_among_the_rights() {
    let rights: BTreeSet<String> =
        line().iter().filter_map(|word| word.strip_prefix('+')).map(str::to_uppercase).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/function");
    let mut found = 0;
    for entry in fs::read_dir(folder).expect("the library's folder") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a Lua file");
        for call in ["redis.call(", "redis.pcall(", "call_with_all(", "read_all("] {
            for rest in text.split(call).skip(1) {
                let quoted =
                    rest.strip_prefix(['\'', '"']).and_then(|rest| rest.split(['\'', '"']).next());
                let Some(command) = quoted else { continue };
                assert!(rights.contains(command), "{command} is not in the manual's line");
                found += 1;
            }
        }
    }
    assert!(found > 30, "{found} calls were found");
}
