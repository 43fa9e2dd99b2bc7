//! `cargo xtask bench`: the published figures, ours beside a bare hyper in one run.
//!
//! Owns the order of the measurements and their sizes. Everything is the release build over real
//! sockets and a real disk; the two sides of a figure take turns, so that what slows the machine
//! slows both. Refuses to publish fewer than [`PAIRS_MIN`] turns or a smaller crowd: such a run
//! prints its page and leaves `docs/benchmarks.md` alone.

mod child;
mod drive;
mod durable;
mod http;
mod page;
mod setting;
#[expect(dead_code, reason = "the page that shows it is made elsewhere")]
mod watchers;

use std::{fs, path::PathBuf, time::Instant};

use clap::Args;

use self::{drive::Driver, durable::Durable, http::Figure};
use crate::{failure::Failure, process, project::Project, step};

/// Turns of each side below which a median says little.
const PAIRS_MIN: usize = 5;
/// Waiting shoppers in the memory and recovery figures that are published.
const CROWD: u64 = 1_000_000;

/// The sizes of a run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sizes {
    /// How long each side of a pair answers, in seconds.
    #[arg(long, default_value_t = 4.0)]
    pub(crate) seconds: f64,
    /// How often the sides take turns.
    #[arg(long, default_value_t = PAIRS_MIN)]
    pub(crate) pairs: usize,
    /// Waiting shoppers while positions are asked for.
    #[arg(long, default_value_t = 100_000)]
    pub(crate) waiting: u64,
    /// Waiting shoppers in the memory and recovery figures.
    #[arg(long, default_value_t = CROWD)]
    pub(crate) crowd: u64,
}

impl Sizes {
    /// Whether a run of these sizes may be published.
    fn are_full(&self) -> bool {
        self.pairs >= PAIRS_MIN && self.seconds >= 4.0 && self.crowd >= CROWD
    }

    /// The command that gives this run.
    fn command(&self) -> String {
        let Self { seconds, pairs, waiting, crowd } = self;
        format!(
            "cargo xtask bench --seconds {seconds} --pairs {pairs} --waiting {waiting} --crowd {crowd}"
        )
    }
}

/// What the measurements share.
#[derive(Debug)]
struct Bench {
    sizes: Sizes,
    server: PathBuf,
    ceiling: PathBuf,
    reserve: PathBuf,
    driver: Driver,
    /// Emptied at the start; on the disk that is measured.
    scratch: PathBuf,
    started: Instant,
}

/// All that is measured.
#[derive(Debug)]
struct Figures {
    http: Vec<Figure>,
    durable: Durable,
}

/// Builds, measures, prints and, when the run is full, publishes.
pub(crate) fn run(project: &Project, sizes: Sizes) -> Result<(), Failure> {
    build(project)?;
    let scratch = project.target.join("bench-run");
    drop(fs::remove_dir_all(&scratch));
    let made = fs::create_dir_all(&scratch);
    made.map_err(|source| Failure::Disk { path: scratch.clone(), source })?;
    let setting = setting::read(project, &sizes)?;
    let bench = Bench {
        server: project.release_binary("rushgate"),
        ceiling: project.release_binary("ceiling"),
        reserve: project.release_binary("reserve"),
        driver: Driver::new(project.release_binary("drive"), scratch.clone()),
        scratch: scratch.clone(),
        started: process::now(),
        sizes,
    };
    let figures = Figures { http: http::measure(&bench)?, durable: durable::measure(&bench)? };
    bench.say("done");
    let page = page::render(&setting, &bench.sizes, &figures);
    println!("\n{page}");
    drop(fs::remove_dir_all(&scratch));
    if bench.sizes.are_full() {
        page::publish(project, &page)
    } else {
        println!("not published: a full run has {PAIRS_MIN} pairs of 4 s and a crowd of {CROWD}");
        Ok(())
    }
}

fn build(project: &Project) -> Result<(), Failure> {
    project.cargo(["build", "--release", "--package=api", "--bin=rushgate"]).run()?;
    project.cargo(["build", "--release", "--package=benches", "--bins"]).run()
}

impl Bench {
    /// A line of progress.
    fn say(&self, what: &str) {
        println!("{:>9}  {what}", step::spelled(self.started.elapsed()));
    }
}

/// The middle of some figures; the lower middle of an even number of them.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert!(median([]).is_nan());
    }

    #[test]
    fn a_short_run_is_not_published() {
        let full = Sizes { seconds: 4.0, pairs: 5, waiting: 100_000, crowd: CROWD };
        assert!(full.are_full());
        assert!(!Sizes { pairs: 4, ..full }.are_full());
        assert!(!Sizes { crowd: 1_000, ..full }.are_full());
    }
}
