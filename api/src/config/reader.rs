//! Reads a section out of a document, telling every problem and not just the first.
//!
//! Serde stops at the first problem. So a section is read again without the key that was wrong, until
//! nothing is wrong with what is left; as every key has a default, that always comes to an end.

use std::cell::Cell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::kinds::SECRET;
use super::section::Section;
use crate::wire::{Node, Problems};

/// Reads the section that `node` is, noting every problem. Wrong values read as their defaults.
pub(super) fn read<S: Section>(node: Option<&Node>, problems: &mut Problems) -> S {
    let Some(node) = node else { return S::default() };
    let Node::Table(entries) = node else {
        problems.note(S::NAME, node.shown(), "a table");
        return S::default();
    };
    let mut left: Vec<(&str, &Node)> = Vec::new();
    for (name, value) in entries {
        if left.iter().any(|(known, _)| known == name) {
            problems.note_stray(path(S::NAME, name), "given twice", "each name may appear once");
        } else {
            left.push((name, value));
        }
    }
    loop {
        let at = Cell::new(0);
        match S::deserialize(Table { entries: &left, at: &at }) {
            Ok(section) => return section,
            Err(wrong) if at.get() < left.len() => {
                let (name, value) = left.remove(at.get());
                wrong.note(S::NAME, name, value, problems);
            }
            // A section has a default for every key, so nothing is ever missing.
            Err(_) => return S::default(),
        }
    }
}

fn path(section: &str, name: &str) -> String {
    format!("{section}.{name}")
}

/// What is wrong with a value.
#[derive(Debug)]
enum Wrong {
    /// The key is not one of these.
    Unknown(&'static [&'static str]),
    /// This is allowed instead of the value, or of a part of it.
    Value { part: Option<String>, allowed: String },
    /// The same, of a value that must not be shown.
    Hidden(String),
}

impl Wrong {
    fn note(self, section: &str, name: &str, value: &Node, problems: &mut Problems) {
        let shown: String = name.chars().take(64).flat_map(char::escape_default).collect();
        let field = path(section, &shown);
        match self {
            Self::Unknown(known) => problems.note_unknown(field, "key", &shown, known),
            Self::Value { part, allowed } => {
                problems.note(field, part.unwrap_or_else(|| value.shown()), allowed);
            }
            Self::Hidden(allowed) => {
                let found = match value.as_text() {
                    Some(text) => format!("(hidden, {} bytes)", text.len()),
                    None => "something hidden".to_owned(),
                };
                problems.note(field, found, allowed);
            }
        }
    }

    fn hidden(self) -> Self {
        match self {
            Self::Value { allowed, .. } => Self::Hidden(allowed),
            Self::Unknown(_) | Self::Hidden(_) => self,
        }
    }

    /// The same, of a part of the value that stands there.
    fn of_part(self, part: Value<'_>) -> Self {
        match self {
            Self::Value { allowed, .. } => Self::Value { part: Some(part.shown()), allowed },
            Self::Unknown(_) | Self::Hidden(_) => self,
        }
    }

    fn value(allowed: String) -> Self {
        Self::Value { part: None, allowed }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(known) => write!(f, "unknown key; known keys: {}", known.join(", ")),
            Self::Value { allowed, .. } | Self::Hidden(allowed) => write!(f, "allowed: {allowed}"),
        }
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(allowed: T) -> Self {
        Self::value(allowed.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, allowed: &dyn Expected) -> Self {
        Self::value(allowed.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, allowed: &dyn Expected) -> Self {
        Self::value(allowed.to_string())
    }

    fn unknown_variant(_: &str, words: &'static [&'static str]) -> Self {
        Self::value(words.join(", "))
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown(known)
    }
}

/// The keys of a section; `at` is the one that is being read.
struct Table<'t, 'd> {
    entries: &'t [(&'d str, &'d Node)],
    at: &'t Cell<usize>,
}

impl<'de> Deserializer<'de> for Table<'_, 'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Keys { table: self, next: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Keys<'t, 'd> {
    table: Table<'t, 'd>,
    next: usize,
}

impl<'de> MapAccess<'de> for Keys<'_, 'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((name, _)) = self.table.entries.get(self.next) else {
            self.table.at.set(self.next);
            return Ok(None);
        };
        self.table.at.set(self.next);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        let (_, node) = self.table.entries[self.next];
        self.next += 1;
        seed.deserialize(Value::Whole(node))
    }
}

/// One value. A text from the environment or the command line is read as whatever type is due.
#[derive(Clone, Copy)]
enum Value<'d> {
    Whole(&'d Node),
    /// A part of a list that came as one text.
    Part(&'d str),
}

impl<'d> Value<'d> {
    fn as_raw(self) -> Option<&'d str> {
        match self {
            Self::Whole(node) => node.as_raw(),
            Self::Part(text) => Some(text),
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Whole(node) => node.shown(),
            Self::Part(text) => Node::Text(text.to_owned()).shown(),
        }
    }

    fn as_text(self) -> Option<&'d str> {
        match self {
            Self::Whole(node) => node.as_text(),
            Self::Part(text) => Some(text),
        }
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let node = match self {
            Self::Whole(node) => node,
            Self::Part(text) => return visitor.visit_borrowed_str(text),
        };
        match node {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Integer(number) => match u64::try_from(*number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i128(*number),
            },
            Node::Float(number) => visitor.visit_f64(*number),
            Node::Text(text) | Node::Raw(text) => visitor.visit_borrowed_str(text),
            Node::List(values) => visitor.visit_seq(Items(values.iter().map(Value::Whole))),
            Node::Table(_) => Err(de::Error::invalid_type(Unexpected::Map, &visitor)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.as_raw().map(str::parse) {
            Some(Ok(value)) => visitor.visit_bool(value),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.as_raw().map(str::parse) {
            Some(Ok(number)) => visitor.visit_u64(number),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let read = visitor.visit_newtype_struct(self);
        if name == SECRET { read.map_err(Wrong::hidden) } else { read }
    }

    /// One value counts as a list of it; a text from the environment is split at commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if let Some(text) = self.as_raw() {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            return visitor.visit_seq(Items(parts.map(Value::Part)));
        }
        if self.as_text().is_some() {
            return visitor.visit_seq(Items(std::iter::once(self)));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.as_text() {
            Some(text) => StrDeserializer::new(text).deserialize_enum(name, variants, visitor),
            None => Err(Wrong::value(variants.join(", "))),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// The values of a list.
struct Items<I>(I);

impl<'de, I: Iterator<Item = Value<'de>>> SeqAccess<'de> for Items<I> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(value) = self.0.next() else { return Ok(None) };
        seed.deserialize(value).map(Some).map_err(|wrong| wrong.of_part(value))
    }
}
