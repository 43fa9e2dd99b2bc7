//! Payments that a person has to look at, and what is given back.

use askama::Template;

use super::{Tab, tabs};
use crate::{
    Money,
    format::{Html, Moment, Phrase},
    shop::{form::Faults, frame::ShopFrame, order::Gateway, pages, value, words::DeskWords},
};

/// Why a person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtKind {
    /// Another amount was taken than was due.
    Amount,
    /// Units were sold, and no money is known of.
    Units,
    /// The provider never answered.
    Silence,
    /// The provider refuses to give the money back.
    Refund,
    /// The provider's answers contradict each other.
    Contradiction,
}

/// A payment that a person has to look at.
#[derive(Clone, Debug)]
pub struct Doubt<'a> {
    /// The payment's id.
    pub payment: &'a str,
    /// The order's number, as people read it.
    pub number: &'a str,
    /// What was ordered.
    pub title: &'a str,
    /// Why.
    pub kind: DoubtKind,
    /// Since when.
    pub since: Moment,
    /// Who takes the money.
    pub gateway: Gateway,
    /// What was due.
    pub expected: Money<'a>,
    /// What the provider says it has, if it says so.
    pub heard: Option<Money<'a>>,
    /// What was asked and heard, oldest first: when, and a line of the record.
    pub records: Vec<(Moment, &'a str)>,
    /// Whether there is something to give back.
    pub can_give_back: bool,
}

/// Payments that a person has to look at. Posts to `payments/{payment}/ask` and `give-back` nothing, to
/// `settle` `reason`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/desk/doubts.html", whitespace = "minimize")]
pub struct DoubtsPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Those, the oldest first.
    pub doubts: Vec<Doubt<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

/// How a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// The goods have to come back first.
    WaitsForGoods,
    /// The provider was asked.
    Asked,
    /// The money was given back.
    Done,
    /// The provider refused.
    Refused,
}

/// A refund as operators see it.
#[derive(Clone, Copy, Debug)]
pub struct RefundRow<'a> {
    /// Its id.
    pub refund: &'a str,
    /// The order's number, as people read it.
    pub number: &'a str,
    /// What was ordered.
    pub title: &'a str,
    /// How much.
    pub amount: Money<'a>,
    /// How it stands.
    pub state: RefundState,
    /// When it was asked for.
    pub asked_at: Moment,
    /// Why, in words of the shopper or the operator; may be empty.
    pub reason: &'a str,
}

/// What is given back. Posts nothing to `refunds/{refund}/arrived` and `again`.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/desk/refunds.html", whitespace = "minimize")]
pub struct RefundsPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Those that are listed: `open` or `done`.
    pub showing: &'a str,
    /// Those.
    pub rows: Vec<RefundRow<'a>>,
    /// The code by which the last form was refused.
    pub refusal: Option<&'a str>,
    /// The address of the next page, if there are more.
    pub next: Option<&'a str>,
}

pages! {
    DoubtsPage: Elsewhere, "doubts";
    RefundsPage: Elsewhere, "refunds";
}

impl DoubtsPage<'_> {
    const fn w(&self) -> &'static DeskWords {
        DeskWords::of(self.frame.page.language)
    }

    const fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }
}

impl DoubtsPage<'_> {
    fn since(&self, doubt: &Doubt<'_>) -> Html {
        self.w().since.around(&self.frame.stamp(doubt.since))
    }
}

impl Doubt<'_> {
    const fn why(&self, words: &DeskWords) -> Phrase {
        match self.kind {
            DoubtKind::Amount => words.d_amount,
            DoubtKind::Units => words.d_units,
            DoubtKind::Silence => words.d_silence,
            DoubtKind::Refund => words.d_refund,
            DoubtKind::Contradiction => words.d_contradiction,
        }
    }

    const fn title(&self) -> &str {
        self.title
    }

    fn history(&self, words: &DeskWords) -> String {
        words.history.counted(u64::try_from(self.records.len()).unwrap_or_default())
    }
}

impl RefundsPage<'_> {
    const fn w(&self) -> &'static DeskWords {
        DeskWords::of(self.frame.page.language)
    }

    const fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
    }

    fn tabs(&self) -> Vec<Tab> {
        let words = self.w();
        tabs("refunds", self.showing, &[("open", words.waiting), ("done", words.done)])
    }
}

impl RefundRow<'_> {
    const fn title(&self) -> &str {
        self.title
    }

    fn tag(&self, words: &DeskWords) -> Html {
        let (class, phrase) = match self.state {
            RefundState::WaitsForGoods => ("warn", words.r_waits),
            RefundState::Asked => ("soon", words.r_asked),
            RefundState::Done => ("", words.r_done),
            RefundState::Refused => ("bad", words.r_failed),
        };
        value::tag(class, &phrase)
    }

    fn waits(&self) -> bool {
        self.state == RefundState::WaitsForGoods
    }

    fn is_refused(&self) -> bool {
        self.state == RefundState::Refused
    }
}
