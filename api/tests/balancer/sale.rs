//! One shopper's way through the balancer while a node is killed.

use std::net::SocketAddr;

use crate::{
    ask::{self, Answer, Asker},
    balancer::{Balancer, KINDS, backends},
    nodes::{MANY_NODES, Nodes},
    wait_for,
};

/// Polls until the shopper is let in. Where nodes decide alone, each has to hear of the shopper.
fn admitted(nodes: &Nodes, balancer: SocketAddr, ticket: &str) -> String {
    let headers = &ask::bearer(ticket);
    let through: Vec<SocketAddr> = if MANY_NODES {
        vec![balancer]
    } else {
        nodes.each.iter().map(|node| node.public).collect()
    };
    let mut pass = String::new();
    for to in through {
        wait_for("the shopper to be let in", || {
            let place = Asker { to, headers }.get("/v1/sales/demo/position");
            pass = place.text("pass");
            place.text("state") == "admitted"
        });
    }
    pass
}

fn buy(balancer: SocketAddr, pass: &str, key: &str) -> Answer {
    let headers = &[ask::bearer(pass), ask::key(key)].concat();
    let items = r#"{"items":[{"sku":"sneaker-42","quantity":1}]}"#;
    Asker { to: balancer, headers }.post("/v1/sales/demo/purchase", items)
}

#[test]
fn a_shopper_enters_polls_and_buys_while_a_node_is_killed() {
    for kind in KINDS {
        let mut nodes = Nodes::start();
        let balancer = Balancer::start(kind, &backends(&nodes));
        let place = nodes.enter(balancer.public, "demo", "a-shopper");
        assert!(matches!(place.status, 200 | 202), "{kind:?}: {}", place.body);
        let ticket = place.text("ticket");
        let pass = admitted(&nodes, balancer.public, &ticket);

        nodes.each[0].kill();

        let headers = &ask::bearer(&ticket);
        for _ in 0..12 {
            let place = Asker { to: balancer.public, headers }.get("/v1/sales/demo/position");
            assert_eq!(place.text("state"), "admitted", "{kind:?}: {}", place.body);
            assert_eq!(place.json()["number"], 1, "{kind:?}: {}", place.body);
        }
        let bought = buy(balancer.public, &pass, "an-order");
        assert_eq!(bought.status, 201, "{kind:?}: {}", bought.body);
        // Nodes that decide alone do not know what another one sold.
        if MANY_NODES {
            for _ in 0..6 {
                let again = buy(balancer.public, &pass, "an-order");
                assert_eq!((again.status, &again.body), (201, &bought.body), "{kind:?}");
            }
            let status = ask::of(balancer.public).get("/v1/sales/demo").json();
            assert_eq!(status["offers"][0]["available"], 999, "{kind:?}");
        }
    }
}
