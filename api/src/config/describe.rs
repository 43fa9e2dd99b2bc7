//! What the manual and the example file say of the keys: written from the sections, by the test that
//! compares them (`cargo xtask config`).

use std::fmt::Write as _;

use super::section::Section;

/// Where the comments of the example file begin.
const COMMENT_COLUMN: usize = 32;

/// The manual with the rows of this section as they should be.
pub(super) fn in_manual<S: Section>(manual: &str) -> String {
    let start = format!("| `{}.", S::NAME);
    // A file may be called as a section is.
    let is_row = |line: &str| line.starts_with(&start) && !line.contains(".json`");
    replaced(manual, is_row, &table::<S>())
}

/// The example file with this section as it should be.
pub(super) fn in_example<S: Section>(example: &str) -> String {
    let heads = [format!("[{}]", S::NAME), format!("# [{}]", S::NAME)];
    let mut is_in = false;
    let is_of_section = |line: &str| {
        let begins = heads.iter().any(|head| line.starts_with(head));
        is_in = begins || is_in && !line.trim().is_empty();
        is_in
    };
    replaced(example, is_of_section, &example_of::<S>())
}

/// The text with the lines that are `old` replaced: once, where the first of them stands.
fn replaced(text: &str, mut is_old: impl FnMut(&str) -> bool, new: &str) -> String {
    let (mut out, mut is_done) = (String::new(), false);
    for line in text.lines() {
        if !is_old(line) {
            out.push_str(line);
            out.push('\n');
        } else if !is_done {
            out.push_str(new);
            is_done = true;
        }
    }
    out
}

/// The rows of the manual's table for a section.
fn table<S: Section>() -> String {
    let defaults = defaults::<S>();
    let mut rows = String::new();
    for key in S::keys() {
        let otherwise = key.otherwise.unwrap_or("none").to_owned();
        let default = defaults.get(key.name).map_or(otherwise, shown);
        let (first, rest) = key.words.split_first().expect("a key has words");
        let mut words = sentence(first).to_owned();
        if !key.range.is_empty() {
            words = format!("{words} ({})", key.range);
        }
        for line in rest {
            words = format!("{words}. {}", sentence(line));
        }
        let words = words.replace('|', "\\|");
        // Writing to a text never fails.
        let _ = writeln!(rows, "| `{}.{}` | {default} | {words} |", S::NAME, key.name);
    }
    rows
}

/// The part of the example file for a section.
fn example_of<S: Section>() -> String {
    let defaults = defaults::<S>();
    let about = sentence(S::ABOUT);
    let (initial, rest) = about.split_at(1);
    let mut lines = String::new();
    let mut line = |set: String, comment: &str| {
        let _ = writeln!(lines, "{set:<COMMENT_COLUMN$} # {comment}");
    };
    line(format!("[{}]", S::NAME), &format!("{}{rest}", initial.to_lowercase()));
    for key in S::keys() {
        let set = match (defaults.get(key.name), key.example) {
            (Some(default), None) => format!("{} = {default}", key.name),
            (_, example) => format!("# {} = {}", key.name, example.unwrap_or("…")),
        };
        line(set, sentence(key.words.first().copied().unwrap_or_default()));
    }
    lines
}

/// A line of words without the stop at its end.
fn sentence(line: &str) -> &str {
    let line = line.trim();
    line.strip_suffix('.').unwrap_or(line)
}

/// The defaults, as a file would write them.
fn defaults<S: Section>() -> toml::Table {
    toml::Table::try_from(S::default()).unwrap_or_default()
}

/// A default in the manual.
fn shown(value: &toml::Value) -> String {
    if let toml::Value::String(text) = value {
        return format!("`{text}`");
    }
    match value.as_array() {
        Some(values) if values.is_empty() => "none".to_owned(),
        Some(_) => format!("`{value}`"),
        None => value.to_string(),
    }
}
