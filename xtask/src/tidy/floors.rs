//! The floors of the engine: a folder of `engine/src` knows those that `lib.rs` declares before it.
//!
//! Owns on which floor a module stands, and which modules a file names behind `crate::`. Refuses to
//! judge `super::`: within a floor everything may know everything.

use std::collections::BTreeMap;

use super::{finding::Finding, tree::Tree};

const FOLDER: &str = "engine/src/";
const ROOT: &str = "lib.rs";

pub(super) fn order(tree: &Tree) -> Vec<Finding> {
    let files: Vec<(&str, &str)> = tree
        .texts_in("rs")
        .filter_map(|file| Some((file.path.strip_prefix(FOLDER)?, file.text)))
        .collect();
    let Some((_, root)) = files.iter().find(|(path, _)| *path == ROOT) else { return Vec::new() };
    let floors: Vec<&str> = root.lines().filter_map(declared).collect();
    let height = |path: &str| {
        let floor = path.split(['/', '.']).next();
        floors.iter().position(|known| Some(*known) == floor)
    };
    let mut heights: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, _) in &files {
        let Some(height) = height(path) else { continue };
        heights.insert(floors[height], height);
        let module = path.split_once('/').and_then(|(_, rest)| rest.strip_suffix(".rs"));
        if let Some(module) = module.filter(|module| !module.contains('/')) {
            heights.entry(module).or_insert(height);
        }
    }
    let mut findings = Vec::new();
    for (path, text) in &files {
        let Some(own) = height(path) else { continue };
        for (line, name) in named(text) {
            if let Some(other) = heights.get(name).filter(|other| **other > own) {
                let (own, other) = (floors[own], floors[*other]);
                let what = format!("{own} knows {name} of {other}, a floor above it");
                findings.push(Finding::of_line(&format!("{FOLDER}{path}"), line, what));
            }
        }
    }
    findings
}

/// The module that a line of `lib.rs` declares.
fn declared(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// The names right behind `crate::`, alone or in braces, each with its line.
fn named(text: &str) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    for (start, mark) in text.match_indices("crate::") {
        let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
        if text[line_start..start].contains("//") {
            continue;
        }
        let mut line = text[..start].matches('\n').count() + 1;
        let rest = &text[start + mark.len()..];
        let mut depth = 0_usize;
        // Whether the next word is the first of its path.
        let mut is_first = true;
        let mut at = 0;
        while let Some(next) = rest[at..].chars().next() {
            let end = rest[at..].find(|c: char| !is_of_name(c)).map_or(rest.len(), |end| at + end);
            if end > at {
                if is_first && depth <= 1 {
                    names.push((line, &rest[at..end]));
                }
                is_first = false;
                at = end;
            } else {
                match next {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    ',' => is_first = depth == 1,
                    '\n' => line += 1,
                    _ => {}
                }
                at += next.len_utf8();
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_knows_those_declared_before_it_and_none_after() {
        let low = "//! See crate::scribe.\n\
                   use crate::{\n    clock::{Clock, scribe},\n    scribe::Scribe,\n};\n\
                   fn f() -> crate::run::X { crate::id::Y }\n";
        let tree = Tree::of(&[
            ("engine/src/lib.rs", "mod base;\n// The arbiter.\npub mod arbiter;\nmod run;\n"),
            ("engine/src/base.rs", "pub mod clock;\n"),
            ("engine/src/base/id.rs", ""),
            ("engine/src/base/clock.rs", low),
            ("engine/src/arbiter/local.rs", "use crate::{arbiter::X, clock::Y};\n"),
            ("engine/src/run/scribe.rs", "use crate::{arbiter::X, base::Y};\n"),
        ]);
        let found: Vec<_> = order(&tree).into_iter().map(|f| (f.line.unwrap(), f.what)).collect();
        let above = |name: &str| format!("base knows {name} of run, a floor above it");
        assert_eq!(found, [(4, above("scribe")), (6, above("run"))]);
    }
}
