//! What a deal is.

use base::moment::Moment;
use commons::{label::Label, subject::Subject};
use identity::{account::Live, business::Approved, ids::BusinessId, line::line};
use serde::{Deserialize, Serialize};
use store::{fact::Fact, task::Task};

use super::terms::Terms;
use crate::{ids::DealId, limits::REASON_CHARS_MAX};

/// A deal was published: whoever follows its category or words may hear of it.
pub const PUBLISHED: Fact = Fact("deal.published");

/// A deal says something else of itself, or came to another state by a decision.
pub const CHANGED: Fact = Fact("deal.changed");

/// A deal was called off: what was paid for it is given back.
pub const CANCELLED: Fact = Fact("deal.cancelled");

/// Who paused a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausedBy {
    /// Its business.
    Owner,
    /// The platform, while the business may not sell.
    Platform,
    /// An operator.
    Operator,
}

/// Since when a deal is paused, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// By whom.
    pub by: PausedBy,
    /// Since when.
    pub at: Moment,
}

/// Since when each of those who may pause a deal has done so. It goes on when nobody's pause is left: the end
/// of one is not the end of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// Its business.
    pub owner: Option<Moment>,
    /// The platform, while the business may not sell. No one else ends it.
    pub platform: Option<Moment>,
    /// An operator.
    pub operator: Option<Moment>,
}

impl Pauses {
    /// Whose pause people are told of: an operator's, or else the platform's, or else the owner's.
    pub fn first(self) -> Option<Paused> {
        let paused = |by, at: Option<Moment>| at.map(|at| Paused { by, at });
        let operator = paused(PausedBy::Operator, self.operator);
        let platform = paused(PausedBy::Platform, self.platform);
        operator.or(platform).or_else(|| paused(PausedBy::Owner, self.owner))
    }
}

/// What deals are to [`commons`].
pub const SUBJECT: Label = Label::new("deal");

/// A deal, as something that is liked and told of.
pub const fn subject(deal: DealId) -> Subject {
    Subject::new(SUBJECT, deal.0)
}

/// A deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Its id, and the name of its sale.
    pub id: DealId,
    /// Who sells.
    pub business: BusinessId,
    /// What is sold, when, and for how much.
    pub terms: Terms,
    /// When it was written.
    pub written_at: Moment,
    /// When it was published; it is a draft before.
    pub published_at: Option<Moment>,
    /// When it is over: at the end of its hours, unless it was closed or cancelled before.
    pub over_at: Moment,
    /// Who has it let nobody in for now.
    pub pauses: Pauses,
    /// When it was called off.
    pub cancelled_at: Option<Moment>,
    /// Why it was closed or cancelled.
    pub reason: Option<String>,
}

impl Deal {
    /// Whether it lets nobody in for now, and who has it so.
    pub fn paused(&self) -> Option<Paused> {
        self.pauses.first()
    }
}

/// Who decides about a deal.
#[derive(Clone, Copy, Debug)]
pub enum Decider<'a> {
    /// Its business, about its own deals alone.
    Owner(&'a Approved),
    /// An operator, about all.
    Operator(&'a Live),
}

/// Why a deal was closed or cancelled, for shoppers and the business to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub(super) String);

impl Reason {
    /// Takes a reason of 1 to [`REASON_CHARS_MAX`] characters on one line.
    pub fn parse(text: &str) -> Option<Self> {
        line(text, REASON_CHARS_MAX).filter(|reason| !reason.is_empty()).map(Self)
    }
}

/// The engine's sale of a deal is to be brought to what the deal says, now or at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepSale {
    /// Which deal.
    pub deal: DealId,
}

impl Task for KeepSale {
    const KIND: &'static str = "trade.keep_sale";

    fn key(&self) -> String {
        self.deal.to_string()
    }
}

store::refusals! {
    /// Why a deal was not written.
    pub DraftRefusal {
        /// The business has as many drafts as any may.
        TooMany = "too_many_drafts": "the business has 100 drafts, as many as it may",
        /// The business has no such picture.
        PictureUnknown = "picture_unknown": "there is no such picture",
        /// The upload of a picture was not completed.
        PictureNotReady = "picture_not_ready": "the upload of a picture was not completed",
    }
}

store::refusals! {
    /// Why a deal was not published.
    pub PublishRefusal {
        /// The business has no such deal.
        Unknown = "deal_unknown": "there is no such deal",
        /// It was published.
        NotADraft = "deal_published": "the deal was published already",
        /// Another deal has one of its hours.
        SlotTaken = "slot_taken": "another deal has booked one of these hours",
        /// Its hours have begun.
        SlotPast = "slot_past": "the hours have begun",
        /// Its hours are too far ahead.
        SlotTooFarAhead = "slot_too_far_ahead": "hours are booked a year ahead at most",
    }
}

store::refusals! {
    /// Why a deal was not changed.
    pub EditRefusal {
        /// The business has no such deal.
        Unknown = "deal_unknown": "there is no such deal",
        /// It is over.
        Over = "deal_over": "the deal is over",
        /// Its hours are booked.
        HoursFixed = "deal_hours_fixed":
            "the hours of a published deal stay as they are: cancel it and write another",
        /// It is about to open, or has opened.
        Fixed = "deal_fixed":
            "ten minutes before a deal opens, all but its description, pictures and stock is fixed",
        /// The business has no such picture.
        PictureUnknown = "picture_unknown": "there is no such picture",
        /// The upload of a picture was not completed.
        PictureNotReady = "picture_not_ready": "the upload of a picture was not completed",
    }
}

store::refusals! {
    /// Why nothing was decided about a deal.
    pub DecideRefusal {
        /// There is no such deal, or it is another business's.
        Unknown = "deal_unknown": "there is no such deal",
        /// Who decides does not run the platform.
        NotAnOperator = "not_an_operator": "the account does not run the platform",
        /// It is a draft.
        Draft = "deal_draft": "the deal is a draft: it can be published or deleted",
        /// It is over.
        Over = "deal_over": "the deal is over",
        /// Somebody else has paused it.
        PausedByOthers = "deal_paused_by_others": "the platform has paused the deal",
    }
}

store::refusals! {
    /// Why a deal was not deleted.
    pub DeleteRefusal {
        /// The business has no such deal.
        Unknown = "deal_unknown": "there is no such deal",
        /// It was published.
        NotADraft = "deal_published": "a published deal is cancelled, not deleted",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::deal::terms::tests::terms;

    /// A deal that was published.
    pub(crate) fn deal() -> Deal {
        let terms = terms();
        Deal {
            id: DealId::new(Moment(0)),
            business: BusinessId::new(Moment(0)),
            over_at: terms.hours.ends_at(),
            terms,
            written_at: Moment(0),
            published_at: Some(Moment(0)),
            pauses: Pauses::default(),
            cancelled_at: None,
            reason: None,
        }
    }
}
