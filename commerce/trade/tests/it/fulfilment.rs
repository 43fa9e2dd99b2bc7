//! Goods of paid orders are prepared, shipped and delivered, in that order, and wished back with a reason.

use base::cursor::Wanted;
use identity::account;
use store::{Failure, on_both};
use trade::{
    fulfilment::{self, Decision, Parcel, ReturnRefusal, ReturnState, ShipRefusal, ShipmentState},
    gateway::Provider,
    ids::{OrderId, ReturnId},
    order::state::OrderState,
    refund::{self, Part, Wish},
};

use crate::support::Shop;

async fn ask_return(
    shop: &Shop,
    account: identity::ids::AccountId,
    order: OrderId,
    reason: &str,
) -> Result<ReturnId, Failure<ReturnRefusal>> {
    shop.db
        .write(async |tx| {
            let live = account::live(tx, account).await.unwrap();
            fulfilment::ask_return(tx, &live, order, reason).await
        })
        .await
}

on_both! {
    async fn a_shipment_goes_forward_only_and_only_for_a_paid_order(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let pending = shop.order(kim, 1).await;
        let prepare = async |order| {
            shop.db.write(async |tx| fulfilment::prepare(tx, order).await).await
        };
        let unpaid = prepare(pending).await;
        assert!(matches!(unpaid, Err(Failure::Refused(ShipRefusal::NotPaid))), "{unpaid:?}");
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        let deliver = async || shop.db.write(async |tx| fulfilment::deliver(tx, order).await).await;
        let early = deliver().await;
        assert!(matches!(early, Err(Failure::Refused(ShipRefusal::NotShipped))), "{early:?}");
        prepare(order).await.unwrap();
        prepare(order).await.unwrap();
        for tracking in ["1234-5678", "1234-5679"] {
            let parcel = Parcel::parse("우체국", tracking).unwrap();
            let ship = async |tx: &store::Tx| fulfilment::ship(tx, order, &parcel).await;
            shop.db.write(ship).await.unwrap();
        }
        deliver().await.unwrap();
        deliver().await.unwrap();
        let shipment = fulfilment::of_order(&shop.db.read(), order).await.unwrap().unwrap();
        assert_eq!(shipment.state, ShipmentState::Delivered);
        assert_eq!(shipment.parcel.unwrap().tracking(), "1234-5679");
        assert_eq!(shop.read(order).await.state, OrderState::Paid);
    }

    async fn a_buyer_has_one_open_wish_to_return_what_was_shipped(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        let early = ask_return(&shop, kim, order, "too small").await;
        assert!(matches!(early, Err(Failure::Refused(ReturnRefusal::NotShipped))), "{early:?}");
        let parcel = Parcel::parse("CJ", "1").unwrap();
        shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await.unwrap();
        let other = ask_return(&shop, lee, order, "too small").await;
        assert!(matches!(other, Err(Failure::Refused(ReturnRefusal::Unknown))), "{other:?}");
        let empty = ask_return(&shop, kim, order, " ").await;
        assert!(matches!(empty, Err(Failure::Refused(ReturnRefusal::Reason))), "{empty:?}");
        let wish = ask_return(&shop, kim, order, "too small").await.unwrap();
        assert_eq!(ask_return(&shop, kim, order, "really").await.unwrap(), wish);
        let open = fulfilment::open_returns(&shop.db.read(), Wanted::default()).await.unwrap();
        assert_eq!((open.items.len(), open.items[0].order), (1, order));
        let decide = async |decision| {
            shop.db.write(async |tx| fulfilment::decide_return(tx, wish, decision).await).await
        };
        decide(Decision::Refuse).await.unwrap();
        let again = decide(Decision::Accept).await;
        assert!(matches!(again, Err(Failure::Refused(ReturnRefusal::Unknown))), "{again:?}");
        trial.advance(1);
        let next = ask_return(&shop, kim, order, "still too small").await.unwrap();
        assert_ne!(next, wish);
        let all = fulfilment::returns_of(&shop.db.read(), order).await.unwrap();
        let states = all.iter().map(|wish| wish.state).collect::<Vec<_>>();
        assert_eq!(states, [ReturnState::Open, ReturnState::Refused]);
    }

    async fn goods_that_are_taken_back_are_refunded_once_and_are_found_with_their_orders(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 2, Provider::Card).await;
        let parcel = Parcel::parse("CJ", "1").unwrap();
        shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await.unwrap();
        let wish = ask_return(&shop, kim, order, "too small").await.unwrap();
        let want = async || {
            let wish = Wish { part: Part::Rest, reason: "returned", restocks: false };
            shop.db.write(async |tx| refund::of_return(tx, order, kim, &wish).await).await.unwrap()
        };
        assert_eq!(want().await, want().await);
        let refunds = refund::of_order(&shop.db.read(), order).await.unwrap();
        assert_eq!((refunds.len(), refunds[0].amount), (1, shop.read(order).await.total));
        let reader = shop.db.read();
        let found = fulfilment::find_return(&reader, wish).await.unwrap().unwrap();
        assert_eq!((found.order, found.state), (order, ReturnState::Open));
        let shipments = fulfilment::of_orders(&reader, &[order]).await.unwrap();
        assert_eq!(shipments[&order].state, ShipmentState::Shipped);
        let returns = fulfilment::returns_of_all(&reader, &[order]).await.unwrap();
        assert_eq!(returns[&order], [found]);
    }
}
