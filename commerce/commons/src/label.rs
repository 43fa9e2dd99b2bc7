//! Labels: the short names that programs give to kinds of things.

use std::{borrow::Cow, fmt};

use crate::limits::LABEL_BYTES_MAX;

/// A name such as `deal` or `deal.opens`: lower-case letters, underscores and dots. The crate that owns
/// what it names has it as a constant, and never renames it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Cow<'static, str>);

impl Label {
    /// A label.
    ///
    /// # Panics
    ///
    /// Panics if the name is not one, at compile time for a constant.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty() && bytes.len() <= LABEL_BYTES_MAX, "a label has 1 to 40 bytes");
        let mut index = 0;
        while index < bytes.len() {
            let byte = bytes[index];
            assert!(
                byte.is_ascii_lowercase() || byte == b'_' || byte == b'.',
                "a label has a-z _ ."
            );
            index += 1;
        }
        Self(Cow::Borrowed(name))
    }

    /// What a table kept.
    pub(crate) const fn kept(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// Its beginning, up to the first dot.
    #[must_use]
    pub fn head(&self) -> Self {
        let head = self.0.split('.').next().unwrap_or_default();
        Self(Cow::Owned(head.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short_and_plain() {
        assert_eq!(Label::new("deal.opens"), Label::kept("deal.opens".to_owned()));
        assert_eq!(Label::new("deal.opens").head(), Label::new("deal"));
        for bad in ["", "Deal", "deal opens", "딜", &"x".repeat(LABEL_BYTES_MAX + 1)] {
            let bad: &'static str = bad.to_owned().leak();
            assert!(std::panic::catch_unwind(|| Label::new(bad)).is_err(), "{bad}");
        }
    }
}
