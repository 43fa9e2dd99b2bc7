//! A crowd that buys in the shop, all the way to the provider's money, and an audit of both books.
//!
//! Owns the order of things and the result. Accounts are made beforehand, because the hash of a password is
//! slow on purpose. Then the deal opens, and everybody enters its room, orders, pays at a double, comes back
//! late, twice or not at all, and some want their money back. The doubles run in this process, so they
//! outlive a server that is killed.
//!
//! ```text
//! stage: doubles, server, accounts, deal ─▶ visits + kills? ─▶ 20 minutes on ─▶ books ─▶ verdicts
//! ```

mod books;
mod stage;
mod visit;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::{self, Verdict};
use crate::cli;
use crate::measure::Percentiles;
use crate::plan::kill_moments;
use crate::server::{Kill, kill_at};

use stage::Stage;
use visit::{Steps, Visit};

/// Kills are spread over so long for each, so that a restarted server is under load again.
const KILL_EVERY: Duration = Duration::from_secs(3);

/// What a shop run found.
#[derive(Debug, Serialize)]
pub struct ShopReport {
    /// True when every verdict is ok.
    pub passed: bool,
    /// Every rule, judged.
    pub verdicts: Vec<Verdict>,
    server: String,
    deal: String,
    data: String,
    seed: u64,
    shoppers: u64,
    units: u64,
    faults_per_mille: u64,
    /// From the opening to the last visit's end.
    elapsed_seconds: f64,
    /// Orders that shoppers saw paid, over that time.
    paid_per_second: f64,
    /// From the first attempt of each step to its answer.
    steps: BTreeMap<&'static str, Percentiles>,
    /// How the visits ended.
    outcomes: BTreeMap<String, u64>,
    kills: Vec<Kill>,
}

impl fmt::Display for ShopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, deal, data, seed, shoppers, units, faults_per_mille, .. } = self;
        writeln!(f, "shop: deal {deal} at {server}")?;
        writeln!(
            f,
            "{shoppers} shoppers for {units} units, {faults_per_mille} faults per mille, seed {seed}, \
             {:.1} s, {:.1} orders paid per second\nserver data in {data}",
            self.elapsed_seconds, self.paid_per_second
        )?;
        writeln!(f, "\nms          count       p50       p99       max")?;
        for (step, row) in &self.steps {
            let Percentiles { count, p50_ms, p99_ms, max_ms, .. } = row;
            writeln!(f, "{step:<9}{count:>8}{p50_ms:>10.1}{p99_ms:>10.1}{max_ms:>10.1}")?;
        }
        for (outcome, count) in &self.outcomes {
            writeln!(f, "{count} × {outcome}")?;
        }
        writeln!(f, "killed {} times\n\naudit", self.kills.len())?;
        for verdict in &self.verdicts {
            verdict.fmt(f)?;
        }
        let broken = self.verdicts.iter().filter(|verdict| !verdict.ok).count();
        let word = if self.passed { "passed" } else { "FAILED" };
        writeln!(f, "\n{word}: {broken} of {} rules broken", self.verdicts.len())
    }
}

/// Runs it. An error means that nothing could be judged.
pub(crate) async fn shop(options: &cli::Shop) -> Result<ShopReport, String> {
    let Stage { run, server, doubles, mut clock, seed, deal, people } = Stage::set(options).await?;
    let data = server.data().to_owned();
    let opening = run.clock.now();
    let span = KILL_EVERY * options.kill;
    let moments = kill_moments(seed, options.kill, span);
    let moments = moments.into_iter().map(|moment| opening.after(moment)).collect();
    let (stop, stopped) = watch::channel(false);
    let killer = tokio::spawn(kill_at(server, Arc::clone(&run), moments, stopped));

    let steps = Arc::new(Steps::default());
    let count = people.len() as u64;
    let mut visits = JoinSet::new();
    for (index, person) in (0_u64..).zip(people) {
        let visit = Visit {
            run: Arc::clone(&run),
            doubles: Arc::clone(&doubles),
            steps: Arc::clone(&steps),
            person,
            index,
            // With kills, the crowd is there for as long as they last.
            after: span.mul_f64(stage::share(index, count)),
        };
        visits.spawn(visit.made(seed));
    }
    let made = visits.join_all().await;
    let elapsed = run.clock.now().since(opening).as_secs_f64();
    // Kills that are still to come hit a shop that settles payments.
    let killing = killer.await.map_err(|error| format!("the kills failed: {error}"))?;
    stop.send_replace(true);

    let (outcomes, paid) = visit::counted(&made);
    let mut verdicts =
        books::audit(&run, &mut clock, &doubles, &data, options.units, &made).await?;
    if options.kill > 0 {
        verdicts.push(audit::kills(options.kill, &killing.kills, killing.trouble.as_deref()));
    }
    Ok(ShopReport {
        passed: verdicts.iter().all(|verdict| verdict.ok),
        verdicts,
        server: run.client.address(),
        deal,
        data: data.display().to_string(),
        seed,
        shoppers: count,
        units: options.units,
        faults_per_mille: options.faults_per_mille,
        elapsed_seconds: elapsed,
        #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
        paid_per_second: paid as f64 / elapsed,
        steps: steps.percentiles(),
        outcomes,
        kills: killing.kills,
    })
}
