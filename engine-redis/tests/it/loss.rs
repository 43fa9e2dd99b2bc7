//! Engines whose store loses what it had, stands still, or comes back as another.

use std::time::Duration;

use engine::{
    Failure,
    certificate::{self, LeftBehind, LeftHold},
    command::Terms,
    disk::sim::SimDisk,
    hold::{HoldState, Step},
    id::{HoldId, Number, OfferIndex, ShopperKey},
    limits::{NODE_NOTED_MS, SKIPPED_NUMBERS},
    record::Change,
    sale::{PurchaseRefusal, Settler},
    standing::Standing,
    stream::Point,
};
use engine_redis::{SharedOptions, Snapshot};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::{
    agreement::{agree, certify, journaled, part, returned, shown, snapshot_of, together},
    server::{DEADLINE, Server, run},
    serving::{CALL_MAX, OFFER, Serving, eventually, once, pause, shared, until},
};
use crate::support::{self, SALE, author};

const UNITS: u64 = 50;

/// Shoppers whose keys are their numbers.
async fn sell(peers: &[&Serving], shoppers: std::ops::RangeInclusive<u128>) {
    sell_from(peers, *shoppers.start(), shoppers).await;
}

/// Each shopper enters and buys at another engine.
async fn sell_from(peers: &[&Serving], number: u128, shoppers: std::ops::RangeInclusive<u128>) {
    for (number, shopper) in (number..).zip(shoppers) {
        let index = usize::try_from(shopper).expect("few") % peers.len();
        let pass = peers[index].pass(shopper).await;
        assert_eq!(u128::from(pass.number.0), number, "numbers go on densely");
        let hold = peers[index].buy(pass, 1, once(shopper)).await.expect("units are left").hold;
        assert_eq!(u128::from(hold.id.0), shopper, "and so do holds");
    }
}

async fn all_is_there(peers: &[&Serving], sold: u64) {
    agree(peers).await;
    for peer in peers {
        peer.is_well().await;
        assert_eq!(peer.view().line().issued(), Number(sold));
        let counts = shown(peer);
        assert_eq!((counts.held, counts.available, counts.stranded), (sold, UNITS - sold, 0));
    }
}

#[test]
fn a_store_that_was_emptied_is_written_anew_and_nothing_acknowledged_is_lost() {
    let server = Server::start();
    run(async {
        let peers: [Serving; 3] = together(&server.url(), UNITS).await;
        let all = [&peers[0], &peers[1], &peers[2]];
        sell(&all, 1..=9).await;
        for round in 1..=3 {
            server.raw().await.call(&["FLUSHALL"]).await;
            server.raw().await.call(&["FUNCTION", "FLUSH"]).await;
            sell(&all, round * 9 + 1..=round * 9 + 9).await;
        }
        all_is_there(&all, 36).await;
        part(peers);
    });
}

#[test]
fn a_store_that_comes_back_empty_is_written_anew() {
    let mut server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), UNITS).await;
        sell(&[&a, &b], 1..=10).await;
        server.restart();
        sell(&[&a, &b], 11..=20).await;
        all_is_there(&[&a, &b], 20).await;
        part([a, b]);
    });
}

#[test]
fn a_store_that_was_rewound_where_it_stands_is_written_anew() {
    let server = Server::start_with(&["--appendonly", "no", "--enable-debug-command", "yes"]);
    run(async {
        let [a, b] = together(&server.url(), UNITS).await;
        sell(&[&a, &b], 1..=10).await;
        let raw = server.raw().await;
        raw.call(&["SAVE"]).await;
        sell(&[&a, &b], 11..=20).await;
        raw.call(&["DEBUG", "RELOAD", "NOSAVE"]).await;
        sell(&[&a, &b], 21..=30).await;
        all_is_there(&[&a, &b], 30).await;
        part([a, b]);
    });
}

#[test]
fn what_a_missing_engine_may_have_done_is_set_aside_until_an_operator_decides() {
    let server = Server::start();
    let impatient = |node| impatient(node, &server);
    run(async {
        let (a, missing) = two_that_sold_ten(&server).await;
        let disk_of_a = a.kill().await;
        // Nobody else hears of it. The eleventh number is that of an entry that a was killed by.
        sell_from(&[&missing], 12, 11..=15).await;
        let paid = (HoldId(1), Step::Confirm, Settler::Backend);
        missing.engine().settle(&missing.view(), paid.0, paid.1, paid.2, None).await.expect("held");
        let disk = missing.kill().await;
        server.raw().await.call(&["FLUSHALL"]).await;

        let a = Serving::on(&disk_of_a, impatient("a"));
        let pass = a.pass(100).await;
        assert!(pass.number.0 > 10 + u64::from(SKIPPED_NUMBERS), "{pass:?}");
        // The gate passes over the skipped numbers in several moves.
        let is_let_in = async || a.engine().claim(&a.view(), pass).await.ok();
        eventually("the gate comes to it", is_let_in).await;
        let counts = shown(&a);
        assert_eq!((counts.available, counts.held, counts.stranded), (0, 10, UNITS - 10));
        assert!(a.buy(pass, 1, once(100)).await.is_err(), "none is for sale");
        let unstrand = Change::Unstrand { offer: OfferIndex(0), units: UNITS - 15 };
        a.engine()
            .change(a.view().tag(), author(), unstrand, Terms::default())
            .await
            .expect("so many are stranded");
        a.buy(pass, 1, once(100)).await.expect("they are for sale again");
        let counts = shown(&a);
        assert_eq!((counts.available, counts.held, counts.stranded), (UNITS - 16, 11, 5));
        assert_eq!(a.view().stock().permits(OFFER), counts.available.cast_signed());

        let back = Serving::on(&disk, impatient("missing"));
        until("it says what it had", || returned(&a, "missing").is_some()).await;
        // With the one that was paid there, and that the others let expire.
        assert_eq!(returned(&a, "missing"), Some((vec![6], vec![0])), "those stay aside");
        agree(&[&a, &back]).await;
        assert_eq!(shown(&back).stranded, 5);
        back.is_well().await;
        back.sell(200).await;
        agree(&[&a, &back]).await;
        certify(&a.stop());
        let left = left_behind(&back.stop());
        let lost: Vec<u64> = left[0].places.iter().map(|(number, _)| number.0).collect();
        assert_eq!((left.len(), lost), (1, (11..=16).collect()));
        let stood = |hold: &LeftHold| (hold.hold.0, hold.state, hold.known_as);
        let mut expected = vec![(1, HoldState::Confirmed, Some(HoldState::Held))];
        expected.extend((11..=15).map(|hold| (hold, HoldState::Held, None)));
        assert_eq!(left[0].holds.iter().map(stood).collect::<Vec<_>>(), expected);
    });
}

#[test]
fn with_the_last_missing_engine_that_returns_what_none_had_promised_is_for_sale_again() {
    let server = Server::start();
    let impatient = |node| impatient(node, &server);
    run(async {
        let a = Serving::on(&SimDisk::new(), impatient("a"));
        a.create(SALE, UNITS).await;
        let [first, second] = ["first", "second"].map(|name| Serving::start(name, &server.url()));
        first.sale(SALE).await;
        second.sale(SALE).await;
        sell(&[&a, &first, &second], 1..=9).await;
        agree(&[&a, &first, &second]).await;
        let disk_of_second = second.kill().await;
        let disk_of_a = a.kill().await;
        // Only the first hears of these. Numbers before them may be those that the others were killed by.
        for shopper in 10..=12 {
            first.sell(shopper).await;
        }
        let disk_of_first = first.kill().await;
        server.raw().await.call(&["FLUSHALL"]).await;

        let a = Serving::on(&disk_of_a, impatient("a"));
        a.pass(100).await;
        assert_eq!(shown(&a).stranded, UNITS - 9);
        let first = Serving::on(&disk_of_first, impatient("first"));
        until("the first is back", || returned(&a, "first").is_some()).await;
        assert_eq!(
            returned(&a, "first"),
            Some((vec![3], vec![0])),
            "the second may have sold more"
        );
        let second = Serving::on(&disk_of_second, impatient("second"));
        until("the second is back", || returned(&a, "second").is_some()).await;
        assert_eq!(returned(&a, "second"), Some((vec![0], vec![UNITS - 12])));
        agree(&[&a, &first, &second]).await;
        let counts = shown(&second);
        assert_eq!((counts.available, counts.held, counts.stranded), (UNITS - 12, 9, 3));
        second.sell(200).await;
        agree(&[&a, &first, &second]).await;
        part([a, first, second]);
    });
}

/// A node may have seen a hold end that the others only see end now, and have sold its units to someone else.
#[test]
fn units_that_were_held_when_a_node_went_missing_are_not_sold_before_it_is_back() {
    let server = Server::start();
    run(async {
        let a = Serving::on(&SimDisk::new(), impatient("a", &server));
        a.create(SALE, 10).await;
        let missing = Serving::start("missing", &server.url());
        missing.serves(SALE).await;
        let mut passes = Vec::new();
        for shopper in 1..=10 {
            let pass = a.pass(shopper).await;
            a.buy(pass, 1, once(shopper)).await.expect("units are left");
            passes.push(pass);
        }
        agree(&[&a, &missing]).await;
        let disk = missing.kill().await;
        server.raw().await.call(&["FLUSHALL"]).await;
        until("it is rebuilt without the other", || {
            shown(&a).held == 10 && !a.troubles().is_empty()
        })
        .await;
        let release = async |hold: u64| {
            let (hold, by) = (HoldId(hold), Settler::Backend);
            a.engine().settle(&a.view(), hold, Step::Release, by, None).await.ok()
        };
        eventually("it decides again", async || release(1).await).await;
        eventually("it decides again", async || release(2).await).await;
        let counts = shown(&a);
        assert_eq!((counts.held, counts.available, counts.stranded), (8, 0, 2));
        assert_eq!(a.view().stock().permits(OFFER), 0);
        let again = a.buy(passes[0], 1, support::key(101, 1)).await.map(drop);
        assert_eq!(again, Err(Failure::Refused(PurchaseRefusal::SoldOut)));

        let back = Serving::on(&disk, impatient("missing", &server));
        until("it says what it had", || returned(&a, "missing").is_some()).await;
        assert_eq!(
            returned(&a, "missing"),
            Some((vec![0], vec![2])),
            "it had promised none of them"
        );
        agree(&[&a, &back]).await;
        assert_eq!((shown(&a).available, shown(&a).stranded), (2, 0));
        a.buy(passes[0], 1, support::key(102, 1)).await.expect("they are for sale again");
        // What comes free from now on is for sale at once.
        eventually("released", async || release(3).await).await;
        assert_eq!((shown(&a).available, shown(&a).stranded), (2, 0));
        agree(&[&a, &back]).await;
        part([a, back]);
    });
}

#[test]
fn an_engine_that_comes_back_without_its_journal_cannot_say_what_it_had_promised() {
    let server = Server::start();
    let impatient = |node| impatient(node, &server);
    run(async {
        let (a, missing) = two_that_sold_ten(&server).await;
        agree(&[&a, &missing]).await;
        drop(missing.kill().await);
        let disk = a.kill().await;
        server.raw().await.call(&["FLUSHALL"]).await;
        let a = Serving::on(&disk, impatient("a"));
        a.pass(100).await;

        let back = Serving::on(&SimDisk::new(), impatient("missing"));
        back.sale(SALE).await;
        forget_the_silent(&server).await;
        back.pass(200).await;
        agree(&[&a, &back]).await;
        // Nor after a restart, when the journal that it has is one of its own.
        let back = Serving::on(&back.stop(), impatient("missing"));
        back.pass(201).await;
        agree(&[&a, &back]).await;
        // Nor when it has to take the sale over once more, for the stream has gone on without it.
        let disk = back.stop();
        let (last, _) = journaled(&disk);
        let (since, store) = (Instant::now(), server.store("own", DEADLINE).await);
        let mut shopper = 300;
        while !is_trimmed_behind(&server, &last).await {
            assert!(since.elapsed() < 40 * CALL_MAX, "nothing is trimmed");
            // A trim goes no further than what the store has noted of the serving node.
            sleep(Duration::from_millis(NODE_NOTED_MS + 100)).await;
            a.pass(shopper).await;
            shopper += 1;
            let tag = support::tag();
            let Snapshot { point, at, bytes } = snapshot_of(&a.disk, tag);
            store.put_snapshot(tag, point.epoch, &point, at, &bytes).await.expect("it is open");
        }
        let back = Serving::on(&disk, impatient("missing"));
        back.pass(202).await;
        agree(&[&a, &back]).await;
        assert_eq!(returned(&a, "missing"), None);
        assert_eq!((shown(&back).stranded, shown(&back).available), (UNITS - 10, 0));
        let unstrand = Change::Unstrand { offer: OfferIndex(0), units: UNITS - 10 };
        a.engine()
            .change(a.view().tag(), author(), unstrand, Terms::default())
            .await
            .expect("an operator decides");
        agree(&[&a, &back]).await;
        part([a, back]);
    });
}

/// One that waits for the missing for a moment only, and one that will be missing.
async fn two_that_sold_ten(server: &Server) -> (Serving, Serving) {
    let a = Serving::on(&SimDisk::new(), impatient("a", server));
    a.create(SALE, UNITS).await;
    let missing = Serving::start("missing", &server.url());
    missing.sale(SALE).await;
    sell(&[&a, &missing], 1..=10).await;
    (a, missing)
}

/// A node that waits for the missing for a moment only, and that an operator told to write the sale anew.
fn impatient(node: &str, server: &Server) -> SharedOptions {
    SharedOptions { muster_wait_ms: 300, rebuild_store: true, ..shared(node, &server.url()) }
}

/// As if a minute had passed since nodes fell silent.
async fn forget_the_silent(server: &Server) {
    let raw = server.raw().await;
    let nodes = format!("own:{{{:016x}}}:nodes", support::tag().0);
    let noted = raw.call(&["HGETALL", &nodes]).await.into_array();
    for pair in noted.chunks(2) {
        let (name, note) = (pair[0].as_string().expect("a name"), pair[1].as_bytes());
        // Behind four numbers.
        if note.expect("bytes")[32] == 2 {
            raw.call(&["HDEL", &nodes, &name]).await;
        }
    }
}

/// Whether the stream's first entry comes after this one.
async fn is_trimmed_behind(server: &Server, last: &Point) -> bool {
    let key = format!("own:{{{:016x}}}:facts", support::tag().0);
    let raw = server.raw().await;
    let first = raw
        .call(&["XRANGE", &key, "-", &format!("{}-{}", last.epoch.0, last.seq), "COUNT", "1"])
        .await;
    first.into_array().is_empty()
}

fn left_behind(disk: &SimDisk) -> Vec<LeftBehind> {
    certify(disk);
    certificate::certify(&disk.copy()).expect("a journal that can be read").left_behind
}

#[test]
fn a_store_that_stands_still_is_reported_at_once_and_polls_go_on() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), UNITS).await;
        let pass = a.pass(1).await;
        server.signal(Signal::STOP);
        for shopper in 2..=4 {
            let since = Instant::now();
            let entered = a.enter(&a.view(), shopper).await;
            assert_eq!(entered.map(drop), Err(Failure::Unavailable));
            let taken = since.elapsed();
            assert!(taken < 2 * CALL_MAX + Duration::from_millis(500), "{taken:?}");
            assert!(matches!(a.view().standing(pass, a.engine().now()), Standing::Admitted { .. }));
            until("it is told", || !a.troubles().is_empty()).await;
        }
        server.signal(Signal::CONT);
        let issued = a.view().line().issued().0;
        // What was asked without an answer may have been done.
        let next = a.pass(9).await;
        assert!((issued + 1..=issued + 4).contains(&next.number.0), "{next:?} after {issued}");
        a.is_well().await;
        let since = Instant::now();
        server.signal(Signal::STOP);
        a.stop();
        assert!(
            since.elapsed() < 4 * CALL_MAX,
            "parting waits for no store: {:?}",
            since.elapsed()
        );
        server.signal(Signal::CONT);
    });
}

/// A purchase whose answer was lost is decided once, and its permits come out even.
#[test]
fn units_of_answers_that_were_lost_are_accounted_for() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), UNITS).await;
        let pass = a.pass(1).await;
        server.signal(Signal::STOP);
        for index in 0..3 {
            assert!(a.buy(pass, 1, once(index)).await.is_err());
        }
        server.signal(Signal::CONT);
        let mut bought = 0;
        while bought < 3 {
            bought += u128::from(a.buy(pass, 1, once(bought)).await.is_ok());
            pause().await;
        }
        agree(&[&a, &b]).await;
        assert_eq!(shown(&b).held, 3, "each key bought once");
        a.stop();
        b.stop();
    });
}

/// A node that missed everything about a sale that was emptied, rebuilt and trimmed.
#[test]
fn who_was_away_during_a_loss_takes_over_what_the_others_have() {
    let server = Server::start();
    run(async {
        let (a, away) = (Serving::start("a", &server.url()), Serving::start("away", &server.url()));
        a.create(SALE, UNITS).await;
        away.sale(SALE).await;
        sell(&[&a, &away], 1..=6).await;
        let disk = away.stop();
        sell(&[&a], 7..=9).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        sell(&[&a], 10..=12).await;
        let (point, _) = journaled(&a.disk);
        assert_eq!(point.epoch.0, 2);
        let away = Serving::on(&disk, shared("away", &server.url()));
        all_is_there(&[&a, &away], 12).await;
        assert!(away.view().holds_of(ShopperKey(12)).len() == 1);
        assert_eq!(support::tag(), away.view().tag());
        part([a, away]);
    });
}
