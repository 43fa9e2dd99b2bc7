//! A sale from start to verdict.
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

use crate::admin::{self, Terms};
use crate::audit::{self, agreement};
use crate::cli::{Common, server_binary};
use crate::client::{Client, Dial, authority};
use crate::clock::{Clock, Stamp};
use crate::ledger::{Ledger, Outcome, Record, StockRead};
use crate::measure::Measures;
use crate::pacer::Pacer;
use crate::plan::{Plan, kill_moments, plans};
use crate::progress::Goal;
use crate::report::{Latencies, Report, Schedule, Setting, Traffic};
use crate::run::{Market, Run};
use crate::scenario::Scenario;
use crate::server::{Killing, Launch, Limits, Server, kill_at};
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
pub(crate) async fn flash_sale(scenario: &Scenario, options: &Common) -> Result<Report, String> {
    let owned = scenario.target.owns_server().then_some(Limits::Off);
    let Ready { seed, server, run, terms } = ready(scenario, options, owned).await?;
    let crowd =
        plans(seed, &scenario.arrivals, scenario.window(), &scenario.groups, scenario.habits);
    let setting = setting(scenario, &terms, seed, &run, server.as_ref(), crowd.len());
    let mut shopped = shop(scenario, seed, crowd, &run, server).await?;
    let elapsed = run.clock.now().since(Stamp::default());
    let traffic = traffic(&run.measures, elapsed);
    let schedule =
        Schedule::new(run.measures.schedule.percentiles(), scenario.schedule_error_p99_max);
    let timeline = run.measures.timeline(Stamp::default().after(elapsed));
    // Held to the end of this function: the server must live to answer the audit.
    let killing = shopped.killing.take();
    let ledger = close(&terms, &run, shopped).await;

    let mut verdicts = audit::audit(&ledger, &run.witness, run.measures.hammered.get());
    if let (Some(asked), Some(killing)) = (scenario.target.kills, &killing) {
        verdicts.push(audit::kills(asked, &killing.kills, killing.trouble.as_deref()));
    }
    let lag = (run.client.nodes().len() > 1).then(|| run.witness.lag());
    if let (Some(limit), Some(lag)) = (scenario.node_lag_max, &lag) {
        verdicts.push(audit::nodes_keep_up(lag, limit));
    }
    let eta = audit::foresight(&ledger);
    if let Some(limit) = scenario.eta_error_p90_max {
        verdicts.push(audit::waits_were_as_estimated(&eta, limit));
    }
    Ok(Report {
        passed: verdicts.iter().all(|verdict| verdict.ok),
        verdicts,
        scenario: scenario.name.clone(),
        setting,
        elapsed_seconds: elapsed.as_secs_f64(),
        schedule,
        eta,
        latency: latencies(&run.measures),
        traffic,
        outcomes: outcomes(&ledger.records),
        agreement: agreement(&ledger),
        lag,
        timeline,
        order: Order::sample(&ledger, seed),
        kills: killing.map(|killing| killing.kills).unwrap_or_default(),
    })
}

fn setting(
    scenario: &Scenario,
    terms: &Terms,
    seed: u64,
    run: &Run,
    server: Option<&Server>,
    shoppers: usize,
) -> Setting {
    Setting {
        server: run.client.address(),
        sale: run.sale.clone(),
        seed,
        shoppers,
        over_seconds: scenario.window().as_secs_f64(),
        stock: terms.stock - terms.sold_before,
        admission_per_second: terms.admission_per_second,
        connections: scenario.target.connections,
        data: server.map(|server| server.data().display().to_string()),
    }
}

/// Everything that stands before the first request that counts.
pub(crate) struct Ready {
    pub(crate) seed: u64,
    /// The server of the run's own, if it has one; it lives as long as this.
    pub(crate) server: Option<Server>,
    pub(crate) run: Arc<Run>,
    pub(crate) terms: Terms,
}

/// Fixes the seed, starts a server if the run is to have one of its own, with these limits, and puts
/// the sale up.
pub(crate) async fn ready(
    scenario: &Scenario,
    options: &Common,
    owned: Option<Limits>,
) -> Result<Ready, String> {
    let seed = match scenario.seed {
        Some(seed) => seed,
        None => u64::from(random()?),
    };
    let server = match owned {
        Some(limits) => Some(start_server(scenario, options, limits).await?),
        None => None,
    };
    let run = Arc::new(prepare(scenario, options, seed, server.as_ref())?);
    let terms = admin::prepare_sale(&run, scenario).await?;
    Ok(Ready { seed, server, run, terms })
}

/// Four random bytes: the only thing in a run that its seed does not decide.
fn random() -> Result<u32, String> {
    getrandom::u32().map_err(|error| format!("no randomness: {error}"))
}

async fn start_server(
    scenario: &Scenario,
    options: &Common,
    limits: Limits,
) -> Result<Server, String> {
    let target = &scenario.target;
    let (host, port) = authority(target.first_url())?;
    let data = match &target.data {
        Some(data) => data.clone(),
        None => fresh_data()?,
    };
    let binary = target.binary.clone().unwrap_or_else(server_binary);
    let keys = options.given_keys();
    let listen = format!("{host}:{port}");
    Server::start(Launch { binary, listen, data, keys, limits }).await
}

/// A data directory of the run's own, kept afterwards: what a failed audit points at is in it.
fn fresh_data() -> Result<PathBuf, String> {
    Ok(std::env::temp_dir().join(format!("rushgate-loadtest-{:08x}", random()?)))
}

fn prepare(
    scenario: &Scenario,
    options: &Common,
    seed: u64,
    server: Option<&Server>,
) -> Result<Run, String> {
    let target = &scenario.target;
    let nonce = format!("{seed:x}-{:08x}", random()?);
    let sale = scenario.sale.id.clone().unwrap_or_else(|| format!("flash-{nonce}"));
    let keys = options.keys(server.map(Server::data).or(target.data.as_deref()))?;
    let urls = server
        .map_or_else(|| target.urls.clone(), |server| vec![format!("http://{}", server.address())]);
    let dial = |url: &String| Dial::new(url, target.http, target.source_addresses);
    let dials = urls.iter().map(dial).collect::<Result<_, _>>()?;
    let clock = Clock::start();
    Ok(Run {
        client: Client::new(dials, clock, target.connections, target.timeout),
        clock,
        pacer: Pacer::start(clock)?,
        measures: Measures::new(clock, slice_for(scenario.window())),
        witness: Witness::default(),
        market: Market::default(),
        server_lost: AtomicBool::new(false),
        sale,
        sku: scenario.sale.sku.clone(),
        operator_key: keys.operator,
        backend_key: keys.backend,
        // Also what makes the keys of entries unguessable.
        nonce: format!("{nonce}-{:08x}{:08x}", random()?, random()?),
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
    scenario: &Scenario,
    seed: u64,
    mut crowd: Vec<Plan>,
    run: &Arc<Run>,
    server: Option<Server>,
) -> Result<Shopped, String> {
    let opening = run.clock.now().after(LEAD);
    let lead = opening.since(Stamp::default());
    for plan in &mut crowd {
        plan.arrival += lead;
    }
    run.measures.plan(crowd.iter().map(|plan| plan.arrival));
    let kills = scenario.target.kills.unwrap_or(0);
    let moments = kill_moments(seed, kills, scenario.window());
    let moments = moments.into_iter().map(|moment| opening.after(moment)).collect();

    let (stop, stopped) = watch::channel(false);
    let count = crowd.len() as u64;
    let goal = Goal { shoppers: count, kills };
    let bar = tokio::spawn(progress::watch(Arc::clone(run), goal, stopped.clone()));
    let reads = tokio::spawn(admin::watch_stock(Arc::clone(run), stopped.clone()));
    let crowd = tokio::spawn(arrivals(Arc::clone(run), crowd, seed, stopped.clone()));
    let killer = server.map(|server| {
        let run = Arc::clone(run);
        tokio::spawn(kill_at(server, run, moments, stopped))
    });

    let end = End { deadline: opening.after(scenario.deadline), grace: scenario.grace, count };
    until_over(end, run, &crowd, killer.as_ref()).await;
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
/// by arrival. After `stopped`, no one else arrives, and those inside end at once.
async fn arrivals(
    run: Arc<Run>,
    plans: Vec<Plan>,
    seed: u64,
    mut stopped: watch::Receiver<bool>,
) -> Vec<Record> {
    let mut inside = JoinSet::new();
    for (index, plan) in plans.into_iter().enumerate() {
        tokio::select! {
            () = run.pacer.until(Stamp::default().after(plan.arrival)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        inside.spawn(shopper::live(Arc::clone(&run), index, plan, seed, stopped.clone()));
    }
    let mut records = inside.join_all().await;
    records.sort_unstable_by_key(|record| record.index);
    records
}

/// What ends the shopping.
struct End {
    deadline: Stamp,
    grace: Duration,
    /// Shoppers who are to come.
    count: u64,
}

/// Returns when the crowd has gone home, when everything is sold and everyone had time to hear of
/// it, when a killed server is lost, or at the deadline. Kills that are due are waited for.
async fn until_over(
    end: End,
    run: &Run,
    crowd: &JoinHandle<Vec<Record>>,
    killer: Option<&JoinHandle<Killing>>,
) {
    let mut sold_out_since: Option<Stamp> = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = run.clock.now();
        if now >= end.deadline || run.server_lost.load(Ordering::Relaxed) {
            return;
        }
        if killer.is_some_and(|killer| !killer.is_finished()) {
            continue;
        }
        let all_came = run.measures.arrived.get() >= end.count;
        let sold_out = all_came && run.market.is_gone();
        let since = sold_out.then(|| *sold_out_since.get_or_insert(now));
        if crowd.is_finished() || since.is_some_and(|since| now.since(since) >= end.grace) {
            return;
        }
    }
}

/// Lets open holds run out, reads the final stock and asks for everything acknowledged.
async fn close(terms: &Terms, run: &Arc<Run>, shopped: Shopped) -> Ledger {
    let Shopped { records, mut reads, .. } = shopped;
    let mut ledger = Ledger {
        stock: terms.stock,
        sold_before: terms.sold_before,
        idle_seconds: terms.idle_seconds,
        claim_window_seconds: terms.claim_window_seconds,
        admission_per_second: terms.admission_per_second,
        opened: terms.opened,
        nodes: run.client.nodes().len(),
        records,
        ..Ledger::default()
    };
    if !run.server_lost.load(Ordering::Relaxed) {
        let patience = Duration::from_secs(terms.hold_seconds) + SETTLE_SLACK;
        reads.extend(admin::settle(run, patience).await);
        ledger.purchases = recall::purchases(run, &ledger.records).await;
        ledger.tickets = recall::tickets(run, &ledger.records).await;
        ledger.serving = admin::serving(run).await;
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
        stream: measures.stream.percentiles(),
    }
}

fn outcomes(records: &[Record]) -> BTreeMap<Outcome, u64> {
    let mut outcomes = BTreeMap::new();
    for record in records {
        *outcomes.entry(record.outcome).or_insert(0) += 1;
    }
    outcomes
}
