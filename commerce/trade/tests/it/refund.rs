//! Money goes back once, to the last coin, to whoever may have it back.

use identity::{
    account,
    ids::AccountId,
    membership,
    proof::{Prover, Purpose},
};
use store::{Failure, on_both};
use trade::{
    audit,
    fulfilment::{self, Parcel, ShipRefusal},
    gateway::Provider,
    ids::{OrderId, RefundId},
    limits,
    order::state::OrderState,
    refund::{self, Part, RefundRefusal, Wish},
    till,
};

use crate::support::{Shop, won};

const fn wish(part: Part<'_>) -> Wish<'_> {
    Wish { part, reason: "too small", restocks: true }
}

type Wanted = Result<RefundId, Failure<RefundRefusal>>;

async fn by_owner(shop: &Shop, account: AccountId, order: OrderId, part: Part<'_>) -> Wanted {
    shop.db
        .write(async |tx| {
            let live = account::live(tx, account).await.unwrap();
            refund::by_owner(tx, &live, order, &wish(part)).await
        })
        .await
}

async fn by_operator(shop: &Shop, account: AccountId, order: OrderId, wish: Wish<'_>) -> Wanted {
    shop.db
        .write(async |tx| {
            let live = account::live(tx, account).await.unwrap();
            refund::by_operator(tx, &live, order, &wish).await
        })
        .await
}

pub(crate) async fn operator(shop: &Shop) -> AccountId {
    let account = shop.shopper("operator").await;
    let prover =
        Prover::new(&identity::Secrets::new(b"a secret that all nodes of this test share"));
    let appointed = shop.db.write(async |tx| {
        let live = account::live(tx, account).await.unwrap();
        let proof = account::send_proof(tx, &prover, &live, Purpose::VerifyEmail).await.unwrap();
        account::verify(tx, &live, proof).await.unwrap();
        let live = account::live(tx, account).await.unwrap();
        membership::appoint(tx, &live).await
    });
    appointed.await.unwrap();
    account
}

#[track_caller]
fn refused(wanted: &Wanted, with: RefundRefusal) {
    assert!(matches!(wanted, Err(Failure::Refused(why)) if *why == with), "{wanted:?}");
}

on_both! {
    /// Scenario 14.
    async fn scenario_14_defect_15_the_buyer_has_all_back_once_and_the_units_are_sold_again(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        let pending = shop.order(kim, 1).await;
        refused(&by_owner(&shop, kim, pending, Part::Rest).await, RefundRefusal::NotPaid);
        shop.cancel(kim, pending).await.unwrap();
        shop.until(&trial, pending, OrderState::Cancelled).await;
        refused(&by_owner(&shop, kim, pending, Part::Rest).await, RefundRefusal::NotPaid);
        let order = shop.paid(&trial, kim, 5, Provider::KakaoPay).await;
        assert_eq!(shop.units().await, (0, 0, 5));
        refused(&by_owner(&shop, lee, order, Part::Rest).await, RefundRefusal::Unknown);
        let (one, two) = tokio::join!(
            by_owner(&shop, kim, order, Part::Rest),
            by_owner(&shop, kim, order, Part::Rest),
        );
        assert_eq!(one.unwrap(), two.unwrap(), "it is wanted once");
        let late = shop.db.write(async |tx| fulfilment::prepare(tx, order).await).await;
        assert!(late.is_err(), "what is wanted back is not shipped");
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!((shop.kakaopay.count("cancel"), shop.net(order).await), (1, 0));
        assert_eq!(shop.units().await, (5, 0, 0));
        let given = refund::of_order(&shop.db.read(), order).await.unwrap();
        assert!(given.len() == 1 && given[0].is_given && given[0].amount == won(155_000));
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    async fn parts_by_goods_and_by_amount_come_to_the_whole(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let (kim, operator) = (shop.shopper("kim").await, operator(&shop).await);
        let order = shop.paid(&trial, kim, 3, Provider::Card).await;
        by_owner(&shop, kim, order, Part::Lines(&[(0, 1)])).await.unwrap();
        shop.until(&trial, order, OrderState::PartRefunded).await;
        let amount = wish(Part::Amount(won(999)));
        by_operator(&shop, operator, order, amount).await.unwrap();
        shop.until_payment(&trial, order, |kept| kept.payment.back() == won(31_999)).await;
        let too_many = Part::Lines(&[(0, 3)]);
        refused(&by_owner(&shop, kim, order, too_many).await, RefundRefusal::Lines);
        let too_much = wish(Part::Amount(won(61_002)));
        refused(&by_operator(&shop, operator, order, too_much).await, RefundRefusal::Amount);
        for strange in [&[][..], &[(0, 0)], &[(1, 1)], &[(0, 1), (0, 1)]] {
            let strange = by_owner(&shop, kim, order, Part::Lines(strange)).await;
            refused(&strange, RefundRefusal::Lines);
        }
        // The last goods take all that is left.
        by_owner(&shop, kim, order, Part::Lines(&[(0, 2)])).await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!((shop.net(order).await, shop.units().await), (0, (5, 0, 0)));
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    async fn what_began_at_the_provider_counts_and_leaves_the_units_where_they_are(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 1, Provider::KakaoPay).await;
        let kept = shop.kept(order).await;
        assert!(shop.kakaopay.return_unasked(kept.payment.reference().unwrap(), 1_000));
        shop.db.write(async |tx| till::look_up(tx, kept.id).await).await.unwrap();
        shop.until(&trial, order, OrderState::PartRefunded).await;
        assert_eq!(shop.kept(order).await.payment.back_elsewhere(), won(1_000));
        by_owner(&shop, kim, order, Part::Rest).await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!(shop.net(order).await, 0);
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        let kept = shop.kept(order).await;
        assert!(shop.card.refund_unasked(kept.payment.reference().unwrap(), 31_000));
        shop.db.write(async |tx| till::look_up(tx, kept.id).await).await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!(shop.units().await, (4, 0, 1), "the goods may be anywhere");
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    async fn what_a_provider_gave_back_without_a_word_is_found_at_night(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 1, Provider::KakaoPay).await;
        let kept = shop.kept(order).await;
        assert!(shop.kakaopay.return_unasked(kept.payment.reference().unwrap(), 1_000));
        // The schedule is known since somebody worked here.
        trial.advance(25 * 3_600_000);
        shop.until(&trial, order, OrderState::PartRefunded).await;
        assert_eq!(shop.kept(order).await.payment.back_elsewhere(), won(1_000));
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    async fn an_operator_says_whether_refunded_goods_on_their_way_come_back(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let (kim, operator) = (shop.shopper("kim").await, operator(&shop).await);
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        let parcel = Parcel::parse("CJ", "1234").unwrap();
        shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await.unwrap();
        refused(&by_owner(&shop, kim, order, Part::Rest).await, RefundRefusal::Shipped);
        let lost = Wish { restocks: false, ..wish(Part::Rest) };
        refused(&by_operator(&shop, kim, order, lost).await, RefundRefusal::NotAnOperator);
        by_operator(&shop, operator, order, lost).await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!((shop.net(order).await, shop.units().await), (0, (4, 0, 1)));
    }

    async fn whoever_takes_an_amount_back_before_the_goods_are_sent_is_sent_none(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        by_owner(&shop, kim, order, Part::Amount(won(30_999))).await.unwrap();
        let parcel = Parcel::parse("CJ", "1234").unwrap();
        let ship = async || shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await;
        let sent = ship().await;
        assert!(matches!(sent, Err(Failure::Refused(ShipRefusal::NotPaid))), "{sent:?}");
        by_owner(&shop, kim, order, Part::Rest).await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!(shop.units().await, (5, 0, 0));
    }

    async fn a_seller_sends_the_goods_that_are_left_and_delivers_what_was_refunded_on_its_way(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let (kim, operator) = (shop.shopper("kim").await, operator(&shop).await);
        let order = shop.paid(&trial, kim, 3, Provider::Card).await;
        by_owner(&shop, kim, order, Part::Lines(&[(0, 2)])).await.unwrap();
        let known = shop.read(order).await;
        assert_eq!(refund::units_left(&shop.db.read(), &known).await.unwrap(), [1]);
        let parcel = Parcel::parse("CJ", "1234").unwrap();
        let ship = async || shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await;
        ship().await.unwrap();
        let lost = Wish { restocks: false, ..wish(Part::Rest) };
        by_operator(&shop, operator, order, lost).await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        ship().await.unwrap();
        shop.db.write(async |tx| fulfilment::deliver(tx, order).await).await.unwrap();
    }

    async fn after_many_parts_only_all_that_is_left_is_given(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        for _ in 0..limits::WISHES_MAX {
            by_owner(&shop, kim, order, Part::Amount(won(1))).await.unwrap();
        }
        let part = by_owner(&shop, kim, order, Part::Amount(won(1))).await;
        refused(&part, RefundRefusal::Amount);
        by_owner(&shop, kim, order, Part::Rest).await.unwrap();
    }
}
