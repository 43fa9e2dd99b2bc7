//! How a payment came out.

use askama::Template;

use super::parts::{self, Gateway, Step};
use crate::{
    format::{Html, Moment, Money, Phrase},
    shop::{frame::ShopFrame, pages, words::OrderWords},
};

/// What is known of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The money was taken and the units are sold.
    Paid,
    /// The provider has not said yet.
    Confirming,
    /// The provider refused.
    Failed,
    /// The shopper turned back.
    Cancelled,
    /// The reservation ended before.
    Expired,
    /// The money was taken for units that are gone: it is given back.
    Owed,
}

/// How a payment came out.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/order/result.html", whitespace = "minimize")]
pub struct ResultPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// The order's id.
    pub order: &'a str,
    /// Its number, as people read it.
    pub number: &'a str,
    /// The deal's id.
    pub deal: &'a str,
    /// What was ordered.
    pub title: &'a str,
    /// How many units.
    pub quantity: u64,
    /// How much.
    pub amount: Money<'a>,
    /// Who takes the money.
    pub gateway: Gateway,
    /// What is known.
    pub outcome: Outcome,
    /// What was done, and what is to come.
    pub steps: Vec<Step>,
    /// Until when it can be paid again, if it can.
    pub held_until: Option<Moment>,
}

pages! { ResultPage: Orders; }

/// Seconds after which the page is looked at again while a payment is being confirmed.
const CONFIRMING_SECONDS: u64 = 5;

impl ResultPage<'_> {
    const fn w(&self) -> &'static OrderWords {
        OrderWords::of(self.frame.page.language)
    }

    /// The seconds of the `Refresh` header, by which the page keeps up where no script runs.
    pub fn refresh_seconds(&self) -> Option<u64> {
        (self.outcome == Outcome::Confirming).then_some(3 * CONFIRMING_SECONDS)
    }

    /// Seconds after which the script looks again.
    fn renew_seconds(&self) -> Option<u64> {
        (self.outcome == Outcome::Confirming).then_some(CONFIRMING_SECONDS)
    }

    const fn heading(&self) -> Phrase {
        let words = self.w();
        match self.outcome {
            Outcome::Paid => words.paid_title,
            Outcome::Confirming => words.confirming,
            Outcome::Failed => words.failed,
            Outcome::Cancelled => words.cancelled,
            Outcome::Expired => words.expired,
            Outcome::Owed => words.owed,
        }
    }

    fn text(&self) -> String {
        let (words, gateway) = (self.w(), self.gateway.name(self.frame.page.language));
        match self.outcome {
            Outcome::Paid => words.paid_text.to_string(),
            Outcome::Confirming => words.confirming_text.with(gateway),
            Outcome::Failed => words.failed_text.with(gateway),
            Outcome::Cancelled => words.cancelled_text.to_string(),
            Outcome::Expired => words.expired_text.to_string(),
            Outcome::Owed => words.owed_text.to_string(),
        }
    }

    const fn tag(&self) -> (&'static str, Phrase) {
        let words = self.w();
        match self.outcome {
            Outcome::Paid => ("open", words.paid_tag),
            Outcome::Confirming => ("warn", words.confirming_tag),
            Outcome::Failed | Outcome::Cancelled | Outcome::Expired => ("", words.cancelled_tag),
            Outcome::Owed => ("warn", words.refunding_tag),
        }
    }

    fn trail(&self) -> Html {
        parts::trail(&self.frame, &self.steps)
    }

    const fn title(&self) -> &str {
        self.title
    }

    /// Until when it can be paid again.
    fn again(&self) -> Option<Html> {
        let ended = matches!(self.outcome, Outcome::Failed | Outcome::Cancelled);
        let until = self.held_until.filter(|_| ended)?;
        Some(self.w().still_held.around(&self.frame.when(until)))
    }
}
