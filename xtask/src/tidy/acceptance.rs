//! Rules about `docs/acceptance.md`: every rule of the shop has its number, and every test that it names is there.
//!
//! Owns how that document is written: sections with numbered headings, and lists of links to files, each with
//! the names of tests. Refuses to judge what a test shows.

use std::collections::BTreeSet;

use super::{
    docs,
    finding::Finding,
    tree::{TextFile, Tree},
};

const DOCUMENT: &str = "docs/acceptance.md";

/// The sections, how many rules each has, and how a test of one begins or goes on.
const SECTIONS: [(&str, u32, &str); 2] =
    [("## Scenarios", 15, "scenario"), ("## Defects", 31, "defect")];

/// A rule of the document with the tests that are named for it.
struct Rule<'a> {
    line: usize,
    kind: &'static str,
    number: u32,
    /// Line, file and name.
    tests: Vec<(usize, &'a str, &'a str)>,
}

/// Every number is there once and in its order, with a test that is named after it, and every test exists.
pub(super) fn rules_are_shown(tree: &Tree) -> Vec<Finding> {
    let Some(document) = tree.texts().find(|file| file.path == DOCUMENT) else {
        return Vec::new();
    };
    let rules = rules(document);
    let mut findings = Vec::new();
    for (_, last, kind) in SECTIONS {
        let numbers: Vec<u32> =
            rules.iter().filter(|rule| rule.kind == kind).map(|rule| rule.number).collect();
        if !numbers.iter().copied().eq(1..=last) {
            findings.push(Finding::of_file(DOCUMENT, format!("{kind}s are 1 to {last}, in order")));
        }
    }
    for rule in &rules {
        let tag = format!("{}_{}_", rule.kind, rule.number);
        if !rule.tests.iter().any(|(_, _, name)| has_tag(name, &tag)) {
            let what = format!("{} {} has no test named after it", rule.kind, rule.number);
            findings.push(Finding::of_line(DOCUMENT, rule.line, what));
        }
        for &(line, target, name) in &rule.tests {
            let path = docs::resolve(DOCUMENT, target);
            let file = tree.texts().find(|file| path.as_deref() == Some(file.path));
            if !file.is_some_and(|file| tests_of(file).contains(name)) {
                let what = format!("{name}: no such test in {target}");
                findings.push(Finding::of_line(DOCUMENT, line, what));
            }
        }
    }
    findings
}

fn rules(document: TextFile<'_>) -> Vec<Rule<'_>> {
    let (mut kind, mut rules) = (None, Vec::<Rule<'_>>::new());
    for (line, text) in document.lines() {
        if text.starts_with("## ") {
            kind = SECTIONS.iter().find(|(title, ..)| *title == text).map(|(_, _, kind)| *kind);
        }
        let heading = text.strip_prefix("### ").and_then(|title| title.split_once(". "));
        if let (Some(kind), Some((number, _))) = (kind, heading)
            && let Ok(number) = number.parse()
        {
            rules.push(Rule { line, kind, number, tests: Vec::new() });
        }
        let item =
            text.strip_prefix("- [").and_then(|item| item.split_once("](")?.1.split_once("): "));
        if let (Some(rule), Some((target, names))) = (rules.last_mut(), item) {
            let names = names.split('`').skip(1).step_by(2);
            rule.tests.extend(names.map(|name| (line, target, name)));
        }
    }
    rules
}

/// Whether the name has the tag, and no longer number that ends like it.
fn has_tag(name: &str, tag: &str) -> bool {
    name.starts_with(tag) || name.contains(&format!("_{tag}"))
}

/// The names of a file's functions, which a macro may make into tests, and of its modules, which have a test for
/// each database.
fn tests_of(file: TextFile<'_>) -> BTreeSet<&str> {
    file.text.lines().filter_map(named).collect()
}

/// The name of the function or module that begins here.
fn named(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("mod "))?;
    rest.split(|c: char| !is_of_name(c)).next()
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(defect: &str) -> String {
        let rule =
            |n: u32, kind: &str| format!("### {n}. A rule\n- [a](../a.rs): `{kind}_{n}_it`\n");
        let scenarios: String = (1..=15).map(|n| rule(n, "scenario")).collect();
        let defects: String = (1..=30).map(|n| rule(n, "defect")).collect();
        format!("# Held to\n## Scenarios\n{scenarios}## Defects\n{defects}{defect}")
    }

    fn found(defect: &str) -> Vec<String> {
        let names = (1..=15)
            .map(|n| format!("scenario_{n}"))
            .chain((1..=31).map(|n| format!("defect_{n}")));
        let tests = names.map(|name| format!("    async fn {name}_it(a: B) {{}}\n"));
        let tests = tests.collect::<Vec<_>>().concat();
        let tree = Tree::of(&[(DOCUMENT, &document(defect)), ("a.rs", &tests)]);
        rules_are_shown(&tree).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_rule_without_its_number_its_test_or_an_existing_test_is_found() {
        let whole = "### 31. A rule\n- [a](../a.rs): `defect_31_it`, `defect_1_it`\n";
        assert_eq!(found(whole), [""; 0]);
        assert_eq!(found(""), ["defects are 1 to 31, in order"]);
        assert_eq!(found("### 31. A rule\n"), ["defect 31 has no test named after it"]);
        let other = "### 31. A rule\n- [a](../a.rs): `defect_1_it`\n";
        assert_eq!(found(other), ["defect 31 has no test named after it"]);
        let gone = "### 31. A rule\n- [a](../a.rs): `defect_31_it_i`\n";
        assert_eq!(found(gone), ["defect_31_it_i: no such test in ../a.rs"]);
        let moved = "### 31. A rule\n- [a](../b.rs): `defect_31_it`\n";
        assert_eq!(found(moved), ["defect_31_it: no such test in ../b.rs"]);
    }

    #[test]
    fn a_number_is_not_the_end_of_a_longer_one() {
        assert!(has_tag("scenario_2_defect_1_it", "defect_1_"));
        assert!(!has_tag("defect_11_it", "defect_1_"));
    }
}
