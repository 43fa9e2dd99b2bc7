//! Engines that cannot write the file of a sale that is archived.

use std::{io::ErrorKind, time::Duration};

use engine::{
    Failure,
    codec::Binary as _,
    command::Terms,
    hold::{HoldState, Step},
    id::HoldId,
    record::Change,
    sale::{Sale, Settler},
    scribe::Busy,
};
use tokio::time::sleep;

use super::{
    super::{
        agreement::journaled,
        server::{DEADLINE, Server, changed, run},
        serving::{Serving, eventually, until},
    },
    ORDERS, agree, all_proven, archive, deliver, is_archived, is_proven, sold, state, step,
};
use crate::support::{self, SALE, author};

/// No byte more than the files have.
const FULL: Option<u64> = Some(0);

/// Two engines of which the first archived the sale, and the second, which delivered its events, has no room for
/// the file.
async fn archived_at_one(server: &Server) -> [Serving; 2] {
    let [a, b] = sold(server).await;
    let [well, full] = if a.events().is_empty() { [a, b] } else { [b, a] };
    full.disk.set_capacity(FULL);
    archive(&well).await.expect("it is over");
    is_archived(&[&well]).await;
    until("it says so", || full.troubles().iter().any(|trouble| trouble.contains("its file")))
        .await;
    assert!(!full.engine().is_archived(SALE));
    [well, full]
}

async fn refund_at(node: &Serving, id: u64) -> Result<HoldState, Failure<()>> {
    let view = node.engine().sale(SALE).expect("it is known");
    let told = node.engine().settle(&view, HoldId(id), Step::Refund, Settler::Backend, None).await;
    told.map(|told| told.hold.state).map_err(|failure| {
        assert_eq!(failure, Failure::Unavailable);
        Failure::Unavailable
    })
}

#[test]
fn an_engine_without_room_for_an_archive_file_keeps_no_events_from_the_sink_and_decides_nothing() {
    let server = Server::start();
    run(async {
        let [well, full] = archived_at_one(&server).await;
        assert_eq!(refund_at(&full, 3).await, Err(Failure::Unavailable));
        step(&well, 1, Step::Refund).await;
        let told = std::cell::RefCell::new(Vec::new());
        until("the other hands its event on", || {
            told.borrow_mut().extend(well.events().into_iter().map(|event| event.id.0));
            told.borrow().contains(&(2 * ORDERS + 3))
        })
        .await;
        assert_eq!(state(&well, 3), Some(HoldState::Confirmed), "nothing was decided there");
        deliver(&well, 9..=9).await;
        full.disk.set_capacity(None);
        is_archived(&[&full]).await;
        full.is_well().await;
        until("it shows it", || state(&full, 1) == Some(HoldState::Refunded)).await;
        step(&full, 3, Step::Refund).await;
        agree(&[&well, &full]).await;
        all_proven([well, full]);
    });
}

#[test]
fn an_engine_without_room_for_an_archive_file_keeps_no_other_from_joining() {
    let server = Server::start();
    run(async {
        let [well, full] = archived_at_one(&server).await;
        let late = Serving::start("late", &server.url());
        is_archived(&[&late]).await;
        step(&late, 1, Step::Refund).await;
        until("the other shows it", || state(&well, 1) == Some(HoldState::Refunded)).await;
        full.disk.set_capacity(None);
        is_archived(&[&full]).await;
        full.is_well().await;
        step(&full, 2, Step::Refund).await;
        agree(&[&well, &full, &late]).await;
        drop((full.stop(), late.stop()));
        assert_eq!(is_proven(&well.stop()), Some(true));
    });
}

#[test]
fn a_file_that_fails_is_written_again_by_who_follows_and_told_to_who_asks() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        a.disk.fail_write(1, ErrorKind::Other);
        let told = a.engine().archive(&a.view(), author(), Terms::default()).await;
        assert_eq!(told, Err(Failure::Unavailable));
        assert!(!a.engine().is_archived(SALE));
        b.disk.fail_write(1, ErrorKind::Other);
        archive(&a).await.expect("it is over");
        until("it says so", || b.troubles().iter().any(|trouble| trouble.contains("its file")))
            .await;
        is_archived(&[&a, &b]).await;
        for node in [&a, &b] {
            node.is_well().await;
        }
        step(&b, 1, Step::Refund).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}

#[test]
fn an_archiving_with_the_hash_of_another_file_stops_the_sale_and_no_other() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        a.create("other", 9).await;
        b.serves("other").await;
        let store = server.store("own", DEADLINE).await;
        let archive = changed(support::tag(), &Change::Archive { digest: [9; 32] });
        let appended = async || {
            let (point, bytes) = journaled(&a.disk);
            let sale = Sale::decode(&mut bytes.as_slice()).expect("a sound sale");
            store.append(None, point.epoch, &point, &archive, &sale).await.ok()
        };
        eventually("it is appended", appended).await;
        for (node, shopper) in [(&a, 1), (&b, 2)] {
            until("the sale is named", || {
                let what = "an archive of what this node does not have";
                node.troubles().iter().any(|trouble| trouble.contains(what))
            })
            .await;
            assert_eq!(refund_at(node, 1).await, Err(Failure::Unavailable));
            node.enters(&*node.sale("other").await, shopper).await;
        }
        for node in [a, b] {
            let (_, bytes) = journaled(&node.stop());
            let sale = Sale::decode(&mut bytes.as_slice()).expect("a sound sale");
            assert!(sale.archive().is_none(), "nothing of it is journaled");
        }
    });
}

#[test]
fn a_full_disk_is_told_to_who_asks_for_the_archive_and_the_engine_stays_well() {
    let server = Server::start();
    run(async {
        let [a, b] = sold(&server).await;
        a.disk.set_capacity(FULL);
        let view = a.view();
        let full = Failure::Busy(Busy::StorageFull);
        let told = a.engine().archive(&view, author(), Terms::default()).await;
        assert_eq!(told, Err(full));
        let (archived, outcome) = a.engine().archive_together(&[view], &author()).await;
        assert_eq!((archived.len(), outcome), (0, Err(Failure::Busy(Busy::StorageFull))));
        for _ in 0..10 {
            assert_eq!(a.troubles(), [""; 0]);
            sleep(Duration::from_millis(50)).await;
        }
        a.disk.set_capacity(None);
        archive(&a).await.expect("it is over");
        is_archived(&[&a, &b]).await;
        all_proven([a, b]);
    });
}
