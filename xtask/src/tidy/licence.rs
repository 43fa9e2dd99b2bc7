//! Licence expressions, as crates.io writes them.
//!
//! Owns the list of licences we ship under and the reading of SPDX expressions (SPDX
//! specification 2.3, annex D): `AND`, `OR`, `WITH`, parentheses, and the `/` that old crates use
//! for `OR`. Refuses what it cannot read. `deny.toml` holds the same list for cargo-deny; a test
//! compares the two.

/// Permissive licences only: Rushgate ships as one binary under MIT OR Apache-2.0.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether the expression can be satisfied with allowed licences; no if it is malformed.
pub(super) fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { tokens: &tokens };
    reader.any_of() == Some(true) && reader.tokens.is_empty()
}

/// What is left to read. Each method takes its part from the front and says whether it is allowed.
struct Reader<'a> {
    tokens: &'a [&'a str],
}

impl Reader<'_> {
    fn any_of(&mut self) -> Option<bool> {
        let mut allowed = self.all_of()?;
        while self.take("OR") {
            allowed |= self.all_of()?;
        }
        Some(allowed)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.take("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let allowed = self.any_of()?;
            return self.take(")").then_some(allowed);
        }
        let licence = self.word()?;
        if self.take("WITH") {
            let exception = self.word()?;
            return Some(ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()));
        }
        Some(ALLOWED.contains(&licence.as_str()))
    }

    fn take(&mut self, token: &str) -> bool {
        let is_next = self.tokens.first() == Some(&token);
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    fn word(&mut self) -> Option<String> {
        let (first, rest) = self.tokens.split_first()?;
        if ["(", ")", "AND", "OR", "WITH"].contains(first) {
            return None;
        }
        self.tokens = rest;
        Some((*first).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_needs_one_allowed_licence_and_a_sum_needs_all() {
        assert!(is_allowed("MIT"));
        assert!(is_allowed("MIT/GPL-3.0"));
        assert!(is_allowed("GPL-3.0 OR MIT"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception"));
        assert!(!is_allowed("MIT AND GPL-3.0"));
        assert!(!is_allowed("MIT AND (GPL-2.0 OR GPL-3.0)"));
        assert!(!is_allowed("GPL-2.0 WITH Classpath-exception-2.0"));
        // AND binds tighter than OR.
        assert!(is_allowed("MIT OR ISC AND GPL-3.0"));
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in ["", "(MIT", "MIT)", "MIT OR", "AND MIT", "MIT MIT", "MIT WITH"] {
            assert!(!is_allowed(expression), "{expression}");
        }
    }

    #[test]
    fn cargo_deny_is_told_the_same_list() {
        let deny = include_str!("../../../deny.toml");
        let (_, list) = deny.split_once("\nallow = [\n").unwrap();
        let (list, _) = list.split_once(']').unwrap();
        let listed: Vec<&str> =
            list.lines().map(|line| line.trim_matches([' ', ',', '"'])).collect();
        assert_eq!(listed, ALLOWED);
    }
}
