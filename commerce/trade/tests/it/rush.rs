//! A rush: a thousand shoppers pay for two hundred units while calls are lost, late, overtaken and never
//! answered, browsers come back twice or not at all, and the database is away for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use base::{cursor::Wanted, id::Id};
use doubles::Faults;
use identity::{account, ids::AccountId};
use store::{Failure, trial::Trial};
use testkit::postgres::Postgres;
use tokio::{
    sync::Semaphore,
    task::JoinHandle,
    time::{Instant, sleep},
};
use trade::{
    audit,
    calm::HoldRefusal,
    gateway::Provider,
    ids::OrderId,
    order::{self, Order, state::OrderState},
    payment,
    refund::{self, Part, Wish},
    till::{BeginRefusal, CancelRefusal},
};

use crate::{chaos::pass, support::Shop};

const SHOPPERS: u32 = 1_000;
const UNITS: u32 = 200;
/// Shoppers who do something at the same moment.
const AT_ONCE: usize = 100;
/// Faults among a thousand calls of each provider.
const FAULTS_PER_MILLE: u64 = 100;
const SEED: u64 = 200;
const AWAY: Duration = Duration::from_secs(20);

/// What all shoppers share.
struct Rush {
    shop: Shop,
    turn: Semaphore,
    /// Orders that were placed.
    placed: AtomicU32,
    /// Of those, how many whose shoppers have done what they do.
    left: AtomicU32,
    is_over: AtomicBool,
}

/// Does something again while the database is away.
macro_rules! persist {
    ($once:expr) => {
        loop {
            match $once.await {
                Ok(done) => break Ok(done),
                Err(Failure::Refused(refusal)) => break Err(refusal),
                Err(Failure::Store(_)) => sleep(Duration::from_millis(200)).await,
            }
        }
    };
}

impl Rush {
    /// A shopper who wants one unit, and does what number `nth` does once it is held.
    async fn shopper(self: Arc<Self>, account: AccountId, nth: u32) {
        let Some(order) = self.order(account).await else { return };
        self.buy(account, order, nth).await;
        self.left.fetch_add(1, Ordering::SeqCst);
    }

    async fn buy(&self, account: AccountId, order: OrderId, nth: u32) {
        let _turn = self.turn.acquire().await.unwrap();
        let provider = if nth.is_multiple_of(2) { Provider::KakaoPay } else { Provider::Card };
        let Some(page) = self.begin(account, order, provider).await else { return };
        match nth / 2 % 5 {
            // Pays, and closes the browser.
            3 => drop(self.shop.try_pay(&page)),
            4 => {
                let cancelled = persist!(self.shop.cancel(account, order));
                assert!(
                    matches!(cancelled, Ok(()) | Err(CancelRefusal::NotPending)),
                    "{cancelled:?}"
                );
            }
            twice => {
                let Some(url) = self.shop.try_pay(&page) else { return };
                for _ in 0..=u32::from(twice == 0) {
                    let back = persist!(self.shop.try_come_back(&url));
                    assert_eq!(back.unwrap(), order);
                }
            }
        }
    }

    /// Orders one unit as soon as one is free; nothing once the rush is over.
    async fn order(&self, account: AccountId) -> Option<OrderId> {
        while !self.is_over.load(Ordering::SeqCst) {
            let turn = self.turn.acquire().await.unwrap();
            match persist!(self.shop.hold(account, 1)) {
                Ok(bought) => {
                    let placed = persist!(self.shop.place(account, &bought));
                    self.placed.fetch_add(1, Ordering::SeqCst);
                    return Some(placed.unwrap());
                }
                Err(HoldRefusal::SoldOut) => drop(turn),
                Err(other) => panic!("seed {SEED}: {other:?}"),
            }
            sleep(Duration::from_millis(500)).await;
        }
        None
    }

    async fn begin(
        &self,
        account: AccountId,
        order: OrderId,
        provider: Provider,
    ) -> Option<String> {
        loop {
            match persist!(self.shop.begin(account, order, provider)) {
                Ok(page) => return Some(page),
                Err(BeginRefusal::Busy) => sleep(Duration::from_millis(300)).await,
                // It took so long that the units went back.
                Err(BeginRefusal::NotPending) => return None,
                Err(other) => panic!("seed {SEED}: {other:?}"),
            }
        }
    }

    /// All orders there are.
    async fn orders(&self) -> Vec<Order> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let wanted = Wanted::new(100, after).unwrap();
            let page = order::of_deal(&self.shop.db.read(), self.shop.deal, &[], wanted).await;
            let page = page.unwrap();
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }

    /// Lets time pass until everybody has left. A call that failed is made again only after a while, so
    /// whoever waits for the provider's page would wait for ever by a clock that stands still.
    async fn leave(&self, trial: &Trial, shoppers: Vec<JoinHandle<()>>) {
        let give_up = Instant::now() + Duration::from_mins(2);
        for shopper in shoppers {
            while !shopper.is_finished() {
                assert!(Instant::now() < give_up, "seed {SEED}: shoppers never leave");
                pass(&self.shop, trial, 50);
                sleep(Duration::from_millis(20)).await;
            }
            shopper.await.unwrap();
        }
    }

    /// Lets time pass until every order has come to an end.
    async fn settle(&self, trial: &Trial) {
        let give_up = Instant::now() + Duration::from_mins(3);
        loop {
            let all = self.orders().await;
            let open: Vec<_> = all.iter().filter(|order| !is_over(order.state)).collect();
            let Some(first) = open.first() else { return };
            if Instant::now() > give_up {
                let kept = self.shop.kept(first.id).await;
                panic!("seed {SEED}: {} never end, such as {kept:#?}", open.len());
            }
            pass(&self.shop, trial, 15_000);
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// The buyers of every fifth order that is paid want their money back, and get it.
    async fn regret(&self, trial: &Trial) {
        let before = self.orders().await;
        let mut wishes = before.iter().filter(|order| order.state == OrderState::Refunded).count();
        let paid = before.into_iter().filter(|order| order.state == OrderState::Paid);
        for order in paid.step_by(5) {
            let wanted = self.shop.db.write(async |tx| {
                let live = account::live(tx, order.account).await.unwrap();
                let wish = Wish { part: Part::Rest, reason: "regret", restocks: true };
                refund::by_owner(tx, &live, order.id, &wish).await
            });
            wanted.await.unwrap();
            wishes += 1;
        }
        let give_up = Instant::now() + Duration::from_mins(3);
        loop {
            let all = self.orders().await;
            let back = all.iter().filter(|order| order.state == OrderState::Refunded).count();
            if back >= wishes {
                return;
            }
            assert!(Instant::now() < give_up, "seed {SEED}: {back} of {wishes} are refunded");
            pass(&self.shop, trial, 15_000);
            sleep(Duration::from_millis(250)).await;
        }
    }

    /// What every rush comes to.
    async fn verify(&self) {
        let shop = &self.shop;
        let (mut captured, mut back, mut sold) = (0, 0, 0);
        for order in self.orders().await {
            let kept = shop.kept(order.id).await;
            let (net, payment) = (shop.net(order.id).await, kept.id.to_string());
            let times =
                shop.kakaopay.ledger().captures(&payment) + shop.card.ledger().captures(&payment);
            assert!(times <= 1, "seed {SEED}: paid twice: {kept:?}");
            let is_paid = order.state == OrderState::Paid;
            assert_eq!(net, if is_paid { 31_000 } else { 0 }, "seed {SEED}: {kept:?}");
            let (taken, returned) = (kept.payment.taken().minor, kept.payment.back().minor);
            assert_eq!(
                net,
                taken - returned,
                "seed {SEED}: the provider has it otherwise: {kept:?}"
            );
            (captured, back) = (captured + taken, back + returned);
            sold += i64::from(is_paid);
        }
        assert!(sold > 0 && back > 0, "seed {SEED}: {sold} sold, {back} back");
        assert_eq!(captured, sold * 31_000 + back, "seed {SEED}");
        let units = i64::from(UNITS);
        assert_eq!(shop.units().await, (units - sold, 0, sold), "seed {SEED}");
        let desk = payment::desk(&shop.db.read(), Wanted::default()).await.unwrap();
        assert!(desk.items.is_empty(), "seed {SEED}: {desk:?}");
        assert_eq!(audit::prove(&shop.db).await.unwrap().trouble, None, "seed {SEED}");
    }
}

const fn is_over(state: OrderState) -> bool {
    matches!(state, OrderState::Paid | OrderState::Cancelled | OrderState::Refunded)
}

/// Has the thousand buy. In the middle of it, `interrupt` has its say.
async fn rush(trial: &Trial, interrupt: impl AsyncFnOnce()) {
    let faults = Faults::seeded(SEED, FAULTS_PER_MILLE, Duration::from_millis(1_200));
    let shop = Shop::open_with(trial, UNITS, None, faults).await;
    let mut accounts = Vec::new();
    for nth in 0..SHOPPERS {
        accounts.push(shop.shopper(&format!("s{nth}-{}", Id::new(shop.db.now()))).await);
    }
    let rush = Arc::new(Rush {
        shop,
        turn: Semaphore::new(AT_ONCE),
        placed: AtomicU32::new(0),
        left: AtomicU32::new(0),
        is_over: AtomicBool::new(false),
    });
    let node = rush.shop.node(trial);
    let shoppers: Vec<_> = accounts
        .into_iter()
        .zip(0..)
        .map(|(account, nth)| tokio::spawn(Arc::clone(&rush).shopper(account, nth)))
        .collect();
    let mut interrupt = Some(interrupt);
    let end = Instant::now() + Duration::from_mins(2);
    // Until everybody has had a chance at the units that were given up.
    let mut quiet = 0;
    while quiet < 100 && Instant::now() < end {
        let before = rush.placed.load(Ordering::SeqCst);
        if before > UNITS / 2
            && let Some(interrupt) = interrupt.take()
        {
            interrupt().await;
        }
        pass(&rush.shop, trial, 50);
        sleep(Duration::from_millis(20)).await;
        // Whoever is still at it may give units up.
        let is_same = before >= UNITS
            && rush.left.load(Ordering::SeqCst) == before
            && rush.placed.load(Ordering::SeqCst) == before;
        quiet = if is_same { quiet + 1 } else { 0 };
    }
    rush.is_over.store(true, Ordering::SeqCst);
    rush.leave(trial, shoppers).await;
    rush.settle(trial).await;
    rush.regret(trial).await;
    node.kill();
    rush.verify().await;
}

mod a_thousand_shoppers_pay_for_two_hundred_units_and_money_and_units_agree {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        rush(&Trial::sqlite(), async || ()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres_that_is_away_for_a_while() {
        let mut server = Postgres::start_durable().unwrap();
        let trial = Trial::at(server.database().unwrap());
        let away = async || {
            server.kill().unwrap();
            sleep(AWAY).await;
            server.start_again().unwrap();
        };
        rush(&trial, away).await;
    }
}
