//! How one comes to sell.

use askama::Template;

use crate::{
    format::{Html, Moment, Phrase},
    shop::{
        form::{Faults, Field},
        frame::ShopFrame,
        pages, value,
        words::BusinessWords,
    },
};

/// How a business stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusinessState {
    /// Nobody applied.
    None,
    /// An operator has not decided.
    Pending,
    /// It sells.
    Approved,
    /// It was turned down, and may apply again.
    Rejected,
    /// It sold, and may not now.
    Suspended,
    /// It is closed for good.
    Closed,
}

/// What the tax service says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A business that goes on.
    Active,
    /// A business at rest.
    Dormant,
    /// A business that was closed.
    Closed,
    /// Nobody's number.
    Unregistered,
}

/// What a business says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Company<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its registration number, written for people.
    pub number: &'a str,
    /// Who represents it.
    pub representative: &'a str,
    /// Where it is written to.
    pub email: &'a str,
    /// Where it is called, written for people.
    pub phone: &'a str,
}

/// Apply to sell, and how the application stands. Posts `company_name`, `business_number`,
/// `representative`, `email` and `phone` to `apply` below [`BUSINESS`](super::super::to::BUSINESS).
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/apply.html", whitespace = "minimize")]
pub struct ApplyPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// How it stands.
    pub state: BusinessState,
    /// What the tax service said last.
    pub verdict: Option<Verdict>,
    /// Why it was turned down or suspended, in an operator's words.
    pub reason: Option<&'a str>,
    /// When it applied.
    pub applied_at: Option<Moment>,
    /// When that was decided.
    pub decided_at: Option<Moment>,
    /// Whether the account's address was verified: nobody applies without.
    pub is_verified: bool,
    /// What it is called.
    pub company_name: Field<'a>,
    /// Its registration number.
    pub business_number: Field<'a>,
    /// Who represents it.
    pub representative: Field<'a>,
    /// Where it is written to.
    pub email: Field<'a>,
    /// Where it is called.
    pub phone: Field<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
}

/// What a business that was approved says of itself. Posts `company_name`, `representative`, `email` and
/// `phone` to `company` below [`BUSINESS`](super::super::to::BUSINESS); the number never changes.
#[derive(Clone, Debug, Template)]
#[template(path = "shop/business/company.html", whitespace = "minimize")]
pub struct CompanyPage<'a> {
    /// What is around it.
    pub frame: ShopFrame<'a>,
    /// Its registration number, written for people.
    pub business_number: &'a str,
    /// What it is called.
    pub company_name: Field<'a>,
    /// Who represents it.
    pub representative: Field<'a>,
    /// Where it is written to.
    pub email: Field<'a>,
    /// Where it is called.
    pub phone: Field<'a>,
    /// The code by which the form was refused as a whole.
    pub refusal: Option<&'a str>,
    /// How it stands.
    pub state: BusinessState,
    /// What the tax service said last, and when.
    pub verdict: Option<(Verdict, Moment)>,
    /// Why it is suspended, in an operator's words.
    pub reason: Option<&'a str>,
}

pages! {
    ApplyPage: Elsewhere;
    CompanyPage: Elsewhere, "company";
}

impl BusinessState {
    pub(crate) fn tag(self, words: &BusinessWords) -> Html {
        let (class, phrase) = match self {
            Self::None => return Html::default(),
            Self::Pending => ("warn", words.tag_pending),
            Self::Approved => ("open", words.tag_approved),
            Self::Rejected => ("bad", words.tag_rejected),
            Self::Suspended => ("bad", words.tag_suspended),
            Self::Closed => ("", words.tag_closed),
        };
        value::tag(class, &phrase)
    }
}

impl Verdict {
    pub(crate) const fn name(self, words: &BusinessWords) -> Phrase {
        match self {
            Self::Active => words.verdict_active,
            Self::Dormant => words.verdict_dormant,
            Self::Closed => words.verdict_closed,
            Self::Unregistered => words.verdict_unregistered,
        }
    }
}

impl ApplyPage<'_> {
    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("company_name", self.company_name.error)
            .and("business_number", self.business_number.error)
            .and("representative", self.representative.error)
            .and("email", self.email.error)
            .and("phone", self.phone.error)
    }

    const fn heading(&self) -> (Phrase, Phrase) {
        let words = self.w();
        match self.state {
            BusinessState::None => (words.apply, words.apply_say),
            BusinessState::Pending => (words.pending, words.pending_text),
            BusinessState::Approved => (words.approved, words.approved_text),
            BusinessState::Rejected => (words.rejected, words.rejected_text),
            BusinessState::Suspended => (words.suspended, words.suspended_text),
            BusinessState::Closed => (words.closed, words.suspended_text),
        }
    }

    fn tag(&self) -> Html {
        self.state.tag(self.w())
    }

    const fn can_apply(&self) -> bool {
        matches!(self.state, BusinessState::None | BusinessState::Pending | BusinessState::Rejected)
            && self.is_verified
    }

    fn verdict_words(&self) -> Phrase {
        self.verdict.map_or_else(|| self.w().verdict_none, |verdict| verdict.name(self.w()))
    }

    fn why(&self) -> Option<String> {
        Some(self.w().reason_is.with(self.reason?))
    }

    const fn button(&self) -> Phrase {
        match self.state {
            BusinessState::None => self.w().send,
            BusinessState::Pending
            | BusinessState::Approved
            | BusinessState::Rejected
            | BusinessState::Suspended
            | BusinessState::Closed => self.w().send_again,
        }
    }
}

impl CompanyPage<'_> {
    fn faults(&self) -> Faults<'_> {
        Faults::of(self.refusal)
            .and("company_name", self.company_name.error)
            .and("representative", self.representative.error)
            .and("email", self.email.error)
            .and("phone", self.phone.error)
    }

    const fn w(&self) -> &'static BusinessWords {
        BusinessWords::of(self.frame.page.language)
    }

    fn why(&self) -> Option<String> {
        Some(self.w().reason_is.with(self.reason?))
    }
}
