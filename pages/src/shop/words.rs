//! The words of the shop. A word's two languages stand on one line, so that whoever changes one sees
//! the other.

mod account;
mod business;
mod desk;
mod frame;
mod order;
mod refusals;
mod store;

pub(crate) use self::{
    account::AccountWords,
    business::BusinessWords,
    desk::DeskWords,
    frame::FrameWords,
    order::OrderWords,
    refusals::{is_known, sentence},
    store::StoreWords,
};

/// A table of words: `name = "Korean" / "English";`. `{n}` and `{m}` stand for figures and names; a
/// text of two with `|` between them is of one thing and of several.
macro_rules! words {
    ($(#[$doc:meta])* $table:ident { $($word:ident = $korean:literal / $english:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $table { $(pub(crate) $word: $crate::format::Phrase,)* }

        impl $table {
            /// The table of a language.
            pub(crate) const fn of(language: $crate::language::Language) -> &'static Self {
                use $crate::{format::Phrase, language::Language};
                match language {
                    Language::Korean => const { &Self { $($word: Phrase($korean),)* } },
                    Language::English => const { &Self { $($word: Phrase($english),)* } },
                }
            }

            #[cfg(test)]
            pub(crate) const ALL: &[(&str, &str, &str)] =
                &[$((stringify!($word), $korean, $english),)*];
        }
    };
}
use words;

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(&'static str, &'static str, &'static str)> {
        let tables = [
            FrameWords::ALL,
            AccountWords::ALL,
            StoreWords::ALL,
            OrderWords::ALL,
            BusinessWords::ALL,
            DeskWords::ALL,
            refusals::ALL,
        ];
        tables.concat()
    }

    #[test]
    fn both_languages_have_the_same_places_for_figures() {
        for (word, korean, english) in all() {
            for place in ["{n}", "{m}"] {
                assert!(
                    english.split('|').all(|form| form.contains(place) == korean.contains(place)),
                    "{word}: {place}"
                );
            }
            assert!(!korean.is_empty() && !english.is_empty() && !korean.contains('|'), "{word}");
        }
    }

    #[test]
    fn no_one_is_hurried_or_begged() {
        for (word, korean, english) in all() {
            for bad in ["!", "주세요", "고객님", "hurry", "only now", "Oops", "please"] {
                assert!(!korean.contains(bad) && !english.contains(bad), "{word}: {bad}");
            }
        }
    }

    #[test]
    fn korean_is_korean_and_english_is_english() {
        for (word, korean, english) in all() {
            let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
            assert!(!hangul(english), "{word}: {english}");
            let plain = ["Rushgate", "CSV", "Google", "{n}", "%"];
            assert!(hangul(korean) || plain.iter().any(|p| korean.contains(p)), "{word}: {korean}");
        }
    }
}
