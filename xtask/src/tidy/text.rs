//! Rules about any text: marks, white space, line ends, paths of somebody's machine.
//!
//! Owns what is wrong in every language alike. The words it looks for are put together from
//! halves, so that this file is held to its own rules.

use super::{
    docs,
    finding::Finding,
    tree::{TextFile, Tree},
};

/// Words that promise work instead of doing it; each found only as a whole word.
const MARKS: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

/// The same promise as a macro.
const MARK_MACROS: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];

/// Where a file lies on one machine and not on another.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Files we wrote, as far as white space goes; others may be data.
const WRITTEN: [&str; 3] = ["rs", "md", "toml"];

/// Written by others or by cargo, and not ours to correct.
fn is_foreign(path: &str) -> bool {
    path == "Cargo.lock" || path.starts_with("LICENSE")
}

fn is_written(file: &TextFile<'_>) -> bool {
    file.extension().is_some_and(|extension| WRITTEN.contains(&extension))
}

pub(super) fn marks(tree: &Tree) -> Vec<Finding> {
    by_line(
        tree,
        |file| !is_foreign(file.path),
        |file, line| {
            // A document may name a mark as code, to forbid it.
            let bare =
                if file.extension() == Some("md") { docs::without_code(line) } else { line.into() };
            let word = MARKS.iter().find(|mark| has_word(&bare, mark));
            let call = || MARK_MACROS.iter().find(|call| bare.contains(*call));
            word.or_else(call).map(|mark| format!("{mark}: do it, or write it down as an issue"))
        },
    )
}

pub(super) fn whitespace(tree: &Tree) -> Vec<Finding> {
    by_line(tree, is_written, |_, line| {
        if line.contains('\t') {
            Some("a tab".to_owned())
        } else if line.trim_end_matches('\r').ends_with(char::is_whitespace) {
            Some("white space at the end".to_owned())
        } else {
            None
        }
    })
}

pub(super) fn line_ends(tree: &Tree) -> Vec<Finding> {
    let check = |file: TextFile<'_>| {
        if file.text.contains('\r') {
            Some(Finding::of_file(file.path, "a carriage return: lines end with \\n alone"))
        } else if is_written(&file) && !file.text.is_empty() && !file.text.ends_with('\n') {
            Some(Finding::of_file(file.path, "the last line does not end"))
        } else {
            None
        }
    };
    tree.texts().filter_map(check).collect()
}

pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    by_line(
        tree,
        |_| true,
        |_, line| {
            let found = MACHINE_PATHS.iter().find(|path| has_absolute(line, path));
            found.map(|path| format!("{path}…: a path of one machine"))
        },
    )
}

fn by_line(
    tree: &Tree,
    is_judged: impl Fn(&TextFile<'_>) -> bool,
    wrong: impl Fn(TextFile<'_>, &str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.texts().filter(is_judged) {
        findings.extend(file.lines().filter_map(|(number, line)| {
            wrong(file, line).map(|what| Finding::of_line(file.path, number, what))
        }));
    }
    findings
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !part(before) && !part(after)
    })
}

/// Whether the path starts at the root here, rather than being the middle of another or of a URL.
fn has_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}*/".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().filter_map(|finding| finding.line).collect()
    }

    #[test]
    fn marks_are_found_as_whole_words_in_any_language() {
        let text = concat!(
            "# TO",
            "DO later\n",
            "mktemp XXXXXX\n",
            "a_TO",
            "DO_b\n",
            "x // FIX",
            "ME: y\n",
            "{ todo",
            "!() }\n",
        );
        assert_eq!(lines(&marks(&Tree::of(&[("run.sh", text)]))), [1, 4, 5]);
    }

    #[test]
    fn a_document_may_name_a_mark_as_code() {
        let text = concat!("No `TO", "DO` here.\nTO", "DO: write\n");
        assert_eq!(lines(&marks(&Tree::of(&[("a.md", text)]))), [2]);
        assert_eq!(lines(&marks(&Tree::of(&[("a.rs", text)]))), [1, 2]);
    }

    #[test]
    fn what_others_wrote_bears_no_marks_of_ours() {
        let text = concat!("X", "XX\n");
        assert_eq!(marks(&Tree::of(&[("Cargo.lock", text), ("LICENSE-MIT", text)])), []);
    }

    #[test]
    fn tabs_and_trailing_spaces_are_refused_where_we_write() {
        let text = "fine\n\tx\nx \n  fine\n";
        assert_eq!(lines(&whitespace(&Tree::of(&[("a.toml", text)]))), [2, 3]);
        assert_eq!(whitespace(&Tree::of(&[("Makefile", text)])), []);
    }

    #[test]
    fn lines_end_with_a_newline_alone() {
        let tree = Tree::of(&[("a.sh", "x\r\n"), ("b.md", "x"), ("c.md", "x\n"), ("d.rs", "")]);
        let paths: Vec<_> = line_ends(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, ["a.sh", "b.md"]);
    }

    #[test]
    fn paths_of_one_machine_are_refused() {
        let text = concat!(
            "cd /wo",
            "rk/main\n",
            "\"/ho",
            "me/me/x\"\n",
            "https://example.org/wo",
            "rk/x\n",
            "net/wo",
            "rk/x\n",
            "$DIR/ho",
            "me/x\n",
            "`/ro",
            "ot/x`\n",
            "${DIR}/ho",
            "me/x\n",
        );
        assert_eq!(lines(&machine_paths(&Tree::of(&[("a.sh", text)]))), [1, 2, 6]);
    }
}
