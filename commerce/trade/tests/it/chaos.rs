//! Shoppers pay while calls are lost, late, doubled and refused, browsers do not come back, and nodes are killed.

use std::{mem, sync::Arc, time::Duration};

use base::cursor::Wanted;
use doubles::Faults;
use engine::view::SaleView;
use store::{Failure, on_both, trial::Trial};
use tokio::time::{Instant, sleep};
use trade::{
    audit,
    gateway::Provider,
    order::{self, state::OrderState},
    payment,
    till::BeginRefusal,
};

use crate::{room::House, support::Shop};

const SHOPPERS: u32 = 16;
/// Faults among a thousand calls of each provider.
const FAULTS_PER_MILLE: u64 = 150;
const SEED: u64 = 12;
const KILLS: u32 = 6;

/// A room and the sale in it.
type Place = (House, Arc<SaleView>);

/// A shopper who does what number `nth` does.
async fn shop_around(shop: Arc<Shop>, place: Arc<Option<Place>>, nth: u32) {
    let account = shop.shopper(&format!("s{nth}")).await;
    let order = match &*place {
        Some((house, sale)) => {
            let purchase = house.buy(sale, account, 1).await;
            let bought = house.room().bought(account, &purchase).await.unwrap().unwrap();
            shop.place(account, &bought).await.unwrap()
        }
        None => shop.order(account, 1).await,
    };
    let provider = if nth.is_multiple_of(2) { Provider::KakaoPay } else { Provider::Card };
    let mut page = None;
    for _ in 0..40 {
        match shop.begin(account, order, provider).await {
            Ok(begun) => {
                page = Some(begun);
                break;
            }
            Err(Failure::Refused(BeginRefusal::Busy)) => sleep(Duration::from_millis(300)).await,
            // The units went back meanwhile.
            Err(Failure::Refused(BeginRefusal::NotPending)) if place.is_some() => return,
            Err(other) => panic!("{nth}: {other:?}"),
        }
    }
    let page = page.unwrap_or_else(|| panic!("{nth} never saw the provider's page"));
    match nth / 2 % 5 {
        // Pays, and closes the browser.
        3 => drop(shop.try_pay(&page)),
        4 => drop(shop.cancel(account, order).await),
        twice => {
            let Some(url) = shop.try_pay(&page) else { return };
            shop.come_back(&url).await;
            if twice == 0 {
                shop.come_back(&url).await;
                // Too late for that, or in time: either way it is one of the two.
                drop(shop.cancel(account, order).await);
            }
        }
    }
}

pub(crate) fn pass(shop: &Shop, trial: &Trial, ms: u32) {
    trial.advance(ms.into());
    shop.clock.advance(Duration::from_millis(ms.into()));
}

async fn all(shop: &Shop) -> Vec<order::Order> {
    let wanted = Wanted::new(100, None).unwrap();
    order::of_deal(&shop.db.read(), shop.deal, &[], wanted).await.unwrap().items
}

/// Lets time pass until every order has come to an end.
async fn settle(shop: &Shop, trial: &Trial) {
    let node = shop.node(trial);
    let give_up = Instant::now() + Duration::from_mins(2);
    loop {
        let open: Vec<_> =
            all(shop).await.into_iter().filter(|order| !is_over(order.state)).collect();
        if open.is_empty() {
            break;
        }
        if Instant::now() > give_up {
            let mut kept = Vec::new();
            for order in &open {
                kept.push(shop.kept(order.id).await);
            }
            panic!("seed {SEED}: these never end: {kept:#?}");
        }
        pass(shop, trial, 15_000);
        sleep(Duration::from_millis(250)).await;
    }
    node.kill();
}

const fn is_over(state: OrderState) -> bool {
    matches!(state, OrderState::Paid | OrderState::Cancelled | OrderState::Refunded)
}

/// Has many shoppers buy while nodes are killed, and says how many units were sold in the end.
async fn crowd(shop: &Arc<Shop>, trial: &Trial, place: &Arc<Option<Place>>) -> i64 {
    let shoppers = (0..SHOPPERS)
        .map(|nth| tokio::spawn(shop_around(Arc::clone(shop), Arc::clone(place), nth)));
    let shoppers: Vec<_> = shoppers.collect();
    // Two at a time on one database, of which the older one is killed.
    let mut other = shop.node(trial);
    for _ in 0..KILLS {
        let node = shop.node(trial);
        for _ in 0..40 {
            pass(shop, trial, 50);
            sleep(Duration::from_millis(20)).await;
        }
        mem::replace(&mut other, node).kill();
    }
    other.kill();
    for shopper in shoppers {
        shopper.await.unwrap();
    }
    settle(shop, trial).await;
    let mut sold = 0;
    for order in all(shop).await {
        let kept = shop.kept(order.id).await;
        let (net, payment) = (shop.net(order.id).await, kept.id.to_string());
        let captures =
            shop.kakaopay.ledger().captures(&payment) + shop.card.ledger().captures(&payment);
        assert!(captures <= 1, "seed {SEED}: paid twice: {kept:?}");
        let known = kept.payment.taken().minor - kept.payment.back().minor;
        assert_eq!(net, known, "seed {SEED}: the provider has it otherwise: {kept:?}");
        let is_paid = order.state == OrderState::Paid;
        assert_eq!(net, if is_paid { 31_000 } else { 0 }, "seed {SEED}: {kept:?}");
        sold += i64::from(is_paid);
    }
    assert!(sold > 0, "seed {SEED}: nobody bought anything");
    let desk = payment::desk(&shop.db.read(), Wanted::default()).await.unwrap();
    assert!(desk.items.is_empty(), "seed {SEED}: {desk:?}");
    assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None, "seed {SEED}");
    sold
}

fn faults() -> Faults {
    Faults::seeded(SEED, FAULTS_PER_MILLE, Duration::from_millis(1_200))
}

on_both! {
    async fn whatever_is_lost_late_or_killed_money_and_units_agree_at_the_end(trial: Trial) {
        let shop = Arc::new(Shop::open_with(&trial, 100, None, faults()).await);
        let sold = crowd(&shop, &trial, &Arc::new(None)).await;
        assert_eq!(shop.units().await, (100 - sold, 0, sold), "seed {SEED}");
    }

    async fn so_they_do_when_the_room_keeps_the_units_and_tells_everything_twice(trial: Trial) {
        let house = House::open();
        let shop = Arc::new(Shop::open_with(&trial, 0, Some(house.room()), faults()).await);
        let sale = house.publish(shop.deal, 100, 8_000).await;
        let pump = house.pump(shop.db.clone(), 2);
        let place = Arc::new(Some((house, Arc::clone(&sale))));
        let sold = crowd(&shop, &trial, &place).await;
        let counts = sale.counts().next().unwrap();
        assert_eq!((counts.held, counts.paying), (0, 0), "seed {SEED}");
        assert_eq!(i64::try_from(counts.sold).unwrap(), sold, "seed {SEED}");
        pump.stop().await;
    }
}
