//! What a payment's steps come to.

mod apply;

use std::time::Duration;

use base::{moment::Moment, money::Money};

use store::sea_orm::{self, DeriveActiveEnum, EnumIter};

use super::step::{Ask, Decision, Return, Step};
use crate::{
    ids::RefundId,
    order::state::{Ending, Funds, OrderState, Units, state},
};

/// How long after a payment's time a call that left before may still have its effect at the provider.
pub(super) const LATE: Duration = Duration::from_mins(2);

/// How long calls may fail in a row before a person has to look: longer than a provider's worst night.
pub(super) const SILENT_MAX: Duration = Duration::from_hours(12);

/// A payment: its steps, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What is to be paid. All other amounts are minor units of its currency.
    due: Money,
    pub(super) units: Units,
    /// When it was told that their time ran out before they were paid.
    expired: Option<Moment>,
    /// Whether units whose money is all back go back as well.
    restocks: bool,
    pub(super) ready: Readiness,
    /// What the provider knows it by, and the page where the shopper pays.
    begun: Option<(String, String)>,
    pub(super) returned: Option<Return>,
    pub(super) approval: Approval,
    /// When the provider was last asked to take the money without an answer.
    unanswered: Option<Moment>,
    /// Whether nothing is reserved at the provider any more.
    pub(super) is_voided: bool,
    pub(super) taken: Option<i64>,
    /// What of it was given back.
    pub(super) back: i64,
    /// What of that by calls of ours; the rest began at the provider.
    ours: i64,
    wanted: Vec<Refund>,
    /// Steps so far.
    steps: u32,
    /// The call under way, the step that says so, and when it was written.
    pub(super) asked: Option<(u32, Ask, Moment)>,
    /// Something may have happened at the provider that is not known here.
    pub(super) is_unclear: bool,
    /// When the provider last said that no money was taken.
    pub(super) seen_untaken: Option<Moment>,
    /// Calls in a row that failed, and when the last did.
    pub(super) failures: Failures,
    /// The same of answers that contradict what is known.
    contradictions: u32,
    /// The same of calls to give money back or to void that were refused or not answered.
    pub(super) refusals: Failures,
    pub(super) doubt: Option<Doubt>,
    /// The amount that a person accepted instead of what is due.
    accepted: Option<i64>,
    /// What a person decided about an amount, or about units that nobody paid.
    decided: Option<Decision>,
}

/// Money that somebody wants given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Which one.
    pub id: RefundId,
    /// How much, in minor units.
    pub minor: i64,
    /// Whether goods that have not been sent stay where they are.
    pub withholds: bool,
}

/// Whether the provider is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    NotYet,
    /// The shopper can pay until then.
    Until(Moment),
    Refused,
}

/// Whether the provider was asked to take the money, and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approval {
    NotAsked,
    Asked,
    /// Refused after an unanswered call, which may have been what was done.
    Doubtful,
    Refused,
}

/// Failures in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// When the first of them did.
    pub(super) first: Moment,
    pub(super) last: Moment,
}

impl Failures {
    pub(super) const NONE: Self = Self { count: 0, first: Moment(0), last: Moment(0) };

    /// One more of them.
    pub(super) fn add(&mut self, at: Moment) {
        if self.count == 0 {
            self.first = at;
        }
        (self.count, self.last) = (self.count.saturating_add(1), at);
    }
}

/// Why a person has to look at a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Doubt {
    /// Another amount was taken than was due.
    #[sea_orm(string_value = "amount")]
    Amount,
    /// The provider gave back less than it had said, or more than was taken.
    #[sea_orm(string_value = "back")]
    Back,
    /// The provider does not give back what it has to.
    #[sea_orm(string_value = "not_given_back")]
    NotGivenBack,
    /// The provider does not free what it has reserved.
    #[sea_orm(string_value = "not_voided")]
    NotVoided,
    /// The provider does not know the payment.
    #[sea_orm(string_value = "unknown")]
    Unknown,
    /// The provider, or the keeper of the units, has not answered for half a day.
    #[sea_orm(string_value = "no_answer")]
    NoAnswer,
    /// Money that was taken is not there any more.
    #[sea_orm(string_value = "vanished")]
    Vanished,
    /// The engine refused what it has to do.
    #[sea_orm(string_value = "units")]
    Units,
    /// Units are sold that nobody paid.
    #[sea_orm(string_value = "unpaid")]
    Unpaid,
}

impl Doubt {
    /// What programs know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Back => "back",
            Self::NotGivenBack => "not_given_back",
            Self::NotVoided => "not_voided",
            Self::Unknown => "unknown",
            Self::Vanished => "vanished",
            Self::Units => "units",
            Self::Unpaid => "unpaid",
            Self::NoAnswer => "no_answer",
        }
    }
}

impl Payment {
    /// A payment of so much for units that are held, of which nothing has happened yet.
    pub const fn new(due: Money) -> Self {
        Self {
            due,
            units: Units::Held,
            expired: None,
            restocks: false,
            ready: Readiness::NotYet,
            begun: None,
            returned: None,
            approval: Approval::NotAsked,
            unanswered: None,
            is_voided: false,
            taken: None,
            back: 0,
            ours: 0,
            wanted: Vec::new(),
            steps: 0,
            asked: None,
            is_unclear: false,
            seen_untaken: None,
            failures: Failures::NONE,
            contradictions: 0,
            refusals: Failures::NONE,
            doubt: None,
            accepted: None,
            decided: None,
        }
    }

    /// Steps so far: after an [`Ask`] was added, what its answer names.
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// What is to be paid.
    pub const fn due(&self) -> Money {
        self.due
    }

    /// How the order stands that is paid by it. Units that stay where they are although all of their money is
    /// back, such as those that were shipped, count as taken back.
    pub fn state(&self) -> OrderState {
        let is_settled = self.is_all_back() && !self.restocks;
        let is_owed = self.is_undone() && self.taken.is_some();
        let is_elsewhere = self.units == Units::Confirmed && (is_settled || is_owed);
        state(if is_elsewhere { Units::Refunded } else { self.stands() }, self.funds())
    }

    /// Whether a person wants units and money back where they came from.
    pub(super) fn is_undone(&self) -> bool {
        self.decided == Some(Decision::Undo)
    }

    /// Whether a person accepted that nobody pays for units that are sold.
    fn is_excused(&self) -> bool {
        matches!(self.decided, Some(Decision::Accept | Decision::Undo)) && self.accepted.is_none()
    }

    /// Where the units are for their money's sake: those that nobody has to pay count as given back.
    pub(super) fn stands(&self) -> Units {
        let is_given = match self.units {
            Units::Confirmed => !self.is_undone(),
            Units::Refunded => true,
            Units::Held | Units::Paying | Units::Released => false,
        };
        let is_written_off = is_given && self.is_excused() && self.taken.is_none();
        if is_written_off { Units::Released } else { self.units }
    }

    /// Why it came to nothing, if it did.
    pub fn ending(&self) -> Option<Ending> {
        if !matches!(self.state(), OrderState::Cancelled | OrderState::Cancelling) {
            return None;
        }
        Some(match self.returned {
            _ if self.expired.is_some() => Ending::Expired,
            Some(Return::Agreed { .. } | Return::Failed) => Ending::Failed,
            Some(Return::Cancelled) | None if self.ready == Readiness::Refused => Ending::Failed,
            None if self.is_over() && self.approval != Approval::NotAsked => Ending::Failed,
            None if self.seen_untaken.is_some() => Ending::Expired,
            Some(Return::Cancelled) | None => Ending::GivenUp,
        })
    }

    /// What is known of the units.
    pub const fn units(&self) -> Units {
        self.units
    }

    /// What the provider knows it by.
    pub fn reference(&self) -> Option<&str> {
        self.begun.as_ref().map(|(tid, _)| tid.as_str())
    }

    /// The provider's page, as long as the shopper can pay there.
    pub fn page(&self, now: Moment) -> Option<&str> {
        let Readiness::Until(until) = self.ready else { return None };
        let is_open = now < until
            && self.taken.is_none()
            && self.returned.is_none()
            && matches!(self.units, Units::Held | Units::Paying);
        self.begun.as_ref().filter(|_| is_open).map(|(_, page)| page.as_str())
    }

    /// Until when the provider takes it, once it was begun.
    pub const fn lasts_until(&self) -> Option<Moment> {
        match self.ready {
            Readiness::Until(until) => Some(until),
            Readiness::NotYet | Readiness::Refused => None,
        }
    }

    /// What the shopper brought back from the provider, to be shown to it again.
    pub(crate) fn proof(&self) -> Option<&str> {
        match &self.returned {
            Some(Return::Agreed { proof }) => Some(proof),
            Some(Return::Cancelled | Return::Failed) | None => None,
        }
    }

    /// Whether the provider was asked to take the money, and has not refused for good.
    pub(crate) fn may_be_taken(&self) -> bool {
        let is_asked = matches!(self.approval, Approval::Asked | Approval::Doubtful);
        self.taken.is_some() || is_asked && !self.is_over()
    }

    /// The call under way, the step that says so, and when it was written.
    pub(crate) const fn under_way(&self) -> Option<(u32, Ask, Moment)> {
        self.asked
    }

    /// Why a person has to look, if one has to.
    pub const fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Whether a provider was ever asked to prepare it, and did.
    pub(crate) fn is_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// It as if a person had just had it asked for again.
    pub(super) fn asked_again(&self) -> Self {
        Self { doubt: None, failures: Failures::NONE, ..self.clone() }
    }

    /// Whether a step would say something that is not known.
    pub(crate) fn learns(&self, step: &Step, at: Moment) -> bool {
        let mut after = self.clone();
        after.apply(step, at);
        after.steps = self.steps;
        after != *self
    }

    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.due.currency)
    }

    pub(super) fn is_all_back(&self) -> bool {
        self.taken == Some(self.back)
    }

    /// Whether the units go back now that all of the money has.
    pub(super) const fn restocks(&self) -> bool {
        self.restocks
    }

    /// What is known of the money.
    pub fn funds(&self) -> Funds {
        match self.taken {
            Some(_) if self.is_all_back() => Funds::AllBack,
            Some(_) if self.back > 0 => Funds::PartBack,
            Some(_) => Funds::Captured,
            None if self.ready == Readiness::NotYet || self.is_over() => Funds::None,
            None => Funds::Asked,
        }
    }

    /// What was taken.
    pub fn taken(&self) -> Money {
        self.money(self.taken.unwrap_or(0))
    }

    /// What of it was given back.
    pub fn back(&self) -> Money {
        self.money(self.back)
    }

    /// What of that was given back at the provider itself.
    pub fn back_elsewhere(&self) -> Money {
        self.money(self.back - self.ours)
    }

    /// How much more can be wanted back: what was taken, less what is wanted back and what was given back at
    /// the provider itself.
    pub fn refundable(&self) -> Money {
        let wanted: i64 = self.wanted.iter().map(|refund| refund.minor).sum();
        self.money((self.taken.unwrap_or(0) - wanted - (self.back - self.ours)).max(0))
    }

    /// Whether the goods are to be sent: they are paid, nobody wants all of it back, or a part without saying for
    /// which of them, and nothing is in doubt.
    pub fn is_to_be_sent(&self) -> bool {
        let is_wanted =
            self.refundable().minor > 0 && !self.wanted.iter().any(|refund| refund.withholds);
        self.state().is_paid() && is_wanted && self.doubt.is_none()
    }

    /// How many refunds were wanted.
    pub(crate) fn wishes(&self) -> usize {
        self.wanted.len()
    }

    /// Whether a refund has been given: as much as was wanted up to it, or all there was.
    pub fn is_given(&self, refund: RefundId) -> bool {
        let mut sum = 0;
        let up_to = self.wanted.iter().find_map(|wanted| {
            sum += wanted.minor;
            (wanted.id == refund).then_some(sum)
        });
        up_to.is_some_and(|sum| sum <= self.ours || self.is_all_back())
    }

    /// What is to be given back in one call, next: the rest of a refund, or all that is owed.
    pub(super) fn next_back(&self) -> Option<(Option<RefundId>, i64)> {
        let left = self.taken.unwrap_or(0) - self.back;
        if matches!(self.units, Units::Released | Units::Refunded) {
            return (left > 0).then_some((None, left));
        }
        let mut sum = 0;
        let open = self.wanted.iter().find(|refund| {
            sum += refund.minor;
            sum > self.ours
        })?;
        (left > 0).then_some((Some(open.id), left.min(sum - self.ours)))
    }

    /// Whether no money can be taken any more, and none was.
    pub(super) fn is_over(&self) -> bool {
        self.approval == Approval::Refused
            || self.ready == Readiness::Refused
            || self.stands() == Units::Released && self.approval == Approval::NotAsked
            || matches!((self.settles_at(), self.seen_untaken), (Some(settled), Some(seen))
                if seen >= settled)
    }

    /// From when on the provider's word that nothing was taken is its last: nothing that left can have an
    /// effect any more, and nothing will leave.
    pub(super) fn settles_at(&self) -> Option<Moment> {
        let Readiness::Until(until) = self.ready else { return None };
        let refused = self.unanswered.filter(|_| self.approval == Approval::Doubtful);
        Some(refused.map_or(until, |left| left.min(until)).after(LATE))
    }
}
