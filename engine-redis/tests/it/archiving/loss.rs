//! Stores that lose archived sales, and lists of them that are wrong.

use std::time::Duration;

use engine::{
    Failure,
    disk::sim::SimDisk,
    hold::{HoldState, Step},
    sale::ChangeRefusal,
};
use engine_redis::SharedOptions;
use tokio::time::sleep;

use super::{
    super::{
        agreement::certify,
        server::{DEADLINE, Raw, Server, run},
        serving::{OFFER, Serving, eventually, shared, until},
    },
    ORDERS, REST, agree, all_proven, archive, deliver, is_archived, is_there, sell, sold,
    sold_and_archived, state, step,
};
use crate::support::{self, SALE, author, wide};

/// An engine that does not wait long for those that are missing when a sale is written again.
pub(super) fn impatient(server: &Server, node: &str) -> SharedOptions {
    SharedOptions { muster_wait_ms: 300, ..shared(node, &server.url()) }
}

/// Two of them that have sold some units and archived the sale.
pub(super) async fn impatient_and_archived(server: &Server) -> [Serving; 2] {
    let [a, b] = ["a", "b"].map(|node| Serving::on(&SimDisk::new(), impatient(server, node)));
    a.create(SALE, 9).await;
    a.serves(SALE).await;
    b.serves(SALE).await;
    sell(&a).await;
    archive(&a).await.expect("it is over");
    is_archived(&[&a, &b]).await;
    [a, b]
}

#[test]
fn a_store_that_lost_an_archived_sale_has_it_again_emptied() {
    let server = Server::start();
    run(async {
        let [a, b] = sold_and_archived(&server).await;
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
        let [a, b] = sold_and_archived(&server).await;
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
        let [a, b] = impatient_and_archived(&server).await;
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
        let b = Serving::on(&disk, impatient(&server, "b"));
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
fn a_refund_does_not_wait_for_an_engine_that_went_while_the_lost_sale_was_packed() {
    let server = Server::start();
    run(async {
        let [a, b] = impatient_and_archived(&server).await;
        sleep(REST).await;
        let disk = b.stop();
        server.raw().await.call(&["FLUSHALL"]).await;
        // In much less time than a missing engine is remembered.
        assert_eq!(step(&a, 1, Step::Refund).await, HoldState::Refunded);
        let b = Serving::on(&disk, impatient(&server, "b"));
        until("b shows it", || state(&b, 1) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

#[test]
fn the_name_of_an_archived_sale_that_the_store_lost_is_not_given_away_by_an_engine_that_comes() {
    let server = Server::start();
    run(async {
        let [a, b] = sold_and_archived(&server).await;
        sleep(REST).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        // Before the others have noticed.
        let late = Serving::start("late", &server.url());
        let made = async || match late.engine().create(author(), wide(5), None).await {
            Err(Failure::Unavailable) => None,
            told => Some(told),
        };
        let told = eventually("it is answered", made).await;
        assert_eq!(told, Err(Failure::Refused(ChangeRefusal::NameTaken)));
        is_archived(&[&late]).await;
        assert_eq!(step(&a, 1, Step::Refund).await, HoldState::Refunded);
        until("it shows it", || state(&late, 1) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b, &late]).await;
        late.stop();
        all_proven([a, b]);
    });
}

/// Puts all that a database has in the place of what another has.
async fn copy(raw: &Raw) {
    for key in raw.call(&["KEYS", "*"]).await.into_array() {
        let key = key.as_string().expect("a name");
        raw.call(&["COPY", &key, &key, "DB", "1"]).await;
    }
}

#[test]
fn a_store_that_was_set_back_to_before_an_archiving_is_brought_forward() {
    let server = Server::start_with(&["--appendonly", "no", "--databases", "2"]);
    run(async {
        let [a, b] = sold(&server).await;
        let raw = server.raw().await;
        copy(&raw).await;
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        step(&b, 1, Step::Refund).await;
        deliver(&b, 9..=9).await;
        sleep(REST).await;
        raw.call(&["SWAPDB", "0", "1"]).await;
        let late = Serving::start("late", &server.url());
        is_archived(&[&late]).await;
        until("it shows what was refunded", || state(&late, 1) == Some(HoldState::Refunded)).await;
        for node in [&a, &b, &late] {
            node.is_well().await;
            assert!(node.engine().is_archived(SALE));
        }
        assert_eq!(step(&a, 2, Step::Refund).await, HoldState::Refunded);
        until("b shows it", || state(&b, 2) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b, &late]).await;
        late.stop();
        all_proven([a, b]);
    });
}

#[test]
fn an_engine_that_starts_puts_the_snapshot_that_an_archived_sale_lacks() {
    let server = Server::start();
    run(async {
        let [a, b] = sold_and_archived(&server).await;
        sleep(REST).await;
        let disk = b.stop();
        a.stop();
        // As if both had died before one of them came to it.
        let (raw, store) = (server.raw().await, server.store("own", DEADLINE).await);
        let keys = store.keys(support::tag());
        let snapshot = keys.iter().find(|key| key.ends_with(":snapshot")).expect("a key");
        raw.call(&["DEL", snapshot]).await;
        let b = Serving::on(&disk, shared("b", &server.url()));
        eventually("it is there", async || is_there(&raw, snapshot).await.then_some(())).await;
        all_proven([b]);
    });
}

#[test]
fn a_name_on_the_list_of_archived_sales_that_is_no_sales_hinders_nobody() {
    let server = Server::start();
    run(async {
        let raw = server.raw().await;
        raw.call(&["SADD", "own:archived", "ghost"]).await;
        let [a, b] = sold_and_archived(&server).await;
        for node in [&a, &b] {
            node.is_well().await;
        }
        // Not before it was looked for twice, which tells it from one that the store has just lost.
        let is_listed = async || {
            let listed = raw.call(&["SISMEMBER", "own:archived", "ghost"]).await.as_u64();
            (listed == Some(0)).then_some(())
        };
        eventually("it is taken off the list", is_listed).await;
        let made = a.create("ghost", 5).await;
        b.sale(made.name().as_str()).await;
        agree(&[&a, &b]).await;
        for node in [a, b] {
            certify(&node.stop());
        }
    });
}
