//! One sale of three nodes, through the balancer, while a node or the Redis is killed.

use std::{net::SocketAddr, thread, time::Duration};

use crate::{
    ask::{self, Answer, Asker},
    balancer::{Balancer, KINDS, backends},
    nodes::Nodes,
    wait_for,
};

/// Polls until the shopper is let in; answers the pass.
fn admitted(balancer: SocketAddr, ticket: &str) -> String {
    let asker = Asker { to: balancer, headers: &ask::bearer(ticket) };
    let mut pass = String::new();
    wait_for("the shopper to be let in", || {
        pass = asker.get("/v1/sales/demo/position").text("pass");
        !pass.is_empty()
    });
    pass
}

fn buy(balancer: SocketAddr, pass: &str, key: &str) -> Answer {
    let headers = &[ask::bearer(pass), ask::key(key)].concat();
    let items = r#"{"items":[{"sku":"sneaker-42","quantity":1}]}"#;
    Asker { to: balancer, headers }.post("/v1/sales/demo/purchase", items)
}

#[test]
fn polls_are_answered_and_purchases_are_unavailable_while_redis_is_away() {
    for kind in KINDS {
        let mut nodes = Nodes::start();
        let balancer = Balancer::start(kind, &backends(&nodes));
        let buyer = ask::enter(balancer.public, "demo", "a-buyer").text("ticket");
        let pass = admitted(balancer.public, &buyer);
        ask::enter(balancer.public, "slow", "first");
        let ticket = ask::enter(balancer.public, "slow", "second").text("ticket");
        let headers = &ask::bearer(&ticket);
        wait_for("all nodes to know the place", || {
            let at = |to| Asker { to, headers }.get("/v1/sales/slow/position").status;
            nodes.each.iter().all(|node| at(node.public) == 200)
        });
        nodes.redis.kill().unwrap();
        let enter = |key: &str| ask::enter(balancer.public, "slow", key);
        wait_for("the nodes to miss it", || enter("third").text("code") == "arbiter_unavailable");
        wait_for("no node to be ready", || {
            nodes.each.iter().all(|node| ask::of(node.ops).get("/readyz").status == 503)
        });
        let refused = buy(balancer.public, &pass, "once");
        let told = (refused.status, refused.text("code"));
        assert_eq!(told, (503, "arbiter_unavailable".to_owned()), "{kind:?}");
        // Longer than a balancer takes to find out.
        for _ in 0..30 {
            let place = Asker { to: balancer.public, headers }.get("/v1/sales/slow/position");
            assert_eq!(
                (place.status, place.text("state")),
                (200, "waiting".to_owned()),
                "{kind:?}"
            );
            thread::sleep(Duration::from_millis(100));
        }
        nodes.redis.start_again().unwrap();
        wait_for("entering to go on", || enter("third").text("state") == "waiting");
        let place = Asker { to: balancer.public, headers }.get("/v1/sales/slow/position");
        assert_eq!(place.json()["number"], 2, "{kind:?}: {}", place.body);
        wait_for("buying to go on", || buy(balancer.public, &pass, "once").status == 201);
    }
}

#[test]
fn a_shopper_enters_polls_and_buys_while_a_node_is_killed() {
    for kind in KINDS {
        let mut nodes = Nodes::start();
        let balancer = Balancer::start(kind, &backends(&nodes));
        let place = ask::enter(balancer.public, "demo", "a-shopper");
        assert!(matches!(place.status, 200 | 202), "{kind:?}: {}", place.body);
        let ticket = place.text("ticket");
        let pass = admitted(balancer.public, &ticket);

        nodes.each[0].kill();

        let headers = &ask::bearer(&ticket);
        // A node shows what it has read so far, and may be a moment behind.
        wait_for("the other nodes to have read that the place was let in", || {
            let at = |to| Asker { to, headers }.get("/v1/sales/demo/position").text("state");
            nodes.each[1..].iter().all(|node| at(node.public) == "admitted")
        });
        for _ in 0..12 {
            let place = Asker { to: balancer.public, headers }.get("/v1/sales/demo/position");
            assert_eq!(place.text("state"), "admitted", "{kind:?}: {}", place.body);
            assert_eq!(place.json()["number"], 1, "{kind:?}: {}", place.body);
        }
        let bought = buy(balancer.public, &pass, "an-order");
        assert_eq!(bought.status, 201, "{kind:?}: {}", bought.body);
        // Whichever node is asked: the same answer, and one unit less for all.
        for _ in 0..6 {
            let again = buy(balancer.public, &pass, "an-order");
            assert_eq!((again.status, &again.body), (201, &bought.body), "{kind:?}");
            wait_for("the sale to be known", || {
                let status = ask::of(balancer.public).get("/v1/sales/demo").json();
                status["offers"][0]["available"] == 999
            });
        }
    }
}
