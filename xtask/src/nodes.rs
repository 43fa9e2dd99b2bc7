//! Flash sales over several nodes and one Redis, with something going wrong in the middle.
//!
//! Owns the order of a run and its figures. Refuses to judge the sale: `loadtest` audits what was
//! acknowledged and `rushgate verify` each node's data; this adds that no node fails to stop in good
//! order, and how long nobody could enter.
//!
//! ```text
//!                      ┌ loadtest ── over all nodes ──────────────┐
//! store, nodes ─ sale ─┤ probers ─── how long nobody could enter  ├─ stop, verify ─ figures
//!                      └ fault ───── once, early in the arrivals  ┘
//! ```

mod befall;
mod cluster;
mod fault;
mod forwarder;
pub(crate) mod http;
mod link;
mod namespace;
mod node;
mod polls;
mod probe;
mod store;

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    failure::Failure,
    loadtest::{SCHEDULE_ERROR_P99_MAX_MS, flash_sale},
    process::{Call, Running},
    project::Project,
    step::Job,
};

use befall::befall;
use cluster::{Cluster, fresh};
use link::Link;
use node::{BACKEND_KEY, OPERATOR_KEY};
use probe::{Probe, Probed, wait_for_sale};

pub(crate) use fault::Fault;
pub(crate) use polls::Polls;

/// How much of the arrivals passes before the fault: a line stands, and the sale is far from its end.
const FAULT_AT: f64 = 0.35;
/// The probers take no part in the sale beyond standing in its line for a moment; this many of them at
/// once keep nobody out.
const SESSIONS_SPARE: u32 = 50_000;
/// `loadtest`'s own deadline ends the sale; this is for its audit besides.
const AUDIT_MAX: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A sale over several nodes.
#[derive(Debug, Clone)]
pub(crate) struct Nodes {
    pub(crate) count: u32,
    pub(crate) shoppers: u32,
    pub(crate) seed: u64,
    pub(crate) fault: Fault,
}

/// What a run came to, besides what `loadtest` wrote.
#[derive(Debug)]
struct Found {
    crowd: Result<(), Failure>,
    /// When the fault began and ended, from the beginning of the sale.
    fault: Option<(Duration, Duration)>,
    befell: Result<(), Failure>,
    /// What cut the link to the store, where one was to be cut.
    cut_by: Option<&'static str>,
    probed: Vec<Probed>,
    closed: Vec<Result<(), Failure>>,
    /// `loadtest`'s report, if there is one.
    report: Value,
}

impl Found {
    /// How long after the fault's end each node let somebody in.
    fn back_after(&self) -> impl Iterator<Item = Option<Duration>> {
        let end = self.fault.map(|(_, to)| to);
        self.probed.iter().map(move |one| one.back_after(end?))
    }

    /// Fails if anything did, naming all of it.
    fn outcome(&self) -> Result<(), Failure> {
        let mut wrong: Vec<String> = match (&self.crowd, broken_rules(&self.report).as_slice()) {
            (Err(failure), []) => vec![failure.to_string()],
            (_, broken) => broken.iter().map(|rule| format!("broken: {rule}")).collect(),
        };
        let others = [&self.befell].into_iter().chain(&self.closed);
        wrong.extend(others.filter_map(|result| result.as_ref().err()).map(ToString::to_string));
        if Probed::all(&self.probed).acknowledged.len() < 2 {
            wrong.push("the probers could not enter".to_owned());
        }
        if wrong.is_empty() { Ok(()) } else { Err(Failure::Nodes { what: wrong.join("; ") }) }
    }
}

impl Job for Nodes {
    fn name(&self) -> String {
        let Self { count, shoppers, seed, fault } = self;
        format!("crowd of {shoppers} at {count} nodes, fault: {fault}, seed {seed}")
    }

    /// Runs the sale, the fault and the audits.
    fn run(&self, project: &Project) -> Result<(), Failure> {
        let name = format!("{}-nodes-{}-seed-{}", self.count, self.fault, self.seed);
        let directory = fresh(project.target.join("crowd").join(name))?;
        let found = self.observe(project, &directory)?;
        let outcome = found.outcome();
        self.print(&found, outcome.is_ok());
        if outcome.is_ok() {
            fs::remove_dir_all(&directory)
                .map_err(|source| Failure::Disk { path: directory, source })?;
        } else {
            println!("data and logs kept: {}", directory.display());
        }
        outcome
    }
}

impl Nodes {
    fn observe(&self, project: &Project, directory: &Path) -> Result<Found, Failure> {
        let mut cluster = Cluster::start(project, self.count, self.fault, directory)?;
        let (addresses, report) = (cluster.addresses(), directory.join("loadtest.json"));
        let urls: Vec<String> = addresses.iter().map(|at| format!("http://{at}")).collect();
        let mut crowd = self.call(project, &urls.join(","), &report).start()?;
        let sale = self.sale();
        let Some(begun) = wait_for_sale(&addresses, &sale, || crowd.is_over())? else {
            crowd.finish()?;
            return Err(Failure::Nodes {
                what: "the crowd ended before its sale began".to_owned(),
            });
        };
        let probe = Probe::start(&addresses, &sale, begun);
        let (fault, befell) = self.befall(&mut cluster, &mut crowd, begun)?;
        let crowd = crowd.finish();
        let probed = probe.finish();
        let cut_by = cluster.link.as_ref().map(Link::cut_by);
        let closed = cluster.close();
        let report = fs::read(report).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let report = report.unwrap_or(Value::Null);
        Ok(Found { crowd, fault, befell, cut_by, probed, closed, report })
    }

    /// Waits for the fault's moment and lets it happen.
    #[expect(clippy::type_complexity, reason = "when it was, and how it went")]
    fn befall(
        &self,
        cluster: &mut Cluster,
        crowd: &mut Running,
        begun: Instant,
    ) -> Result<(Option<(Duration, Duration)>, Result<(), Failure>), Failure> {
        if self.fault == Fault::None {
            return Ok((None, Ok(())));
        }
        while begun.elapsed() < self.over().mul_f64(FAULT_AT) {
            if crowd.is_over()? {
                let what = "the crowd ended before the fault".to_owned();
                return Ok((None, Err(Failure::Nodes { what })));
            }
            thread::sleep(LOOK_EVERY);
        }
        let from = begun.elapsed();
        let befell = befall(self.fault, cluster);
        Ok((Some((from, begun.elapsed())), befell))
    }

    fn sale(&self) -> String {
        format!("crowd-{}", self.seed)
    }

    /// The arrivals: slow enough for two processors that run it all, long enough for a fault.
    fn over(&self) -> Duration {
        Duration::from_secs(12).max(Duration::from_millis(u64::from(self.shoppers)))
    }

    fn stock(&self) -> u32 {
        (self.shoppers / 20).max(10)
    }

    fn deadline(&self) -> Duration {
        self.over() + Duration::from_mins(2)
    }

    fn call(&self, project: &Project, urls: &str, report: &Path) -> Call {
        let number = |number: u32| number.to_string();
        let seconds = |duration: Duration| format!("{}ms", duration.as_millis());
        let flags = [
            ("--url", urls.to_owned()),
            ("--sale", self.sale()),
            ("--json", report.display().to_string()),
            ("--shoppers", number(self.shoppers)),
            ("--over", seconds(self.over())),
            ("--stock", number(self.stock())),
            ("--active-max", number(self.shoppers + SESSIONS_SPARE)),
            ("--deadline", seconds(self.deadline())),
            ("--node-lag-max-ms", self.fault.lag_max().as_millis().to_string()),
            ("--seed", self.seed.to_string()),
            ("--schedule-error-p99-max-ms", SCHEDULE_ERROR_P99_MAX_MS.to_owned()),
        ];
        flash_sale(project)
            .args(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]))
            .env("RUSHGATE__KEYS__OPERATOR", OPERATOR_KEY)
            .env("RUSHGATE__KEYS__BACKEND", BACKEND_KEY)
            .deadline(self.deadline() + AUDIT_MAX)
    }

    fn print(&self, found: &Found, passed: bool) {
        let all = Probed::all(&found.probed);
        let ((gap, gap_at), ms) = (all.longest_gap(), |duration: Duration| duration.as_millis());
        println!("\n{}", self.name());
        if let Some((from, to)) = found.fault {
            let by =
                found.cut_by.map_or_else(String::new, |by| format!(", the link cut by a {by}"));
            println!("fault from {} ms to {} ms of the sale{by}", ms(from), ms(to));
        }
        let each: Vec<u128> = found.probed.iter().map(|one| ms(one.longest_gap().0)).collect();
        println!(
            "nobody could enter for {} ms at the most, from {} ms on; at each node {each:?} ms; {} \
             entries of probers, {} requests refused, {} lost",
            ms(gap),
            ms(gap_at),
            all.acknowledged.len(),
            all.refused,
            all.lost
        );
        let back = found.back_after().map(|back| back.map(|after| whole(ms(after))));
        let back: Vec<Option<u64>> = back.collect();
        if found.fault.is_some() {
            println!(
                "after the fault's end the first entries at each node came within {back:?} ms; the \
                 slowest refusal took {} ms",
                ms(all.slowest_refusal)
            );
        }
        let traffic = &found.report["traffic"];
        let lag = &found.report["lag"];
        println!(
            "the crowd: {} requests answered, {} refused, {} unanswered; {} answers behind another \
             node's, by {} ms at the most, {} positions risen from node to node",
            traffic["answered"],
            traffic["pushed_back"],
            traffic["unanswered"],
            lag["behind"],
            lag["max_ms"],
            lag["risen_positions"]
        );
        let broken = broken_rules(&found.report);
        let verified: Vec<bool> = found.closed.iter().map(Result::is_ok).collect();
        let line = json!({
            "nodes": self.count, "fault": self.fault.to_string(), "seed": self.seed,
            "shoppers": self.shoppers, "passed": passed,
            "fault_ms": found.fault.map(|(from, to)| [ms(from), ms(to)].map(whole)),
            "partition_by": found.cut_by,
            "enter_gap_ms": whole(ms(gap)), "enter_gap_at_ms": whole(ms(gap_at)),
            "enter_gap_by_node_ms": each.into_iter().map(whole).collect::<Vec<_>>(),
            "entered_after_fault_by_node_ms": back,
            "probe": {"entered": all.acknowledged.len(), "refused": all.refused, "lost": all.lost,
                      "slowest_refusal_ms": whole(ms(all.slowest_refusal))},
            "crowd": {"passed": found.report["passed"], "traffic": traffic, "lag": lag,
                      "agreement": found.report["agreement"], "broken": broken},
            "verified": verified,
        });
        println!("{line}");
    }
}

/// The rules that `loadtest` found broken.
fn broken_rules(report: &Value) -> Vec<&str> {
    let verdicts = report["verdicts"].as_array().into_iter().flatten();
    let broken = verdicts.filter(|verdict| verdict["ok"] == false);
    broken.filter_map(|verdict| verdict["rule"].as_str()).collect()
}

/// Milliseconds as JSON has them.
fn whole(ms: u128) -> u64 {
    u64::try_from(ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crowd_asks_all_nodes_of_a_sale_that_outlives_the_fault() {
        let nodes = Nodes { count: 2, shoppers: 3_000, seed: 7, fault: Fault::Failover };
        let project = Project { root: ".".into(), target: "/t".into() };
        let spelled = nodes.call(&project, "http://a,http://b", Path::new("/r")).spelled();
        let expected = "loadtest flash-sale --url http://a,http://b --sale crowd-7 --json /r \
                        --shoppers 3000 --over 12000ms --stock 150 --active-max 53000 --deadline \
                        132000ms --node-lag-max-ms 30000 --seed 7 --schedule-error-p99-max-ms 10000";
        assert!(spelled.ends_with(expected), "{spelled}");
        let full = Nodes { shoppers: 20_000, ..nodes };
        assert_eq!(full.over(), Duration::from_secs(20));
    }

    #[test]
    fn broken_rules_are_named() {
        let report = json!({"verdicts": [{"rule": "a", "ok": true}, {"rule": "b", "ok": false}]});
        assert_eq!(broken_rules(&report), ["b"]);
        assert!(broken_rules(&Value::Null).is_empty());
    }
}
