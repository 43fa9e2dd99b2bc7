//! Flash sales against the real server: how big, how broken, how often.
//!
//! Owns the sizes of the runs and how `loadtest` is called for one server; what several nodes need is
//! in [`crate::nodes`]. Refuses to judge a sale: `loadtest`
//! audits it and its exit code is the verdict. Invariant: each run starts with an empty data
//! directory, and that of a failed run is kept and named.

use std::{fs, io, path::Path, time::Duration};

use crate::{
    failure::Failure,
    loadtest::{SCHEDULE_ERROR_P99_MAX_MS, flash_sale},
    nodes::{Fault, Nodes, Polls},
    process::{self, Call},
    project::Project,
    step::{Job, Step, Work},
};

/// The seeds of the full-size runs unless others are asked for.
pub(crate) const SEEDS: [u64; 3] = [1, 2, 3];

/// The seed of the short runs inside `cargo xtask test`.
const SEED_SHORT: u64 = 1;

/// What happens to the server during the sale.
#[derive(Debug, Clone, Copy)]
enum End {
    /// It is started once and left in peace.
    None,
    /// It is killed with SIGKILL and restarted this many times.
    Kill { times: u32 },
}

/// The size of a sale.
#[derive(Debug, Clone, Copy)]
struct Size {
    shoppers: u32,
    /// The shoppers arrive over this many seconds, whether or not they are served.
    over_s: u32,
    stock: u32,
    /// The whole run, its restarts and its audit included. Twenty times the arrivals and more:
    /// on a busy two-core machine a slow run is not yet a hung one.
    deadline: Duration,
}

/// Big enough to overlap arrivals, holds and a kill; short enough for every `cargo xtask test`.
const SHORT: Size =
    Size { shoppers: 2_000, over_s: 4, stock: 200, deadline: Duration::from_mins(2) };

/// The size that a release is judged by.
const FULL: Size =
    Size { shoppers: 20_000, over_s: 10, stock: 1_000, deadline: Duration::from_mins(5) };

const SHORT_FAULTS: [End; 2] = [End::None, End::Kill { times: 2 }];
const FULL_FAULTS: [End; 2] = [End::None, End::Kill { times: 5 }];

/// What every `cargo xtask test` does to several nodes: lose one, lose the store with everything in it,
/// and replace them all. The other faults have the same promises to keep, and `cargo xtask crowd
/// --nodes` to try them.
const NODES_FAULTS: [Fault; 3] = [Fault::KillNode, Fault::EmptyRedis, Fault::Rolling];
const NODES: u32 = 3;
const NODES_SHOPPERS: u32 = 3_000;

/// One sale to run.
#[derive(Debug)]
pub(crate) struct Crowd {
    size: Size,
    fault: End,
    seed: u64,
}

/// The short sales, at one server and at several nodes, after the build of what they run.
pub(crate) fn short_steps(project: &Project) -> Vec<Step> {
    let sales = SHORT_FAULTS.map(|fault| Crowd { size: SHORT, fault, seed: SEED_SHORT });
    let nodes = NODES_FAULTS.map(|fault| Nodes {
        count: NODES,
        shoppers: NODES_SHOPPERS,
        seed: SEED_SHORT,
        fault,
    });
    let mut steps = steps(project, sales);
    steps.extend(nodes.map(Step::job));
    steps
}

/// Sales at several nodes, every fault on every seed.
pub(crate) fn nodes_steps(
    project: &Project,
    of: &Nodes,
    faults: &[Fault],
    seeds: &[u64],
) -> Vec<Step> {
    let mut steps = steps(project, []);
    for &seed in seeds {
        let sale = |&fault| Step::job(Nodes { seed, fault, ..of.clone() });
        steps.extend(faults.iter().map(sale));
    }
    steps
}

/// What polls at several nodes ask of Redis.
pub(crate) fn polls_steps(project: &Project, count: u32) -> Vec<Step> {
    let mut steps = steps(project, []);
    steps.push(Step::job(Polls { count }));
    steps
}

/// The full-size sales, every fault on every seed.
pub(crate) fn full_steps(project: &Project, seeds: &[u64]) -> Vec<Step> {
    let sales = seeds.iter().flat_map(|&seed| {
        FULL_FAULTS.into_iter().map(move |fault| Crowd { size: FULL, fault, seed })
    });
    steps(project, sales)
}

/// Builds what all sales here run.
pub(crate) fn build(project: &Project) -> Call {
    project.cargo([
        "build",
        "--release",
        "--package=api",
        "--bin=rushgate",
        "--package=loadtest",
        "--bin=loadtest",
    ])
}

fn steps(project: &Project, sales: impl IntoIterator<Item = Crowd>) -> Vec<Step> {
    let build = Step::gate("build the server and the crowd", Work::Calls(vec![build(project)]));
    [build].into_iter().chain(sales.into_iter().map(Step::job)).collect()
}

impl Job for Crowd {
    fn name(&self) -> String {
        let fault = match self.fault {
            End::None => String::new(),
            End::Kill { times } => format!(", killed {times} times"),
        };
        format!("crowd of {}{fault}, seed {}", self.size.shoppers, self.seed)
    }

    /// Runs the sale and its audit.
    fn run(&self, project: &Project) -> Result<(), Failure> {
        let data = project.target.join("crowd").join(self.directory());
        clear(&data)?;
        fs::create_dir_all(&data).map_err(|source| Failure::Disk { path: data.clone(), source })?;
        let started = process::now();
        let call = self.call(project, &data);
        let outcome = call.run().and_then(|()| self.check_duration(&call, started.elapsed()));
        if outcome.is_ok() {
            clear(&data)?;
        } else {
            println!("data kept: {}", data.display());
        }
        outcome
    }
}

impl Crowd {
    /// The arrivals alone take about `over_s`: a run that succeeds in less than half of it has not
    /// run the sale, whatever its exit code.
    fn check_duration(&self, call: &Call, elapsed: Duration) -> Result<(), Failure> {
        if elapsed * 2 >= Duration::from_secs(self.size.over_s.into()) {
            return Ok(());
        }
        let what = format!("ended long before {} s of arrivals were over", self.size.over_s);
        Err(Failure::Unexpected { call: call.spelled(), what })
    }

    fn directory(&self) -> String {
        let fault = match self.fault {
            End::None => "plain".to_owned(),
            End::Kill { times } => format!("kill-{times}"),
        };
        format!("{}-{fault}-seed-{}", self.size.shoppers, self.seed)
    }

    fn call(&self, project: &Project, data: &Path) -> Call {
        let fault = match self.fault {
            End::None => vec!["--spawn".to_owned()],
            End::Kill { times } => vec!["--kill".to_owned(), times.to_string()],
        };
        flash_sale(project)
            .args(fault)
            .args([Path::new("--server"), &project.release_binary("rushgate")])
            .args([Path::new("--data"), data])
            .args(["--shoppers".to_owned(), self.size.shoppers.to_string()])
            .args(["--over".to_owned(), format!("{}s", self.size.over_s)])
            .args(["--stock".to_owned(), self.size.stock.to_string()])
            .args(["--seed".to_owned(), self.seed.to_string()])
            .args(["--schedule-error-p99-max-ms", SCHEDULE_ERROR_P99_MAX_MS])
            .deadline(self.size.deadline)
    }
}

fn clear(data: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(data) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Disk { path: data.to_owned(), source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project { root: ".".into(), target: "/t".into() }
    }

    #[test]
    fn a_plain_sale_spawns_the_server_it_built() {
        let crowd = Crowd { size: SHORT, fault: End::None, seed: 7 };
        let expected = "loadtest flash-sale --spawn --server /t/release/rushgate --data /d \
                        --shoppers 2000 --over 4s --stock 200 --seed 7 --schedule-error-p99-max-ms 10000";
        assert_eq!(crowd.call(&project(), Path::new("/d")).spelled(), expected);
    }

    #[test]
    fn a_sale_with_kills_says_how_many() {
        let crowd = Crowd { size: FULL, fault: End::Kill { times: 5 }, seed: 1 };
        let expected = "loadtest flash-sale --kill 5 --server /t/release/rushgate --data /d \
                        --shoppers 20000 --over 10s --stock 1000 --seed 1 --schedule-error-p99-max-ms 10000";
        assert_eq!(crowd.call(&project(), Path::new("/d")).spelled(), expected);
    }

    #[test]
    fn a_sale_that_ends_before_its_arrivals_is_no_sale() {
        let crowd = Crowd { size: SHORT, fault: End::None, seed: 7 };
        let check = |ms| crowd.check_duration(&Call::new("x"), Duration::from_millis(ms));
        assert!(check(1_999).is_err());
        assert!(check(2_000).is_ok());
    }

    #[test]
    fn full_size_runs_every_fault_on_every_seed() {
        assert_eq!(full_steps(&project(), &SEEDS).len(), 1 + FULL_FAULTS.len() * SEEDS.len());
        assert_eq!(short_steps(&project()).len(), 1 + SHORT_FAULTS.len() + NODES_FAULTS.len());
    }
}
