//! Project chores, run as `cargo xtask <chore>`.
//!
//! Owns the order in which things are built and tried, and the rules a compiler cannot check.
//! Refuses to skip anything in silence: a step either ran, failed, or is named as not run.
//! Invariant: the exit code is zero only if every step of the chore passed,
//! save those that need a tool the project can do without; the table says which.

#![expect(clippy::print_stdout, reason = "a chore reports to the person or the CI log that ran it")]
#![forbid(unsafe_code)]

mod bench;
mod ci;
mod crowd;
mod described;
mod duration;
mod failure;
mod loadtest;
mod nodes;
mod prerequisites;
mod process;
mod project;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::{failure::Failure, project::Project};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Project chores")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run all tests, or one part of them.
    Test {
        /// The only part to run.
        #[arg(long, value_enum)]
        only: Option<test::Part>,
    },
    /// Run the full-size flash sales against the release binary.
    Crowd(Box<CrowdOptions>),
    /// Measure ours beside its peers and write `docs/benchmarks.md`.
    Bench(bench::Sizes),
    /// Write what the manual and config/example.toml say of configuration keys.
    Config,
    /// Check what the compiler does not: sizes, marks, links, layering, licences.
    Tidy,
    /// Everything a change must pass: format, lints, docs, tidy, tests.
    Ci,
}

#[derive(Debug, Args)]
struct CrowdOptions {
    /// One plain sale and one with the server killed, for each seed; with --nodes one for each fault.
    #[arg(long, alias = "seed", value_delimiter = ',', default_values_t = crowd::SEEDS)]
    seeds: Vec<u64>,
    /// At so many nodes over a Redis of their own.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=16))]
    nodes: Option<u32>,
    /// What happens to them in the middle, several with commas between [default: none].
    #[arg(long, requires = "nodes", value_delimiter = ',', value_enum)]
    fault: Vec<nodes::Fault>,
    /// How many come to them.
    #[arg(long, requires = "nodes", default_value_t = 20_000)]
    shoppers: u32,
    /// Instead of a sale, measure whether polls reach Redis.
    #[arg(long, requires = "nodes", conflicts_with_all = ["fault", "shoppers"])]
    measure_polls: bool,
}

impl CrowdOptions {
    fn steps(&self, project: &Project) -> Vec<step::Step> {
        let Some(count) = self.nodes else { return crowd::full_steps(project, &self.seeds) };
        if self.measure_polls {
            return crowd::polls_steps(project, count);
        }
        let (fault, shoppers) = (nodes::Fault::None, self.shoppers);
        let of = nodes::Nodes { count, shoppers, seed: 0, fault };
        let faults = if self.fault.is_empty() { &[fault][..] } else { &self.fault };
        crowd::nodes_steps(project, &of, faults, &self.seeds)
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<(), Failure> {
    let project = Project::find()?;
    match chore {
        Chore::Test { only } => step::run_all(&project, test::steps(&project, only)),
        Chore::Crowd(options) => step::run_all(&project, options.steps(&project)),
        Chore::Bench(sizes) => bench::run(&project, sizes),
        Chore::Config => write_config(&project),
        Chore::Tidy => tidy::check(&project),
        Chore::Ci => step::run_all(&project, ci::steps(&project)),
    }
}

/// The sections declare their keys, and a test of theirs writes what it otherwise compares.
fn write_config(project: &Project) -> Result<(), Failure> {
    let test = "the_manual_and_the_example_say_of_every_key_what_its_section_declares";
    project.cargo(["test", "--package=api", "--lib", test]).env("RUSHGATE_WRITE_DOCS", "1").run()
}
