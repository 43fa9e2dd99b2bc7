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
mod failure;
mod prerequisites;
mod process;
mod project;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Crowd {
        /// One plain sale and one with the server killed, for each seed.
        #[arg(long, value_delimiter = ',', default_values_t = crowd::SEEDS)]
        seeds: Vec<u64>,
    },
    /// Measure ours beside its peers and write `docs/benchmarks.md`.
    Bench(bench::Sizes),
    /// Check what the compiler does not: sizes, marks, links, layering, licences.
    Tidy,
    /// Everything a change must pass: format, lints, docs, tidy, tests.
    Ci,
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
        Chore::Crowd { seeds } => step::run_all(&project, crowd::full_steps(&project, &seeds)),
        Chore::Bench(sizes) => bench::run(&project, sizes),
        Chore::Tidy => tidy::check(&project),
        Chore::Ci => step::run_all(&project, ci::steps(&project)),
    }
}
