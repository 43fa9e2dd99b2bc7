//! Rules about Rust files.
//!
//! Owns what can be told from a file's lines alone; what needs a syntax tree is clippy's.

use super::{
    finding::Finding,
    tree::{TextFile, Tree},
};

/// Past this a file is to be split.
const LINES_REMARK: usize = 500;

/// Past this it must be.
const LINES_MAX: usize = 800;

const _: () = assert!(LINES_REMARK < LINES_MAX);

/// The one file of the engine that may name atomics, so that loom can take their place.
const SYNC_SEAM: &str = "engine/src/base/sync.rs";

pub(super) fn length(tree: &Tree) -> Vec<Finding> {
    let check = |file: TextFile<'_>| match file.text.lines().count() {
        lines if lines > LINES_MAX => {
            let what = format!("{lines} lines, more than {LINES_MAX}: split it");
            Some(Finding::of_file(file.path, what))
        }
        lines if lines > LINES_REMARK => {
            let what = format!("{lines} lines, more than {LINES_REMARK}");
            Some(Finding::remark(file.path, what))
        }
        _ => None,
    };
    tree.texts_in("rs").filter_map(check).collect()
}

pub(super) fn opening(tree: &Tree) -> Vec<Finding> {
    tree.texts_in("rs")
        .filter(|file| file.name() != "build.rs" && !file.text.starts_with("//!"))
        .map(|file| {
            Finding::of_line(file.path, 1, "opens without //! saying what it owns and refuses")
        })
        .collect()
}

pub(super) fn module_layout(tree: &Tree) -> Vec<Finding> {
    tree.paths()
        .filter(|path| path.rsplit('/').next() == Some("mod.rs"))
        .map(|path| Finding::of_file(path, "a module is foo.rs beside foo/, not foo/mod.rs"))
        .collect()
}

pub(super) fn ignored_tests(tree: &Tree) -> Vec<Finding> {
    // Put together, so that this line is not itself a finding.
    let attribute = concat!("#[", "ignore");
    lines_with(
        tree,
        |_| true,
        "a test is run or removed, not ignored",
        |line| line.contains(attribute),
    )
}

pub(super) fn atomics(tree: &Tree) -> Vec<Finding> {
    let is_engine =
        |file: &TextFile<'_>| file.path.starts_with("engine/src/") && file.path != SYNC_SEAM;
    lines_with(
        tree,
        is_engine,
        "atomics come from sync.rs, where loom can take their place",
        |line| {
            let code = line.split("//").next().unwrap_or_default();
            let from_root = |root: &str| {
                code.contains(&format!("{root}::sync::atomic"))
                    || (code.contains(&format!("{root}::sync::{{")) && names_atomic(code))
                    || (code.contains(&format!("{root}::{{")) && code.contains("sync::atomic"))
            };
            from_root("std") || from_root("core")
        },
    )
}

/// Whether `atomic` stands in the line as a word of its own.
fn names_atomic(code: &str) -> bool {
    words(code).any(|word| word == "atomic")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}

fn lines_with(
    tree: &Tree,
    is_judged: impl Fn(&TextFile<'_>) -> bool,
    what: &str,
    is_wrong: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.texts_in("rs").filter(is_judged) {
        let wrong = file.lines().filter(|(_, line)| is_wrong(line));
        findings.extend(wrong.map(|(number, _)| Finding::of_line(file.path, number, what)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::finding::Weight;

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().filter_map(|finding| finding.line).collect()
    }

    #[test]
    fn long_files_are_remarked_on_and_longer_ones_refused() {
        let weights = |lines: usize| -> Vec<Weight> {
            let text = "//\n".repeat(lines);
            length(&Tree::of(&[("a.rs", &text)])).iter().map(|f| f.weight).collect()
        };
        assert_eq!(weights(500), []);
        assert_eq!(weights(501), [Weight::Remark]);
        assert_eq!(weights(800), [Weight::Remark]);
        assert_eq!(weights(801), [Weight::Fault]);
    }

    #[test]
    fn a_file_opens_with_what_it_owns() {
        let tree = Tree::of(&[
            ("a.rs", "//! Owns a.\n"),
            ("b.rs", "use std::fs;\n"),
            ("build.rs", "fn main() {}\n"),
            ("c.md", "# C\n"),
        ]);
        let findings = opening(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "b.rs");
    }

    #[test]
    fn a_module_is_no_mod_rs() {
        let tree = Tree::of(&[("a/mod.rs", ""), ("a.rs", ""), ("a/my_mod.rs", "")]);
        assert_eq!(module_layout(&tree).len(), 1);
    }

    #[test]
    fn a_test_is_not_ignored() {
        let text = concat!("#[test]\n#[", "ignore = \"slow\"]\nfn f() {}\n");
        assert_eq!(lines(&ignored_tests(&Tree::of(&[("a.rs", text)]))), [2]);
    }

    #[test]
    fn the_engine_takes_atomics_from_its_seam() {
        let text = "//! Instead of std::sync::atomic.\n\
                    use std::sync::atomic::AtomicU64;\n\
                    use std::sync::{Arc, atomic::AtomicU64};\n\
                    use core::sync::atomic::Ordering;\n\
                    use crate::sync::atomic::AtomicU64;\n\
                    use std::{sync::atomic, thread};\n\
                    use std::sync::{Arc, Mutex};\n";
        assert_eq!(
            lines(&atomics(&Tree::of(&[("engine/src/handoff/ring.rs", text)]))),
            [2, 3, 4, 6]
        );
        assert_eq!(
            atomics(&Tree::of(&[("engine/src/base/sync.rs", text), ("api/src/a.rs", text)])),
            []
        );
    }
}
