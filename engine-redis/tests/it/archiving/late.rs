//! Nodes that hear late that a sale was archived.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use engine::{
    disk::sim::SimDisk,
    hold::{HoldState, Step},
    id::{HoldId, ShopperKey},
    record::Change,
    sale::Settler,
};
use engine_redis::{HoldTold, SharedOptions, StoreError, StoreOptions, Verdict};

use super::{
    super::{
        proxy::{Fate, Proxy},
        server::{DEADLINE, Node, Server, run},
        serving::{Serving, shared, until},
    },
    agree, all_proven, archive, is_archived, sell, state,
};
use crate::support::{self, SALE, enter, key, purchase, settle, ticket};

#[test]
fn nothing_is_decided_for_a_node_that_has_yet_to_follow_an_archiving() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let mut a = Node::creating(store.clone(), support::spec(&[9])).await;
        let mut b = a.beside(store);
        a.decide(&[]).await;
        b.join(&mut a).await;
        a.decide(&[enter(1, None), purchase(ticket(1, 1), 1, key(1, 0))]).await;
        a.decide(&[purchase(ticket(1, 1), 1, key(1, 0)), settle(1, Step::Confirm, None)]).await;
        let close = a.append(&a.point, &Change::Close).await;
        a.follow(&close.expect("it is open"));
        b.decide(&[]).await;
        let archive = a.append(&a.point, &Change::Archive { digest: [7; 32] }).await;
        a.follow(&archive.expect("nothing is under way"));

        let refund = [settle(1, Step::Refund, None)];
        let refused = b.try_decide(&refund, false).await;
        assert_eq!(refused.unwrap_err(), StoreError::Behind { seq: a.point.seq });
        let facts = b.store.facts(b.sale, &b.point, 9).await.expect("it can be read");
        assert_eq!(facts.entries.len(), 1, "the archiving alone");
        b.follow(&facts);
        let told = b.decide(&refund).await.verdicts;
        let refunded = HoldTold { hold: HoldId(1), state: HoldState::Refunded, replayed: false };
        assert_eq!(told, [Verdict::Settle(Ok(refunded))]);
    });
}

#[test]
fn a_refund_that_meets_the_archiving_on_its_way_is_answered() {
    let server = Server::start();
    run(async {
        let (are_kept, is_one_kept) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let (keeps, notes) = (Arc::clone(&are_kept), Arc::clone(&is_one_kept));
        let proxy = Proxy::before(&server, move |_, bytes| {
            const DECIDE: &[u8] = b"rushgate_2_decide";
            let is_decide = bytes.windows(DECIDE.len()).any(|name| name == DECIDE);
            if is_decide && keeps.load(Ordering::SeqCst) {
                notes.store(true, Ordering::SeqCst);
                return Fate::Kept;
            }
            Fate::Passed
        });
        let options = shared("b", &proxy.url());
        let store = StoreOptions { deadline: DEADLINE, ..options.store };
        let a = Serving::start("a", &server.url());
        let b = Serving::on(&SimDisk::new(), SharedOptions { store, ..options });
        a.create(SALE, 9).await;
        a.serves(SALE).await;
        b.serves(SALE).await;
        sell(&a).await;
        until("b has heard all", || state(&b, 1) == Some(HoldState::Confirmed)).await;
        until("b has nothing to deliver", || b.engine().registry().outbox_lag() == 0).await;

        are_kept.store(true, Ordering::SeqCst);
        let view = b.engine().sale(SALE).expect("it is known");
        let refund = b.engine().settle(&view, HoldId(1), Step::Refund, Settler::Backend, None);
        let archived = async {
            until("its call is on its way", || is_one_kept.load(Ordering::SeqCst)).await;
            archive(&a).await.expect("it is over");
            are_kept.store(false, Ordering::SeqCst);
        };
        let (told, ()) = tokio::join!(refund, archived);
        let told = told.expect("it was paid, and is so once the file is written");
        assert_eq!((told.hold.state, told.hold.shopper), (HoldState::Refunded, ShopperKey(1)));
        is_archived(&[&a, &b]).await;
        agree(&[&a, &b]).await;
        all_proven([a, b]);
    });
}
