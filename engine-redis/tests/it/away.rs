//! Nodes that were away: parted, cut off or set back. They rebuild nothing that others may have gone on with,
//! and what they acknowledged is accounted for.

use std::time::Duration;

use engine::{
    Failure,
    clock::{ManualClock, Millis},
    disk::{Disk, sim::SimDisk},
    limits::SEGMENT_BYTES,
    recovery,
};
use engine_redis::SharedOptions;
use tokio::time::Instant;

use super::{
    agreement::{agree, certify, part, returned, shown, together},
    server::{Server, run},
    serving::{Serving, eventually, once, pause, shared, until},
};
use crate::support::{self, SALE};

const UNITS: u64 = 50;

fn options(node: &str, server: &Server, rebuild_store: bool) -> SharedOptions {
    SharedOptions { muster_wait_ms: 300, rebuild_store, ..shared(node, &server.url()) }
}

/// A node whose user in Redis can be kept from it.
async fn start_as(user: &str, node: &str, server: &Server) -> Serving {
    let raw = server.raw().await;
    raw.call(&["ACL", "SETUSER", user, "on", ">word", "~*", "+@all"]).await;
    let mut options = options(node, server, false);
    options.store.url = options.store.url.replace("unix://", &format!("unix://{user}:word@host"));
    Serving::on(&SimDisk::new(), options)
}

async fn cut(server: &Server, user: &str) {
    server.raw().await.call(&["ACL", "SETUSER", user, "-fcall", "-fcall_ro"]).await;
}

async fn join_up(server: &Server, user: &str) {
    server.raw().await.call(&["ACL", "SETUSER", user, "+fcall", "+fcall_ro"]).await;
}

fn members(disk: &SimDisk) -> Vec<String> {
    let copy: std::sync::Arc<dyn Disk> = std::sync::Arc::new(disk.copy());
    let (world, ..) = recovery::recover(&copy, SEGMENT_BYTES, &ManualClock::at(Millis(0)))
        .expect("a journal that can be read");
    let sale = world.sale(support::tag()).expect("the sale is known");
    sale.members().nodes().map(ToString::to_string).collect()
}

async fn is_unsure(node: &Serving) {
    until("it says what an operator can do", || {
        node.troubles().iter().any(|trouble| trouble.contains("--rebuild-store"))
    })
    .await;
}

#[test]
fn a_retired_node_rebuilds_nothing_that_others_went_on_with() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), UNITS).await;
        for shopper in 1..=10 {
            a.sell(shopper).await;
        }
        let disk_of_a = a.stop();
        assert!(members(&disk_of_a).is_empty(), "its journal says that it parted");

        let b = Serving::on(&SimDisk::new(), options("b", &server, false));
        b.serves(SALE).await;
        for shopper in 11..=30 {
            b.sell(shopper).await;
        }
        let disk_of_b = b.kill().await;
        server.raw().await.call(&["FLUSHALL"]).await;

        let a = Serving::on(&disk_of_a, options("a", &server, false));
        is_unsure(&a).await;
        let entered = a.enter(&a.view(), 100).await;
        assert_eq!(entered.map(drop), Err(Failure::Unavailable), "no number is given again");
        // The one that knows more cannot say either that it was the last.
        let b = Serving::on(&disk_of_b, options("b", &server, false));
        is_unsure(&b).await;
        let b = Serving::on(&b.stop(), options("b", &server, true));
        for shopper in 31..=35 {
            b.sell(shopper).await;
        }
        let shopper = a.pass(36).await;
        assert!(shopper.number.0 > 35, "behind all that b had given out: {shopper:?}");
        agree(&[&a, &b]).await;
        let counts = shown(&a);
        assert_eq!((counts.held, counts.available, counts.stranded), (35, UNITS - 35, 0));
        part([a, b]);
    });
}

#[test]
fn a_node_joins_only_when_those_who_serve_have_heard_of_it() {
    let server = Server::start();
    run(async {
        let a = start_as("those", "a", &server).await;
        a.create(SALE, UNITS).await;
        a.serves(SALE).await;
        cut(&server, "those").await;
        until("it hears nothing", || !a.troubles().is_empty()).await;
        let b = Serving::on(&SimDisk::new(), options("b", &server, false));
        let view = b.sale(SALE).await;
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(3) {
            assert_eq!(b.enter(&view, 1).await.map(drop), Err(Failure::Unavailable));
            pause().await;
        }
        until("it says why", || b.troubles().iter().any(|why| why.contains("waiting until"))).await;
        join_up(&server, "those").await;
        b.sell(1).await;
        b.is_well().await;
        agree(&[&a, &b]).await;
        part([a, b]);
    });
}

#[test]
fn what_was_acknowledged_before_a_store_was_set_back_is_accounted_for_though_others_went_on() {
    let server = Server::start_with(&["--appendonly", "no", "--enable-debug-command", "yes"]);
    run(async {
        let a = start_as("those", "a", &server).await;
        a.create(SALE, UNITS).await;
        let b = start_as("that", "b", &server).await;
        a.serves(SALE).await;
        b.serves(SALE).await;
        for shopper in 1..=10 {
            a.sell(shopper).await;
        }
        agree(&[&a, &b]).await;
        cut(&server, "that").await;
        until("it hears nothing", || !b.troubles().is_empty()).await;
        server.raw().await.call(&["SAVE"]).await;
        for shopper in 11..=15 {
            a.sell(shopper).await;
        }
        cut(&server, "those").await;
        until("it hears nothing", || !a.troubles().is_empty()).await;
        server.raw().await.call(&["DEBUG", "RELOAD", "NOSAVE"]).await;
        join_up(&server, "that").await;
        // As many and more, so that the store is as far again when a comes back.
        for shopper in 21..=28 {
            b.sell(shopper).await;
        }
        join_up(&server, "those").await;
        until("a says what it had promised", || returned(&b, "a").is_some()).await;
        assert_eq!(returned(&b, "a"), Some((vec![5], vec![UNITS - 23])));
        agree(&[&a, &b]).await;
        let counts = shown(&a);
        assert_eq!((counts.held, counts.available, counts.stranded), (18, UNITS - 23, 5));
        for node in [&a, &b] {
            node.is_well().await;
            node.pass(100).await;
        }
        let pass = a.pass(200).await;
        assert!(
            pass.number.0 > 65_536,
            "numbers that a may have given out are passed over: {pass:?}"
        );
        let is_let_in = async || a.engine().claim(&a.view(), pass).await.ok();
        eventually("the gate comes to it", is_let_in).await;
        a.buy(pass, 1, once(200)).await.expect("units are left");
        agree(&[&a, &b]).await;
        certify(&b.stop());
        drop(a.stop());
    });
}
