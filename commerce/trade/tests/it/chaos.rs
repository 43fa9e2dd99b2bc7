//! Shoppers pay while calls are lost, late, doubled and refused, browsers do not come back, and nodes are killed.

use std::{sync::Arc, time::Duration};

use base::cursor::Wanted;
use doubles::Faults;
use store::{Failure, on_both, trial::Trial};
use tokio::time::{Instant, sleep};
use trade::{
    audit,
    gateway::Provider,
    ids::OrderId,
    order::{self, state::OrderState},
    payment,
    till::BeginRefusal,
};

use crate::support::Shop;

const SHOPPERS: u32 = 16;
/// Faults among a thousand calls of each provider.
const FAULTS_PER_MILLE: u64 = 150;
const SEED: u64 = 12;
const KILLS: u32 = 6;

/// A shopper who does what number `nth` does.
async fn shop_around(shop: Arc<Shop>, nth: u32) -> OrderId {
    let account = shop.shopper(&format!("s{nth}")).await;
    let order = shop.order(account, 1).await;
    let provider = if nth.is_multiple_of(2) { Provider::KakaoPay } else { Provider::Card };
    let mut page = None;
    for _ in 0..40 {
        match shop.begin(account, order, provider).await {
            Ok(begun) => {
                page = Some(begun);
                break;
            }
            Err(Failure::Refused(BeginRefusal::Busy)) => sleep(Duration::from_millis(300)).await,
            Err(other) => panic!("{nth}: {other:?}"),
        }
    }
    let page = page.unwrap_or_else(|| panic!("{nth} never saw the provider's page"));
    match nth / 2 % 5 {
        3 => {
            // Pays, and closes the browser.
            shop.pay(&page);
        }
        4 => shop.cancel(account, order).await.unwrap(),
        twice => {
            let url = shop.pay(&page);
            shop.come_back(&url).await;
            if twice == 0 {
                shop.come_back(&url).await;
                // Too late for that, or in time: either way it is one of the two.
                let _either = shop.cancel(account, order).await;
            }
        }
    }
    order
}

fn pass(shop: &Shop, trial: &Trial, ms: u32) {
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

on_both! {
    async fn whatever_is_lost_late_or_killed_money_and_units_agree_at_the_end(trial: Trial) {
        let faults = Faults::seeded(SEED, FAULTS_PER_MILLE, Duration::from_millis(1_200));
        let shop = Arc::new(Shop::open_with(&trial, 100, None, faults).await);
        let shoppers: Vec<_> =
            (0..SHOPPERS).map(|nth| tokio::spawn(shop_around(Arc::clone(&shop), nth))).collect();
        for _ in 0..KILLS {
            let node = shop.node(&trial);
            for _ in 0..40 {
                pass(&shop, &trial, 50);
                sleep(Duration::from_millis(20)).await;
            }
            node.kill();
        }
        for shopper in shoppers {
            shopper.await.unwrap();
        }
        settle(&shop, &trial).await;

        let mut sold = 0;
        for order in all(&shop).await {
            let kept = shop.kept(order.id).await;
            let (net, payment) = (shop.net(order.id).await, kept.id.to_string());
            let captures = shop.kakaopay.ledger().captures(&payment)
                + shop.card.ledger().captures(&payment);
            assert!(captures <= 1, "seed {SEED}: paid twice: {kept:?}");
            let known = kept.payment.taken().minor - kept.payment.back().minor;
            assert_eq!(net, known, "seed {SEED}: the provider has it otherwise: {kept:?}");
            let is_paid = order.state == OrderState::Paid;
            assert_eq!(net, if is_paid { 31_000 } else { 0 }, "seed {SEED}: {kept:?}");
            sold += i64::from(is_paid);
        }
        assert!(sold > 0, "seed {SEED}: nobody bought anything");
        assert_eq!(shop.units().await, (100 - sold, 0, sold), "seed {SEED}");
        let desk = payment::desk(&shop.db.read(), Wanted::default()).await.unwrap();
        assert!(desk.items.is_empty(), "seed {SEED}: {desk:?}");
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None, "seed {SEED}");
    }
}
