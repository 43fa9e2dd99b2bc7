//! A deal while it runs.

use askama::Template;

use crate::{
    Money,
    format::{self, Html, Moment},
    shop::{
        chart, form::Faults, frame::ShopFrame, pages, store::DealCard, text, to, value::DealState,
        words::BusinessWords,
    },
};

/// A deal while it runs, and what came of it afterwards. Posts nothing to `pause` and `resume`, and `reason`
/// to `close` and `cancel`, all below `deals/{deal}`.
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
    /// How many people got in line, got in, reserved and paid, if that is known.
    pub funnel: Option<[u64; 4]>,
    /// Units sold in each five minutes since it opened, if that is known.
    pub sold_by_time: Option<Vec<u64>>,
    /// The code by which the last decision about it was refused.
    pub refusal: Option<&'a str>,
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

    fn stages(&self, funnel: &[u64; 4]) -> Vec<Stage> {
        let words = self.w();
        let names = [words.joined, words.admitted, words.reserved, words.paid];
        let stage = |(words, people)| Stage { words, people };
        names.into_iter().zip(*funnel).map(stage).collect()
    }

    /// The most people of a stage, but never 0: a ruler needs a length.
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn most(&self, funnel: &[u64; 4]) -> u64 {
        funnel.iter().copied().max().unwrap_or_default().max(1)
    }

    fn chart(&self, sold: &[u64]) -> Html {
        chart::bars(sold, &self.finding(sold), &self.axis())
    }

    /// What the chart says, in a sentence.
    fn finding(&self, sold: &[u64]) -> String {
        let most = sold.iter().copied().max().unwrap_or_default();
        if most == 0 {
            return self.w().none_sold.to_string();
        }
        let at = sold.iter().position(|units| *units == most).unwrap_or_default();
        let at = u64::try_from(at).unwrap_or_default();
        let at = Moment(self.deal.opens_at.0.saturating_add(at * FIVE_MINUTES_MS));
        self.w().most_at.with_both(text::hour(at), format::count(most))
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }

    fn action(&self, verb: &str) -> String {
        format!("{}/deals/{}/{verb}", to::BUSINESS, self.deal.deal)
    }

    const fn can_pause(&self) -> bool {
        matches!(self.deal.state, DealState::Scheduled | DealState::Open | DealState::SoldOut)
    }

    const fn can_resume(&self) -> bool {
        matches!(self.deal.state, DealState::Paused)
    }

    /// What is not over can be closed or called off.
    const fn can_end(&self) -> bool {
        self.can_pause() || self.can_resume()
    }

    fn axis(&self) -> [String; 2] {
        [text::hour(self.deal.opens_at), text::last_hour(self.deal.closes_at)]
    }
}
