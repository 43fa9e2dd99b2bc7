//! A flash sale from start to verdict.
//!
//! Owns the order of things and the end of the run. Tasks end by one signal, `stop`, and return
//! what they know; nothing is aborted, so no acknowledgement is lost to the audit.
//!
//! ```text
//! server? ─▶ sale ─▶ ┌ arrivals ─▶ shoppers ┐
//!                    │ stock readings       │ ─ stop ─▶ settle ─▶ recall ─▶ audit ─▶ report
//!                    └ kills?, progress     ┘
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::admin::{self, SaleOptions};
use crate::audit::{self, agreement};
use crate::cli::FlashSale;
use crate::client::{Client, authority};
use crate::clock::{Clock, Stamp};
use crate::ledger::{Ledger, Outcome, Record, StockRead};
use crate::measure::Measures;
use crate::progress::Goal;
use crate::report::{Latencies, Report, Setting, Traffic};
use crate::run::{Market, Run};
use crate::scenario::{Plan, kill_moments, plans};
use crate::server::{Killing, Launch, Server, kill_at};
use crate::timeline::{Order, slice_for};
use crate::witness::Witness;
use crate::{progress, recall, shopper};

/// From the creation of the sale to the first possible arrival.
const LEAD: Duration = Duration::from_millis(200);
/// How much longer than a hold lives its units may take to come back.
const SETTLE_SLACK: Duration = Duration::from_secs(5);

/// How often the end of the run is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs it. An error means that nothing could be judged.
pub(crate) async fn flash_sale(options: &FlashSale) -> Result<Report, String> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from(random()?),
    };
    let server = if options.owns_server() { Some(start_server(options).await?) } else { None };
    let run = Arc::new(prepare(options, seed, server.as_ref())?);
    let sale = SaleOptions {
        stock: options.stock,
        admission_per_second: options.pace(),
        active_max: options.active_max(),
        idle_seconds: options.idle_seconds,
        hold_seconds: options.hold_seconds,
    };
    admin::create_sale(&run, &sale).await?;

    let setting = setting(options, seed, &run, server.as_ref());
    let mut shopped = shop(options, seed, &run, server).await?;
    let elapsed = run.clock.now().since(Stamp::default());
    let traffic = traffic(&run.measures, elapsed);
    let timeline = run.measures.timeline(Stamp::default().after(elapsed));
    // Held to the end of this function: the server must live to answer the audit.
    let killing = shopped.killing.take();
    let ledger = close(options, &run, shopped).await;

    let mut verdicts = audit::audit(&ledger, &run.witness);
    if let (Some(asked), Some(killing)) = (options.kill, &killing) {
        verdicts.push(audit::kills(asked, &killing.kills, killing.trouble.as_deref()));
    }
    Ok(Report {
        passed: verdicts.iter().all(|verdict| verdict.ok),
        verdicts,
        setting,
        elapsed_seconds: elapsed.as_secs_f64(),
        latency: latencies(&run.measures),
        traffic,
        outcomes: outcomes(&ledger.records),
        agreement: agreement(&ledger),
        timeline,
        order: Order::sample(&ledger, seed),
        kills: killing.map(|killing| killing.kills).unwrap_or_default(),
    })
}

fn setting(options: &FlashSale, seed: u64, run: &Run, server: Option<&Server>) -> Setting {
    Setting {
        server: run.client.address(),
        sale: run.sale.clone(),
        seed,
        shoppers: options.shoppers,
        over_seconds: options.window().as_secs_f64(),
        stock: options.stock,
        admission_per_second: options.pace(),
        connections: options.connections,
        data: server.map(|server| server.data().display().to_string()),
    }
}

/// Four random bytes: the only thing in a run that its seed does not decide.
fn random() -> Result<u32, String> {
    getrandom::u32().map_err(|error| format!("no randomness: {error}"))
}

async fn start_server(options: &FlashSale) -> Result<Server, String> {
    let (host, port) = authority(&options.url)?;
    let data = match &options.data {
        Some(data) => data.clone(),
        None => fresh_data()?,
    };
    let binary = options.server_binary();
    let keys = options.given_keys();
    Server::start(Launch { binary, listen: format!("{host}:{port}"), data, keys }).await
}

/// A data directory of the run's own, kept afterwards: what a failed audit points at is in it.
fn fresh_data() -> Result<PathBuf, String> {
    Ok(std::env::temp_dir().join(format!("rushgate-loadtest-{:08x}", random()?)))
}

fn prepare(options: &FlashSale, seed: u64, server: Option<&Server>) -> Result<Run, String> {
    let nonce = format!("{seed:x}-{:08x}", random()?);
    let sale = options.sale.clone().unwrap_or_else(|| format!("flash-{nonce}"));
    let keys = options.keys(server.map(Server::data).or(options.data.as_deref()))?;
    let url =
        server.map_or_else(|| options.url.clone(), |server| format!("http://{}", server.address()));
    let clock = Clock::start();
    Ok(Run {
        client: Client::new(&url, clock, options.connections, options.timeout)?,
        clock,
        measures: Measures::new(clock, slice_for(options.window())),
        witness: Witness::default(),
        market: Market::default(),
        server_lost: AtomicBool::new(false),
        sale,
        operator_key: keys.operator,
        backend_key: keys.backend,
        nonce,
    })
}

/// What the shopping left behind.
struct Shopped {
    records: Vec<Record>,
    reads: Vec<StockRead>,
    /// With a server of the run's own: the server, and what was done to it.
    killing: Option<Killing>,
}

async fn shop(
    options: &FlashSale,
    seed: u64,
    run: &Arc<Run>,
    server: Option<Server>,
) -> Result<Shopped, String> {
    let opening = run.clock.now().after(LEAD);
    let lead = opening.since(Stamp::default());
    let mut plans = plans(seed, options.shoppers, options.window(), options.mix());
    for plan in &mut plans {
        plan.arrival += lead;
    }
    run.measures.plan(plans.iter().map(|plan| plan.arrival));
    let moments = kill_moments(seed, options.kill.unwrap_or(0), options.window());
    let moments = moments.into_iter().map(|moment| opening.after(moment)).collect();

    let (stop, stopped) = watch::channel(false);
    let goal = Goal { shoppers: options.shoppers as u64, kills: options.kill.unwrap_or(0) };
    let bar = tokio::spawn(progress::watch(Arc::clone(run), goal, stopped.clone()));
    let reads = tokio::spawn(admin::watch_stock(Arc::clone(run), stopped.clone()));
    let crowd = tokio::spawn(arrivals(Arc::clone(run), plans, seed, stopped.clone()));
    let killer = server.map(|server| {
        let run = Arc::clone(run);
        tokio::spawn(kill_at(server, run, moments, stopped))
    });

    until_over(options, run, opening.after(options.deadline), &crowd, killer.as_ref()).await;
    stop.send_replace(true);
    let failed = |error: tokio::task::JoinError| format!("a task of the run failed: {error}");
    bar.await.map_err(failed)?;
    let records = crowd.await.map_err(failed)?;
    let reads = reads.await.map_err(failed)?;
    let killing = match killer {
        Some(killer) => Some(killer.await.map_err(failed)?),
        None => None,
    };
    Ok(Shopped { records, reads, killing })
}

/// Starts each shopper at the intended moment, whatever the server does, and returns all records
/// by arrival. After `stopped`, nobody else arrives and those inside end at once.
async fn arrivals(
    run: Arc<Run>,
    plans: Vec<Plan>,
    seed: u64,
    mut stopped: watch::Receiver<bool>,
) -> Vec<Record> {
    let mut inside = JoinSet::new();
    for (index, plan) in plans.into_iter().enumerate() {
        tokio::select! {
            () = run.clock.until(Stamp::default().after(plan.arrival)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        inside.spawn(shopper::live(Arc::clone(&run), index, plan, seed, stopped.clone()));
    }
    let mut records = inside.join_all().await;
    records.sort_unstable_by_key(|record| record.index);
    records
}

/// Returns when the crowd has gone home, when everything is sold and everyone had time to hear of
/// it, when a killed server is lost, or at `deadline`. Kills that are due are waited for.
async fn until_over(
    options: &FlashSale,
    run: &Run,
    deadline: Stamp,
    crowd: &JoinHandle<Vec<Record>>,
    killer: Option<&JoinHandle<Killing>>,
) {
    let mut sold_out_since: Option<Stamp> = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = run.clock.now();
        if now >= deadline || run.server_lost.load(Ordering::Relaxed) {
            return;
        }
        if killer.is_some_and(|killer| !killer.is_finished()) {
            continue;
        }
        let all_came = run.measures.arrived.get() >= options.shoppers as u64;
        let sold_out = all_came && run.market.is_gone();
        let since = sold_out.then(|| *sold_out_since.get_or_insert(now));
        if crowd.is_finished() || since.is_some_and(|since| now.since(since) >= options.grace) {
            return;
        }
    }
}

/// Lets open holds run out, reads the final stock and asks for everything acknowledged.
async fn close(options: &FlashSale, run: &Arc<Run>, shopped: Shopped) -> Ledger {
    let Shopped { records, mut reads, .. } = shopped;
    let mut ledger = Ledger {
        stock: options.stock,
        idle_seconds: options.idle_seconds,
        records,
        ..Ledger::default()
    };
    if !run.server_lost.load(Ordering::Relaxed) {
        let patience = Duration::from_secs(options.hold_seconds) + SETTLE_SLACK;
        reads.extend(admin::settle(run, patience).await);
        ledger.purchases = recall::purchases(run, &ledger.records).await;
        ledger.tickets = recall::tickets(run, &ledger.records).await;
    }
    ledger.reads = reads;
    ledger
}

fn traffic(measures: &Measures, elapsed: Duration) -> Traffic {
    let answered = measures.answered.get();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let answered_per_second = answered as f64 / elapsed.as_secs_f64();
    Traffic {
        answered,
        answered_per_second,
        unanswered: measures.unanswered.get(),
        pushed_back: measures.pushed_back.get(),
    }
}

fn latencies(measures: &Measures) -> Latencies {
    Latencies {
        enter: measures.enter.percentiles(),
        position: measures.position.percentiles(),
        purchase: measures.purchase.percentiles(),
        confirm: measures.confirm.percentiles(),
    }
}

fn outcomes(records: &[Record]) -> BTreeMap<Outcome, u64> {
    let mut outcomes = BTreeMap::new();
    for record in records {
        *outcomes.entry(record.outcome).or_insert(0) += 1;
    }
    outcomes
}
