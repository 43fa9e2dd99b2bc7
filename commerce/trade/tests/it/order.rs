//! An order keeps what it copied, is found by its buyer alone, and breaks no list whatever became of it.

use base::cursor::Wanted;
use store::{Failure, on_both, worker::Workers};
use tokio::time::{Duration, sleep};
use trade::{
    audit,
    gateway::Provider,
    order::{
        self, PlaceRefusal, Retention,
        state::{Ending, OrderState},
    },
    till::CancelRefusal,
};

use crate::support::{Shop, Work, won};

on_both! {
    async fn defect_8_an_order_has_the_price_of_its_hold_and_the_address_of_its_moment(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let id = shop.order(kim, 2).await;
        let placed = shop.read(id).await;
        assert_eq!((placed.total, placed.state), (won(62_000), OrderState::Waiting));
        assert_eq!((placed.lines[0].name.as_str(), placed.lines[0].quantity), ("미스트", 2));
        assert_eq!(placed.postal.receiver(), "Kim Hana");
        assert_eq!(shop.units().await, (498, 2, 0));
        let number = placed.number.to_lowercase();
        let found = order::by_number(&shop.db.read(), &number).await.unwrap();
        assert_eq!(found, Some(placed));
    }

    async fn a_purchase_makes_one_order_and_only_for_who_holds_it(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        let bought = shop.hold(kim, 1).await.unwrap();
        let first = shop.place(kim, &bought).await.unwrap();
        assert_eq!(shop.place(kim, &bought).await.unwrap(), first);
        let stolen = shop.place(lee, &bought).await;
        assert!(matches!(stolen, Err(Failure::Refused(PlaceRefusal::Unknown))), "{stolen:?}");
    }

    async fn units_whose_time_ran_out_before_they_were_ordered_are_not_ordered(trial: Trial) {
        let shop = Shop::open(&trial, 1).await;
        let kim = shop.shopper("kim").await;
        let (bought, other) = (shop.hold(kim, 1).await.unwrap(), shop.shopper("lee").await);
        trial.advance(11 * 60_000);
        let work = shop.work();
        while shop.units().await != (1, 0, 0) {
            sleep(Duration::from_millis(20)).await;
        }
        work.stop().await;
        let late = shop.place(kim, &bought).await;
        assert!(matches!(late, Err(Failure::Refused(PlaceRefusal::Gone))), "{late:?}");
        shop.order(other, 1).await;
    }

    async fn who_got_an_order_is_forgotten_years_after_its_end_and_what_it_cost_is_not(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let (ended, open) = (shop.order(kim, 1).await, shop.order(kim, 2).await);
        shop.cancel(kim, ended).await.unwrap();
        shop.until(&trial, ended, OrderState::Cancelled).await;
        let known = shop.read(open).await.postal;
        // Nobody works on the other one.
        let forget = async |years: i64| {
            let workers = Retention::of_years(2).unwrap().on(Workers::default());
            let work = Work::start(&shop.db, workers);
            let of = "schedule WHERE name = 'trade.forget_receivers'";
            while shop.count(of).await == 0 {
                sleep(Duration::from_millis(10)).await;
            }
            trial.advance(years * 366 * 24 * 3_600_000);
            let due = format!("{of} AND next_at <= {}", shop.db.now().0);
            let task = "task WHERE kind = 'trade.forget_receivers'";
            while shop.count(&due).await + shop.count(task).await > 0 {
                sleep(Duration::from_millis(10)).await;
            }
            work.stop().await;
            shop.read(ended).await
        };
        assert_eq!(forget(1).await.postal, known);
        let order = forget(2).await;
        assert_eq!((order.postal.receiver(), order.postal.detail()), ("", ""));
        assert_eq!((order.total, order.account, order.units()), (won(31_000), kim, 1));
        assert_eq!(shop.read(open).await.postal, known, "it has not ended");
    }

    async fn nobody_sees_an_order_of_somebody_else(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        let id = shop.order(kim, 1).await;
        let reader = shop.db.read();
        assert!(order::find(&reader, kim, id).await.unwrap().is_some());
        assert_eq!(order::find(&reader, lee, id).await.unwrap(), None);
        let page = order::of_account(&reader, lee, Wanted::default()).await.unwrap();
        assert!(page.items.is_empty());
        let cancelled = shop.cancel(lee, id).await;
        assert!(matches!(cancelled, Err(Failure::Refused(CancelRefusal::Unknown))), "{cancelled:?}");
    }

    /// Scenario 11: the original's whole list failed with one abandoned payment.
    async fn scenario_11_defect_11_orders_that_came_to_nothing_stand_in_the_list_beside_the_others(trial: Trial) {
        let shop = Shop::open(&trial, 500).await;
        let kim = shop.shopper("kim").await;
        let abandoned = shop.order(kim, 1).await;
        shop.begin(kim, abandoned, Provider::KakaoPay).await.unwrap();
        trial.advance(1);
        let given_up = shop.order(kim, 1).await;
        shop.cancel(kim, given_up).await.unwrap();
        shop.until(&trial, given_up, OrderState::Cancelled).await;
        trial.advance(11 * 60_000);
        shop.until(&trial, abandoned, OrderState::Cancelled).await;
        let paid = shop.paid(&trial, kim, 1, Provider::Card).await;
        let reader = shop.db.read();
        let two = Wanted::new(2, None).unwrap();
        let first = order::of_account(&reader, kim, two).await.unwrap();
        let ids = |page: &base::cursor::Page<order::Order>| {
            page.items.iter().map(|order| (order.id, order.state, order.ending)).collect::<Vec<_>>()
        };
        let cancelled = OrderState::Cancelled;
        assert_eq!(
            ids(&first),
            [(paid, OrderState::Paid, None), (given_up, cancelled, Some(Ending::GivenUp))]
        );
        let rest = Wanted::new(2, first.next).unwrap();
        let rest = order::of_account(&reader, kim, rest).await.unwrap();
        assert_eq!(ids(&rest), [(abandoned, cancelled, Some(Ending::Expired))]);
        assert_eq!(rest.next, None);
        let sold = order::of_deal(&reader, shop.deal, &[OrderState::Paid], two).await.unwrap();
        assert_eq!(ids(&sold), [(paid, OrderState::Paid, None)]);
        let day = base::moment::Moment(0)..base::moment::Moment(i64::MAX);
        let totals = order::totals(&reader, shop.deal, day).await.unwrap();
        let sums = totals.iter().map(|one| (one.state, one.orders, one.units, one.minor));
        assert_eq!(
            sums.collect::<Vec<_>>(),
            [(cancelled, 2, 2, 62_000), (OrderState::Paid, 1, 1, 31_000)]
        );
        // What the lists say is what the steps come to.
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
        assert_eq!(shop.units().await, (499, 0, 1));
    }
}
