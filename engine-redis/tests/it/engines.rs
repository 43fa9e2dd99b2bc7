//! Many engines on one sale: one line, one stock, and every engine shows it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use engine::{
    Failure,
    command::Terms,
    disk::sim::SimDisk,
    hold::Step,
    id::{Epoch, EventId, Number, ShopperKey},
    limits::NODE_NOTED_MS,
    record::Change,
    recovery::RecoveryError,
    sale::{PurchaseRefusal, Settler},
    spec::SaleSpec,
};
use engine_redis::Snapshot;

use super::{
    agreement::{agree, certify, part, shown, snapshot_of, together},
    server::{DEADLINE, Server, run},
    serving::{OFFER, Serving, once, pause, shared, try_start, until},
};
use crate::support::{self, SALE, author, key, pass_of, wide};

#[test]
fn what_is_asked_of_a_sale_that_was_just_made_elsewhere_waits_until_this_node_has_joined() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        for round in 0..4 {
            let name = format!("new-{round}");
            a.create(&name, 5).await;
            // Each asked for once.
            let view = b.sale(&name).await;
            let (entries, change) = tokio::join!(
                async { tokio::join!(b.enter(&view, 1), b.enter(&view, 2), b.enter(&view, 3)) },
                b.engine().change(view.tag(), author(), Change::Pause, Terms::default()),
            );
            let entries = [entries.0, entries.1, entries.2];
            let numbers = entries.map(|entry| entry.expect("it waits").answer.number.0);
            assert_eq!(BTreeSet::from(numbers), BTreeSet::from([1, 2, 3]));
            change.expect("an operator waits as well");
            let other = a.sale(&name).await;
            until("the other node has them", || other.line().issued() == Number(3)).await;
        }
        part([a, b]);
    });
}

#[test]
fn three_engines_give_dense_numbers_sell_every_unit_once_and_show_the_same() {
    const UNITS: u64 = 60;
    const CROWD: u128 = 40;
    let server = Server::start();
    run(async {
        let peers: [Serving; 3] = together(&server.url(), UNITS).await;
        let crowd = |index: u128| {
            let peer = &peers[usize::try_from(index).expect("few")];
            async move {
                let (mut numbers, mut sold) = (Vec::new(), 0);
                for shopper in index * CROWD + 1..=(index + 1) * CROWD {
                    let pass = peer.pass(shopper).await;
                    numbers.push(pass.number);
                    match peer.buy(pass, 1, once(shopper)).await {
                        Ok(_) => sold += 1,
                        Err(failure) => {
                            assert_eq!(failure, Failure::Refused(PurchaseRefusal::SoldOut));
                        }
                    }
                }
                (numbers, sold)
            }
        };
        let (one, two, three) = tokio::join!(crowd(0), crowd(1), crowd(2));
        let numbers: BTreeSet<_> = [one.0, two.0, three.0].into_iter().flatten().collect();
        assert_eq!(numbers.len() as u128, 3 * CROWD, "no number twice");
        assert_eq!(numbers.last(), Some(&Number(numbers.len() as u64)), "and none left out");
        assert_eq!(one.1 + two.1 + three.1, UNITS);

        agree(&[&peers[0], &peers[1], &peers[2]]).await;
        assert_eq!((shown(&peers[1]).held, shown(&peers[1]).available), (UNITS, 0));
        let (a, c) = (peers[0].view(), peers[2].view());
        for number in 1..=UNITS {
            let id = engine::id::HoldId(number);
            assert!(a.hold(id).is_some() && a.hold(id) == c.hold(id));
            assert_eq!(a.holds_of(a.hold(id).unwrap().shopper).len(), 1);
        }
        // Units that come back at one are there at all, and no engine says sold out for ever.
        let hold = engine::id::HoldId(1);
        let (engine, view) = (peers[1].engine(), peers[1].view());
        let released = engine.settle(&view, hold, Step::Release, Settler::Backend, None).await;
        released.expect("held");
        agree(&[&peers[0], &peers[1], &peers[2]]).await;
        peers[2].sell(900).await;
        part(peers);
    });
}

#[test]
fn a_purchase_is_repeated_at_another_engine_byte_for_byte_and_limits_hold_over_all() {
    let server = Server::start();
    run(async {
        let (a, b) = (Serving::start("a", &server.url()), Serving::start("b", &server.url()));
        a.create_as(SaleSpec { per_shopper_max: 3, ..wide(3) }).await;
        a.serves(SALE).await;
        b.serves(SALE).await;
        let entry =
            a.engine().enter(&a.view(), ShopperKey(1), Some(key(7, 7))).await.expect("open");
        let again =
            b.engine().enter(&b.view(), ShopperKey(1), Some(key(7, 7))).await.expect("open");
        assert_eq!((&again.answer, again.replayed), (&entry.answer, true));
        let pass = pass_of(&entry);
        let first = a.buy(pass, 2, once(1)).await.expect("units are left");
        // At once: b need not have heard of it.
        let repeat = b.buy(pass, 2, once(1)).await.expect("the same key");
        assert_eq!((&repeat.hold, repeat.replayed), (&first.hold, true));
        let other = b.buy(pass, 2, key(1, 2)).await;
        assert_eq!(other.map(drop), Err(Failure::Refused(PurchaseRefusal::OtherBody)));
        let more = b.buy(pass, 1, key(2, 2)).await.expect("three for each");
        assert_eq!(more.hold.id.0, 2);
        let over = a.buy(pass, 1, key(3, 3)).await.map(drop);
        assert!(matches!(
            over,
            Err(Failure::Refused(PurchaseRefusal::Limit { .. } | PurchaseRefusal::SoldOut))
        ));
        agree(&[&a, &b]).await;
        assert_eq!(shown(&a).held, 3);
        // Sold out, and repeated all the same.
        let repeat = b.buy(pass, 2, once(1)).await.expect("the same key");
        assert_eq!(repeat.hold, first.hold);
        a.stop();
        b.stop();
    });
}

#[test]
fn who_comes_late_takes_over_a_snapshot_and_who_comes_back_reads_on() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), 50).await;
        let mut holds = Vec::new();
        for shopper in 1..=20 {
            holds.push(a.sell(shopper).await);
        }
        let tag = support::tag();
        let Snapshot { point, at, bytes } = snapshot_of(&a.disk, tag);
        let store = server.store("own", DEADLINE).await;
        // Until the store has noted that this engine needs no earlier entry.
        tokio::time::sleep(Duration::from_millis(NODE_NOTED_MS + 200)).await;
        store.put_snapshot(tag, Epoch(1), &point, at, &bytes).await.expect("it is open");
        let trimmed = store.facts(tag, &engine::stream::Point::START, 1).await;
        assert!(trimmed.is_err(), "the stream no longer begins at its beginning");

        // Facts that come with the snapshot, in the same turn.
        for shopper in 21..=25 {
            a.sell(shopper).await;
        }
        let late = Serving::start("late", &server.url());
        let view = late.sale(SALE).await;
        assert_eq!(view.holds_of(ShopperKey(20)), [Arc::clone(&holds[19])]);
        agree(&[&a, &late]).await;
        assert_eq!(late.sell(7).await, holds[6], "its own key");
        let pass = late.pass(100).await;
        late.buy(pass, 2, once(100)).await.expect("units are left");
        agree(&[&a, &late]).await;

        let disk = late.stop();
        certify(&disk);
        for shopper in 200..220 {
            a.pass(shopper).await;
        }
        let late = Serving::on(&disk, shared("late", &server.url()));
        agree(&[&a, &late]).await;
        assert_eq!(late.view().line().issued(), Number(46));
        part([a, late]);
    });
}

#[test]
fn what_a_sale_taken_over_has_to_tell_is_told() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), 50).await;
        for shopper in 1..=5 {
            a.sell(shopper).await;
        }
        let (tag, refused) = (support::tag(), EventId(2));
        a.engine()
            .dead_letter(tag, support::only(), refused, "no".to_owned())
            .await
            .expect("it is noted");
        tokio::time::sleep(Duration::from_millis(NODE_NOTED_MS + 200)).await;
        let Snapshot { point, at, bytes } = snapshot_of(&a.disk, tag);
        let store = server.store("own", DEADLINE).await;
        store.put_snapshot(tag, Epoch(1), &point, at, &bytes).await.expect("open");
        let late = Serving::start("late", &server.url());
        late.sale(SALE).await;
        let letters = late.engine().dead_letters();
        assert_eq!(letters.iter().map(|letter| letter.event).collect::<Vec<_>>(), [refused]);
        assert!(late.events().is_empty(), "another node delivers");
        a.stop();
        let since = tokio::time::Instant::now();
        let mut seen = Vec::new();
        while seen.len() < 4 {
            assert!(since.elapsed().as_secs() < 10, "{seen:?}");
            seen.extend(late.events().iter().map(|event| event.id.0));
            pause().await;
        }
        assert_eq!(seen, [1, 3, 4, 5]);
        late.stop();
    });
}

#[test]
fn order_events_are_handed_out_by_one_engine_at_a_time_and_none_is_lost() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 50).await;
        for shopper in 1..=10 {
            let peer = if shopper % 2 == 0 { &a } else { &b };
            peer.sell(shopper).await;
        }
        agree(&[&a, &b]).await;
        let (of_a, of_b) = (a.events(), b.events());
        assert!(of_a.is_empty() != of_b.is_empty(), "one of them: {} {}", of_a.len(), of_b.len());
        let ids = |events: &[engine::outbox::OrderEvent]| -> Vec<u64> {
            events.iter().map(|event| event.id.0).collect()
        };
        let is_a = !of_a.is_empty();
        assert_eq!(ids(if is_a { &of_a } else { &of_b }), (1..=10).collect::<Vec<_>>());
        let (delivering, other) = if is_a { (a, b) } else { (b, a) };
        let taken = (1..=4).map(EventId).collect();
        delivering
            .engine()
            .delivered(support::tag(), support::only(), taken)
            .await
            .expect("it is noted");
        let lag = |peer: &Serving| peer.engine().registry().outbox_lag();
        until("both know what was taken", || lag(&delivering) == 6 && lag(&other) == 6).await;

        // Killed: the lease has to run out.
        delivering.kill().await;
        other.sell(50).await;
        let mut seen = Vec::new();
        let since = tokio::time::Instant::now();
        while seen.len() < 7 {
            assert!(since.elapsed().as_secs() < 10, "{seen:?}");
            seen.extend(ids(&other.events()));
            pause().await;
        }
        assert_eq!(seen, (5..=11).collect::<Vec<_>>(), "what was not taken, in order");
        other.stop();
    });
}

#[test]
fn a_sale_deleted_at_one_engine_is_gone_at_all_and_made_again_it_goes_on() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        let hold = b.sell(1).await.id;
        a.pass(2).await;
        let view = b.view();
        let settled = b.engine().settle(&view, hold, Step::Release, Settler::Backend, None).await;
        settled.expect("held");
        agree(&[&a, &b]).await;
        let events = [1, 2].map(EventId).to_vec();
        a.engine().delivered(support::tag(), support::only(), events).await.expect("it is noted");
        // Away while the sale is deleted and made again.
        let away = Serving::start("away", &server.url());
        away.sale(SALE).await;
        agree(&[&a, &b, &away]).await;
        let away = away.stop();
        let also_away = Serving::start("also-away", &server.url());
        also_away.sale(SALE).await;
        let also_away = also_away.stop();
        let long_away = Serving::start("long-away", &server.url());
        long_away.sale(SALE).await;
        let long_away = long_away.stop();
        a.engine()
            .change(a.view().tag(), author(), Change::Close, Terms::default())
            .await
            .expect("it is open");
        a.engine()
            .change(a.view().tag(), author(), Change::Delete, Terms::default())
            .await
            .expect("nothing waits");
        assert!(a.engine().sale(SALE).is_none());
        until("b drops it", || b.engine().sale(SALE).is_none()).await;

        // It hears of the deletion, though the sale is gone.
        drops_the_sale(Serving::on(&also_away, shared("also-away", &server.url()))).await;
        // As after a day.
        let facts = &server.store("own", DEADLINE).await.keys(support::tag())[11];
        server.raw().await.call(&["DEL", facts]).await;
        drops_the_sale(Serving::on(&long_away, shared("long-away", &server.url()))).await;

        b.create(SALE, 5).await;
        a.sale(SALE).await;
        let pass = a.pass(1).await;
        assert_eq!((pass.epoch, pass.number), (Epoch(2), Number(1)));
        a.buy(pass, 1, once(9)).await.expect("units are left");
        agree(&[&a, &b]).await;
        let mut seen = Vec::new();
        until("the event is handed out", || {
            a.engine().registry().outbox_lag() == 1 && b.engine().registry().outbox_lag() == 1
        })
        .await;
        while seen.is_empty() {
            seen.extend(
                [a.events(), b.events()]
                    .concat()
                    .iter()
                    .map(|event| event.id.0)
                    .filter(|id| *id > 2),
            );
            pause().await;
        }
        assert_eq!(seen, [3], "event ids go on");

        let away = Serving::on(&away, shared("away", &server.url()));
        until("it has the new sale", || {
            away.engine().sale(SALE).is_some_and(|sale| sale.epoch() == Epoch(2))
        })
        .await;
        away.is_well().await;
        agree(&[&a, &b, &away]).await;
        part([a, b, away]);
    });
}

async fn drops_the_sale(peer: Serving) {
    until("it drops the sale", || peer.engine().sale(SALE).is_none()).await;
    peer.is_well().await;
    certify(&peer.stop());
}

#[test]
fn a_new_directory_may_make_a_sale_that_others_deleted_and_goes_on_behind_it() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), 5).await;
        a.pass(1).await;
        a.engine()
            .change(a.view().tag(), author(), Change::Close, Terms::default())
            .await
            .expect("it is open");
        a.engine()
            .change(a.view().tag(), author(), Change::Delete, Terms::default())
            .await
            .expect("nothing waits");
        a.stop();
        let b = Serving::start("b", &server.url());
        let view = b.create(SALE, 5).await;
        assert!(view.epoch() > Epoch(1), "tickets of the deleted sale stay void");
        b.stop();
    });
}

/// The other engine has heard of no hold for a while, nor yet of the release and the purchase.
#[test]
fn a_key_that_bought_a_unit_just_released_is_told_so_at_an_engine_that_lags() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 1).await;
        let pass = a.pass(2).await;
        let hold = a.sell(1).await.id;
        agree(&[&a, &b]).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let (seller, view) = (a.engine(), a.view());
        let released = seller.settle(&view, hold, Step::Release, Settler::Backend, None).await;
        released.expect("held");
        let bought = a.buy(pass, 1, once(2)).await.expect("a unit is left");
        // As the server asks: first whether anything can be had, then for the unit.
        assert_eq!(b.engine().refusal_of_all(&b.view(), once(2).key), None);
        let repeated = b.buy(pass, 1, once(2)).await.expect("its first asking got the unit");
        assert_eq!(repeated.hold, bought.hold);
        part([a, b]);
    });
}

#[test]
fn an_operator_changes_the_sale_at_any_engine_while_others_decide() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        let crowd = async {
            for shopper in 1..=50 {
                a.pass(shopper).await;
            }
        };
        let operators = async {
            for _ in 0..10 {
                let restock = Change::Restock { offer: OFFER, units: 1 };
                b.engine()
                    .change(b.view().tag(), author(), restock, Terms::default())
                    .await
                    .expect("a good change");
            }
        };
        tokio::join!(crowd, operators);
        agree(&[&a, &b]).await;
        assert_eq!((shown(&a).available, a.view().line().issued()), (15, Number(50)));
        part([a, b]);
    });
}

#[test]
fn a_directory_belongs_to_one_kind_of_arbiter() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), 5).await;
        let disk = a.stop();
        let refused = try_start(&disk, None).map(drop).unwrap_err();
        assert!(matches!(refused, RecoveryError::OtherArbiter("redis")), "{refused}");

        let disk = SimDisk::new();
        let alone = try_start(&disk, None).expect("it starts");
        alone.engine.create(author(), wide(5), None).await.expect("a good sale");
        drop(alone.engine);
        alone.running.join().expect("nothing failed");
        let refused = try_start(&disk, Some(shared("a", &server.url()))).map(drop).unwrap_err();
        assert!(matches!(refused, RecoveryError::OtherArbiter("local")), "{refused}");
    });
}

/// The name is all that others know of it.
#[test]
fn an_engine_that_comes_back_under_another_name_serves_on() {
    let server = Server::start();
    run(async {
        let [a] = together(&server.url(), 5).await;
        let pass = a.pass(1).await;
        let disk = a.kill().await;
        let renamed = Serving::on(&disk, shared("renamed", &server.url()));
        assert_eq!(renamed.pass(1).await, pass);
        renamed.buy(pass, 1, once(1)).await.expect("units are left");
        certify(&renamed.stop());
    });
}
