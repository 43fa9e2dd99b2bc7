//! What people call an order: short, not to be guessed, and hard to misread.

use base::{id::Id, moment::Moment};

/// How many characters of an id's random part make a number: 60 bits.
const CHARS: usize = 12;
const GROUP: usize = 4;

/// A new number, such as `7K2M-9QXT-B4DN`. It says nothing of when, or how many.
pub(super) fn new(now: Moment) -> String {
    let id = Id::new(now).to_string().to_ascii_uppercase();
    let random = &id[id.len() - CHARS..];
    let groups = (0..CHARS).step_by(GROUP).map(|at| &random[at..at + GROUP]);
    groups.collect::<Vec<_>>().join("-")
}

/// The number that somebody typed: hyphens, spaces and small letters are all the same.
pub(super) fn typed(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let plain = plain.to_ascii_uppercase();
    if plain.len() != CHARS || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let groups = (0..CHARS).step_by(GROUP).map(|at| &plain[at..at + GROUP]);
    Some(groups.collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn defect_17_numbers_of_one_moment_differ_and_do_not_tell_it() {
        let many: BTreeSet<String> = (0..100_000).map(|_| new(Moment(1))).collect();
        assert_eq!(many.len(), 100_000);
        // Nor do they follow each other: each place has every character sooner or later.
        for place in [0, 1, 5, 13] {
            let seen: BTreeSet<u8> = many.iter().map(|number| number.as_bytes()[place]).collect();
            assert!(seen.len() >= 32, "{place}: {seen:?}");
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_typed() {
        let number = new(Moment(1));
        assert_ne!(number, new(Moment(1)));
        assert_eq!(number.len(), 14);
        for text in [number.clone(), number.to_lowercase(), number.replace('-', " ")] {
            assert_eq!(typed(&text), Some(number.clone()));
        }
        for other in ["", "7K2M-9QXT-B4D", "7K2M-9QXT-B4D가", "7K2M-9QXT-B4DN0"] {
            assert_eq!(typed(other), None, "{other}");
        }
    }
}
