//! An account stays while something of it is under way.

use identity::{
    ids::AccountId,
    membership::{self, Ties as _},
};
use store::{Db, Failure, on_both};
use trade::{
    fulfilment::{self, Decision, Parcel},
    gateway::Provider,
    ties::TradeTies,
};

use crate::{
    sellers::{self, Offer, go_to, listed, live, operator},
    support::Shop,
};

/// Whether it has ties that are open, and whether it has any.
async fn ties(db: &Db, account: AccountId) -> (bool, bool) {
    let told = db.write(async |tx| {
        let open = TradeTies.are_open(tx, account).await?;
        Ok::<_, store::sea_orm::DbErr>((open, TradeTies.are_there(tx, account).await?))
    });
    told.await.unwrap()
}

on_both! {
    async fn a_shopper_stays_until_what_was_paid_is_with_the_carrier_and_nothing_is_to_come_back(trial: Trial) {
        let shop = Shop::open(&trial, 5).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        assert_eq!(ties(&shop.db, kim).await, (false, false));
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        assert_eq!(ties(&shop.db, kim).await, (true, true));
        assert_eq!(ties(&shop.db, lee).await, (false, false), "of another account");
        let withdrawn = shop.db.write(async |tx| {
            let live = live(tx, kim).await;
            membership::withdraw(tx, &live, &TradeTies).await
        });
        assert!(matches!(withdrawn.await, Err(Failure::Refused(_))));
        let parcel = Parcel::parse("우체국", "1234").unwrap();
        shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await.unwrap();
        assert_eq!(ties(&shop.db, kim).await, (false, true));
        let asked = shop.db.write(async |tx| {
            let live = live(tx, kim).await;
            fulfilment::ask_return(tx, &live, order, "too small").await
        });
        let wish = asked.await.unwrap();
        assert_eq!(ties(&shop.db, kim).await, (true, true));
        let decided =
            shop.db.write(async |tx| fulfilment::decide_return(tx, wish, Decision::Refuse).await);
        decided.await.unwrap();
        assert_eq!(ties(&shop.db, kim).await, (false, true));
        shop.order(lee, 1).await;
        assert_eq!(ties(&shop.db, lee).await, (true, true), "it waits to be paid");
    }

    async fn a_seller_stays_until_all_deals_are_over(trial: Trial) {
        let db = sellers::open(&trial).await;
        let operator = operator(&db, "park").await;
        let seller = sellers::seller(&db, operator, "kim", 1).await;
        assert_eq!(ties(&db, seller.account).await, (false, false));
        let deal = listed(&db, seller, &Offer::default()).await;
        assert_eq!(ties(&db, seller.account).await, (true, true));
        go_to(&trial, &db, sellers::read(&db, deal).await.over_at);
        assert_eq!(ties(&db, seller.account).await, (false, true));
    }

    async fn a_seller_whose_deals_are_over_stays_until_what_was_paid_is_with_the_carrier(trial: Trial) {
        let mut shop = Shop::open(&trial, 1).await;
        let boss = operator(&shop.db, "boss").await;
        let a = sellers::seller(&shop.db, boss, "a", 1).await;
        let b = sellers::seller(&shop.db, boss, "b", 2).await;
        let offer = Offer { day: 0, hours: (18, 20), ..Offer::default() };
        shop.deal = listed(&shop.db, a, &offer).await;
        shop.stock(5).await;
        let kim = shop.shopper("kim").await;
        let order = shop.paid(&trial, kim, 1, Provider::Card).await;
        go_to(&trial, &shop.db, sellers::read(&shop.db, shop.deal).await.over_at);
        assert_eq!(ties(&shop.db, a.account).await, (true, true), "it owes the goods");
        assert_eq!(ties(&shop.db, b.account).await, (false, false), "of another business");
        let parcel = Parcel::parse("우체국", "1234").unwrap();
        shop.db.write(async |tx| fulfilment::ship(tx, order, &parcel).await).await.unwrap();
        assert_eq!(ties(&shop.db, a.account).await, (false, true));
    }
}
