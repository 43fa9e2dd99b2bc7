//! What the engine tells reaches the order, once, whenever it comes.

use base::cursor::Wanted;
use engine::{
    hold::Step,
    id::{Epoch, HoldId},
    sale::Settler,
};
use identity::account;
use store::{Failure, on_both, trial::Trial};
use tokio::time::{Duration, sleep};
use trade::{
    audit,
    gateway::Provider,
    holds::{Holds as _, Keepers},
    order::{
        self, Goods, NewOrder, PlaceRefusal,
        state::{Ending, OrderState},
    },
    refund::{self, Part, Wish},
    till::{self, Till},
};

use crate::{
    refund::operator,
    room::House,
    support::{SKU, Shop, postal, won},
};
use doubles::{Fault, Faults};

async fn open(trial: &Trial, house: &House) -> Shop {
    let faults = Faults::seeded(0, 0, Duration::from_millis(1_200));
    Shop::open_with(trial, 0, Some(house.room()), faults).await
}

async fn until(shop: &Shop, trial: &Trial, is_so: impl AsyncFn() -> bool) {
    for _ in 0..3_000 {
        if is_so().await {
            return;
        }
        trial.advance(50);
        sleep(Duration::from_millis(10)).await;
    }
    let all = order::of_deal(&shop.db.read(), shop.deal, &[], Wanted::default()).await.unwrap();
    panic!("it never came so: {all:?}");
}

on_both! {
    async fn holds_of_a_room_that_lost_its_data_are_not_those_of_new_shoppers(trial: Trial) {
        let lost = House::open();
        let before = open(&trial, &lost).await;
        let (kim, lee) = (before.shopper("kim").await, before.shopper("lee").await);
        let operator = operator(&before).await;
        let sale = lost.publish(before.deal, 10, 60_000).await;
        let old = lost.buy(&sale, kim, 2).await;
        let bought = lost.room().bought(kim, &old).await.unwrap().unwrap();
        let order = before.place(kim, &bought).await.unwrap();
        let page = before.begin(kim, order, Provider::Card).await.unwrap();
        before.come_back(&before.pay(&page)).await;
        before.until(&trial, order, OrderState::Paid).await;
        // The database stays; the engine begins with nothing.
        let house = House::open();
        let till = before.till.clone();
        let keepers = Keepers { room: Some(house.room()), ..till.keepers };
        let shop = Shop { till: Till { keepers, ..till }, ..before };
        let sale = house.publish(shop.deal, 10, 60_000).await;
        let new = house.buy(&sale, lee, 3).await;
        assert_eq!(new, old, "the room calls it the same");
        let pump = house.pump(shop.db.clone(), 1);
        let bought = house.room().bought(lee, &new).await.unwrap().unwrap();
        let theirs = shop.place(lee, &bought).await.unwrap();
        assert_ne!(theirs, order);
        let page = shop.begin(lee, theirs, Provider::Card).await.unwrap();
        shop.come_back(&shop.pay(&page)).await;
        shop.until(&trial, theirs, OrderState::Paid).await;
        let wish = Wish { part: Part::Rest, reason: "too small", restocks: true };
        let wanted = shop.db.write(async |tx| {
            let live = account::live(tx, operator).await.unwrap();
            refund::by_operator(tx, &live, order, &wish).await
        });
        wanted.await.unwrap();
        shop.until(&trial, order, OrderState::Refunded).await;
        assert_eq!(sale.counts().next().unwrap().sold, 3, "those are somebody else's");
        assert_eq!(shop.read(theirs).await.state, OrderState::Paid);
        pump.stop().await;
    }

    async fn a_purchase_of_the_room_is_ordered_paid_and_confirmed_there(trial: Trial) {
        let house = House::open();
        let shop = open(&trial, &house).await;
        let (kim, lee) = (shop.shopper("kim").await, shop.shopper("lee").await);
        let sale = house.publish(shop.deal, 10, 60_000).await;
        let pump = house.pump(shop.db.clone(), 2);
        let purchase = house.buy(&sale, kim, 2).await;
        let room = house.room();
        assert_eq!(room.bought(lee, &purchase).await.unwrap(), None, "it is somebody else's");
        let bought = room.bought(kim, &purchase).await.unwrap().unwrap();
        assert_eq!(bought.items()[0].unit, won(31_000));
        let order = shop.place(kim, &bought).await.unwrap();
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.come_back(&shop.pay(&page)).await;
        shop.until(&trial, order, OrderState::Paid).await;
        assert_eq!((shop.net(order).await, sale.counts().next().unwrap().sold), (62_000, 2));
        // Events of what the shop did itself, each told twice, change nothing.
        sleep(Duration::from_millis(200)).await;
        assert_eq!(shop.read(order).await.state, OrderState::Paid);
        // Somebody gives the units back in the room: the money follows.
        room.refund(&purchase).await.unwrap();
        let work = shop.work();
        let is_back = async || shop.read(order).await.state == OrderState::Refunded;
        until(&shop, &trial, is_back).await;
        assert_eq!(shop.net(order).await, 0);
        work.stop().await;
        pump.stop().await;
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }

    /// Scenario 11, in the room: the hold runs out, the order expires, and nothing is captured afterwards.
    async fn scenario_11_defect_11_an_order_whose_hold_runs_out_expires_and_is_not_charged(trial: Trial) {
        let house = House::open();
        let shop = open(&trial, &house).await;
        let kim = shop.shopper("kim").await;
        let sale = house.publish(shop.deal, 1, 1_000).await;
        let pump = house.pump(shop.db.clone(), 2);
        let purchase = house.buy(&sale, kim, 1).await;
        let bought = house.room().bought(kim, &purchase).await.unwrap().unwrap();
        let order = shop.place(kim, &bought).await.unwrap();
        let page = shop.begin(kim, order, Provider::Card).await.unwrap();
        let url = shop.pay(&page);
        let work = shop.work();
        let has_expired = async || shop.read(order).await.ending == Some(Ending::Expired);
        until(&shop, &trial, has_expired).await;
        assert_eq!(sale.counts().next().unwrap().available, 1);
        shop.come_back(&url).await;
        // What the card holds is freed, and nothing was taken.
        let is_free = async || {
            let reference = shop.kept(order).await.payment.reference().unwrap().to_owned();
            shop.card.state(&reference) == Some(doubles::card::State::Voided)
        };
        until(&shop, &trial, is_free).await;
        work.stop().await;
        pump.stop().await;
        assert_eq!((shop.net(order).await, shop.read(order).await.state), (0, OrderState::Cancelled));
    }

    async fn what_was_told_before_the_order_was_placed_is_known_when_it_is(trial: Trial) {
        let house = House::open();
        let shop = open(&trial, &house).await;
        let kim = shop.shopper("kim").await;
        let sale = house.publish(shop.deal, 1, 60_000).await;
        let purchase = house.buy(&sale, kim, 1).await;
        let bought = house.room().bought(kim, &purchase).await.unwrap().unwrap();
        house.room().release(&purchase).await.unwrap();
        let pump = house.pump(shop.db.clone(), 1);
        let goods = [Goods { sku: SKU.to_owned(), name: "미스트".to_owned() }];
        let postal = postal();
        let new = NewOrder { bought: &bought, goods: &goods, postal: &postal };
        let place = async |tx: &store::Tx| {
            let live = account::live(tx, kim).await.unwrap();
            till::place(tx, &live, &new).await
        };
        let is_told = async || {
            // Undone each time, whatever it comes to.
            let tried = shop.db.write(async |tx| match place(tx).await {
                Ok(_) => Err(Failure::Refused(PlaceRefusal::Goods)),
                Err(error) => Err::<(), _>(error),
            });
            matches!(tried.await, Err(Failure::Refused(PlaceRefusal::Gone)))
        };
        until(&shop, &trial, is_told).await;
        pump.stop().await;
    }

    /// Scenario 12: the units are sold to somebody else while the approval has no answer.
    async fn scenario_12_money_that_was_taken_for_units_the_room_gave_away_goes_back(trial: Trial) {
        let house = House::open();
        let shop = open(&trial, &house).await;
        let kim = shop.shopper("kim").await;
        let sale = house.publish(shop.deal, 1, 60_000).await;
        let pump = house.pump(shop.db.clone(), 1);
        let purchase = house.buy(&sale, kim, 1).await;
        let bought = house.room().bought(kim, &purchase).await.unwrap().unwrap();
        let order = shop.place(kim, &bought).await.unwrap();
        let page = shop.begin(kim, order, Provider::KakaoPay).await.unwrap();
        shop.kakaopay.faults().next("approve", Some(Fault::Silent));
        shop.come_back(&shop.pay(&page)).await;
        let work = shop.work();
        while shop.net(order).await == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        let (epoch, hold) = purchase.purchase[1..].split_once('-').unwrap();
        assert_eq!(Epoch(epoch.parse().unwrap()), sale.epoch());
        let hold = HoldId(hold.parse().unwrap());
        house.engine.settle(&sale, hold, Step::Release, Settler::Backend, None).await.unwrap();
        let is_back = async || shop.read(order).await.state == OrderState::Refunded;
        until(&shop, &trial, is_back).await;
        work.stop().await;
        pump.stop().await;
        assert_eq!(shop.net(order).await, 0);
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None);
    }
}
