//! Sales in which nothing happens: what they ask of the store, and what is noticed all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use engine::{command::Terms, hold::HoldState, id::ShopperKey, record::Change, spec::SaleSpec};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{
    agreement::{part, together},
    proxy::{Fate, Proxy},
    server::{DEADLINE, Node, Raw, Server, run},
    serving::{Serving, eventually, once, until},
};
use crate::support::{self, SALE, author, pass_of, wide};

/// Longer than a sale is called all the time after something happened in it.
const CALM: Duration = Duration::from_millis(2_500);
/// As soon as another node has to notice what happens in a sale that stood still: far below the time after
/// which it would be called in any case.
const SOON: Duration = Duration::from_secs(2);

/// Calls of each command that the server counts.
async fn counted(raw: &Raw) -> BTreeMap<String, u64> {
    let info = raw.call(&["INFO", "commandstats"]).await;
    let info = info.as_str().expect("text").into_owned();
    let calls = info.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    });
    calls.collect()
}

/// What a node sends by itself; the rest is what functions do within a call.
const SENT: [&str; 10] = [
    "fcall",
    "fcall_ro",
    "smembers",
    "scard",
    "sadd",
    "srem",
    "wait",
    "ping",
    "publish",
    "subscribe",
];

#[test]
fn a_thousand_quiet_sales_cost_a_node_five_commands_a_second() {
    const SALES: usize = 1_000;
    const SPAN: Duration = Duration::from_secs(12);
    let server = Server::start();
    run(async {
        let node = Serving::start("a", &server.url());
        let mut making = JoinSet::new();
        for serial in 0..SALES {
            let (engine, now) = (node.engine().clone(), node.engine().now());
            let spec = match serial % 3 {
                // Scheduled, over, and open with no one in it.
                0 => SaleSpec { opens_at: Some(now.after(86_400_000)), ..wide(9) },
                1 => SaleSpec { closes_at: Some(now), ..wide(9) },
                _ => wide(9),
            };
            let spec = SaleSpec { name: support::name(&format!("sale-{serial}")), ..spec };
            making.spawn(async move { engine.create(author(), spec, None).await });
            if making.len() >= 100 {
                making
                    .join_next()
                    .await
                    .expect("some are being made")
                    .expect("no panic")
                    .expect("room");
            }
        }
        assert!(making.join_all().await.iter().all(Result::is_ok));
        node.is_well().await;
        sleep(CALM).await;
        let raw = server.raw().await;
        let before = counted(&raw).await;
        sleep(SPAN).await;
        let after = counted(&raw).await;
        let calls = |counts: &BTreeMap<String, u64>, name| counts.get(name).copied().unwrap_or(0);
        let sent: Vec<(&str, u64)> =
            SENT.map(|name| (name, calls(&after, name) - calls(&before, name))).into();
        let all: u64 = sent.iter().map(|(_, calls)| calls).sum();
        assert!(all <= 5 * SPAN.as_secs(), "{all} commands in {SPAN:?}: {sent:?}");
        assert!(all > 0, "it goes on to serve");
        node.stop();
    });
}

#[test]
fn what_happens_in_a_quiet_sale_is_soon_known_to_every_node() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 9).await;
        sleep(CALM).await;
        let entry = a.enters(&a.view(), 1).await;
        let heard = until("b knows the place", || b.view().line().issued() == entry.answer.number);
        timeout(SOON, heard).await.expect("soon");
        sleep(CALM).await;
        let view = b.view();
        let change = Change::Message { text: "soon sold out".to_owned() };
        b.engine()
            .change(view.tag(), author(), change, Terms::default())
            .await
            .expect("it is open");
        let heard = until("a shows it", || !a.view().settings().controls.message.is_empty());
        timeout(SOON, heard).await.expect("soon");
        a.stop();
        b.stop();
    });
}

#[test]
fn what_is_due_in_a_quiet_sale_comes_in_time() {
    /// Longer than the sale is called all the time after the purchase.
    const HOLD_MS: u64 = 4_000;
    let server = Server::start();
    run(async {
        let (a, b) = (Serving::start("a", &server.url()), Serving::start("b", &server.url()));
        a.create_as(SaleSpec { hold_ms: HOLD_MS, ..wide(1) }).await;
        a.serves(SALE).await;
        b.serves(SALE).await;
        let pass = pass_of(&a.enters(&a.view(), 1).await);
        let made = a.buy(pass, 1, once(1)).await.expect("a unit is left").hold;
        let since = Instant::now();
        let state = |node: &Serving| node.view().hold(made.id).map(|hold| hold.state);
        until("it is over", || state(&a) == Some(HoldState::Expired)).await;
        let late = since.elapsed().saturating_sub(Duration::from_millis(HOLD_MS));
        assert!(late < Duration::from_millis(500), "{late:?} late");
        let heard = until("b knows", || state(&b) == Some(HoldState::Expired));
        timeout(SOON, heard).await.expect("soon");
        assert_eq!(b.view().holds_of(ShopperKey(1)).len(), 1);
        a.stop();
        b.stop();
    });
}

#[test]
fn a_store_that_lost_quiet_sales_is_noticed_by_all_nodes_once_one_does() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 9).await;
        let entry = a.enters(&a.view(), 1).await;
        until("b knows the place", || b.view().line().issued() == entry.answer.number).await;
        sleep(CALM).await;
        server.raw().await.call(&["FLUSHALL"]).await;
        // Someone asks one of them.
        let again = a.enters(&a.view(), 2).await;
        assert_eq!(again.answer.number.0, entry.answer.number.0 + 1, "nothing was lost");
        a.is_well().await;
        b.is_well().await;
        a.stop();
        b.stop();
    });
}

/// What the store has in a field of one of a sale's keys; empty when there is none.
async fn field(raw: &Raw, key: &str, field: &str) -> String {
    raw.call(&["HGET", key, field]).await.as_string().unwrap_or_default()
}

#[test]
fn a_quiet_sale_stays_with_its_delivering_node() {
    const SPAN: Duration = Duration::from_secs(9);
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 9).await;
        let (raw, store) = (server.raw().await, server.store("own", DEADLINE).await);
        let meta = &store.keys(support::tag())[0];
        sleep(CALM).await;
        let delivering = field(&raw, meta, "delivery").await;
        let began = Instant::now();
        while began.elapsed() < SPAN {
            let over: u64 = field(&raw, meta, "delivery_until").await.parse().expect("a time");
            assert!(over > a.engine().now().0, "the lease was over after {:?}", began.elapsed());
            assert_eq!(field(&raw, meta, "delivery").await, delivering);
            sleep(Duration::from_millis(20)).await;
        }
        part([a, b]);
    });
}

#[test]
fn who_takes_over_the_delivery_of_a_short_stream_puts_no_snapshot_of_it() {
    let server = Server::start();
    run(async {
        let [a, b] = together(&server.url(), 9).await;
        let (raw, store) = (server.raw().await, server.store("own", DEADLINE).await);
        let keys = store.keys(support::tag());
        let (delivering, put) =
            (field(&raw, &keys[0], "delivery").await, field(&raw, &keys[14], "seq").await);
        let (one, other) = if delivering.starts_with('a') { (a, b) } else { (b, a) };
        one.kill().await;
        other.sell(1).await;
        eventually("the other delivers", async || {
            (!other.events().is_empty() && field(&raw, &keys[0], "delivery").await != delivering)
                .then_some(())
        })
        .await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(field(&raw, &keys[14], "seq").await, put);
        other.stop();
    });
}

/// Connections on which a node listens, and whether those that there were are silent.
#[derive(Debug, Default)]
struct Listening {
    connections: BTreeSet<usize>,
    silent: BTreeSet<usize>,
}

#[test]
fn a_connection_that_is_silently_gone_is_missed_and_moves_are_heard_on_another() {
    let server = Server::start();
    run(async {
        let listening = Arc::<Mutex<Listening>>::default();
        let seen = Arc::clone(&listening);
        let proxy = Proxy::before(&server, move |connection, bytes| {
            let mut seen = seen.lock().expect("no panic");
            if bytes.windows(9).any(|word| word.eq_ignore_ascii_case(b"subscribe")) {
                seen.connections.insert(connection);
            }
            if seen.silent.contains(&connection) { Fate::Lost } else { Fate::Passed }
        });
        let a = Serving::start("a", &proxy.url());
        let b = Serving::start("b", &server.url());
        a.create(SALE, 9).await;
        a.serves(SALE).await;
        b.serves(SALE).await;
        let listens = |count| listening.lock().expect("no panic").connections.len() >= count;
        until("a listens", || listens(1)).await;
        {
            let mut listening = listening.lock().expect("no panic");
            listening.silent = listening.connections.clone();
        }
        until("a listens on another connection", || listens(2)).await;
        sleep(CALM + CALM).await;
        let change = Change::Message { text: "soon sold out".to_owned() };
        b.engine().change(b.view().tag(), author(), change, Terms::default()).await.expect("open");
        let heard = until("a shows it", || !a.view().settings().controls.message.is_empty());
        timeout(SOON, heard).await.expect("soon");
        part([a, b]);
    });
}

#[test]
fn a_step_back_of_the_clock_is_told_of_though_the_sales_time_stood_still() {
    let server = Server::start();
    run(async {
        let store = server.store("own", DEADLINE).await;
        let mut node = Node::creating(store.clone(), support::spec(&[9])).await;
        let hints = store.listen();
        eventually("moves are heard", async || hints.hearing()).await;
        node.decide(&[]).await;
        drop(hints.take());
        let meta = &store.keys(node.sale)[0];
        server.raw().await.call(&["HSET", meta, "clock_offset", "-60000"]).await;
        assert_eq!(node.decide(&[]).await.facts.entries.len(), 1, "the clock is set");
        eventually("it is told of", async || hints.take().contains(&node.sale).then_some(())).await;
    });
}
