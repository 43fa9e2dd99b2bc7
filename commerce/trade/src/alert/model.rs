//! What an account follows.

use std::collections::BTreeSet;

use commons::label::Label;
use identity::{ids::AccountId, line::line};
use serde::{Deserialize, Serialize};
use store::task::Task;

use crate::{
    deal::Category,
    ids::DealId,
    limits::{KEYWORD_CHARS_MAX, KEYWORD_CHARS_MIN, KEYWORDS_MAX},
};

/// The kind of the notices. Their values are the deal's `title`, its `category` and when it `opens_at`.
pub const ALERTED: Label = Label::new("deal.published");

/// A word, or several, in the title of a deal: without spaces and capitals, as they do not matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyword(pub(super) String);

impl Keyword {
    /// Takes a keyword of [`KEYWORD_CHARS_MIN`] to [`KEYWORD_CHARS_MAX`] characters, spaces aside.
    pub fn parse(text: &str) -> Option<Self> {
        let word = plain(&line(text, 2 * KEYWORD_CHARS_MAX)?);
        let fits = (KEYWORD_CHARS_MIN..=KEYWORD_CHARS_MAX).contains(&word.chars().count());
        fits.then_some(Self(word))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All keywords that a title has in it.
    pub(super) fn all_in(title: &str) -> BTreeSet<String> {
        let title: Vec<char> = plain(title).chars().collect();
        let lengths = KEYWORD_CHARS_MIN..=KEYWORD_CHARS_MAX;
        lengths.flat_map(|length| title.windows(length)).map(|part| part.iter().collect()).collect()
    }
}

fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect()
}

/// What an account follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    pub(super) categories: BTreeSet<Category>,
    pub(super) keywords: BTreeSet<Keyword>,
}

store::refusals! {
    /// Why a field of alerts is not taken.
    pub AlertsRefusal {
        /// A category that there is not.
        Categories = "categories_invalid":
            "allowed are fashion, beauty, food, appliance, sports, living, pet and travel",
        /// A keyword that is too short or too long.
        Keywords = "keywords_invalid": "a keyword has 2 to 20 characters on one line",
        /// Too many of them.
        TooMany = "too_many_keywords": "an account follows 20 keywords at most",
    }
}

impl Alerts {
    /// Takes what somebody typed, or says what is wrong with each field.
    ///
    /// # Errors
    ///
    /// As [`AlertsRefusal`] says.
    pub fn parse(categories: &[&str], keywords: &[&str]) -> Result<Self, Vec<AlertsRefusal>> {
        let known = categories.iter().map(|code| Category::parse(code)).collect::<Option<_>>();
        let known = known.ok_or(AlertsRefusal::Categories);
        let words = if keywords.len() > KEYWORDS_MAX {
            Err(AlertsRefusal::TooMany)
        } else {
            let read = keywords.iter().map(|word| Keyword::parse(word)).collect::<Option<_>>();
            read.ok_or(AlertsRefusal::Keywords)
        };
        match (known, words) {
            (Ok(categories), Ok(keywords)) => Ok(Self { categories, keywords }),
            (known, words) => Err([known.err(), words.err()].into_iter().flatten().collect()),
        }
    }

    /// The categories.
    pub const fn categories(&self) -> &BTreeSet<Category> {
        &self.categories
    }

    /// The keywords.
    pub const fn keywords(&self) -> &BTreeSet<Keyword> {
        &self.keywords
    }
}

/// Those who follow a deal are to be told of it, from one account on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AlertDeal {
    /// Which deal.
    pub(super) deal: DealId,
    /// Who of them.
    pub(super) followers: Followers,
    /// After which account; from the first if `None`.
    pub(super) after: Option<AccountId>,
}

impl Task for AlertDeal {
    const KIND: &'static str = "trade.alert_deal";

    fn key(&self) -> String {
        self.deal.to_string()
    }
}

/// By what somebody follows a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Followers {
    /// By its category.
    OfCategory,
    /// By a word in its title.
    OfKeywords,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_found_wherever_it_stands_and_however_it_is_spaced() {
        let found = |title: &str, word| Keyword::all_in(title).contains(word);
        assert!(found("수분 미스트 100 ml", "미스트"));
        assert!(found("수분미스트", "미스트"));
        assert!(found("Aloe MIST", "mist"));
        assert_eq!(Keyword::parse("수분 미스트"), Some(Keyword("수분미스트".to_owned())));
        assert!(found("수분 미스트", "수분미스트"));
        assert!(!found("수분 크림", "미스트"));
        assert!(Keyword::all_in("가").is_empty());
        for bad in ["", "가", " 가 ", "a\nb", &"가".repeat(KEYWORD_CHARS_MAX + 1)] {
            assert_eq!(Keyword::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn each_field_of_alerts_that_is_wrong_is_named() {
        let faults = Alerts::parse(&["none"], &["x"]).unwrap_err();
        assert_eq!(faults, [AlertsRefusal::Categories, AlertsRefusal::Keywords]);
        let many = vec!["미스트"; KEYWORDS_MAX + 1];
        assert_eq!(Alerts::parse(&[], &many), Err(vec![AlertsRefusal::TooMany]));
        let alerts = Alerts::parse(&["Living", "living"], &["Mist", "mist"]).unwrap();
        assert_eq!((alerts.categories.len(), alerts.keywords.len()), (1, 1));
    }
}
