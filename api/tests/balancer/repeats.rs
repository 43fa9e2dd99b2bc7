//! What a balancer sends a second time, and what it must not.

use crate::{
    ask::{self, Asker},
    balancer::{Backend, Balancer, KINDS, backends},
    nodes::Nodes,
    stand_in::StandIn,
    wait_for,
};

#[test]
fn a_killed_node_is_missed_by_nobody() {
    for kind in KINDS {
        let mut nodes = Nodes::start();
        let balancer = Balancer::start(kind, &backends(&nodes));
        let ask_often = |what: &str| {
            for round in 0..30 {
                let headers = &ask::key(&format!("{what}-missed-by-nobody-{round}"));
                let asker = Asker { to: balancer.public, headers };
                let (seen, entered) =
                    (asker.get("/v1/sales/demo"), asker.post("/v1/sales/slow/enter", ""));
                assert_eq!(seen.status, 200, "{kind:?} {what} {round}: {}", seen.body);
                assert!(
                    matches!(entered.status, 200 | 202),
                    "{kind:?} {what} {round}: {}",
                    entered.body
                );
            }
        };
        ask_often("three");
        // Nothing is under way: a request finds the connection refused, and goes to another.
        nodes.each[1].kill();
        ask_often("two");
        nodes.each[2].kill();
        ask_often("one");
    }
}

/// One of three takes every request and breaks off. A GET is asked of another; a POST may have been done,
/// so it is told as a failure and its shopper repeats it with the same key.
#[test]
fn only_what_does_nothing_twice_is_sent_twice() {
    let nodes = Nodes::start();
    for kind in KINDS {
        let (breaking, health) = (StandIn::breaking_off(), StandIn::health());
        let mut found = backends(&nodes);
        found[2] = Backend { public: breaking.addr, ops: health.addr };
        let balancer = Balancer::start(kind, &found);
        let asker = ask::of(balancer.public);

        wait_for("a GET at the node that breaks off", || {
            let answer = asker.get("/v1/sales/demo");
            assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
            breaking.gets() >= 3
        });

        let before: u64 = nodes.answered("/v1/sales/{sale}/enter").iter().sum();
        let (mut taken, mut failed) = (0, 0);
        wait_for("POSTs at the node that breaks off", || {
            match asker.post("/v1/sales/slow/enter", "").status {
                200 | 202 => taken += 1,
                502..=504 => failed += 1,
                other => panic!("{kind:?}: {other}"),
            }
            breaking.posts() >= 3
        });
        let answered: u64 = nodes.answered("/v1/sales/{sale}/enter").iter().sum();
        assert_eq!((answered - before, breaking.posts()), (taken, failed), "{kind:?}");
    }
}
