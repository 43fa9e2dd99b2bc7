//! A deal while it runs.

use askama::Template;

use crate::{
    Money,
    format::{self, Html, Moment},
    shop::{chart, frame::ShopFrame, pages, store::DealCard, text, words::BusinessWords},
};

/// A deal while it runs, and what came of it afterwards.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/watch.html", whitespace = "minimize")]
pub struct WatchPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The deal.
    pub deal: DealCard<'a>,
    /// Units that are paid.
    pub sold: u64,
    /// Units that are reserved.
    pub held: u64,
    /// What was paid, less what was given back.
    pub revenue: Money<'a>,
    /// How many people got in line, got in, reserved and paid.
    pub funnel: [u64; 4],
    /// Units sold in each five minutes since it opened.
    pub sold_by_time: Vec<u64>,
    /// Whether it goes on, so that the page is worth looking at again.
    pub is_live: bool,
}

pages! { WatchPage: Elsewhere, "deals"; }

/// Seconds after which the page is looked at again.
const RENEW_SECONDS: u64 = 10;
const FIVE_MINUTES_MS: u64 = 5 * 60 * 1_000;

/// A part of the funnel.
struct Stage {
    words: format::Phrase,
    people: u64,
}

impl WatchPage<'_> {
    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    /// The seconds of the `Refresh` header, by which the page keeps up where no script runs.
    pub fn refresh_seconds(&self) -> Option<u64> {
        self.is_live.then_some(3 * RENEW_SECONDS)
    }

    fn renew_seconds(&self) -> Option<u64> {
        self.is_live.then_some(RENEW_SECONDS)
    }

    fn stages(&self) -> Vec<Stage> {
        let words = self.w();
        let names = [words.joined, words.admitted, words.reserved, words.paid];
        let stage = |(words, people)| Stage { words, people };
        names.into_iter().zip(self.funnel).map(stage).collect()
    }

    /// The most people of a stage, but never 0: a ruler needs a length.
    fn most(&self) -> u64 {
        self.funnel.iter().copied().max().unwrap_or_default().max(1)
    }

    fn chart(&self) -> Html {
        chart::bars(&self.sold_by_time, &self.finding(), &self.axis())
    }

    /// What the chart says, in a sentence.
    fn finding(&self) -> String {
        let most = self.sold_by_time.iter().copied().max().unwrap_or_default();
        if most == 0 {
            return self.w().none_sold.to_string();
        }
        let at = self.sold_by_time.iter().position(|units| *units == most).unwrap_or_default();
        let at = u64::try_from(at).unwrap_or_default();
        let at = Moment(self.deal.opens_at.0.saturating_add(at * FIVE_MINUTES_MS));
        self.w().most_at.with_both(text::hour(at), format::count(most))
    }

    fn axis(&self) -> [String; 2] {
        [text::hour(self.deal.opens_at), text::last_hour(self.deal.closes_at)]
    }
}
