//! `cargo xtask ci`: everything a change must pass.
//!
//! Owns the order: what fails fast first, the tests last. Refuses to rely on anything installed
//! by hand beyond Rust: what is missing is installed or named.

use crate::{
    failure::Failure,
    prerequisites,
    project::Project,
    step::{Step, Work},
    test, tidy,
};

/// The steps of a full check.
pub(crate) fn steps(project: &Project) -> Vec<Step> {
    let fmt = project.cargo(["fmt", "--all", "--check"]);
    let clippy = project.cargo(["clippy", "--workspace", "--all-targets", "--", "--deny=warnings"]);
    let doc = project.cargo(["doc", "--workspace", "--no-deps"]);
    let doc = doc.env("RUSTDOCFLAGS", "--deny=warnings");
    let checks = [
        Step::gate("tools", Work::Check(tools)),
        Step::new("format", Work::Calls(vec![fmt])),
        Step::new("lints", Work::Calls(vec![clippy])),
        Step::new("docs", Work::Calls(vec![doc])),
        Step::new("tidy", Work::Check(tidy::check)),
        Step::new("advisories and licences", deny(project)),
    ];
    checks.into_iter().chain(test::steps(project, None)).collect()
}

/// The tests ask for their programs again, at no cost; here they come first because tidy needs git
/// and because a missing package should be known before ten minutes of compiling.
fn tools(project: &Project) -> Result<(), Failure> {
    prerequisites::check_components(project)?;
    prerequisites::check(project)
}

/// cargo-deny takes minutes to build, so it is used where it is and named as not run elsewhere:
/// tidy checks the licences and the owners of crates in any case.
fn deny(project: &Project) -> Work {
    if project.cargo(["deny", "--version"]).succeeds() {
        Work::Calls(vec![project.cargo(["deny", "check"])])
    } else {
        Work::Unavailable("cargo-deny is not installed, so advisories were not checked")
    }
}
