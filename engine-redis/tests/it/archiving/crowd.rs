//! More archived sales than stand unpacked for long.

use std::{rc::Rc, time::Duration};

use engine::{
    Failure,
    command::Terms,
    hold::{HoldState, Step},
    id::{EventId, HoldId, SaleTag},
    limits::{TICK_MS, WARM_SALES_FEW},
    record::Change,
    sale::Settler,
};
use tokio::{
    task::{LocalSet, spawn_local},
    time::{sleep, timeout},
};

use super::{
    super::{
        server::{Server, run},
        serving::{Serving, eventually, until},
    },
    REST,
};
use crate::support::{self, author, only};

/// So many that packing is in a hurry.
const SALES: usize = WARM_SALES_FEW + 30;

/// As soon as all engines have to know of a refund, on a busy machine.
const SOON: Duration = Duration::from_secs(8);

/// Names of the sales.
fn names() -> impl Iterator<Item = String> {
    (0..SALES).map(|serial| format!("sale-{serial}"))
}

fn tag(name: &str) -> SaleTag {
    support::name(name).tag()
}

/// Does the same to all sales at once.
async fn each<F: Future<Output = ()> + 'static>(what: impl Fn(String) -> F) {
    let running: Vec<_> = names().map(|name| spawn_local(what(name))).collect();
    for one in running {
        one.await.expect("no panic");
    }
}

/// What is asked comes to, asked as often as it cannot be decided.
async fn decided<T, R: std::fmt::Debug>(ask: impl AsyncFn() -> Result<T, Failure<R>>) -> T {
    let ask = async || match ask().await {
        Ok(told) => Some(told),
        Err(Failure::Unavailable | Failure::Busy(_)) => None,
        Err(other) => unreachable!("{other:?}"),
    };
    eventually("it is decided", ask).await
}

async fn change(node: &Serving, name: &str, change: Change) {
    let tag = tag(name);
    let ask = async || node.engine().change(tag, author(), change.clone(), Terms::default()).await;
    decided(ask).await;
}

pub(super) async fn step(node: &Serving, name: &str, hold: u64, step: Step) {
    let ask = async || {
        let view = node.engine().sale(name).expect("it is known");
        node.engine().settle(&view, HoldId(hold), step, Settler::Backend, None).await
    };
    decided(ask).await;
}

pub(super) async fn deliver(node: &Serving, name: &str, events: std::ops::RangeInclusive<u64>) {
    let events: Vec<EventId> = events.map(EventId).collect();
    let told = node.engine().delivered(tag(name), only(), events).await;
    told.expect("it is noted");
}

/// Closes a sale and archives it.
pub(super) async fn archive(node: &Serving, name: &str) {
    change(node, name, Change::Close).await;
    let ask = async || {
        let view = node.engine().sale(name).expect("it is known");
        node.engine().archive(&view, author(), Terms::default()).await
    };
    decided(ask).await;
}

pub(super) fn state(node: &Serving, name: &str, hold: u64) -> Option<HoldState> {
    Some(node.engine().sale(name)?.hold(HoldId(hold))?.state)
}

#[test]
fn who_comes_late_finds_all_archived_sales_that_the_store_had_lost() {
    let server = Server::start();
    run(LocalSet::new().run_until(async {
        let a = Rc::new(Serving::start("a", &server.url()));
        each(|name| {
            let a = Rc::clone(&a);
            async move {
                a.create(&name, 5).await;
                archive(&a, &name).await;
            }
        })
        .await;
        sleep(REST).await;
        let raw = server.raw().await;
        raw.call(&["FLUSHALL"]).await;
        let are_listed = async || {
            let listed = raw.call(&["SCARD", "own:archived"]).await.as_u64();
            (listed == Some(SALES as u64)).then_some(())
        };
        eventually("all are written again", are_listed).await;
        let late = Serving::start("late", &server.url());
        let has_all = || names().all(|name| late.engine().is_archived(&name));
        until("it has taken over all of them", has_all).await;
        late.is_well().await;
        late.stop();
        Rc::into_inner(a).expect("all is done").stop();
    }));
}

#[test]
fn moves_of_many_archived_sales_are_soon_known_to_every_engine() {
    let server = Server::start();
    run(LocalSet::new().run_until(async {
        let [a, b] = ["a", "b"].map(|node| Rc::new(Serving::start(node, &server.url())));
        each(|name| {
            let (a, b) = (Rc::clone(&a), Rc::clone(&b));
            async move {
                let view = a.create(&name, 9).await;
                b.serves(&name).await;
                for shopper in 1..=2 {
                    let entry = a.enters(&view, shopper).await;
                    let hold = a.buys(&view, &entry).await;
                    step(&a, &name, hold.0, Step::Confirm).await;
                }
                deliver(&a, &name, 1..=4).await;
                archive(&a, &name).await;
            }
        })
        .await;
        until("b has archived all", || names().all(|name| b.engine().is_archived(&name))).await;
        sleep(REST).await;
        // The second follows the first so closely that the store does not say it.
        each(|name| {
            let b = Rc::clone(&b);
            async move {
                step(&b, &name, 1, Step::Refund).await;
            }
        })
        .await;
        let has_first = |name: String| state(&a, &name, 1) == Some(HoldState::Refunded);
        until("a shows the first", || names().all(has_first)).await;
        each(|name| {
            let b = Rc::clone(&b);
            async move {
                deliver(&b, &name, 5..=5).await;
            }
        })
        .await;
        until("a has it", || a.engine().registry().outbox_lag() == 0).await;
        sleep(Duration::from_millis(2 * TICK_MS)).await;
        each(|name| {
            let b = Rc::clone(&b);
            async move {
                step(&b, &name, 2, Step::Refund).await;
            }
        })
        .await;
        let has_second = |name: String| state(&a, &name, 2) == Some(HoldState::Refunded);
        let shown = until("a shows the second", || names().all(has_second));
        timeout(SOON, shown).await.expect("before all that is silent is looked after");
        for node in [a, b] {
            Rc::into_inner(node).expect("all is done").stop();
        }
    }));
}
