//! Keys: the names that files are kept under.

use std::fmt;

use crate::limits::KEY_BYTES_MAX;

/// What public files' keys begin with.
const PUBLIC: &str = "public";

/// A key: parts of lower-case letters, digits, hyphens and dots, divided by slashes. It leads nowhere else
/// as a path of a folder or of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Reads a key, such as the path of a request.
    pub fn parse(text: &str) -> Option<Self> {
        let is_part = |part: &str| {
            let is_char = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
            };
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_char)
        };
        let is_key = text.len() <= KEY_BYTES_MAX && text.split('/').all(is_part);
        is_key.then(|| Self(text.to_owned()))
    }

    /// The key of these parts.
    ///
    /// # Panics
    ///
    /// Panics if they make none.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let text = parts.join("/");
        Self::parse(&text).unwrap_or_else(|| unreachable!("{text} is no key"))
    }

    /// The key as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether anybody may get the file.
    pub fn is_public(&self) -> bool {
        self.0.split('/').next() == Some(PUBLIC)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_nowhere_else() {
        let long = "x".repeat(KEY_BYTES_MAX + 1);
        for wrong in [
            "", "/", "/a", "a/", "a//b", "..", "a/../b", ".a", "a/.b", "A", "a b", "a\\b", "a%2fb",
            "가", "a\0", &long,
        ] {
            assert_eq!(Key::parse(wrong), None, "{wrong}");
        }
        let key = Key::parse("public/01h5/ab-12.jpg").unwrap();
        assert!(key.is_public());
        assert!(!Key::parse("private/public").unwrap().is_public());
        assert_eq!(key, Key::of(&["public", "01h5", "ab-12.jpg"]));
    }
}
