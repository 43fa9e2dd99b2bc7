//! More archived sales than stand unpacked for long.

use std::rc::Rc;

use engine::{Failure, command::Terms, id::SaleTag, limits::WARM_SALES_FEW, record::Change};
use tokio::{
    task::{LocalSet, spawn_local},
    time::sleep,
};

use super::{
    super::{
        server::{Server, run},
        serving::{Serving, eventually, until},
    },
    REST,
};
use crate::support::{self, author};

/// So many that packing is in a hurry.
const SALES: usize = WARM_SALES_FEW + 30;

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

/// Closes a sale and archives it.
async fn archive(node: &Serving, name: &str) {
    change(node, name, Change::Close).await;
    let ask = async || {
        let view = node.engine().sale(name).expect("it is known");
        node.engine().archive(&view, author(), Terms::default()).await
    };
    decided(ask).await;
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
