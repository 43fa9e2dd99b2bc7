//! `cargo xtask test`: every test there is, in order.
//!
//! Owns the list of parts and the cargo commands behind them. Refuses runners of its own: plain
//! `cargo test` prints its closing lines straight through. Invariant: without `--only`, every part
//! runs; a part that does not exist in the workspace is a failure of cargo's, never a skip.

use std::ffi::OsString;

use clap::ValueEnum;

use crate::{
    crowd, described, prerequisites,
    process::Call,
    project::Project,
    step::{Step, Work},
};

/// What can be run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Unit, integration and doc tests of every crate.
    Unit,
    /// Every bench once and every peer, to see that it still builds and still checks its answer.
    BenchSmoke,
    /// The lock-free structures under every interleaving.
    Loom,
    /// Requests made up from the API's description, against the real server.
    Described,
    /// Short flash sales against the release binary, at one server and at several nodes.
    System,
}

/// The steps of all parts, or of one.
pub(crate) fn steps(project: &Project, only: Option<Part>) -> Vec<Step> {
    let chosen = |part: &&Part| only.is_none_or(|only| only == **part);
    let parts = || Part::value_variants().iter().filter(chosen);
    let gate = || Step::gate("prerequisites", Work::Check(prerequisites::check));
    let gate = parts().any(|part| part.calls_programs()).then(gate);
    let chosen_steps = |part: Part| match (part, only) {
        // Much of the time tests wait, and what the sales at the end need can be built meanwhile.
        (Part::Unit, None) => unit_beside_build(project),
        _ => steps_of(project, part),
    };
    gate.into_iter().chain(parts().flat_map(|part| chosen_steps(*part))).collect()
}

impl Part {
    /// Whether it needs programs beyond Rust, which are installed before.
    const fn calls_programs(self) -> bool {
        match self {
            Self::Unit | Self::BenchSmoke | Self::Described | Self::System => true,
            Self::Loom => false,
        }
    }
}

fn steps_of(project: &Project, part: Part) -> Vec<Step> {
    let calls = |call: Call| Work::Calls(vec![call]);
    match part {
        Part::Unit => unit_steps(project, calls(unit(project))),
        Part::BenchSmoke => vec![Step::new("benches, once each", calls(bench_smoke(project)))],
        Part::Loom => vec![Step::new("loom models", calls(loom(project)))],
        Part::Described => {
            vec![Step::new("requests made up from the description", Work::Check(described::check))]
        }
        Part::System => crowd::short_steps(project),
    }
}

fn unit_steps(project: &Project, unit: Work) -> Vec<Step> {
    vec![
        Step::new("unit and integration tests", unit),
        Step::new("the contract over Redis", Work::Calls(vec![contract_over_redis(project)])),
        Step::new("doc tests", Work::Calls(vec![doc(project)])),
    ]
}

/// It gets the processors only while no test wants them.
fn unit_beside_build(project: &Project) -> Vec<Step> {
    let build = crowd::build(project).args(["--quiet"]).nice();
    unit_steps(project, Work::CallsBeside(vec![unit(project)], Box::new(build)))
}

fn unit(project: &Project) -> Call {
    // Without fail-fast one broken crate would hide the others.
    project.cargo(["test", "--workspace", "--exclude=benches", "--all-targets", "--no-fail-fast"])
}

/// The same promises, with Redis deciding as for many nodes.
fn contract_over_redis(project: &Project) -> Call {
    project
        .cargo(["test", "--package=api", "--test=contract", "--no-fail-fast"])
        .env("RUSHGATE_CONTRACT_ARBITER", "redis")
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
        let parts = Part::value_variants().iter().map(|part| steps_of(&project(), *part).len());
        assert!(parts.clone().all(|steps| steps > 0));
        let gate = 1;
        assert_eq!(steps(&project(), None).len(), gate + parts.sum::<usize>());
    }

    #[test]
    fn a_part_that_calls_programs_has_them_installed_first() {
        for part in Part::value_variants() {
            let first = format!("{:?}", steps(&project(), Some(*part))[0]);
            assert_eq!(first.contains("prerequisites"), part.calls_programs(), "{part:?}: {first}");
        }
        let all = format!("{:?}", steps(&project(), None));
        assert_eq!(all.matches("prerequisites\"").count(), 1, "{all}");
    }

    #[test]
    fn loom_builds_stay_apart() {
        let spelled = loom(&project()).spelled();
        assert!(spelled.contains("--cfg engine_loom"), "{spelled}");
        assert!(spelled.contains("CARGO_TARGET_DIR=/t/loom"), "{spelled}");
    }
}
