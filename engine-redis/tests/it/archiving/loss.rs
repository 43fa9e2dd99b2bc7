//! Stores that lose archived sales, and lists of them that are wrong.

use std::time::Duration;

use engine::{
    disk::sim::SimDisk,
    hold::{HoldState, Step},
};
use engine_redis::SharedOptions;
use tokio::time::sleep;

use super::{
    super::{
        agreement::certify,
        server::{DEADLINE, Server, run},
        serving::{OFFER, Serving, eventually, shared, until},
    },
    ORDERS, REST, agree, all_proven, archive, deliver, is_archived, is_there, sell, sold, state,
    step,
};
use crate::support::{self, SALE};

#[test]
fn a_store_that_lost_an_archived_sale_has_it_again_emptied() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        step(&b, 1, Step::Refund).await;
        deliver(&b, 9..=9).await;
        for (order, rest) in [(2, Duration::ZERO), (3, REST)] {
            sleep(rest).await;
            let raw = server.raw().await;
            raw.call(&["FLUSHALL"]).await;
            raw.call(&["FUNCTION", "FLUSH"]).await;
            assert_eq!(step(&a, order, Step::Refund).await, HoldState::Refunded);
            until("b shows it", || state(&b, order) == Some(HoldState::Refunded)).await;
            deliver(&a, 8 + order..=8 + order).await;
        }
        agree(&[&a, &b]).await;
        let keys = server.store("own", DEADLINE).await.keys(support::tag());
        let raw = server.raw().await;
        assert!(!is_there(&raw, &keys[1]).await && is_there(&raw, &keys[6]).await);
        let is_listed = async || {
            let archived = raw.call(&["SISMEMBER", "own:archived", SALE]).await.as_u64();
            (archived == Some(1)).then_some(())
        };
        eventually("its name is on the list again", is_listed).await;
        // Who comes only now has it too.
        let late = Serving::start("late", &server.url());
        is_archived(&[&late]).await;
        agree(&[&a, &b, &late]).await;
        late.stop();
        all_proven([a, b]);
    });
}

#[test]
fn a_store_that_comes_back_empty_has_its_archived_sales_again() {
    let mut server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        sleep(REST).await;
        server.restart();
        // Though nothing is asked of it.
        let raw = server.raw().await;
        let is_listed = async || {
            let archived = raw.call(&["SISMEMBER", "own:archived", SALE]).await.as_u64();
            (archived == Some(1)).then_some(())
        };
        eventually("it is written again", is_listed).await;
        for node in [&a, &b] {
            node.is_well().await;
        }
        step(&a, 1, Step::Refund).await;
        until("b shows it", || state(&b, 1) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

#[test]
fn an_engine_that_is_missing_when_an_archived_sale_is_written_again_comes_back_to_it() {
    let server = Server::start();
    run(async {
        let impatient = |node| SharedOptions { muster_wait_ms: 300, ..shared(node, &server.url()) };
        let [a, b] = ["a", "b"].map(|node| Serving::on(&SimDisk::new(), impatient(node)));
        a.create(SALE, 9).await;
        a.serves(SALE).await;
        b.serves(SALE).await;
        sell(&a).await;
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        agree(&[&a, &b]).await;
        let disk = b.stop();
        server.raw().await.call(&["FLUSHALL"]).await;
        assert_eq!(step(&a, 1, Step::Refund).await, HoldState::Refunded);
        let counts = a.engine().sale(SALE).expect("archived").stock().counts(OFFER);
        let counts = counts.expect("an offer");
        assert_eq!(
            (counts.available, counts.stranded),
            (9 - ORDERS + 1, 0),
            "what is refunded is free"
        );
        let b = Serving::on(&disk, impatient("b"));
        until("b shows it", || state(&b, 1) == Some(HoldState::Refunded)).await;
        step(&b, 2, Step::Refund).await;
        until("a shows it", || state(&a, 2) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b]).await;
        for node in [&a, &b] {
            node.is_well().await;
        }
        all_proven([a, b]);
    });
}

#[test]
fn a_name_on_the_list_of_archived_sales_that_is_no_sales_hinders_nobody() {
    let server = Server::start();
    run(async {
        server.raw().await.call(&["SADD", "own:archived", "ghost"]).await;
        let [a, b] = sold(&server).await;
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        for node in [&a, &b] {
            node.is_well().await;
        }
        let made = a.create("ghost", 5).await;
        b.sale(made.name().as_str()).await;
        agree(&[&a, &b]).await;
        for node in [a, b] {
            certify(&node.stop());
        }
    });
}
