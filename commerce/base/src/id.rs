//! Ids: unique, in the order they were made, and not to be guessed.
//!
//! An id is 48 bits of milliseconds since 1970 and 80 random bits (the layout of a ULID), written as 26
//! lower-case characters of Crockford's base 32. So it is also a valid name of a sale, it sorts by its
//! time as text, byte by byte.

use std::{fmt, str::FromStr};

use crate::moment::Moment;

/// How many characters an id has: 130 bits, of which the first two are 0.
pub const ID_CHARS: usize = 26;

/// Crockford's base 32: no `i`, `l`, `o` or `u`, which people misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const RANDOM_BITS: u32 = 80;

/// An id of something in the shop. Crates give each kind of thing a type of its own around it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

impl Id {
    /// A new id.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no random numbers, as no secret could be made either.
    #[expect(clippy::expect_used, reason = "no id is better than one that can be guessed")]
    pub fn new(now: Moment) -> Self {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the operating system has random numbers");
        Self::of_parts(now, u128::from_le_bytes(random))
    }

    /// The id of a moment and random bits, of which the lowest 80 count.
    pub const fn of_parts(at: Moment, random: u128) -> Self {
        let ms = at.0.cast_unsigned() as u128 & ((1 << 48) - 1);
        Self(ms << RANDOM_BITS | random & ((1 << RANDOM_BITS) - 1))
    }

    /// When it was made.
    pub const fn made_at(self) -> Moment {
        let ms = self.0 >> RANDOM_BITS;
        // 48 bits by construction.
        Moment((ms as u64).cast_signed())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; ID_CHARS];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            // The remainder of a division by 32 is below 32.
            *place = ALPHABET[usize::try_from(rest % 32).unwrap_or_default()];
            rest /= 32;
        }
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a text is that cannot be read as an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoId;

impl fmt::Display for NoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id: allowed are 26 characters of 0-9 and a-z without i, l, o and u")
    }
}

impl std::error::Error for NoId {}

impl FromStr for Id {
    type Err = NoId;

    /// Reads the one way an id is written: an id has no second spelling that a table would not find.
    fn from_str(text: &str) -> Result<Self, NoId> {
        if text.len() != ID_CHARS {
            return Err(NoId);
        }
        let mut id: u128 = 0;
        for (index, byte) in text.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|&known| known == byte).ok_or(NoId)?;
            if index == 0 && digit > 7 {
                return Err(NoId);
            }
            id = id << 5 | u128::try_from(digit).map_err(|_| NoId)?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_sort_by_when_they_were_made() {
        let older = Id::of_parts(Moment(1_700_000_000_000), u128::MAX);
        let newer = Id::of_parts(Moment(1_700_000_000_001), 0);
        assert!(older < newer);
        assert!(older.to_string() < newer.to_string());
        assert_eq!(older.made_at(), Moment(1_700_000_000_000));
    }

    #[test]
    fn no_two_are_alike() {
        assert_ne!(Id::new(Moment(1)), Id::new(Moment(1)));
    }

    #[test]
    fn only_the_written_form_is_read() {
        let text = Id::of_parts(Moment(1_700_000_000_000), 7).to_string();
        assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
        for other in [
            text.to_uppercase(),
            format!("8{}", &text[1..]),
            text[1..].to_owned(),
            format!("{text}0"),
            text.replace('0', "o"),
            String::new(),
        ] {
            assert_eq!(other.parse::<Id>(), Err(NoId), "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(bits: u128) {
            let id = Id(bits);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
