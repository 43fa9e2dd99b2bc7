//! What people are called.

use std::fmt;

use crate::{limits::NAME_CHARS_MAX, line::line};

/// A name: a line of text that can be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Takes a name without the space around it, in Unicode's composed form. What is empty, longer than
    /// [`NAME_CHARS_MAX`], broken into lines, or holds characters that show nothing is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        line(text, NAME_CHARS_MAX).filter(|name| !name.is_empty()).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    /// A name is personal, and debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_that_can_be_seen() {
        for good in ["김하나", "Kim Hana", " O’Neill-Łukasz ", "이", &"가".repeat(NAME_CHARS_MAX)]
        {
            assert!(Name::parse(good).is_some(), "{good}");
        }
        let long = "가".repeat(NAME_CHARS_MAX + 1);
        for bad in
            ["", "   ", "a\nb", "\u{3164}", "\u{200b}", "a\u{202e}b", "a\u{2028}b", "\u{0}", &long]
        {
            assert!(Name::parse(bad).is_none(), "{bad:?}");
        }
        let composed = Name::parse("\u{1100}\u{1161}").unwrap();
        assert_eq!(composed.as_str(), "가");
    }
}
