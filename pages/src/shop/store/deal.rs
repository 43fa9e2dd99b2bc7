//! A deal in each of its states.

use askama::Template;

use super::DealCard;
use crate::{
    format::{self, Html, Moment, Phrase},
    shop::{
        frame::ShopFrame,
        pages, text, to,
        value::{DealState, Picture},
        words::StoreWords,
    },
};

/// Who sells: what the law wants beside an offer.
#[derive(Clone, Copy, Debug)]
pub struct Seller<'a> {
    /// What the company is called.
    pub company: &'a str,
    /// Who represents it.
    pub representative: &'a str,
    /// Its business registration number, written for people.
    pub business_number: &'a str,
    /// Where it is written to.
    pub email: &'a str,
    /// Where it is called, written for people.
    pub phone: &'a str,
}

/// How the visitor gets to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// There is no way now.
    Closed,
    /// By getting in line, which takes about so many minutes, from and to, if that is known.
    Line {
        /// Minutes to wait, at least and at most.
        minutes: Option<(u64, u64)>,
    },
    /// They have a place in the line, or their turn.
    Place,
}

/// A deal.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/store/deal.html", whitespace = "minimize")]
pub struct DealPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The deal.
    pub deal: DealCard<'a>,
    /// What is told of the goods; a line between paragraphs is kept.
    pub description: &'a str,
    /// Pictures after the first.
    pub pictures: Vec<Picture<'a>>,
    /// Units that are reserved and not paid.
    pub held: u64,
    /// Units that one person can buy.
    pub per_person: u64,
    /// Who sells.
    pub seller: Seller<'a>,
    /// Whether the visitor has saved it.
    pub is_liked: bool,
    /// How the visitor gets to buy.
    pub entry: Entry,
    /// Whether it is the visitor's own and not public yet.
    pub is_preview: bool,
    /// Where the engine tells its state and stock as JSON, while it is a sale there.
    pub status: Option<&'a str>,
}

pages! { DealPage: Deals; }

/// A stretch of time as the ruler shows it.
struct Stretch {
    max: u64,
    left: u64,
}

impl DealPage<'_> {
    const fn w(&self) -> &'static StoreWords {
        StoreWords::of(self.frame.page.language)
    }

    /// How much of its hours is left, or of the day before them.
    fn stretch(&self) -> Option<Stretch> {
        let (now, deal) = (self.frame.now, &self.deal);
        match deal.state {
            DealState::Scheduled => {
                let left = deal.opens_at.seconds_after(now);
                Some(Stretch { max: left.max(24 * 3_600), left })
            }
            DealState::Open | DealState::Paused | DealState::SoldOut => {
                let max = deal.closes_at.seconds_after(deal.opens_at).max(1);
                Some(Stretch { max, left: deal.closes_at.seconds_after(now).min(max) })
            }
            DealState::Pending | DealState::Rejected | DealState::Ended | DealState::Cancelled => {
                None
            }
        }
    }

    fn until(&self) -> (Phrase, Moment) {
        if self.deal.state == DealState::Scheduled {
            (self.w().until_opening, self.deal.opens_at)
        } else {
            (self.w().until_closing, self.deal.closes_at)
        }
    }

    /// More than two days are told as a date only.
    fn is_near(&self) -> bool {
        self.until().1.seconds_after(self.frame.now) <= 48 * 3_600
    }

    fn when(&self) -> Html {
        let words = self.w();
        let (phrase, at) = match self.deal.state {
            DealState::Scheduled | DealState::Pending => (words.opens_at, self.deal.opens_at),
            DealState::Open | DealState::Paused | DealState::SoldOut => {
                (words.closes_at, self.deal.closes_at)
            }
            DealState::Ended | DealState::Cancelled | DealState::Rejected => {
                (words.closed_at, self.deal.closes_at)
            }
        };
        phrase.around(&self.frame.when(at))
    }

    const fn is_on(&self) -> bool {
        matches!(self.deal.state, DealState::Open | DealState::Paused)
    }

    /// What is the matter with it, if something is.
    const fn matter(&self) -> Option<(Phrase, Option<Phrase>)> {
        let words = self.w();
        match self.deal.state {
            DealState::Paused => Some((words.paused, Some(words.paused_text))),
            DealState::SoldOut => Some((words.sold_out, Some(words.sold_out_text))),
            DealState::Ended => Some((words.ended, None)),
            DealState::Cancelled => Some((words.cancelled, Some(words.cancelled_text))),
            DealState::Rejected => Some((words.not_offered, None)),
            DealState::Pending | DealState::Scheduled | DealState::Open => None,
        }
    }

    fn paragraphs(&self) -> Vec<String> {
        let lines = self.description.split('\n').map(str::trim);
        lines.filter(|line| !line.is_empty()).map(format::plain).collect()
    }

    fn first_paragraph(&self) -> Option<String> {
        self.paragraphs().into_iter().next().filter(|text| text.chars().count() <= 120)
    }

    fn wait(&self) -> Option<String> {
        match self.entry {
            Entry::Line { minutes: Some((least, most)) } if least == most => {
                Some(self.w().wait_about.with(most.max(1)))
            }
            Entry::Line { minutes: Some((least, most)) } => {
                Some(self.w().wait_range.with_both(least.max(1), most))
            }
            Entry::Line { minutes: None } | Entry::Place | Entry::Closed => None,
        }
    }

    /// What the room is called by whom, and where it is.
    fn room(&self) -> Option<(String, Phrase)> {
        let words = match self.entry {
            Entry::Closed => return None,
            Entry::Line { .. } => self.w().get_in_line,
            Entry::Place => self.w().to_place,
        };
        Some((to::room(self.deal.deal), words))
    }

    fn can_be_saved(&self) -> bool {
        !self.is_preview && !self.deal.state.is_over()
    }

    const fn like_words(&self) -> Phrase {
        if self.is_liked { self.w().unsave_deal } else { self.w().save_deal }
    }

    const fn hear_words(&self) -> Phrase {
        if self.is_liked { self.w().saved_to_hear } else { self.w().save_to_hear }
    }

    fn hours(&self) -> String {
        let day = text::short_day(self.deal.opens_at, self.frame.now, self.frame.page.language);
        format!("{day} {}", text::hours(self.deal.opens_at, self.deal.closes_at))
    }

    fn category_words(&self) -> String {
        let name = self.deal.category.name(self.frame.page.language);
        self.w().more_of_category.with(name)
    }
}
