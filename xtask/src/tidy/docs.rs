//! Rules about documents: links that lead somewhere, decisions that can be cited.
//!
//! Owns just enough of Markdown for links: inline and reference links, images, `href` and `src`,
//! fenced and inline code. Refuses to look at the network: only links inside the tree are judged.

use std::collections::BTreeMap;

use super::{
    finding::Finding,
    tree::{TextFile, Tree},
};

const DECISIONS: &str = "docs/decisions/";

pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.texts_in("md") {
        for (number, line) in prose(file) {
            let broken = targets(&line).into_iter().filter(|target| {
                is_relative(target)
                    && !resolve(file.path, target).is_some_and(|t| tree.contains(&t))
            });
            findings.extend(broken.map(|target| {
                Finding::of_line(file.path, number, format!("{target}: no such file"))
            }));
        }
    }
    findings
}

pub(super) fn decision_names(tree: &Tree) -> Vec<Finding> {
    tree.paths()
        .filter_map(|path| Some((path, path.strip_prefix(DECISIONS)?)))
        .filter(|(_, name)| decision_number(name).is_none())
        .map(|(path, _)| Finding::of_file(path, "a decision is named 0123-some-title.md"))
        .collect()
}

pub(super) fn decision_numbers(tree: &Tree) -> Vec<Finding> {
    let mut first_by_number = BTreeMap::new();
    let mut findings = Vec::new();
    for path in tree.paths() {
        let number = path.strip_prefix(DECISIONS).and_then(decision_number);
        let Some(number) = number else { continue };
        if let Some(first) = first_by_number.insert(number, path) {
            findings.push(Finding::of_file(path, format!("{number} is already {first}")));
        }
    }
    findings
}

/// The number of `0123-some-title.md`; none if the name has another form.
fn decision_number(name: &str) -> Option<&str> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let is_number = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    (is_number && title.split('-').all(is_word)).then_some(number)
}

/// The line with its inline code blanked out.
pub(super) fn without_code(line: &str) -> String {
    // Every other piece between backticks is code; an unpaired last one is not.
    let pieces: Vec<&str> = line.split('`').collect();
    let last = pieces.len() - 1;
    let keep = |(i, piece): (usize, &&str)| {
        if i % 2 == 0 || i == last { (*piece).to_owned() } else { String::new() }
    };
    pieces.iter().enumerate().map(keep).collect::<Vec<_>>().join(" ")
}

/// The lines that are not code, without their inline code.
fn prose(file: TextFile<'_>) -> Vec<(usize, String)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (number, line) in file.lines() {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        match (fence, mark) {
            (None, Some(opened)) => fence = Some(opened),
            (Some(opened), Some(mark)) if opened == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => lines.push((number, without_code(line))),
        }
    }
    lines
}

/// What the line links to, as written.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(inline_target);
    let html = ["href=\"", "src=\""].into_iter().flat_map(|attribute| {
        line.split(attribute).skip(1).filter_map(|rest| rest.split('"').next())
    });
    let reference = line
        .trim_start()
        .strip_prefix('[')
        .filter(|rest| !rest.starts_with('^'))
        .and_then(|rest| rest.split_once("]:"))
        .and_then(|(_, rest)| rest.split_whitespace().next());
    inline.chain(html).chain(reference).collect()
}

/// The target at the start of `target "title")…` or `<target>)…`.
fn inline_target(rest: &str) -> Option<&str> {
    if let Some(bracketed) = rest.strip_prefix('<') {
        return bracketed.split('>').next();
    }
    rest.split(')').next()?.split_whitespace().next()
}

/// Whether the target is a file of this tree, rather than a URL or a heading of the same file.
fn is_relative(target: &str) -> bool {
    let scheme = target.split(['/', '#', '?']).next().unwrap_or_default();
    !target.is_empty()
        && !target.starts_with('#')
        && !scheme.contains(':')
        && !target.starts_with("//")
}

/// The path the target leads to, from the root; none if it leaves the tree.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    let target = target.split(['#', '?']).next().unwrap_or_default().replace("%20", " ");
    let (mut parts, target): (Vec<&str>, &str) = match target.strip_prefix('/') {
        Some(absolute) => (Vec::new(), absolute),
        None => (from.split('/').collect(), &target),
    };
    // The file itself is no directory.
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_files_and_directories_of_the_tree() {
        let text = "[a](../README.md#top) [b](decisions) ![c](/logo.svg \"Logo\") [d](<a.md>)\n\
                    [web](https://example.org/x.md) [mail](mailto:a@example.org) [here](#there)\n\
                    [gone](gone.md) and [out](../../out.md)\n\
                    ```\n[code](gone.md)\n```\n\
                    `[code](gone.md)`\n\
                    [ref]: gone.md\n\
                    [^1]: footnote\n\
                    <img src=\"gone.png\">\n";
        let tree = Tree::of(&[
            ("README.md", ""),
            ("docs/a.md", text),
            ("docs/decisions/0001-x.md", ""),
            ("logo.svg", ""),
        ]);
        let found: Vec<_> = links(&tree).into_iter().map(|f| (f.line.unwrap(), f.what)).collect();
        let gone = |line, target: &str| (line, format!("{target}: no such file"));
        let expected =
            [gone(3, "gone.md"), gone(3, "../../out.md"), gone(8, "gone.md"), gone(10, "gone.png")];
        assert_eq!(found, expected);
    }

    #[test]
    fn decisions_are_numbered_and_titled() {
        let names = ["0001-one-writer.md", "1-x.md", "0002.md", "0003-Title.md", "notes.txt"];
        let paths = names.map(|name| format!("{DECISIONS}{name}"));
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        let found: Vec<_> = decision_names(&Tree::of(&files)).into_iter().map(|f| f.path).collect();
        assert_eq!(found, paths[1..]);
    }

    #[test]
    fn a_decision_number_is_given_once() {
        let tree = Tree::of(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0001-b.md", "")]);
        assert_eq!(decision_numbers(&tree).len(), 1);
    }

    #[test]
    fn only_paired_backticks_hide_text() {
        assert_eq!(without_code("a `b` c"), "a    c");
        assert_eq!(without_code("a ` b"), "a   b");
    }
}
