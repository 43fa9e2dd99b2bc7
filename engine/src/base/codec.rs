//! The byte form of records and snapshots: little-endian, fixed widths, lengths before contents.
//!
//! A type's form is written once, by [`Binary`] or by the `binary_struct!` and `binary_enum!`
//! macros, and serves the journal and the snapshots alike. Decoding refuses what encoding could
//! not have produced: unknown tags, short input, lengths past the end.
//!
//! What may be larger than memory should hold twice is [`Long`]: it goes to a [`Sink`] and comes from a
//! [`Source`] item by item, and those may be files.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

use smallvec::{Array, SmallVec};

use crate::{
    clock::Millis,
    id::{
        Currency, Epoch, EventId, HoldId, NodeName, Number, OfferIndex, SaleName, SaleTag,
        Sequence, ShopperKey, SinkName, Sku,
    },
};

/// Why bytes are not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError(pub &'static str);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot decode: {}", self.0)
    }
}

impl std::error::Error for DecodeError {}

/// A value with one byte form.
pub trait Binary: Sized {
    /// Appends the byte form.
    fn encode(&self, out: &mut Vec<u8>);

    /// Takes the byte form off the front of `input`.
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError>;
}

/// Where a long byte form goes, item by item.
pub(crate) trait Sink {
    /// Appends an item's byte form.
    fn put<T: Binary>(&mut self, item: &T);

    /// Appends how many items follow, then each.
    fn put_list<'a, T: Binary + 'a>(&mut self, items: impl ExactSizeIterator<Item = &'a T>) {
        self.put(&(items.len() as u64));
        items.for_each(|item| self.put(item));
    }
}

/// Where a long byte form comes from, item by item.
pub(crate) trait Source {
    /// Takes an item off the front.
    fn get<T: Binary>(&mut self) -> Result<T, DecodeError>;

    /// Bytes that are left.
    fn left(&self) -> u64;

    /// Takes the number of items that follow, and refuses one that is larger than the bytes that
    /// follow: each item takes at least one.
    fn get_count(&mut self) -> Result<usize, DecodeError> {
        let count = self.get::<u64>()?;
        let fits = usize::try_from(count).ok().filter(|_| count <= self.left());
        fits.ok_or(DecodeError("length past the end"))
    }
}

/// A value whose byte form may be too long for one buffer.
pub(crate) trait Long: Sized {
    /// Appends the byte form.
    fn write(&self, out: &mut impl Sink);

    /// Takes the byte form off the front of `input`.
    fn read(input: &mut impl Source) -> Result<Self, DecodeError>;
}

impl Sink for Vec<u8> {
    fn put<T: Binary>(&mut self, item: &T) {
        item.encode(self);
    }
}

/// The BLAKE3 hash of a byte form that is never in memory as a whole.
#[derive(Default)]
pub(crate) struct Hashing {
    hasher: blake3::Hasher,
    /// What is not hashed yet.
    bytes: Vec<u8>,
}

impl Hashing {
    /// Bytes that are hashed at once.
    const PIECE_BYTES: usize = 64 << 10;

    pub(crate) fn finish(mut self) -> [u8; 32] {
        *self.hasher.update(&self.bytes).finalize().as_bytes()
    }
}

impl Sink for Hashing {
    fn put<T: Binary>(&mut self, item: &T) {
        item.encode(&mut self.bytes);
        if self.bytes.len() >= Self::PIECE_BYTES {
            self.hasher.update(&self.bytes);
            self.bytes.clear();
        }
    }
}

impl Source for &[u8] {
    fn get<T: Binary>(&mut self) -> Result<T, DecodeError> {
        T::decode(self)
    }

    fn left(&self) -> u64 {
        self.len() as u64
    }
}

/// Takes `count` bytes off the front of `input`.
pub(crate) fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], DecodeError> {
    let (front, rest) = input.split_at_checked(count).ok_or(DecodeError("input ends early"))?;
    *input = rest;
    Ok(front)
}

macro_rules! binary_integers {
    ($($integer:ty),*) => {$(
        impl Binary for $integer {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
                let bytes = take(input, size_of::<$integer>())?;
                let fixed = bytes.try_into().map_err(|_| DecodeError("integer length"))?;
                Ok(Self::from_le_bytes(fixed))
            }
        }
    )*};
}

binary_integers!(u8, u16, u32, u64, i64, u128);

macro_rules! binary_newtypes {
    ($($newtype:ident($inner:ty)),*) => {$(
        impl Binary for $newtype {
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }

            fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
                <$inner>::decode(input).map(Self)
            }
        }
    )*};
}

binary_newtypes!(
    Millis(u64),
    SaleTag(u64),
    Epoch(u32),
    Number(u64),
    ShopperKey(u128),
    HoldId(u64),
    EventId(u64),
    Sequence(u64),
    OfferIndex(u16)
);

impl Binary for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        match u8::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError("neither true nor false")),
        }
    }
}

impl<T: Binary> Binary for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Ok(None) }
    }
}

/// Writes a length, then each item.
pub(crate) fn put_all<'a, T: Binary + 'a>(
    items: impl ExactSizeIterator<Item = &'a T>,
    out: &mut Vec<u8>,
) {
    (items.len() as u64).encode(out);
    items.for_each(|item| item.encode(out));
}

/// Reads a length, and refuses one that is larger than the bytes that follow: each item takes at least one.
pub(crate) fn get_length(input: &mut &[u8]) -> Result<usize, DecodeError> {
    let length = u64::decode(input)?;
    let length = usize::try_from(length).map_err(|_| DecodeError("length too large"))?;
    if length > input.len() { Err(DecodeError("length past the end")) } else { Ok(length) }
}

impl<A: Binary, B: Binary> Binary for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Ok((A::decode(input)?, B::decode(input)?))
    }
}

impl<T: Binary> Binary for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_all(self.iter(), out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        (0..get_length(input)?).map(|_| T::decode(input)).collect()
    }
}

impl<A: Array<Item: Binary>> Binary for SmallVec<A> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_all(self.iter(), out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        (0..get_length(input)?).map(|_| A::Item::decode(input)).collect()
    }
}

impl<T: Binary> Binary for Box<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        T::encode(self, out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        T::decode(input).map(Self::new)
    }
}

impl<T: Binary> Binary for Arc<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        T::encode(self, out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        T::decode(input).map(Self::new)
    }
}

impl<T: Binary> Binary for VecDeque<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_all(self.iter(), out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        Vec::decode(input).map(Self::from)
    }
}

impl<K: Binary + Ord, V: Binary> Binary for BTreeMap<K, V> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.len() as u64).encode(out);
        for (key, value) in self {
            key.encode(out);
            value.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        (0..get_length(input)?).map(|_| <(K, V)>::decode(input)).collect()
    }
}

impl<const N: usize> Binary for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        take(input, N)?.try_into().map_err(|_| DecodeError("array length"))
    }
}

/// Writes a length, then the text.
fn put_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).encode(out);
    out.extend_from_slice(text.as_bytes());
}

impl Binary for String {
    fn encode(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = get_length(input)?;
        let bytes = take(input, length)?;
        Self::from_utf8(bytes.to_vec()).map_err(|_| DecodeError("text that is not UTF-8"))
    }
}

/// Gives names the byte form of their texts, which are parsed when they are read.
macro_rules! binary_names {
    ($($name:ident by $parse:ident, $what:literal;)*) => {$(
        impl Binary for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                put_text(self.as_str(), out);
            }

            fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
                Self::$parse(&String::decode(input)?).ok_or(DecodeError($what))
            }
        }
    )*};
}

binary_names! {
    SaleName by parse, "sale name";
    NodeName by parse_member, "node name";
    SinkName by parse, "sink name";
    Sku by parse, "SKU";
}

impl Binary for Currency {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.letters());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(take(input, 3)?).map_err(|_| DecodeError("currency"))?;
        Self::parse(text).ok_or(DecodeError("currency"))
    }
}

/// Gives a struct the byte form of its fields in the order written.
macro_rules! binary_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Binary for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::codec::Binary::encode(&self.$field, out);)*
            }

            fn decode(input: &mut &[u8]) -> Result<Self, $crate::codec::DecodeError> {
                $(let $field = $crate::codec::Binary::decode(input)?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Gives an enum a one-byte tag followed by the fields of the variant.
macro_rules! binary_enum {
    ($name:ident { $($tag:literal => $variant:ident $({ $($field:ident),* $(,)? })?),* $(,)? }) => {
        impl $crate::codec::Binary for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        out.push($tag);
                        $($($crate::codec::Binary::encode($field, out);)*)?
                    })*
                }
            }

            fn decode(input: &mut &[u8]) -> Result<Self, $crate::codec::DecodeError> {
                match <u8 as $crate::codec::Binary>::decode(input)? {
                    $($tag => {
                        $($(let $field = $crate::codec::Binary::decode(input)?;)*)?
                        Ok(Self::$variant $({ $($field),* })?)
                    })*
                    _ => Err($crate::codec::DecodeError(concat!(
                        "unknown tag of ",
                        stringify!($name)
                    ))),
                }
            }
        }
    };
}

pub(crate) use {binary_enum, binary_struct};
