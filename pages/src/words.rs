//! The words of the pages. Each language has a table in a file of its own; the compiler sees to it that
//! all have every word, and a test that they have the same places for figures.

mod en;
mod ko;
mod table;

pub(crate) use self::table::Words;
use crate::language::Language;

impl Language {
    /// What the pages say in it.
    pub(crate) const fn words(self) -> &'static Words {
        match self {
            Self::Korean => &ko::WORDS,
            Self::English => &en::WORDS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_problems_and_places_for_figures() {
        let codes =
            |words: &Words| words.problems.iter().map(|(code, _)| *code).collect::<Vec<_>>();
        assert_eq!(codes(&en::WORDS), codes(&ko::WORDS));
        let places = |source: &str| -> Vec<(String, [bool; 2])> {
            let entry = |line: &str| {
                let (name, text) = line.trim().split_once(": Phrase(")?;
                Some((name.to_owned(), ["{n}", "{m}"].map(|place| text.contains(place))))
            };
            source.lines().filter_map(entry).collect()
        };
        let (english, korean) =
            (places(include_str!("words/en.rs")), places(include_str!("words/ko.rs")));
        assert!(english.len() > 20, "the tables are read");
        assert_eq!(english, korean);
    }

    #[test]
    fn no_one_is_hurried_or_begged() {
        for source in [include_str!("words/en.rs"), include_str!("words/ko.rs")] {
            let texts = source.lines().skip_while(|line| !line.contains("static WORDS"));
            for line in texts {
                assert!(
                    !line.contains('!') && !line.contains("주세요") && !line.contains("고객님"),
                    "{line}"
                );
            }
        }
    }
}
