//! `cargo xtask tidy`: what the house rules say and no compiler checks.
//!
//! Owns the list of rules and the report. Each rule is a pure function of the tree, so that its
//! test is a tree of two lines. Refuses to repair anything. Invariant: a fault fails the chore, a
//! remark never does.

mod acceptance;
mod circles;
mod crates;
mod docs;
mod finding;
mod floors;
mod licence;
mod rust;
mod text;
mod tree;

use crate::{failure::Failure, project::Project};
use finding::{Finding, Weight};
use tree::Tree;

/// Looks at the tree and says what is wrong with it.
type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [Rule; 15] = [
    rust::length,
    rust::opening,
    rust::module_layout,
    rust::ignored_tests,
    rust::atomics,
    floors::order,
    circles::circles,
    text::marks,
    text::whitespace,
    text::line_ends,
    text::machine_paths,
    docs::links,
    docs::decision_names,
    docs::decision_numbers,
    acceptance::rules_are_shown,
];

/// Applies every rule to the tracked files and to the dependency graph.
pub(crate) fn check(project: &Project) -> Result<(), Failure> {
    let tree = Tree::read(project)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    let metadata = project.cargo(["metadata", "--format-version=1"]).read_json()?;
    findings.extend(crates::findings(&metadata));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));

    for finding in &findings {
        println!("{finding}");
    }
    let faults = findings.iter().filter(|f| f.weight == Weight::Fault).count();
    let remarks = findings.len() - faults;
    println!("{} files: {faults} faults, {remarks} remarks", tree.len());
    if faults == 0 { Ok(()) } else { Err(Failure::Untidy { faults }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_tree_is_tidy() {
        let tree = Tree::of(&[]);
        assert!(RULES.iter().all(|rule| rule(&tree).is_empty()));
    }
}
