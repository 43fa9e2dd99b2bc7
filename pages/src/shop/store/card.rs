//! A deal in a list.

use askama::Template;

use crate::{
    format::{Html, Moment, Phrase},
    language::Language,
    shop::{
        frame::ShopFrame,
        text, to,
        value::{self, Category, DealState, Picture, Price},
        words::StoreWords,
    },
};

/// A deal in a list.
#[derive(Clone, Copy, Debug)]
pub struct DealCard<'a> {
    /// Its id.
    pub deal: &'a str,
    /// What is sold.
    pub title: &'a str,
    /// The picture, if there is one.
    pub picture: Option<Picture<'a>>,
    /// What kind of goods.
    pub category: Category,
    /// How it stands.
    pub state: DealState,
    /// When it opens.
    pub opens_at: Moment,
    /// When it closes.
    pub closes_at: Moment,
    /// What it costs.
    pub price: Price<'a>,
    /// Units free to buy.
    pub left: u64,
    /// Units in all.
    pub total: u64,
    /// People in line; 0 while it is not open.
    pub in_line: u64,
    /// People who saved it.
    pub likes: u64,
}

impl DealCard<'_> {
    pub(crate) fn address(&self) -> String {
        to::deal(self.deal)
    }

    pub(crate) const fn title(&self) -> &str {
        self.title
    }

    /// The word over the picture of what cannot be had any more.
    pub(crate) const fn mark(&self, language: Language) -> Option<Phrase> {
        let words = StoreWords::of(language);
        match self.state {
            DealState::SoldOut => Some(words.sold_out_mark),
            DealState::Ended => Some(words.over_mark),
            DealState::Cancelled | DealState::Rejected => Some(words.cancelled_mark),
            DealState::Pending | DealState::Scheduled | DealState::Open | DealState::Paused => None,
        }
    }

    pub(crate) fn tag(&self, frame: &ShopFrame<'_>) -> Html {
        match self.state {
            DealState::Scheduled => {
                let opens = if text::same_day(self.opens_at, frame.now) {
                    text::hour(self.opens_at)
                } else {
                    format!("{} {}", frame.on(self.opens_at), text::hour(self.opens_at))
                };
                let words = StoreWords::of(frame.page.language).opens_today.with(opens);
                Html::trusted(format!("<span class=\"tag soon\">{words}</span>"))
            }
            DealState::Pending
            | DealState::Rejected
            | DealState::Open
            | DealState::Paused
            | DealState::SoldOut
            | DealState::Ended
            | DealState::Cancelled => self.state.tag(frame.page.language),
        }
    }

    pub(crate) fn price(&self, language: Language) -> Html {
        self.price.shown(language)
    }

    /// What else decides whether to look at it.
    pub(crate) fn line(&self, language: Language) -> String {
        let words = StoreWords::of(language);
        let mut parts = Vec::new();
        match self.state {
            DealState::Open | DealState::Paused => {
                parts.push(words.left.counted(self.left));
                if self.in_line > 0 {
                    parts.push(words.in_line.counted(self.in_line));
                }
            }
            DealState::Scheduled | DealState::Pending => {
                parts.push(words.total.counted(self.total));
            }
            DealState::SoldOut | DealState::Ended | DealState::Cancelled | DealState::Rejected => {}
        }
        if self.likes > 0 {
            parts.push(words.saved_by.counted(self.likes));
        }
        parts.join(" · ")
    }

    pub(crate) fn hours(&self) -> Html {
        value::hours(self.opens_at, self.closes_at)
    }
}

#[derive(Template)]
#[template(path = "shop/store/cards.html", whitespace = "minimize")]
struct Cards<'a> {
    frame: &'a ShopFrame<'a>,
    deals: &'a [DealCard<'a>],
}

/// Deals as a grid of pictures.
pub(crate) fn cards(frame: &ShopFrame<'_>, deals: &[DealCard<'_>]) -> Html {
    crate::frame::part(&Cards { frame, deals })
}
