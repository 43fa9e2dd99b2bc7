//! `cargo xtask test`: every test there is, in order.
//!
//! Owns the list of parts and the cargo commands behind them. Refuses runners of its own: plain
//! `cargo test` prints its closing lines straight through. Invariant: without `--only`, every part
//! runs; a part that does not exist in the workspace is a failure of cargo's, never a skip.

use std::ffi::OsString;

use clap::ValueEnum;

use crate::{
    crowd, prerequisites,
    process::Call,
    project::Project,
    step::{Step, Work},
};

/// What can be run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Unit, integration and doc tests of every crate, with what they need installed.
    Unit,
    /// Every bench once, to see that it still builds and still checks its answer.
    BenchSmoke,
    /// The lock-free structures under every interleaving.
    Loom,
    /// Short flash sales against the release binary.
    System,
}

/// The steps of all parts, or of one.
pub(crate) fn steps(project: &Project, only: Option<Part>) -> Vec<Step> {
    let chosen = |part: &Part| only.is_none_or(|only| only == *part);
    let parts = Part::value_variants().iter().filter(|part| chosen(part));
    parts.flat_map(|part| steps_of(project, *part)).collect()
}

fn steps_of(project: &Project, part: Part) -> Vec<Step> {
    let calls = |call: Call| Work::Calls(vec![call]);
    match part {
        Part::Unit => vec![
            Step::gate("prerequisites", Work::Check(prerequisites::check)),
            Step::new("unit and integration tests", calls(unit(project))),
            Step::new("doc tests", calls(doc(project))),
        ],
        Part::BenchSmoke => vec![Step::new("benches, once each", calls(bench_smoke(project)))],
        Part::Loom => vec![Step::new("loom models", calls(loom(project)))],
        Part::System => crowd::short_steps(project),
    }
}

fn unit(project: &Project) -> Call {
    // Without fail-fast one broken crate would hide the others.
    project.cargo(["test", "--workspace", "--exclude=benches", "--all-targets", "--no-fail-fast"])
}

fn doc(project: &Project) -> Call {
    project.cargo(["test", "--workspace", "--doc", "--no-fail-fast"])
}

/// Criterion takes the absence of `--bench` as the order to try each bench once.
fn bench_smoke(project: &Project) -> Call {
    project.cargo(["test", "--package=benches", "--all-targets", "--no-fail-fast"])
}

/// The cfg changes every crate it reaches, so these builds have a directory of their own:
/// switching back and forth in one would rebuild the world each time.
fn loom(project: &Project) -> Call {
    let mut flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    if !flags.is_empty() {
        flags.push(" ");
    }
    flags.push("--cfg engine_loom");
    let target: OsString = project.target.join("loom").into();
    project
        .cargo(["test", "--package=engine", "--release", "--test=loom"])
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project { root: ".".into(), target: "/t".into() }
    }

    #[test]
    fn without_only_every_part_runs() {
        let one_by_one = Part::value_variants().iter();
        let one_by_one: usize = one_by_one.map(|part| steps(&project(), Some(*part)).len()).sum();
        let together = steps(&project(), None).len();
        assert_eq!(together, one_by_one);
        assert!(Part::value_variants().iter().all(|part| !steps_of(&project(), *part).is_empty()));
    }

    #[test]
    fn loom_builds_stay_apart() {
        let spelled = loom(&project()).spelled();
        assert!(spelled.contains("--cfg engine_loom"), "{spelled}");
        assert!(spelled.contains("CARGO_TARGET_DIR=/t/loom"), "{spelled}");
    }
}
