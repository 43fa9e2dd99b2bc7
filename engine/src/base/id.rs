//! Names and numbers that identify things, each its own type so that one cannot be mistaken for another.

use std::fmt;

/// The longest sale name, in bytes.
pub(crate) const SALE_NAME_BYTES_MAX: usize = 64;
/// The longest name of a node, in bytes.
const NODE_NAME_BYTES_MAX: usize = 64;
/// What an incarnation adds to a node's name.
const INCARNATION_BYTES: usize = 9;
/// The longest name of a sink, in bytes.
pub const SINK_NAME_BYTES_MAX: usize = 16;
/// The longest SKU, in bytes.
const SKU_BYTES_MAX: usize = 64;

/// A sale's public name: `[a-z0-9-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaleName(Box<str>);

impl SaleName {
    /// Accepts `[a-z0-9-]{1,64}`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=SALE_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name's fixed-size stand-in in records and tokens.
    pub fn tag(&self) -> SaleTag {
        let hash = blake3::hash(self.0.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        SaleTag(u64::from_le_bytes(first))
    }
}

impl fmt::Display for SaleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first eight bytes (little-endian) of the BLAKE3 hash of a sale's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaleTag(pub u64);

/// Which epoch of the deciding authority a place belongs to; part of every ticket and pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// A place's number in its sale's line, dense from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

/// A shopper as the engine knows them: 128 bits derived from a verified identity, or random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopperKey(pub u128);

/// A hold's number in its sale, from 1, dense except for those skipped after a loss; a hold keeps it when it
/// becomes an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

/// An order event's number in its sale, from 1, dense except for those skipped after a loss; never used twice,
/// not even by a later sale of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

/// A record's place in the journal, dense from 1 over all sales of a data directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// A node's name: `[A-Za-z0-9._-]{1,64}`. With several nodes its journal's incarnation is added, after a
/// dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Box<str>);

impl NodeName {
    /// Accepts `[A-Za-z0-9._-]{1,64}`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=NODE_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.into()))
    }

    /// A name as [`Self::of_journal`] makes it, or a plain one; anything else is `None`.
    pub fn parse_member(text: &str) -> Option<Self> {
        let name = &text[..text.len().min(NODE_NAME_BYTES_MAX)];
        let rest = &text[name.len()..];
        let fits =
            rest.len() <= INCARNATION_BYTES && (rest.is_empty() || Self::parse(rest).is_some());
        (fits && Self::parse(name).is_some()).then(|| Self(text.into()))
    }

    /// The name that the node goes by among many: with its journal's incarnation.
    #[must_use]
    pub fn of_journal(&self, incarnation: u32) -> Self {
        Self(format!("{self}.{incarnation:08x}").into())
    }

    /// Whether a member is the node of this name, whatever its incarnation.
    pub fn is_of(&self, name: &Self) -> bool {
        let rest = self.0.strip_prefix(name.as_str());
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.len() == INCARNATION_BYTES && rest.starts_with('.')
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a sink of order events: `[a-z0-9_]{1,16}`. It holds its bytes itself: every record of a
/// delivery has some.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkName([u8; SINK_NAME_BYTES_MAX]);

impl SinkName {
    /// Accepts `[a-z0-9_]{1,16}`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let fits = (1..=SINK_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| {
            let mut bytes = [0; SINK_NAME_BYTES_MAX];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            Self(bytes)
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(SINK_NAME_BYTES_MAX);
        std::str::from_utf8(&self.0[..end]).expect("ASCII only")
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SinkName({self})")
    }
}

/// The index of an offer within its sale's offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferIndex(pub u16);

/// A stock-keeping unit's code: `[A-Za-z0-9._:-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(Box<str>);

impl Sku {
    /// Accepts 1–64 bytes of `[A-Za-z0-9._:-]`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = (1..=SKU_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.into()))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An ISO 4217 alphabetic currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Accepts three capital ASCII letters; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The three letters.
    pub const fn letters(self) -> [u8; 3] {
        self.0
    }
}
