//! What was paid for a deal that was called off goes back, once.

use store::{
    on_both,
    trial::{Running, until},
    worker::Workers,
};
use trade::{called_off, gateway::Provider, order::state::OrderState, refund};

use crate::{
    sellers::{Offer, Verb, as_owner, listed, next_task, operator, seller},
    support::{Shop, steps},
};

on_both! {
    async fn every_order_of_a_deal_that_was_called_off_is_refunded(trial: Trial) {
        let workers = || called_off::with_workers(Workers::default());
        let mut shop = Shop::open(&trial, 1).await;
        let boss = operator(&shop.db, "boss").await;
        let a = seller(&shop.db, boss, "a", 1).await;
        shop.deal = listed(&shop.db, a, &Offer::default()).await;
        shop.stock(10).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        let first = shop.paid(&trial, kim, 2, Provider::KakaoPay).await;
        let second = shop.paid(&trial, lee, 1, Provider::Card).await;
        let late = shop.order(kim, 1).await;
        let page = shop.begin(kim, late, Provider::KakaoPay).await.unwrap();
        let db = trial.open(&steps(), workers().listeners()).await;
        as_owner(&db, a, shop.deal, Verb::Cancel).await.unwrap();
        let running = Running::start(workers(), &db);
        for order in [first, second] {
            shop.until(&trial, order, OrderState::Refunded).await;
            assert_eq!(shop.net(order).await, 0);
        }
        // This one was being paid meanwhile.
        shop.come_back(&shop.pay(&page)).await;
        shop.until_payment(&trial, late, |kept| kept.payment.taken().minor > 0).await;
        trial.advance(60_000);
        shop.until(&trial, late, OrderState::Refunded).await;
        assert_eq!(shop.net(late).await, 0);
        running.stop().await;
        for order in [first, second, late] {
            let refunds = refund::of_order(&shop.db.read(), order).await.unwrap();
            assert_eq!(refunds.len(), 1, "wanted once");
            assert_eq!(refunds[0].reason, "the parcel was lost");
        }
        assert_eq!(shop.units().await, (10, 0, 0));
    }

    async fn an_order_that_is_placed_after_a_deal_was_called_off_is_refunded_too(trial: Trial) {
        let workers = || called_off::with_workers(Workers::default());
        let mut shop = Shop::open(&trial, 1).await;
        let boss = operator(&shop.db, "boss").await;
        let a = seller(&shop.db, boss, "a", 1).await;
        shop.deal = listed(&shop.db, a, &Offer::default()).await;
        shop.stock(10).await;
        let kim = shop.shopper("kim").await;
        let held = shop.hold(kim, 1).await.unwrap();
        let db = trial.open(&steps(), workers().listeners()).await;
        as_owner(&db, a, shop.deal, Verb::Cancel).await.unwrap();
        let running = Running::start(workers(), &db);
        // The orders have been gone through, and there was none.
        let waits = async || {
            next_task(&db, "trade.refund_deal").await.is_some_and(|at| at > db.now())
        };
        until("the orders were gone through", waits).await;
        let order = shop.place(kim, &held).await.unwrap();
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.come_back(&shop.pay(&page)).await;
        shop.until_payment(&trial, order, |kept| kept.payment.taken().minor > 0).await;
        trial.advance(60_000);
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!(shop.net(order).await, 0);
        // A day later they are gone through for the last time.
        let is_over = async || {
            trial.advance(3_600_000);
            next_task(&db, "trade.refund_deal").await.is_none()
        };
        until("nothing is left to look at", is_over).await;
        running.stop().await;
    }
}
