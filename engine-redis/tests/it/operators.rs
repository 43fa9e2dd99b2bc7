//! Several operators at several nodes: nothing is undone, and nothing is done twice.

use engine::{
    Failure,
    command::{Changed, Terms},
    id::{Epoch, OfferIndex},
    record::{Change, ReplayKey},
    sale::{ChangeRefusal, Version},
    spec::{SaleSpec, SpecPatch},
};

use super::{
    agreement::{agree, part, shown, together},
    server::{Server, run},
    serving::{Serving, until},
};
use crate::support::{SALE, author, key, name, tag, wide};

async fn ask(
    node: &Serving,
    change: Change,
    terms: Terms,
) -> Result<Changed, Failure<ChangeRefusal>> {
    node.engine().change(tag(), author(), change, terms).await
}

fn keyed(replay: ReplayKey) -> Terms {
    Terms { replay: Some(replay), ..Terms::default() }
}

fn restock(units: i64) -> Change {
    Change::Restock { offer: OfferIndex(0), units }
}

fn patch(patch: SpecPatch) -> Change {
    Change::Update { patch }
}

fn version(node: &Serving) -> Version {
    node.view().settings().version
}

#[test]
fn changes_of_different_fields_at_two_nodes_at_once_are_all_kept() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        for round in 1..=20_u32 {
            let title = Some(format!("Round {round}"));
            let title = patch(SpecPatch { title, ..SpecPatch::default() });
            let hold_ms = Some(u64::from(round) * 1_000);
            let hold = patch(SpecPatch { hold_ms, ..SpecPatch::default() });
            let rate = Change::Rate { admission_milli_per_second: u64::from(round) * 1_000 };
            let (title, hold, rate, more) = tokio::join!(
                ask(&a, title, Terms::default()),
                ask(&b, hold, Terms::default()),
                ask(&b, rate, Terms::default()),
                ask(&a, restock(1), Terms::default()),
            );
            assert!([title, hold, rate, more].iter().all(Result::is_ok));
            agree(&[&a, &b]).await;
            let settings = b.view().settings();
            assert_eq!(settings.spec.title, format!("Round {round}"));
            assert_eq!(settings.spec.hold_ms, u64::from(round) * 1_000);
            assert_eq!(settings.spec.admission_milli_per_second, u64::from(round) * 1_000);
            assert_eq!(settings.version.changes, u64::from(round) * 4);
        }
        assert_eq!(shown(&a).available, 25);
        part([a, b]);
    });
}

#[test]
fn a_keyed_change_is_done_once_whichever_node_is_asked_again() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        let first = ask(&a, restock(50), keyed(key(1, 1))).await.expect("a good change");
        assert!(!first.replayed);
        // At once: b need not have heard of it.
        let again = ask(&b, restock(50), keyed(key(1, 1))).await.expect("the same key");
        assert_eq!((again.replayed, &again.answer), (true, &first.answer));
        let other = ask(&b, restock(51), keyed(key(1, 2))).await;
        assert_eq!(other, Err(Failure::Refused(ChangeRefusal::OtherBody)));
        // At both nodes at once, with one key: one of them does it.
        let both = tokio::join!(
            ask(&a, restock(1), keyed(key(2, 1))),
            ask(&b, restock(1), keyed(key(2, 1)))
        );
        let (one, two) = (both.0.expect("good"), both.1.expect("good"));
        assert!(one.replayed != two.replayed && one.answer == two.answer);
        agree(&[&a, &b]).await;
        assert_eq!(shown(&b).available, 56);

        // A node that was stopped knows it from its journal.
        let disk = a.stop();
        let a = Serving::on(&disk, super::serving::shared("a", &server.url()));
        let again = ask(&a, restock(50), keyed(key(1, 1))).await.expect("the same key");
        assert_eq!(again.answer, first.answer);
        agree(&[&a, &b]).await;
        assert_eq!(shown(&a).available, 56);
        part([a, b]);
    });
}

#[test]
fn of_two_changes_to_one_version_at_two_nodes_one_is_made() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        for _ in 0..10 {
            agree(&[&a, &b]).await;
            let seen = version(&a);
            assert_eq!(version(&b), seen);
            let terms = || Terms { versions: Some([seen].into()), ..Terms::default() };
            let both = tokio::join!(ask(&a, restock(1), terms()), ask(&b, restock(1), terms()));
            let made = [&both.0, &both.1].into_iter().filter(|asked| asked.is_ok()).count();
            assert_eq!(made, 1, "{both:?}");
            let now = Version { changes: seen.changes + 1, ..seen };
            let other = Failure::Refused(ChangeRefusal::OtherVersion(now));
            assert!(both.0.err().or_else(|| both.1.err()) == Some(other));
        }
        agree(&[&a, &b]).await;
        assert_eq!(shown(&a).available, 15);
        part([a, b]);
    });
}

#[test]
fn a_sale_made_or_deleted_with_a_key_is_so_once_at_all_nodes() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        ask(&a, Change::Delete, keyed(key(1, 1))).await.expect("nobody is in it");
        until("b drops it", || b.engine().sale(SALE).is_none()).await;
        let create = async |node: &Serving, replay| {
            node.engine().create(author(), wide(7), Some(replay)).await
        };
        let made = create(&b, key(2, 2)).await.expect("the name is free");
        let again = create(&a, key(2, 2)).await.expect("the same key");
        assert_eq!((again.replayed, &again.answer), (true, &made.answer));
        let taken = Err(Failure::Refused(ChangeRefusal::NameTaken));
        assert_eq!(create(&a, key(3, 2)).await, taken);
        let other = Err(Failure::Refused(ChangeRefusal::OtherBody));
        assert_eq!(create(&a, key(2, 3)).await, other);
        // The late repeat of the deletion is not one of the new sale.
        for node in [&a, &b] {
            let late = ask(node, Change::Delete, keyed(key(1, 1))).await.expect("the same key");
            assert_eq!(late, Changed { answer: None, replayed: true });
        }
        agree(&[&a, &b]).await;
        assert_eq!(shown(&a).available, 7);
        part([a, b]);
    });
}

#[test]
fn a_late_repeat_of_a_creation_makes_no_sale_again_at_any_node() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 5).await;
        let spec = SaleSpec { name: name("late"), ..wide(7) };
        let create = async |node: &Serving, body| {
            node.engine().create(author(), spec.clone(), Some(key(2, body))).await
        };
        let made = create(&a, 1).await.expect("the name is free");
        let view = b.sale("late").await;
        let deleted = b.engine().change(view.tag(), author(), Change::Delete, Terms::default());
        deleted.await.expect("nobody is in it");
        until("a drops it", || a.engine().sale("late").is_none()).await;
        // One that never knew the sale has only what is left in the store.
        let c = Serving::start("c", &server.url());
        c.serves(SALE).await;
        for node in [&a, &b, &c] {
            let late = create(node, 1).await.expect("the same key");
            assert_eq!(late, Changed { replayed: true, ..made.clone() });
            assert_eq!(create(node, 2).await, Err(Failure::Refused(ChangeRefusal::OtherBody)));
            assert!(node.engine().sale("late").is_none(), "it stays deleted");
        }
        // Another is made, and begins behind it.
        let new = c.engine().create(author(), spec.clone(), Some(key(3, 1))).await;
        assert!(!new.expect("another key").replayed);
        let view = a.sale("late").await;
        assert_eq!(view.epoch(), Epoch(2));
        let deleted = a.engine().change(view.tag(), author(), Change::Delete, Terms::default());
        deleted.await.expect("nobody is in it");
        // Both creations are known to one that comes after all of that.
        let d = Serving::start("d", &server.url());
        d.serves(SALE).await;
        for first in [2, 3] {
            let late = d.engine().create(author(), spec.clone(), Some(key(first, 1))).await;
            assert!(late.expect("the same key").replayed, "{first}");
            assert!(d.engine().sale("late").is_none(), "it stays deleted");
        }
        part([a, b, c, d]);
    });
}
