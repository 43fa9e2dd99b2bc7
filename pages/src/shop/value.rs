//! What several pages of the shop show: categories, pictures, prices and how a deal stands.

use super::words::FrameWords;
use crate::{
    Language, Moment, Money,
    format::{Html, Phrase},
    shop::text,
};

/// What kind of goods a deal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Clothes, bags.
    Fashion,
    /// Cosmetics.
    Beauty,
    /// Food.
    Food,
    /// Appliances.
    Appliance,
    /// Sports.
    Sports,
    /// For the home.
    Living,
    /// For pets.
    Pet,
    /// Travel.
    Travel,
}

impl Category {
    /// All of them, in the order of the pages.
    pub const ALL: [Self; 8] = [
        Self::Fashion,
        Self::Beauty,
        Self::Food,
        Self::Appliance,
        Self::Sports,
        Self::Living,
        Self::Pet,
        Self::Travel,
    ];

    /// Its word in links and forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fashion => "fashion",
            Self::Beauty => "beauty",
            Self::Food => "food",
            Self::Appliance => "appliance",
            Self::Sports => "sports",
            Self::Living => "living",
            Self::Pet => "pet",
            Self::Travel => "travel",
        }
    }

    /// The category of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.word() == word)
    }

    /// What people call it.
    pub(crate) const fn name(self, language: Language) -> Phrase {
        let words = FrameWords::of(language);
        match self {
            Self::Fashion => words.fashion,
            Self::Beauty => words.beauty,
            Self::Food => words.food,
            Self::Appliance => words.appliance,
            Self::Sports => words.sports,
            Self::Living => words.living,
            Self::Pet => words.pet,
            Self::Travel => words.travel,
        }
    }
}

/// How a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DealState {
    /// An operator has not decided yet.
    Pending,
    /// An operator turned it down.
    Rejected,
    /// It opens later.
    Scheduled,
    /// People buy.
    Open,
    /// It is open, and nobody is let in for now.
    Paused,
    /// It is open, and every unit is sold or reserved.
    SoldOut,
    /// Its time is over.
    Ended,
    /// It does not take place.
    Cancelled,
}

impl DealState {
    /// Its word, by which a script tells that it has changed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Scheduled => "scheduled",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::SoldOut => "sold_out",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Cancelled | Self::Rejected)
    }

    /// The class of its place in a timetable.
    pub(crate) const fn when(self) -> &'static str {
        match self {
            Self::Open | Self::Paused => "now",
            Self::Pending | Self::Scheduled => "soon",
            Self::SoldOut | Self::Ended | Self::Cancelled | Self::Rejected => "past",
        }
    }

    /// What people call it.
    pub(crate) const fn name(self, language: Language) -> Phrase {
        let words = FrameWords::of(language);
        match self {
            Self::Pending => words.pending,
            Self::Rejected => words.rejected,
            Self::Scheduled => words.scheduled,
            Self::Open => words.open,
            Self::Paused => words.paused,
            Self::SoldOut => words.sold_out,
            Self::Ended => words.ended,
            Self::Cancelled => words.cancelled,
        }
    }

    const fn tag_class(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Scheduled => "soon",
            Self::Pending | Self::Paused => "warn",
            Self::Rejected => "bad",
            Self::SoldOut | Self::Ended | Self::Cancelled => "",
        }
    }

    /// Its tag.
    pub(crate) fn tag(self, language: Language) -> Html {
        tag(self.tag_class(), &self.name(language))
    }
}

/// A tag of our own words.
pub(crate) fn tag(class: &str, words: &Phrase) -> Html {
    Html::trusted(format!("<span class=\"tag {class}\">{words}</span>"))
}

/// A picture that is there already, in its own ratio.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Its address.
    pub src: &'a str,
    /// What it shows, for those who do not see it; empty if the words beside it say it.
    pub alt: &'a str,
}

/// What a deal costs, and what the goods cost else.
#[derive(Clone, Copy, Debug)]
pub struct Price<'a> {
    /// What one unit costs in the deal.
    pub now: Money<'a>,
    /// What it costs else.
    pub list: Money<'a>,
    /// How much less that is, in percent.
    pub percent: u32,
}

impl Price<'_> {
    /// Off, price, list price.
    pub(crate) fn shown(&self, language: Language) -> Html {
        let words = FrameWords::of(language);
        let now = self.now.shown(language);
        if self.percent == 0 {
            return Html::trusted(format!("<span>{now}</span>"));
        }
        let (discount, list) = (words.discount, words.list_price);
        Html::trusted(format!(
            "<span class=\"off\"><span class=\"vh\">{discount} </span>{}%</span> \
             <span>{now}</span> <s><span class=\"vh\">{list} </span>{}</s>",
            self.percent,
            self.list.shown(language)
        ))
    }
}

/// The hour at which a deal opens and the one at which it closes, for the column of a timetable.
pub(crate) fn hours(opens: Moment, closes: Moment) -> Html {
    let (from, to) = (text::hour(opens), text::last_hour(closes));
    Html::trusted(format!("{from}<small>–{to}</small>"))
}
