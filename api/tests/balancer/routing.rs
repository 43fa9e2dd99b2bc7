//! Who gets which requests, what is never reached, and what is not believed.

use crate::{
    ask::{self, Asker},
    balancer::{Backend, Balancer, KINDS, Kind, backends},
    nodes::Nodes,
    stand_in::StandIn,
    wait_for,
};

/// Enough for every node to get some, however the balancer counts.
const REQUESTS: u64 = 60;

#[test]
fn every_node_gets_its_share() {
    let nodes = Nodes::start();
    for kind in KINDS {
        let balancer = Balancer::start(kind, &backends(&nodes));
        let before = nodes.answered("/v1/sales/{sale}");
        for _ in 0..REQUESTS {
            let answer = ask::of(balancer.public).get("/v1/sales/demo");
            assert_eq!((answer.status, answer.text("sale")), (200, "demo".to_owned()), "{kind:?}");
        }
        let after = nodes.answered("/v1/sales/{sale}");
        let shares: Vec<u64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        assert_eq!(shares.iter().sum::<u64>(), REQUESTS, "{kind:?}: {shares:?}");
        assert!(shares.iter().all(|share| *share >= REQUESTS / 10), "{kind:?}: {shares:?}");
    }
}

#[test]
fn the_operations_listeners_are_not_reached() {
    let nodes = Nodes::start();
    for kind in KINDS {
        let balancer = Balancer::start(kind, &backends(&nodes));
        for path in ["/metrics", "/healthz", "/readyz"] {
            for _ in 0..6 {
                assert_eq!(ask::of(balancer.public).get(path).status, 404, "{kind:?} {path}");
            }
        }
    }
}

/// The nodes trust the balancer's address, so what it lets through is believed.
#[test]
fn a_shopper_cannot_say_who_they_are() {
    let nodes = Nodes::start();
    let headers = "X-Shopper-Id: somebody-else\r\n";
    let enter = |to| Asker { to, headers }.post("/v1/sales/known/enter", "");
    assert_eq!(enter(nodes.each[0].public).status, 200, "the header is what counts there");
    for kind in KINDS {
        let balancer = Balancer::start(kind, &backends(&nodes));
        let answer = enter(balancer.public);
        let found = (answer.status, answer.text("code"));
        assert_eq!(found, (401, "identity_invalid".to_owned()), "{kind:?}");
    }
}

/// A form is refused unless its origin is the host that the node is told.
#[test]
fn the_room_page_s_forms_come_from_the_host_that_shoppers_see() {
    let nodes = Nodes::start();
    for kind in KINDS {
        let balancer = Balancer::start(kind, &backends(&nodes));
        for (origin, status) in [("http://shop.example", 303), ("http://evil.example", 403)] {
            let headers =
                &format!("Origin: {origin}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
            let answer = Asker { to: balancer.public, headers }.post("/s/slow/enter", "");
            assert_eq!(answer.status, status, "{kind:?} {origin}: {}", answer.body);
        }
    }
}

#[test]
fn a_node_that_is_not_ready_gets_nothing_from_haproxy() {
    let nodes = Nodes::start();
    let health: [StandIn; 3] = std::array::from_fn(|_| StandIn::health());
    let mut found = backends(&nodes);
    for (backend, health) in found.iter_mut().zip(&health) {
        *backend = Backend { ops: health.addr, ..*backend };
    }
    let balancer = Balancer::start(Kind::Haproxy, &found);
    let shares = || {
        let before = nodes.answered("/v1/sales/{sale}");
        for _ in 0..REQUESTS {
            assert_eq!(ask::of(balancer.public).get("/v1/sales/demo").status, 200);
        }
        let after = nodes.answered("/v1/sales/{sale}");
        after.iter().zip(&before).map(|(a, b)| a - b).collect::<Vec<u64>>()
    };
    assert!(shares().iter().all(|share| *share > 0));
    health[1].set_ready(false);
    wait_for("the second node to be taken out", || shares()[1] == 0);
    // Nobody is ready: polls are answered all the same.
    for health in &health {
        health.set_ready(false);
    }
    wait_for("requests to go to all again", || shares().iter().all(|share| *share > 0));
    health[2].set_ready(true);
    wait_for("the only ready node to get all", || shares()[..2] == [0, 0]);
}
