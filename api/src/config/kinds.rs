//! Kinds of values: what is allowed is part of the type, so a value that exists is within its range.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use web::networks::Network;

/// A type of values that a key may have.
pub(crate) trait Kind {
    /// Whether a value must not be shown, however wrong it is.
    const IS_SECRET: bool = false;

    /// What is allowed, in words for operators.
    fn allowed() -> String;

    /// The same as the manual has it.
    #[cfg(test)]
    fn range() -> String {
        Self::allowed()
    }
}

impl Kind for bool {
    fn allowed() -> String {
        "true or false".to_owned()
    }

    /// The words of the key say when it is true.
    #[cfg(test)]
    fn range() -> String {
        String::new()
    }
}

impl<K: Kind> Kind for Option<K> {
    const IS_SECRET: bool = K::IS_SECRET;

    fn allowed() -> String {
        K::allowed()
    }

    #[cfg(test)]
    fn range() -> String {
        K::range()
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const LEAST: u64, const MOST: u64>(u64);

impl<const LEAST: u64, const MOST: u64> Whole<LEAST, MOST> {
    /// The number, which must be in the range.
    ///
    /// # Panics
    /// When it is not; in a constant, that ends the build.
    pub const fn of(number: u64) -> Self {
        assert!(LEAST <= number && number <= MOST, "the number is out of its range");
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a count or a size.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number as 32 bits; one that does not fit is the largest.
    pub fn as_u32(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl<const LEAST: u64, const MOST: u64> Kind for Whole<LEAST, MOST> {
    fn allowed() -> String {
        format!("a whole number from {LEAST} to {MOST}")
    }

    #[cfg(test)]
    fn range() -> String {
        format!("{} to {}", grouped(LEAST), grouped(MOST))
    }
}

impl<const LEAST: u64, const MOST: u64> Kind for Vec<Whole<LEAST, MOST>> {
    fn allowed() -> String {
        format!("whole numbers from {LEAST} to {MOST}")
    }

    #[cfg(test)]
    fn range() -> String {
        format!("each {}", Whole::<LEAST, MOST>::range())
    }
}

impl<const LEAST: u64, const MOST: u64> Serialize for Whole<LEAST, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de, const LEAST: u64, const MOST: u64> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor(PhantomData))
    }
}

struct WholeVisitor<T>(PhantomData<T>);

impl<const LEAST: u64, const MOST: u64> Visitor<'_> for WholeVisitor<Whole<LEAST, MOST>> {
    type Value = Whole<LEAST, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Whole::<LEAST, MOST>::allowed())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        if (LEAST..=MOST).contains(&number) {
            Ok(Whole(number))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }
}

/// A number with its thousands apart.
#[cfg(test)]
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time of `LEAST` to `MOST` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span<const LEAST: u64, const MOST: u64>(Whole<LEAST, MOST>);

impl<const LEAST: u64, const MOST: u64> Span<LEAST, MOST> {
    /// So many milliseconds, which must be in the range.
    pub const fn of_ms(ms: u64) -> Self {
        Self(Whole::of(ms))
    }

    /// The time.
    pub const fn get(self) -> Duration {
        Duration::from_millis(self.0.get())
    }
}

impl<const LEAST: u64, const MOST: u64> Kind for Span<LEAST, MOST> {
    fn allowed() -> String {
        Whole::<LEAST, MOST>::allowed()
    }

    #[cfg(test)]
    fn range() -> String {
        Whole::<LEAST, MOST>::range()
    }
}

/// A value that is written as a text.
pub trait FromText: Sized {
    /// What is allowed, in words for operators.
    const ALLOWED: &'static str;

    /// The value of a text; `None` if it is not [`Self::ALLOWED`].
    fn from_text(text: &str) -> Option<Self>;

    /// The text of the value. Of one that is kept as a [`Secret`], what may be shown.
    fn to_text(&self) -> String;
}

/// A value that is written as a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<T> Text<T> {
    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T: FromText> Kind for Text<T> {
    fn allowed() -> String {
        T::ALLOWED.to_owned()
    }
}

impl<T: FromText> Kind for Vec<Text<T>> {
    fn allowed() -> String {
        T::ALLOWED.to_owned()
    }
}

impl<T: FromText> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_text())
    }
}

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData)).map(Self)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::ALLOWED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Declares a value that is a text of some form.
macro_rules! text {
    ($(#[doc = $words:literal])+ $name:ident, $allowed:expr, $fits:expr) => {
        $(#[doc = $words])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub(in $crate::config) String);

        impl $crate::config::kinds::FromText for $name {
            const ALLOWED: &'static str = $allowed;

            fn from_text(text: &str) -> Option<Self> {
                let fits: fn(&str) -> bool = $fits;
                fits(text).then(|| Self(text.to_owned()))
            }

            fn to_text(&self) -> String {
                self.0.clone()
            }
        }
    };
}

pub(super) use text;

/// A text that is not shown when it is wrong, and of which only [`FromText::to_text`] is shown otherwise.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(pub T);

/// What is shown of a secret of which nothing may be.
pub(super) const MASKED: &str = "(set, hidden)";

impl<T> Secret<T> {
    /// The value, which must not be shown.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<T: FromText> Kind for Secret<T> {
    const IS_SECRET: bool = true;

    fn allowed() -> String {
        T::ALLOWED.to_owned()
    }
}

impl<T: FromText> Kind for Vec<Secret<T>> {
    const IS_SECRET: bool = true;

    fn allowed() -> String {
        T::ALLOWED.to_owned()
    }
}

impl<T: FromText> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_text())
    }
}

impl<'de, T: FromText> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData)).map(Self)
    }
}

impl FromText for Network {
    const ALLOWED: &'static str = "addresses or networks, as 10.0.0.0/8 or ::1";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// A URL with whatever stands before its `@` masked, and the password for sentinels.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let shown = match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://…@{place}"),
        None => url.to_owned(),
    };
    match shown.split_once("sentinelPassword=") {
        Some((before, after)) => {
            let behind = after.find('&').map_or("", |at| &after[at..]);
            format!("{before}sentinelPassword=…{behind}")
        }
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_url_is_shown() {
        let url = "redis-sentinel://me:one@a:1?sentinelServiceName=s&sentinelPassword=two&node=b:2";
        let shown = "redis-sentinel://…@a:1?sentinelServiceName=s&sentinelPassword=…&node=b:2";
        assert_eq!(without_password(url), shown);
        assert_eq!(without_password("redis://a:1"), "redis://a:1");
    }
}
