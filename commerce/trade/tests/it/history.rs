//! A business sees what each of its deals has sold, and no other does.

use base::calendar::Calendar;
use identity::account;
use store::on_both;
use trade::{
    gateway::Provider,
    history,
    order::state::OrderState,
    refund::{self, Part, Wish},
};

use crate::{
    sellers::{Counted, Offer, listed, operator, seller},
    support::{Shop, won},
};

on_both! {
    /// Scenario 15.
    async fn scenario_15_defect_28_the_owner_sees_what_was_paid_with_refunds_apart(trial: Trial) {
        let mut shop = Shop::open(&trial, 1).await;
        let boss = operator(&shop.db, "boss").await;
        let a = seller(&shop.db, boss, "a", 1).await;
        let b = seller(&shop.db, boss, "b", 2).await;
        shop.deal = listed(&shop.db, a, &Offer { day: 0, hours: (18, 20), ..Offer::default() }).await;
        shop.stock(100).await;
        let kim = shop.shopper("kim").await;
        let refund = async |order, part| {
            let wish = Wish { part, reason: "too small", restocks: true };
            let wanted = shop.db.write(async |tx| {
                let live = account::live(tx, boss).await.unwrap();
                refund::by_operator(tx, &live, order, &wish).await
            });
            wanted.await.unwrap();
        };
        shop.paid(&trial, kim, 1, Provider::KakaoPay).await;
        let three = shop.paid(&trial, kim, 3, Provider::KakaoPay).await;
        let back = shop.paid(&trial, kim, 2, Provider::KakaoPay).await;
        let given_up = shop.order(kim, 5).await;
        shop.cancel(kim, given_up).await.unwrap();
        shop.until(&trial, given_up, OrderState::Cancelled).await;
        refund(back, Part::Rest).await;
        shop.until(&trial, back, OrderState::Refunded).await;
        let calendar = Calendar::default();
        let of = async |business| {
            history::of_deal(&shop.db.read(), business, shop.deal, &calendar).await.unwrap()
        };
        let days = of(a.business).await.unwrap();
        assert_eq!(days.len(), 1);
        let sold = &days[0];
        assert_eq!((sold.orders, sold.units, sold.net), (2, 4, won(124_000)));
        assert_eq!((sold.gross, sold.refunded, sold.refunded_units), (won(186_000), won(62_000), 2));
        assert_eq!(of(b.business).await, None);
        refund(three, Part::Amount(won(1_000))).await;
        shop.until(&trial, three, OrderState::PartRefunded).await;
        let counted = Counted::new(&shop.db);
        let days = history::of_deal(&counted, a.business, shop.deal, &calendar).await.unwrap().unwrap();
        assert_eq!((days[0].orders, days[0].units, days[0].net), (2, 4, won(123_000)));
        assert_eq!(days[0].refunded, won(63_000));
        assert!(counted.statements() <= 5, "{}", counted.statements());
        let row = days[0].csv();
        assert_eq!(&row[1..], ["2", "4", "186000", "63000", "2", "123000", "KRW"]);
    }

    async fn an_order_that_is_placed_after_midnight_is_of_the_last_day(trial: Trial) {
        let mut shop = Shop::open(&trial, 1).await;
        let boss = operator(&shop.db, "boss").await;
        let a = seller(&shop.db, boss, "a", 1).await;
        // 2027-01-15 17:00 in Seoul.
        shop.deal = listed(&shop.db, a, &Offer { day: 0, hours: (22, 24), ..Offer::default() }).await;
        shop.stock(10).await;
        let kim = shop.shopper("kim").await;
        trial.advance((7 * 60 - 2) * 60_000);
        let held = shop.hold(kim, 2).await.unwrap();
        trial.advance(5 * 60_000);
        let order = shop.place(kim, &held).await.unwrap();
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.come_back(&shop.pay(&page)).await;
        shop.until(&trial, order, OrderState::Paid).await;
        let calendar = Calendar::default();
        let reader = shop.db.read();
        let days = history::of_deal(&reader, a.business, shop.deal, &calendar).await.unwrap().unwrap();
        let days: Vec<_> = days.iter().map(|day| (day.day.to_string(), day.units)).collect();
        assert_eq!(days, [("2027-01-15".to_owned(), 2)]);
    }
}
