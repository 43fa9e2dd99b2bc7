//! What the pages of orders have in common.

use askama::Template;

use crate::{
    format::{Html, Moment, Money, Phrase},
    language::Language,
    shop::{
        frame::ShopFrame,
        text,
        value::{self, Picture, Price},
        words::OrderWords,
    },
};

/// How an order stands, as it is computed from its units and its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// It waits to be paid.
    Waiting,
    /// A payment is under way.
    Paying,
    /// The money was taken; the units are being confirmed.
    Confirming,
    /// It is paid.
    Paid,
    /// Some of the money was given back.
    PartRefunded,
    /// The money is being given back.
    Refunding,
    /// All of the money was given back.
    Refunded,
    /// It came to nothing, and no money was taken.
    Cancelled,
    /// A person has to look.
    Doubt,
}

/// Where the parcel of a paid order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parcel<'a> {
    /// At the seller's.
    Preparing,
    /// On its way.
    Sent {
        /// Who carries it.
        carrier: &'a str,
        /// The carrier's number for it.
        number: &'a str,
        /// Where the carrier tells where it is, if anywhere.
        track: Option<&'a str>,
    },
    /// At its place.
    Delivered,
}

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// KakaoPay.
    KakaoPay,
    /// A card.
    Card,
}

impl Gateway {
    /// Its word in forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::KakaoPay => "kakaopay",
            Self::Card => "card",
        }
    }

    pub(crate) const fn name(self, language: Language) -> Phrase {
        match self {
            Self::KakaoPay => OrderWords::of(language).kakaopay,
            Self::Card => OrderWords::of(language).card,
        }
    }

    pub(crate) const fn say(self, language: Language) -> Phrase {
        match self {
            Self::KakaoPay => OrderWords::of(language).kakaopay_say,
            Self::Card => OrderWords::of(language).card_say,
        }
    }
}

/// What was ordered.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The deal's id.
    pub deal: &'a str,
    /// What it is.
    pub title: &'a str,
    /// Its picture, if there is one.
    pub picture: Option<Picture<'a>>,
    /// How many units.
    pub quantity: u64,
    /// What one costs.
    pub price: Price<'a>,
    /// What all of them cost.
    pub amount: Money<'a>,
}

/// What an order comes to.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a> {
    /// The goods at their list price.
    pub list: Money<'a>,
    /// What is taken off; zero or less.
    pub discount: Money<'a>,
    /// What is paid.
    pub total: Money<'a>,
}

/// A refund of an order.
#[derive(Clone, Copy, Debug)]
pub struct Refund<'a> {
    /// How much.
    pub amount: Money<'a>,
    /// When it was asked for.
    pub at: Moment,
    /// Whether the money was given back.
    pub is_done: bool,
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The units were reserved.
    Reserved,
    /// The payment was asked for.
    Asked,
    /// The provider confirms.
    Approved,
    /// It was paid.
    Paid,
    /// The order stands.
    Confirmed,
    /// The seller prepares it.
    Preparing,
    /// It was sent.
    Sent,
    /// It was delivered.
    Delivered,
    /// It was cancelled.
    Cancelled,
    /// The reservation ended.
    Expired,
    /// A refund was asked for.
    RefundAsked,
    /// The money was given back.
    Refunded,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Done.
    Done,
    /// Under way.
    Now,
    /// To come.
    Todo,
}

/// A step of an order.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What happens.
    pub kind: StepKind,
    /// How far it is.
    pub state: StepState,
    /// When it was done or began.
    pub at: Option<Moment>,
}

impl Step {
    pub(super) const fn name(&self, language: Language) -> Phrase {
        let words = OrderWords::of(language);
        match self.kind {
            StepKind::Reserved => words.step_reserved,
            StepKind::Asked => words.step_asked,
            StepKind::Approved => words.step_approved,
            StepKind::Paid => words.step_paid,
            StepKind::Confirmed => words.step_confirmed,
            StepKind::Preparing => words.step_preparing,
            StepKind::Sent => words.step_shipped,
            StepKind::Delivered => words.step_delivered,
            StepKind::Cancelled => words.step_cancelled,
            StepKind::Expired => words.step_expired,
            StepKind::RefundAsked => words.step_refund_asked,
            StepKind::Refunded => words.step_refunded,
        }
    }

    /// When it was: to the second while that may matter.
    fn shown_at(&self, frame: &ShopFrame<'_>) -> Option<Html> {
        let at = self.at?;
        let is_today = text::same_day(at, frame.now);
        Some(if is_today { frame.exactly(at) } else { frame.stamp(at) })
    }

    const fn class(&self) -> &'static str {
        match self.state {
            StepState::Done => "done",
            StepState::Now => "now",
            StepState::Todo => "todo",
        }
    }
}

impl OrderState {
    /// Its tag; a paid order's says where its parcel is.
    pub(crate) fn tag(self, parcel: Option<&Parcel<'_>>, language: Language) -> Html {
        let words = OrderWords::of(language);
        let (class, phrase) = match (self, parcel) {
            (Self::Waiting, _) => ("warn", words.waiting_tag),
            (Self::Paying, _) => ("warn", words.paying_tag),
            (Self::Confirming, _) => ("warn", words.confirming_tag),
            (Self::Paid, None) => ("open", words.paid_tag),
            (Self::Paid, Some(Parcel::Preparing)) => ("open", words.preparing_tag),
            (Self::Paid, Some(Parcel::Sent { .. })) => ("open", words.shipped_tag),
            (Self::Paid, Some(Parcel::Delivered)) => ("", words.delivered_tag),
            (Self::PartRefunded, _) => ("", words.part_refunded_tag),
            (Self::Refunding, _) => ("warn", words.refunding_tag),
            (Self::Refunded, _) => ("", words.refunded_tag),
            (Self::Cancelled, _) => ("", words.cancelled_tag),
            (Self::Doubt, _) => ("warn", words.doubt_tag),
        };
        value::tag(class, &phrase)
    }

    pub(super) const fn heading(self, parcel: Option<&Parcel<'_>>, words: &OrderWords) -> Phrase {
        match (self, parcel) {
            (Self::Waiting, _) => words.h_waiting,
            (Self::Paying, _) => words.h_paying,
            (Self::Confirming, _) => words.h_confirming,
            (Self::Paid, None) => words.h_paid,
            (Self::Paid, Some(Parcel::Preparing)) => words.h_preparing,
            (Self::Paid, Some(Parcel::Sent { .. })) => words.h_shipped,
            (Self::Paid, Some(Parcel::Delivered)) => words.h_delivered,
            (Self::PartRefunded, _) => words.h_part_refunded,
            (Self::Refunding, _) => words.h_refunding,
            (Self::Refunded, _) => words.h_refunded,
            (Self::Cancelled, _) => words.h_cancelled,
            (Self::Doubt, _) => words.h_doubt,
        }
    }
}

#[derive(Template)]
#[template(path = "shop/order/trail.html", whitespace = "minimize")]
struct TrailPart<'a> {
    frame: &'a ShopFrame<'a>,
    steps: &'a [Step],
}

/// Steps done, now and to come.
pub(super) fn trail(frame: &ShopFrame<'_>, steps: &[Step]) -> Html {
    crate::frame::part(&TrailPart { frame, steps })
}

#[derive(Template)]
#[template(path = "shop/order/lines.html", whitespace = "minimize")]
struct LinesPart<'a> {
    frame: &'a ShopFrame<'a>,
    w: &'static OrderWords,
    lines: &'a [Line<'a>],
}

/// What was ordered.
pub(super) fn lines(frame: &ShopFrame<'_>, lines: &[Line<'_>]) -> Html {
    crate::frame::part(&LinesPart { frame, w: OrderWords::of(frame.page.language), lines })
}

impl Line<'_> {
    const fn title(&self) -> &str {
        self.title
    }
}

#[derive(Template)]
#[template(path = "shop/order/sums.html", whitespace = "minimize")]
struct SumsPart<'a> {
    frame: &'a ShopFrame<'a>,
    w: &'static OrderWords,
    sums: &'a Sums<'a>,
    is_paid: bool,
}

/// What an order comes to.
pub(super) fn sums(frame: &ShopFrame<'_>, sums: &Sums<'_>, is_paid: bool) -> Html {
    crate::frame::part(&SumsPart { frame, w: OrderWords::of(frame.page.language), sums, is_paid })
}
