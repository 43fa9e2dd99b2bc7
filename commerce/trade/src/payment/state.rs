//! What a payment's steps come to.

mod apply;

use std::time::Duration;

use base::moment::Moment;

use super::step::{Ask, Return};
use crate::{
    ids::RefundId,
    order::state::{Funds, OrderState, Units, state},
};

/// How long after a payment's time a call that left before may still have its effect at the provider.
pub(super) const LATE: Duration = Duration::from_mins(2);
/// A payment: its steps, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// What is to be paid, in minor units.
    due: i64,
    pub(super) units: Units,
    pub(super) ready: Readiness,
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
    /// The call under way, and the step that says so.
    pub(super) asked: Option<(u32, Ask)>,
    /// Something may have happened at the provider that is not known here.
    pub(super) is_unclear: bool,
    /// When the provider last said that no money was taken.
    pub(super) seen_untaken: Option<Moment>,
    /// Calls in a row that failed, and when the last did.
    pub(super) failures: Failures,
    /// The same of answers that contradict what is known.
    contradictions: u32,
    /// The same of refusals to give money back or to void.
    pub(super) refusals: Failures,
    pub(super) doubt: Option<Doubt>,
}

/// Money that somebody wants given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Which one.
    pub id: RefundId,
    /// How much, in minor units.
    pub minor: i64,
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
    pub(super) last: Moment,
}

/// Why a person has to look at a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Another amount was taken than was due.
    Amount,
    /// The provider gave back less than it had said, or more than was taken.
    Back,
    /// The provider does not give back what it has to.
    NotGivenBack,
    /// The provider does not free what it has reserved.
    NotVoided,
    /// The provider does not know the payment.
    Unknown,
    /// Money that was taken is not there any more.
    Vanished,
    /// The engine refused what it has to do.
    Units,
    /// Units are sold that nobody paid.
    Unpaid,
}

impl Payment {
    /// A payment of so much for units that are held, of which nothing has happened yet.
    pub const fn new(due: i64) -> Self {
        Self {
            due,
            units: Units::Held,
            ready: Readiness::NotYet,
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
            failures: Failures { count: 0, last: Moment(0) },
            contradictions: 0,
            refusals: Failures { count: 0, last: Moment(0) },
            doubt: None,
        }
    }

    /// Steps so far: after an [`Ask`] was added, what its answer names.
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// How the order stands that is paid by it.
    pub fn state(&self) -> OrderState {
        state(self.units, self.funds())
    }

    /// What is known of the money.
    pub fn funds(&self) -> Funds {
        match self.taken {
            Some(taken) if self.back == taken => Funds::AllBack,
            Some(_) if self.back > 0 => Funds::PartBack,
            Some(_) => Funds::Captured,
            None if self.ready == Readiness::NotYet || self.is_over() => Funds::None,
            None => Funds::Asked,
        }
    }

    /// What was taken, in minor units.
    pub fn taken(&self) -> i64 {
        self.taken.unwrap_or(0)
    }

    /// What of it was given back.
    pub const fn back(&self) -> i64 {
        self.back
    }

    /// How much more can be wanted back: what was taken, less what is wanted back and what was given back at
    /// the provider itself.
    pub fn refundable(&self) -> i64 {
        let wanted: i64 = self.wanted.iter().map(|refund| refund.minor).sum();
        (self.taken() - wanted - (self.back - self.ours)).max(0)
    }

    /// Whether a refund has been given: as much as was wanted up to it, or all there was.
    pub fn is_given(&self, refund: RefundId) -> bool {
        let mut sum = 0;
        let up_to = self.wanted.iter().find_map(|wanted| {
            sum += wanted.minor;
            (wanted.id == refund).then_some(sum)
        });
        up_to.is_some_and(|sum| sum <= self.ours || self.taken == Some(self.back))
    }

    /// What is to be given back in one call, next: the rest of a refund, or all that is owed.
    pub(super) fn next_back(&self) -> Option<(Option<RefundId>, i64)> {
        let left = self.taken() - self.back;
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
            || self.units == Units::Released && self.approval == Approval::NotAsked
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
