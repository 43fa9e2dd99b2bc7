//! What the store keeps and forgets, with bounds that a test can reach.

use engine::{
    command::Command,
    hold::{HoldState, Step},
    id::{HoldId, Number},
    limits::{ENTRY_REPLAYS_MAX, REPLAY_TTL_MS},
    record::Change,
};
use engine_redis::{HoldTold, Placed, StoreError, Verdict};

use fred::types::Value;

use super::server::{DEADLINE, Node, Raw, Server, run};
use crate::support::{self, enter, key, purchase, settle, ticket};

/// Entries' answers that the library of the test keeps.
const KEPT_MAX: usize = 8;

/// Puts a library in the place of the one that is loaded, with another bound.
async fn bound(raw: &Raw, name: &str, most: usize, few: usize) {
    let listed = raw.call(&["FUNCTION", "LIST", "WITHCODE"]).await;
    let found = listed.into_array().into_iter().flat_map(Value::into_array);
    let code = found.filter_map(Value::into_string).find(|text| text.starts_with("#!lua"));
    let code = code.expect("the library is loaded");
    let bound = |most| format!("local {name} = {most}\n");
    assert!(code.contains(&bound(most)));
    let few = code.replace(&bound(most), &bound(few));
    raw.call(&["FUNCTION", "LOAD", "REPLACE", &few]).await;
}

fn placed(number: u64, replayed: bool) -> Verdict {
    Verdict::Entry(Ok(Placed { number: Number(number), replayed }))
}

fn held(state: HoldState, replayed: bool) -> HoldTold {
    HoldTold { hold: HoldId(1), state, replayed }
}

#[test]
fn no_number_of_entries_makes_the_store_forget_a_purchase() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let raw = server.raw().await;
        bound(&raw, "ENTRY_REPLAYS_MAX", ENTRY_REPLAYS_MAX, KEPT_MAX).await;
        let mut node = Node::creating(store, support::spec(&[9])).await;
        let buy = purchase(ticket(1, 1), 1, key(1, 0));
        let give_up = settle(1, Step::Release, Some(key(2, 0)));
        let crowd: Vec<Command> = (1..=40).map(|who| enter(who, Some(key(who, 7)))).collect();
        node.decide(&crowd[..1]).await;
        node.decide(&[buy.clone(), give_up.clone()]).await;
        for entries in crowd[1..].chunks(3) {
            node.decide(entries).await;
        }
        let told = node.decide(&[crowd[39].clone(), crowd[0].clone(), buy, give_up]).await.verdicts;
        assert_eq!(told[0], placed(40, true));
        assert_eq!(told[1], placed(1, false), "of entries, few are kept");
        assert_eq!(told[2], Verdict::Purchase(Ok(held(HoldState::Held, true))));
        assert_eq!(told[3], Verdict::Settle(Ok(held(HoldState::Released, true))));
        let count = raw.call(&["HLEN", &node.store.keys(node.sale)[9]]).await.as_u64();
        assert_eq!(count, Some(KEPT_MAX as u64));
    });
}

#[test]
fn releasing_again_keeps_no_answer_in_the_store() {
    let server = Server::start();
    run(async {
        let mut node =
            Node::creating(server.store("own", DEADLINE).await, support::spec(&[9])).await;
        node.decide(&[enter(1, None), purchase(ticket(1, 1), 1, key(1, 0))]).await;
        node.decide(&[purchase(ticket(1, 1), 1, key(1, 0))]).await;
        node.decide(&[settle(1, Step::Release, Some(key(2, 0)))]).await;
        for again in 3..20 {
            let told = node.decide(&[settle(1, Step::Release, Some(key(again, 0)))]).await.verdicts;
            assert_eq!(told, [Verdict::Settle(Ok(held(HoldState::Released, false)))]);
        }
        let keys = node.store.keys(node.sale);
        let count = server.raw().await.call(&["HLEN", &keys[17]]).await.as_u64();
        assert_eq!(count, Some(2), "of the purchase and of the step that released it");
    });
}

#[test]
fn a_sale_with_many_holds_that_ended_long_ago_is_archived_in_steps() {
    let server = Server::start();
    run(async {
        let raw = server.raw().await;
        let mut node =
            Node::creating(server.store("own", DEADLINE).await, support::spec(&[99])).await;
        bound(&raw, "PAST_HOLDS_MAX", 8_192, 8).await;
        for who in 1..=20 {
            let shopper = u128::from(who);
            node.decide(&[enter(shopper, None)]).await;
            let buy = [purchase(ticket(who, shopper), 1, key(shopper, 0))];
            while !matches!(node.decide(&buy).await.verdicts[..], [Verdict::Purchase(Ok(_))]) {}
            node.decide(&[settle(who, Step::Release, None)]).await;
        }
        let close = node.append(&node.point, &Change::Close).await;
        node.follow(&close.expect("it is open"));
        let keys = node.store.keys(node.sale);
        let (meta, holds, ended) = (&keys[0], &keys[6], &keys[16]);
        let left = async || {
            let holds = raw.call(&["HLEN", holds]).await.as_u64();
            (holds, raw.call(&["LLEN", ended]).await.as_u64())
        };
        raw.call(&["HSET", meta, "clock_offset", &(REPLAY_TTL_MS + 1_000).to_string()]).await;
        node.decide(&[]).await;
        let archive = Change::Archive { digest: [7; 32] };
        for kept in [12, 4] {
            assert_eq!(node.append(&node.point, &archive).await, Err(StoreError::PastHolds));
            let (store, sale, epoch, point) = (&node.store, node.sale, node.epoch, &node.point);
            store.forget_past_holds(sale, epoch, point).await.expect("the stream ends there");
            assert_eq!(left().await, (Some(kept), Some(kept)));
        }
        let archived = node.append(&node.point, &archive).await;
        node.follow(&archived.expect("few are left"));
        assert_eq!(left().await, (Some(0), Some(0)));
        // As any node would write it.
        let other = server.store("other", DEADLINE).await;
        node.load_with(&other).await.expect("a higher epoch is taken");
        let dump = async |keys: &[String]| {
            let mut dump = raw.dump(keys).await;
            // Answers past their time are forgotten when others come.
            dump.retain(|field, _| !field.starts_with("hold_replays"));
            dump
        };
        assert_eq!(dump(&keys).await, dump(&other.keys(node.sale)).await);
        // No key is missed.
        node.decide(&[]).await;
    });
}
