//! Reading a table field by field, telling every problem and not just the first.
//!
//! Owns the words in which a bad body or a bad configuration is refused: the field's full path,
//! what was found, what is allowed. A field that was not taken is unknown; a name given twice is
//! refused whatever its values. Wrong values read as absent, after their problem is noted.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::node::Node;
use crate::time::{TIME_ALLOWED, parse_time};

/// Problems told at once; a body with more is wrong enough.
const PROBLEMS_MAX: usize = 64;

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field's path, as `offers[0].total`.
    pub field: String,
    /// What stood there, shortened; `nothing` when it is missing. Of a field that should not be
    /// there at all: why.
    pub found: String,
    /// What is allowed there.
    pub allowed: String,
    /// Whether `found` is a value, and not a reason.
    is_value: bool,
}

impl FieldProblem {
    /// What is wrong, without the field's name.
    pub fn message(&self) -> String {
        let Self { found, allowed, .. } = self;
        if self.is_value {
            format!("found {found}, allowed: {allowed}")
        } else {
            format!("{found}; {allowed}")
        }
    }
}

impl Display for FieldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message())
    }
}

/// Why a body was refused; 422 `invalid_request` either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Not JSON at all; the text says where it breaks and quotes nothing of it.
    NotJson(String),
    /// JSON with these things wrong, at least one.
    Invalid(Vec<FieldProblem>),
}

/// Reads JSON; the message says where it breaks without quoting it.
pub fn read_json(body: &[u8]) -> Result<Node, BodyError> {
    Node::from_json(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        BodyError::NotJson(format!("the body is not JSON: line {line}, column {column}"))
    })
}

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Notes a value that is not allowed.
    pub fn note(
        &mut self,
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        let (field, found, allowed) = (field.into(), found.into(), allowed.into());
        self.push(FieldProblem { field, found, allowed, is_value: true });
    }

    /// Notes a field that should not be there: why, and what to write instead.
    pub fn note_stray(&mut self, field: impl Into<String>, why: &str, allowed: impl Into<String>) {
        let (field, found, allowed) = (field.into(), why.to_owned(), allowed.into());
        self.push(FieldProblem { field, found, allowed, is_value: false });
    }

    /// Notes a name that nothing reads, of a key or a parameter.
    pub fn note_unknown(
        &mut self,
        field: impl Into<String>,
        what: &str,
        name: &str,
        known: &[&str],
    ) {
        let meant = nearest(name, known);
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`? "));
        let allowed = match known {
            [] => format!("no {what}s are known here"),
            _ => format!("{meant}known {what}s: {}", known.join(", ")),
        };
        self.note_stray(field, &format!("unknown {what}"), allowed);
    }

    fn push(&mut self, problem: FieldProblem) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(problem);
        }
    }

    /// Takes over problems noted elsewhere.
    pub fn extend(&mut self, problems: Vec<FieldProblem>) {
        let room = PROBLEMS_MAX - self.0.len();
        self.0.extend(problems.into_iter().take(room));
    }

    /// Whether a problem of this very field was noted.
    pub fn concern(&self, field: &str) -> bool {
        self.0.iter().any(|problem| problem.field == field)
    }

    /// `value` if nothing was wrong.
    pub fn check<T>(self, value: T) -> Result<T, Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

/// What is allowed where a name stands twice.
pub const GIVEN_ONCE: &str = "each name may appear once";

/// The known name that `name` is most likely a misspelling of: two letters off, and fewer than half.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let distances = known.iter().map(|one| (distance(name, one), *one));
    let (off, nearest) = distances.min_by_key(|(off, _)| *off)?;
    (off <= 2 && 2 * off < nearest.len()).then_some(nearest)
}

/// How many letters must be changed, added or removed to make `from` of `to` (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

/// One table being read.
#[derive(Debug)]
pub struct Fields<'n, 'p> {
    path: String,
    entries: Vec<(&'n str, &'n Node)>,
    known: Vec<&'static str>,
    problems: &'p mut Problems,
}

impl<'n, 'p> Fields<'n, 'p> {
    /// Begins to read `node`, which stands at `path`; anything but a table is noted and reads as
    /// an empty one.
    pub fn open(path: &str, node: &'n Node, problems: &'p mut Problems) -> Self {
        let mut entries: Vec<(&str, &Node)> = Vec::new();
        if let Node::Table(pairs) = node {
            let mut sorted: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
            sorted.sort_unstable();
            for two in sorted.windows(2).filter(|two| two[0] == two[1]) {
                problems.note_stray(join(path, two[0]), "given twice", GIVEN_ONCE);
            }
            entries.extend(pairs.iter().map(|(name, value)| (name.as_str(), value)));
            entries.sort_by_key(|(name, _)| *name);
            entries.dedup_by_key(|(name, _)| *name);
        } else {
            let field = if path.is_empty() { "(body)" } else { path };
            problems.note(field, node.shown(), "an object");
        }
        Self { path: path.to_owned(), entries, known: Vec::new(), problems }
    }

    /// Notes everything that was not taken as unknown.
    pub fn finish(self) {
        for (name, _) in &self.entries {
            let shown: String = name.chars().take(64).flat_map(char::escape_default).collect();
            self.problems.note_unknown(join(&self.path, &shown), "key", &shown, &self.known);
        }
    }

    /// Takes a field out, whatever it is.
    pub fn take(&mut self, name: &'static str) -> Option<&'n Node> {
        self.known.push(name);
        let at = self.entries.iter().position(|(known, _)| *known == name)?;
        Some(self.entries.remove(at).1)
    }

    /// Whether the field is there and null.
    pub fn is_null(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, node)| *known == name && **node == Node::Null)
    }

    /// Whether the field is there and a table.
    pub fn is_table(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, node)| *known == name && matches!(node, Node::Table(_)))
    }

    /// Notes a problem with a field of this table.
    pub fn note(&mut self, name: &str, found: impl Into<String>, allowed: impl Into<String>) {
        self.problems.note(join(&self.path, name), found, allowed);
    }

    /// Whether a problem with a field of this table was noted.
    pub fn has_problem(&self, name: &str) -> bool {
        self.problems.concern(&join(&self.path, name))
    }

    /// Notes a field that is missing, as opposed to wrong and already noted.
    pub fn required<T>(&mut self, name: &str, allowed: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has_problem(name) {
            self.note(name, "nothing", allowed);
        }
        value
    }

    /// Begins to read a table within this one; absent, it reads as an empty one.
    pub fn table(&mut self, name: &'static str) -> Fields<'n, '_> {
        const EMPTY: &Node = &Node::Table(Vec::new());
        let node = self.take(name).unwrap_or(EMPTY);
        Fields::open(&join(&self.path, name), node, self.problems)
    }

    /// Takes a list of anything, with the path of each element.
    pub fn list(&mut self, name: &'static str) -> Option<Vec<(String, &'n Node)>> {
        let path = join(&self.path, name);
        let node = self.take(name)?;
        if let Node::List(nodes) = node {
            let indexed = nodes.iter().enumerate();
            return Some(indexed.map(|(at, node)| (format!("{path}[{at}]"), node)).collect());
        }
        self.note(name, node.shown(), "a list");
        None
    }

    /// The problems, for reading what [`Self::list`] gave.
    pub fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// A field that `read` understands, or a problem saying what is allowed.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        read: impl FnOnce(&'n Node) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(name)?;
        let value = read(node);
        if value.is_none() {
            self.note(name, node.shown(), allowed);
        }
        value
    }

    /// A text that `read` understands.
    pub fn text<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        read: impl FnOnce(&'n str) -> Option<T>,
    ) -> Option<T> {
        self.read(name, allowed, |node| read(node.as_text()?))
    }

    /// A text that is never shown, not even when it is wrong.
    pub fn secret<T>(
        &mut self,
        name: &'static str,
        allowed: &str,
        read: impl FnOnce(&'n str) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(name)?;
        let value = node.as_text().and_then(read);
        if value.is_none() {
            let found = match node.as_text() {
                Some(text) => format!("(hidden, {} bytes)", text.len()),
                None => "something else than a text".to_owned(),
            };
            self.note(name, found, allowed);
        }
        value
    }

    /// One text or a list of texts; text from the environment is split at commas.
    pub fn texts(&mut self, name: &'static str, allowed: &str) -> Option<Vec<String>> {
        let node = self.take(name)?;
        let texts = match node {
            Node::Raw(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(str::to_owned).collect())
            }
            Node::Text(text) => Some(vec![text.clone()]),
            Node::List(nodes) => nodes.iter().map(|n| n.as_text().map(str::to_owned)).collect(),
            Node::Null | Node::Bool(_) | Node::Integer(_) | Node::Float(_) | Node::Table(_) => None,
        };
        if texts.is_none() {
            self.note(name, "something else", allowed);
        }
        texts
    }

    /// One of a closed set of words.
    pub fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> Option<T> {
        let allowed = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let find = |text: &str| words.iter().find(|(word, _)| *word == text).map(|(_, t)| *t);
        self.text(name, &allowed, find)
    }

    /// A whole number within `range`.
    pub fn integer<T>(&mut self, name: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + Display + Into<i128> + TryFrom<i128>,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let range = (*range.start()).into()..=(*range.end()).into();
        self.read(name, &allowed, |node| {
            let number = if let Node::Integer(number) = node {
                *number
            } else {
                node.as_raw()?.parse::<i128>().ok()?
            };
            range.contains(&number).then(|| T::try_from(number).ok())?
        })
    }

    /// A number within `range`, rounded to thousandths.
    pub fn milli(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let (low, high) = (shown_milli(*range.start()), shown_milli(*range.end()));
        let allowed = format!("a number from {low} to {high}");
        self.read(name, &allowed, |node| {
            let milli = if let Node::Integer(number) = node {
                u64::try_from(number.checked_mul(1_000)?).ok()?
            } else if let Node::Float(number) = node {
                milli_of_float(*number)?
            } else {
                milli_of_float(node.as_raw()?.parse().ok()?)?
            };
            range.contains(&milli).then_some(milli)
        })
    }

    /// true or false.
    pub fn bool(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, "true or false", |node| {
            if let Node::Bool(value) = node { Some(*value) } else { node.as_raw()?.parse().ok() }
        })
    }

    /// An RFC 3339 time in milliseconds since 1970; null is `Some(None)`.
    pub fn time(&mut self, name: &'static str) -> Option<Option<u64>> {
        self.read(name, TIME_ALLOWED, |node| {
            if *node == Node::Null { Some(None) } else { parse_time(node.as_text()?).map(Some) }
        })
    }
}

/// The path of a name below another path.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Thousandths as a decimal without needless zeros.
pub fn shown_milli(milli: u64) -> String {
    let text = format!("{}.{:03}", milli / 1_000, milli % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A float rounded to thousandths. Goes by the decimal text, because that is what people wrote: 0.1
/// is a hundred thousandths although no float is.
fn milli_of_float(number: f64) -> Option<u64> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let text = format!("{number:.3}");
    let (whole, fraction) = text.split_once('.')?;
    format!("{whole}{fraction}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(json: &str, read: impl FnOnce(&mut Fields<'_, '_>) -> T) -> Result<T, String> {
        let node = Node::from_json(json.as_bytes()).map_err(|error| error.to_string())?;
        let mut problems = Problems::default();
        let mut fields = Fields::open("", &node, &mut problems);
        let value = read(&mut fields);
        fields.finish();
        problems.check(value).map_err(|problems| {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        })
    }

    #[test]
    fn every_problem_is_told_with_its_field() {
        let answer = read(r#"{"a":1.5,"b":"x","c":1,"c":2,"d":{}}"#, |fields| {
            (fields.integer("a", 1..=9_u32), fields.bool("b"), fields.integer("c", 0..=9_u32))
        });
        assert_eq!(
            answer.unwrap_err(),
            "c: given twice; each name may appear once; \
             a: found 1.5, allowed: a whole number from 1 to 9; \
             b: found \"x\", allowed: true or false; \
             d: unknown key; known keys: a, b, c"
        );
    }

    #[test]
    fn a_misspelt_name_is_told_what_it_may_have_meant() {
        let known = ["quantity", "sku", "streams_max"];
        for (name, meant) in [
            ("quantiy", Some("quantity")),
            ("qauntity", Some("quantity")),
            ("stream_max", Some("streams_max")),
            ("sk", Some("sku")),
            ("id", None),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name:?}");
        }
        let told = read(r#"{"quantiy":1}"#, |fields| fields.integer("quantity", 1..=9_u32));
        let told = told.unwrap_err();
        assert_eq!(told, "quantiy: unknown key; did you mean `quantity`? known keys: quantity");
    }

    #[test]
    fn numbers_are_whole_only_when_written_whole() {
        for bad in [
            "1.0",
            "1e0",
            "\"1\"",
            "-1",
            "0",
            "10",
            "2147483648",
            "9223372036854775808",
            "99999999999999999999999",
            "true",
            "null",
            "[1]",
        ] {
            let json = format!(r#"{{"n":{bad}}}"#);
            assert!(read(&json, |fields| fields.integer("n", 1..=9_u32)).is_err(), "{bad}");
        }
        for bad in ["NaN", "Infinity", "01", "+1", "1.", "0x1"] {
            let json = format!(r#"{{"n":{bad}}}"#);
            assert!(Node::from_json(json.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read(r#"{"n":9}"#, |fields| fields.integer("n", 1..=9_u32)), Ok(Some(9)));
    }

    #[test]
    fn thousandths_are_exact() {
        let milli = |text: &str| {
            read(&format!(r#"{{"n":{text}}}"#), |fields| fields.milli("n", 1..=1_000_000_000))
        };
        for (text, expected) in [
            ("0.1", 100),
            ("50", 50_000),
            ("50.0", 50_000),
            ("0.001", 1),
            ("1e3", 1_000_000),
            ("1000000", 1_000_000_000),
            ("2.675", 2_675),
            ("93.333333333", 93_333),
        ] {
            assert_eq!(milli(text), Ok(Some(expected)), "{text}");
        }
        for bad in ["0", "0.0001", "-1", "-0.5", "1000000.001", "1e300"] {
            assert!(milli(bad).is_err(), "{bad}");
        }
        assert_eq!(shown_milli(1_500), "1.5");
        assert_eq!(shown_milli(20_000), "20");
    }
}
