//! A document as it was written, before anything in it is believed.
//!
//! Owns the one tree that JSON bodies, the configuration file and environment values become.
//! Unlike `serde_json::Value` it keeps repeated names, so that they can be refused by name, and
//! tells whole numbers from others. Bodies are at most 16 KiB and `serde_json` limits nesting to
//! 128, so the tree is bounded.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// JSON null.
    Null,
    /// true or false.
    Bool(bool),
    /// A number written without point or exponent, within 64 bits.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// Text from the environment or the command line: it is read as whatever type is due.
    Raw(String),
    /// An array.
    List(Vec<Self>),
    /// An object or table, in order, repeated names included.
    Table(Vec<(String, Self)>),
}

impl Node {
    /// Reads JSON; the error is the parser's word on where it broke.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The value as an error message shows it: short, one line, no control characters.
    pub fn shown(&self) -> String {
        const CHARS_MAX: usize = 64;
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => format!("{number:?}"),
            Self::Text(text) | Self::Raw(text) => {
                let cut: String = text.chars().take(CHARS_MAX).collect();
                let more = if cut.len() < text.len() { "…" } else { "" };
                format!("{cut:?}{more}")
            }
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "an object".to_owned(),
        }
    }

    /// The text, wherever it came from; `None` for anything else.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) | Self::Raw(text) = self { Some(text) } else { None }
    }

    /// The text from the environment or the command line; `None` for anything else.
    pub fn as_raw(&self) -> Option<&str> {
        if let Self::Raw(text) = self { Some(text) } else { None }
    }

    /// Puts `value` at `section.name`, replacing what stood there. A section within another has a dot in
    /// its name.
    pub fn set(&mut self, section: &str, name: &str, value: Self) {
        let section = section.split('.').fold(self, |node, part| node.entry(part));
        if !matches!(section, Self::Table(_)) {
            *section = Self::Table(Vec::new());
        }
        *section.entry(name) = value;
    }

    fn entry(&mut self, name: &str) -> &mut Self {
        if !matches!(self, Self::Table(_)) {
            *self = Self::Table(Vec::new());
        }
        let Self::Table(entries) = self else { unreachable!("made a table just above") };
        let at = entries.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            entries.push((name.to_owned(), Self::Table(Vec::new())));
            entries.len() - 1
        });
        &mut entries[at].1
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Node::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Table(entries))
    }
}
