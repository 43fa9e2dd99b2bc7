//! Reads a section out of a document, telling every problem and not just the first.
//!
//! Serde stops at the first problem. So a section is read again without the key that was wrong, until
//! nothing is wrong with what is left; as every key has a default, that always comes to an end.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::section::Section;
use crate::wire::{Node, Problems};

/// Reads the section that `node` is, noting every problem. A key with a wrong value reads as its default.
pub(super) fn read<S: Section>(node: Option<&Node>, problems: &mut Problems) -> S {
    let Some(node) = node else { return S::default() };
    let Node::Table(entries) = node else {
        // Not what it is: of a section with secrets it may be one of them.
        problems.note(S::NAME, "a single value", "a table");
        return S::default();
    };
    let mut left: Vec<Entry<'_>> = Vec::new();
    for (name, value) in entries {
        if left.iter().any(|known| known.name == name) {
            problems.note_stray(path(S::NAME, name), "given twice", "each name may appear once");
        } else {
            left.push(Entry { name, value: Cow::Borrowed(value), is_wrong: false });
        }
    }
    loop {
        let at = Cell::new(0);
        match S::deserialize(Table { entries: &left, at: &at }) {
            // What is left of a wrong list is no list that somebody wrote.
            Ok(_) if left.iter().any(|entry| entry.is_wrong) => {
                left.retain(|entry| !entry.is_wrong);
            }
            Ok(section) => return section,
            Err(wrong) if at.get() < left.len() => {
                let entry = &mut left[at.get()];
                note::<S>(&wrong, entry, problems);
                if !entry.drop_wrong(&wrong) {
                    left.remove(at.get());
                }
            }
            // A section has a default for every key, so nothing is ever missing.
            Err(_) => return S::default(),
        }
    }
}

/// One key of a section, with what is left of its value.
struct Entry<'d> {
    name: &'d str,
    value: Cow<'d, Node>,
    /// Elements were wrong, and are gone.
    is_wrong: bool,
}

impl Entry<'_> {
    /// The elements of a list. Another value counts as a list of it, and has none to drop.
    fn elements(&self) -> Vec<Node> {
        if let Node::List(elements) = &*self.value {
            return elements.clone();
        }
        let text = self.value.as_raw().unwrap_or_default();
        parts(text).map(|part| Node::Raw(part.to_owned())).collect()
    }

    /// Drops a wrong element of a list; whether others are left.
    fn drop_wrong(&mut self, wrong: &Wrong) -> bool {
        let Wrong::Element(at) = *wrong else { return false };
        let mut elements = self.elements();
        if at >= elements.len() {
            return false;
        }
        elements.remove(at);
        let has_more = !elements.is_empty();
        self.value = Cow::Owned(Node::List(elements));
        self.is_wrong = true;
        has_more
    }
}

/// Tells what is wrong with a key. What is allowed, and whether the value may be shown, is the key's own.
fn note<S: Section>(wrong: &Wrong, entry: &Entry<'_>, problems: &mut Problems) {
    let shown: String = entry.name.chars().take(64).flat_map(char::escape_default).collect();
    let field = path(S::NAME, &shown);
    let Some(facts) = S::facts(entry.name) else {
        let known = if let Wrong::Unknown(known) = wrong { known } else { &[][..] };
        return problems.note_unknown(field, "key", &shown, known);
    };
    let element =
        if let Wrong::Element(at) = wrong { entry.elements().get(*at).cloned() } else { None };
    let value = element.as_ref().unwrap_or(&entry.value);
    let found = match (facts.is_secret, value.as_text()) {
        (false, _) => value.shown(),
        (true, Some(text)) => format!("(hidden, {} bytes)", text.len()),
        (true, None) => "something hidden that is no text".to_owned(),
    };
    problems.note(field, found, facts.allowed);
}

fn path(section: &str, name: &str) -> String {
    format!("{section}.{name}")
}

/// The parts of a list that came as one text.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// What is wrong in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wrong {
    /// The key is not one of these.
    Unknown(&'static [&'static str]),
    /// The value is not allowed.
    Value,
    /// An element of the list is not.
    Element(usize),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is not allowed")
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    /// Serde's words may quote the value, so they are dropped.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Value
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown(known)
    }
}

/// The keys of a section; `at` is the one that is being read.
struct Table<'d> {
    entries: &'d [Entry<'d>],
    at: &'d Cell<usize>,
}

impl<'de> Deserializer<'de> for Table<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Keys { table: self, next: 0 })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Keys<'d> {
    table: Table<'d>,
    next: usize,
}

impl<'de> MapAccess<'de> for Keys<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some(entry) = self.table.entries.get(self.next) else {
            self.table.at.set(self.next);
            return Ok(None);
        };
        self.table.at.set(self.next);
        seed.deserialize(StrDeserializer::new(entry.name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Wrong> {
        let entry = &self.table.entries[self.next];
        self.next += 1;
        seed.deserialize(Value::Whole(&entry.value))
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
            Node::List(values) => visitor.visit_seq(Items::of(values.iter().map(Value::Whole))),
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

    /// One value counts as a list of it; a text from the environment is split at commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if let Some(text) = self.as_raw() {
            return visitor.visit_seq(Items::of(parts(text).map(Value::Part)));
        }
        if self.as_text().is_some() {
            return visitor.visit_seq(Items::of(std::iter::once(self)));
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
            None => Err(Wrong::Value),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct newtype_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// The values of a list, and how many were read.
struct Items<I> {
    left: I,
    read: usize,
}

impl<I> Items<I> {
    fn of(left: I) -> Self {
        Self { left, read: 0 }
    }
}

impl<'de, I: Iterator<Item = Value<'de>>> SeqAccess<'de> for Items<I> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(value) = self.left.next() else { return Ok(None) };
        let at = self.read;
        self.read += 1;
        seed.deserialize(value).map(Some).map_err(|_wrong| Wrong::Element(at))
    }
}
