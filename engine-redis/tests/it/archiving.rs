//! Archived sales of several engines: emptied at all of them, shown and refunded at each.

mod cluster;
mod crowd;
mod driven;
mod files;
mod fleet;
mod large;
mod late;
mod loss;

use std::{sync::Arc, time::Duration};

use engine::{
    Failure, certificate,
    clock::{ManualClock, Millis},
    codec::Binary as _,
    command::{Changed, Terms},
    disk::{
        Disk,
        sim::{Crash, SimDisk},
    },
    hold::{HoldState, Step},
    id::{EventId, HoldId, Sequence, ShopperKey},
    journal::{self, Extent},
    limits::{NODE_NOTED_MS, SEGMENT_BYTES, WARM_MS},
    record::Change,
    recovery,
    sale::{ChangeRefusal, EntryRefusal, Sale, Settler},
    stream::Point,
};
use tokio::time::{Instant, sleep};

use super::{
    agreement::together,
    server::{DEADLINE, Raw, Server, run},
    serving::{Serving, eventually, once, pause, shared, until},
};
use crate::support::{self, SALE, author, key, wide};

/// Orders of the sale that is archived.
const ORDERS: u64 = 3;
/// As soon as the others have to know of a refund.
const SOON: Duration = Duration::from_secs(2);
/// After that an archived sale is packed which nothing concerns.
const REST: Duration = Duration::from_millis(WARM_MS + 1_500);

/// Engines that have sold some units, of which one was given back, and closed the sale.
async fn sold<const COUNT: usize>(server: &Server) -> [Serving; COUNT] {
    let nodes: [Serving; COUNT] = together(&server.url(), 9).await;
    sell(&nodes[0]).await;
    for node in &nodes {
        until("all know of it", || node.engine().registry().outbox_lag() == 0).await;
    }
    nodes
}

/// Two of them that have archived it too.
async fn sold_and_archived(server: &Server) -> [Serving; 2] {
    let [a, b] = sold(server).await;
    archive(&a).await.expect("it is over");
    is_archived(&[&a, &b]).await;
    [a, b]
}

async fn sell(node: &Serving) {
    for shopper in 1..=u128::from(ORDERS) + 1 {
        node.sell(shopper).await;
    }
    let (engine, view) = (node.engine(), node.view());
    for id in 1..=ORDERS {
        step(node, id, Step::Confirm).await;
    }
    step(node, ORDERS + 1, Step::Release).await;
    let close = engine.change(view.tag(), author(), Change::Close, Terms::default()).await;
    close.expect("it is open");
    deliver(node, 1..=2 * ORDERS + 2).await;
}

/// The sink takes events.
async fn deliver(node: &Serving, events: std::ops::RangeInclusive<u64>) {
    let events = events.map(EventId).collect();
    let told = node.engine().delivered(support::tag(), support::only(), events).await;
    told.expect("it is noted");
    until("none waits", || node.engine().registry().outbox_lag() == 0).await;
}

/// The backend moves a hold on, as soon as that can be asked.
async fn step(node: &Serving, id: u64, step: Step) -> HoldState {
    let ask = async || {
        let view = node.engine().sale(SALE)?;
        match node.engine().settle(&view, HoldId(id), step, Settler::Backend, None).await {
            Ok(told) => Some(told.hold.state),
            Err(failure) => {
                assert_eq!(failure, Failure::Unavailable, "{:?}", node.troubles());
                None
            }
        }
    };
    eventually("the store decides", ask).await
}

async fn archive(node: &Serving) -> Result<Changed, Failure<ChangeRefusal>> {
    let ask = async || {
        let view = node.engine().sale(SALE)?;
        let told = node.engine().archive(&view, author(), Terms::default()).await;
        Some(told).filter(|told| *told != Err(Failure::Unavailable))
    };
    eventually("the file is written", ask).await
}

/// Ends it as a killed process does, which in a closed sale has nothing to write.
async fn kill(node: Serving) -> SimDisk {
    node.disk.crash(Crash::Process);
    let change = Change::Message { text: "never shown".to_owned() };
    let told = node.engine().change(support::tag(), author(), change, Terms::default()).await;
    assert_eq!(told, Err(Failure::Stopped));
    node.kill().await
}

async fn is_archived(nodes: &[&Serving]) {
    for node in nodes {
        until("it is archived", || node.engine().is_archived(SALE)).await;
    }
}

/// A hold as a node shows it.
fn state(node: &Serving, id: u64) -> Option<HoldState> {
    Some(node.engine().sale(SALE)?.hold(HoldId(id))?.state)
}

/// The archived sale as a disk has it, and how far it was followed.
fn on_disk(disk: &SimDisk) -> (Point, Option<Sale>) {
    let copy: Arc<dyn Disk> = Arc::new(disk.copy());
    let clock = ManualClock::at(Millis(0));
    let (world, ..) = recovery::recover(&copy, SEGMENT_BYTES, &clock).expect("it can be read");
    let point = world.point(support::tag()).copied().unwrap_or(Point::START);
    (point, world.archived_sale(support::tag()))
}

/// Waits until all have come equally far, and holds against each other what they have.
async fn agree(nodes: &[&Serving]) {
    let even = async || {
        sleep(Duration::from_millis(100)).await;
        let all: Vec<_> = nodes.iter().map(|node| on_disk(&node.disk)).collect();
        all.iter().all(|(point, _)| *point == all[0].0).then_some(all)
    };
    let all = eventually("all come equally far", even).await;
    let bytes = |sale: &Option<Sale>| {
        let mut bytes = Vec::new();
        sale.as_ref().expect("archived").encode(&mut bytes);
        bytes
    };
    assert!(all.iter().all(|(_, sale)| bytes(sale) == bytes(&all[0].1)), "one sale");
}

/// What an audit of a disk says of the archiving: whether the file is there and tells of the same places.
fn is_proven(disk: &SimDisk) -> Option<bool> {
    let certificate = certificate::certify(&disk.copy()).expect("a journal that can be read");
    assert_eq!(certificate.violations, [""; 0]);
    assert_eq!(certificate.unproven, [""; 0]);
    assert!(certificate.left_behind.is_empty(), "{:?}", certificate.left_behind);
    certificate.sales[0].archive.map(|archive| archive.is_proven)
}

fn all_proven(nodes: impl IntoIterator<Item = Serving>) {
    for node in nodes {
        assert_eq!(is_proven(&node.stop()), Some(true), "each has a file of its own");
    }
}

async fn is_there(raw: &Raw, key: &str) -> bool {
    raw.call(&["EXISTS", key]).await.as_u64() == Some(1)
}

#[test]
fn an_archived_sale_is_shown_and_refunded_at_every_engine_and_its_name_stays_taken() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        let terms = Terms { replay: Some(key(9, 9)), ..Terms::default() };
        let (view, engine) = (a.view(), a.engine());
        let told = engine.archive(&view, author(), terms.clone()).await.expect("it is over");
        let again = engine.archive(&view, author(), terms).await.expect("the same key");
        assert_eq!((again.answer, again.replayed), (told.answer, true));
        is_archived(&[&a, &b]).await;
        assert_eq!(archive(&b).await, Err(Failure::Refused(ChangeRefusal::Archived)));
        for node in [&a, &b] {
            assert_eq!(state(node, 1), Some(HoldState::Confirmed));
            assert!(node.engine().sales().is_empty(), "it is among no others");
            let refused = node.enter(&view, 99).await;
            assert!(matches!(refused, Err(Failure::Refused(EntryRefusal::NotOpen(_)))));
            let made = node.engine().create(author(), wide(5), None).await;
            assert_eq!(made, Err(Failure::Refused(ChangeRefusal::NameTaken)));
        }
        assert_eq!(step(&b, 1, Step::Refund).await, HoldState::Refunded);
        until("a shows it", || state(&a, 1) == Some(HoldState::Refunded)).await;
        until("its event waits", || a.engine().registry().outbox_lag() == 1).await;
        deliver(&a, 9..=9).await;
        agree(&[&a, &b]).await;

        let (raw, store) = (server.raw().await, server.store("own", DEADLINE).await);
        let keys = store.keys(support::tag());
        for (name, is_kept) in [
            ("meta", true),
            ("line", false),
            ("places", false),
            ("sessions", false),
            ("claims", false),
            ("stock", true),
            ("holds", true),
            ("units", false),
            ("replays", false),
            ("hold_replays", true),
        ] {
            let found = keys.iter().find(|key| key.ends_with(&format!(":{name}")));
            assert_eq!(is_there(&raw, found.expect("a key")).await, is_kept, "{name}");
        }
        let is_moved = async || {
            let listed = raw.call(&["SISMEMBER", "own:sales", SALE]).await.as_u64();
            let archived = raw.call(&["SISMEMBER", "own:archived", SALE]).await.as_u64();
            (listed == Some(0) && archived == Some(1)).then_some(())
        };
        eventually("its name is on the list of archived sales alone", is_moved).await;
        all_proven([a, b]);
    });
}

#[test]
fn a_packed_sale_costs_no_calls_and_a_refund_in_it_is_soon_known_to_every_engine() {
    let server = Server::start();
    run(async {
        let [a, b] = sold_and_archived(&server).await;
        sleep(REST).await;
        let raw = server.raw().await;
        let calls = async || {
            let info = raw.call(&["INFO", "commandstats"]).await.into_string().expect("text");
            let of = |name: &str| {
                let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_default();
                let calls = line.split("calls=").nth(1).and_then(|rest| rest.split(',').next());
                calls.and_then(|calls| calls.parse().ok()).unwrap_or(0_u64)
            };
            of("cmdstat_fcall:") + of("cmdstat_fcall_ro:")
        };
        let before = calls().await;
        sleep(Duration::from_secs(8)).await;
        assert_eq!(calls().await, before, "no call in eight seconds");

        let since = Instant::now();
        step(&b, 1, Step::Refund).await;
        until("a shows it", || state(&a, 1) == Some(HoldState::Refunded)).await;
        assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
        let mut told = Vec::new();
        while told.is_empty() {
            told.extend([a.events(), b.events()].concat().into_iter().map(|event| event.id.0));
            told.retain(|id| *id > 2 * ORDERS + 2);
            pause().await;
        }
        assert_eq!(told, [2 * ORDERS + 3], "one of them hands its event on");
        // The same, of an engine that has it packed and is asked with a key.
        deliver(&a, 9..=9).await;
        sleep(REST).await;
        let (view, replay) = (a.engine().sale(SALE).expect("archived"), Some(once(77)));
        let refund = a.engine().settle(&view, HoldId(2), Step::Refund, Settler::Backend, replay);
        let told = refund.await.expect("it was paid");
        let view = b.engine().sale(SALE).expect("archived");
        let again = b.engine().settle(&view, HoldId(2), Step::Refund, Settler::Backend, replay);
        let again = again.await.expect("the same key");
        assert_eq!((&again.hold, again.replayed), (&told.hold, true));
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

#[test]
fn two_engines_that_archive_at_once_come_to_one_fact_and_the_same_state() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        let both = tokio::join!(archive(&a), archive(&b));
        let refused = Err(Failure::Refused(ChangeRefusal::Archived));
        let both = [both.0.map(drop), both.1.map(drop)];
        assert!(both == [Ok(()), refused.clone()] || both == [refused, Ok(())], "{both:?}");
        is_archived(&[&a, &b]).await;
        step(&a, 1, Step::Refund).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

/// Writes the file of the sale as a disk has it.
fn file(disk: &SimDisk) {
    let mut last = Sequence(0);
    let mut each = |batch: journal::Batch<'_>| {
        recovery::each_record(&batch, |_, _| last = Sequence(last.0 + 1))
    };
    journal::read_all(&disk.copy(), None, Extent::Everything, &mut each).expect("a sound journal");
    let written = recovery::archive(disk, &[support::tag()], last, u64::MAX).expect("room");
    assert!(written[&support::tag()].is_some());
}

#[test]
fn an_engine_that_dies_between_the_file_and_the_fact_archives_when_it_is_back() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        // Its file is written, the fact is not.
        let disk = kill(b).await;
        file(&disk);
        archive(&a).await.expect("it is over");
        let b = Serving::on(&disk, shared("b", &server.url()));
        is_archived(&[&a, &b]).await;
        step(&b, 1, Step::Refund).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

#[test]
fn the_engine_that_archives_may_die_between_the_file_and_the_fact() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        let disk = kill(a).await;
        file(&disk);
        let a = Serving::on(&disk, shared("a", &server.url()));
        a.serves(SALE).await;
        assert!(!a.engine().is_archived(SALE) && !b.engine().is_archived(SALE));
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

#[test]
fn an_engine_that_was_away_takes_over_the_emptied_sale() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        let disk = b.stop();
        // So much that the store keeps no entry for who has gone.
        for text in ["thank you", "and goodbye"] {
            let (engine, change) = (a.engine(), Change::Message { text: text.to_owned() });
            let told = engine.change(support::tag(), author(), change, Terms::default()).await;
            told.expect("it is closed");
            sleep(Duration::from_millis(NODE_NOTED_MS + 200)).await;
        }
        archive(&a).await.expect("it is over");
        let store = server.store("own", DEADLINE).await;
        let is_emptied = async || {
            store.snapshot(support::tag()).await.ok().flatten().filter(|found| {
                let sale = Sale::restored(&found.bytes, found.at).expect("a sound sale");
                sale.archive().is_some()
            })
        };
        eventually("a snapshot of it is put", is_emptied).await;
        let b = Serving::on(&disk, shared("b", &server.url()));
        is_archived(&[&a, &b]).await;
        b.is_well().await;
        assert_eq!(state(&b, 2), Some(HoldState::Confirmed));
        step(&b, 2, Step::Refund).await;
        until("a shows it", || state(&a, 2) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b]).await;
        assert_eq!(is_proven(&b.stop()), None, "another has the file");
        all_proven([a]);
    });
}

#[test]
fn who_comes_late_has_the_archived_sale_and_its_name() {
    let server = Server::start();
    run(async {
        let [a, b] = sold_and_archived(&server).await;
        sleep(REST).await;
        let late = Serving::start("late", &server.url());
        is_archived(&[&late]).await;
        late.is_well().await;
        let made = late.engine().create(author(), wide(5), None).await;
        assert_eq!(made, Err(Failure::Refused(ChangeRefusal::NameTaken)));
        let view = late.engine().sale(SALE).expect("archived");
        assert_eq!(view.holds_of(ShopperKey(1)).len(), 1);
        step(&late, 1, Step::Refund).await;
        until("a shows it", || state(&a, 1) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b, &late]).await;
        let disk = late.stop();
        // And again, from its own journal.
        let late = Serving::on(&disk, shared("late", &server.url()));
        assert!(late.engine().is_archived(SALE));
        step(&a, 2, Step::Refund).await;
        until("it hears of it", || state(&late, 2) == Some(HoldState::Refunded)).await;
        agree(&[&a, &b, &late]).await;
        assert_eq!(is_proven(&late.stop()), None, "the others have the file");
        all_proven([a, b]);
    });
}

#[test]
fn an_archived_sale_is_deleted_at_every_engine_and_its_name_is_free() {
    let server = Server::start();
    run(async {
        let [a, b] = sold_and_archived(&server).await;
        for order in 1..=ORDERS {
            step(&a, order, Step::Refund).await;
        }
        deliver(&a, 2 * ORDERS + 3..=3 * ORDERS + 2).await;
        sleep(REST).await;
        let tag = support::tag();
        let deleted = async || {
            let told = b.engine().change(tag, author(), Change::Delete, Terms::default()).await;
            told.ok()
        };
        eventually("it is deleted", deleted).await;
        for node in [&a, &b] {
            until("it is gone", || !node.engine().has_sale(SALE)).await;
        }
        a.create(SALE, 5).await;
        b.sale(SALE).await;
        b.pass(1).await;
        for node in [a, b] {
            super::agreement::certify(&node.stop());
        }
    });
}
