//! What a payment's steps come to.

use std::time::Duration;

use base::moment::Moment;

use super::step::{Ask, Found, Heard, Return, Seen, Step};
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
    pub(super) due: i64,
    pub(super) units: Units,
    pub(super) ready: Readiness,
    pub(super) returned: Option<Return>,
    /// Whether the provider was asked to take the money.
    pub(super) has_asked: bool,
    /// When it was last asked for that without an answer.
    pub(super) unanswered: Option<Moment>,
    /// The provider's word that it takes none.
    pub(super) refusal: Refusal,
    pub(super) taken: Option<i64>,
    /// What of it was given back.
    pub(super) back: i64,
    /// What of that nobody here had asked for: it began at the provider.
    pub(super) back_elsewhere: i64,
    pub(super) wanted: Vec<Refund>,
    /// A call whose outcome was not written.
    pub(super) asked: Option<Ask>,
    /// Something may have happened at the provider that is not known here.
    pub(super) is_unclear: bool,
    /// When the provider last said that no money was taken yet.
    pub(super) seen_open: Option<Moment>,
    /// Calls in a row that nobody answered.
    pub(super) silences: u32,
    /// Refusals in a row to give money back.
    pub(super) refusals: u32,
    /// When the last step was.
    pub(super) at: Moment,
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

/// Whether the provider refused to take the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    None,
    /// It did after an unanswered call, which may have been what was done.
    Doubtful,
    Final,
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
    pub const fn new(due: i64, at: Moment) -> Self {
        Self {
            due,
            units: Units::Held,
            ready: Readiness::NotYet,
            returned: None,
            has_asked: false,
            unanswered: None,
            refusal: Refusal::None,
            taken: None,
            back: 0,
            back_elsewhere: 0,
            wanted: Vec::new(),
            asked: None,
            is_unclear: false,
            seen_open: None,
            silences: 0,
            refusals: 0,
            at,
            doubt: None,
        }
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

    /// How much more can be wanted back: what was taken, less what was given back and is wanted back.
    pub fn refundable(&self) -> i64 {
        self.taken() - self.to_give_back()
    }

    /// What was wanted back here, or given back elsewhere, all in all.
    pub(super) fn to_give_back(&self) -> i64 {
        let wanted: i64 = self.wanted.iter().map(|refund| refund.minor).sum();
        (wanted + self.back_elsewhere).min(self.taken())
    }

    /// Whether a refund has been given.
    pub fn is_given(&self, refund: RefundId) -> bool {
        let up_to = self.wanted.iter().position(|wanted| wanted.id == refund);
        let up_to = up_to.map(|last| self.wanted[..=last].iter().map(|one| one.minor).sum::<i64>());
        up_to.is_some_and(|sum| sum + self.back_elsewhere <= self.back)
    }

    /// Whether no money can be taken any more, and none was.
    pub(super) fn is_over(&self) -> bool {
        self.refusal == Refusal::Final
            || self.ready == Readiness::Refused
            || self.units == Units::Released && !self.has_asked
            || matches!((self.settles_at(), self.seen_open), (Some(settled), Some(seen))
                if seen >= settled)
    }

    /// From when on the provider's word that nothing was taken is its last: nothing that left can have an
    /// effect any more, and nothing will leave.
    pub(super) fn settles_at(&self) -> Option<Moment> {
        let Readiness::Until(until) = self.ready else { return None };
        let refused = self.unanswered.filter(|_| self.refusal == Refusal::Doubtful);
        Some(refused.map_or(until, |left| left.min(until)).after(LATE))
    }

    /// Adds a step. There is no other way in which a payment changes.
    pub fn apply(&mut self, step: &Step, at: Moment) {
        self.at = at;
        match step {
            Step::Asked(ask) => {
                let lost = self.asked.replace(*ask);
                self.miss(lost, at);
                self.has_asked |= *ask == Ask::Approve;
            }
            Step::Heard(heard) => self.hear(heard, at),
            Step::Returned(back) => {
                let has_agreed = matches!(self.returned, Some(Return::Agreed { .. }));
                if !self.has_asked && !has_agreed {
                    self.returned = Some(back.clone());
                }
            }
            Step::Seen(Seen::Released) => self.units = Units::Released,
            Step::Seen(Seen::Confirmed) => self.units = Units::Confirmed,
            Step::Seen(Seen::TakenBack) => self.units = Units::Refunded,
            Step::LookUpWanted => self.is_unclear = true,
            Step::RefundWanted { refund, minor } => {
                self.wanted.push(Refund { id: *refund, minor: *minor });
            }
        }
    }

    fn hear(&mut self, heard: &Heard, at: Moment) {
        let asked = self.asked.take();
        let is_silence = matches!(heard, Heard::Silence | Heard::Unsent);
        self.silences = if is_silence { self.silences + 1 } else { 0 };
        match heard {
            Heard::Ready { until, .. } => self.ready = Readiness::Until(*until),
            Heard::Paying => self.units = Units::Paying,
            Heard::Confirmed => self.units = Units::Confirmed,
            Heard::Released => self.units = Units::Released,
            Heard::TakenBack => self.units = Units::Refunded,
            Heard::Taken { minor } => self.take(*minor),
            Heard::GivenBack { minor } => {
                self.refusals = 0;
                self.give_back(*minor, asked);
            }
            Heard::Refused { .. } => self.refuse(asked),
            Heard::Found(found) => self.find(*found, asked, at),
            Heard::Silence => self.miss(asked, at),
            Heard::Unsent => {}
        }
    }

    /// A call had no answer: it may have had its effect, or may still have it.
    fn miss(&mut self, asked: Option<Ask>, at: Moment) {
        self.is_unclear |= matches!(asked, Some(Ask::Approve | Ask::GiveBack { .. }));
        if asked == Some(Ask::Approve) {
            self.unanswered = Some(at);
        }
    }

    fn refuse(&mut self, asked: Option<Ask>) {
        match asked {
            Some(Ask::Ready) => self.ready = Readiness::Refused,
            Some(Ask::Approve) if self.unanswered.is_none() => self.refusal = Refusal::Final,
            Some(Ask::Approve) => {
                self.refusal = Refusal::Doubtful;
                self.is_unclear = true;
            }
            Some(Ask::GiveBack { .. }) => {
                self.refusals += 1;
                self.is_unclear = true;
                if self.refusals > GIVE_BACK_REFUSALS_MAX {
                    self.doubt = Some(Doubt::NotGivenBack);
                }
            }
            Some(Ask::LookUp) => self.doubt = Some(Doubt::Unknown),
            _ => self.doubt = Some(Doubt::Units),
        }
    }

    fn find(&mut self, found: Found, asked: Option<Ask>, at: Moment) {
        self.is_unclear = false;
        match (found, self.taken) {
            (Found::Open | Found::Over, Some(_)) => self.doubt = Some(Doubt::Vanished),
            (Found::Open, None) => self.seen_open = Some(at),
            (Found::Over, None) => self.refusal = Refusal::Final,
            (Found::Taken { minor, back }, _) => {
                self.take(minor);
                self.give_back(back, asked);
            }
        }
    }

    fn take(&mut self, minor: i64) {
        if minor != self.due || self.taken.is_some_and(|taken| taken != minor) {
            self.doubt = Some(Doubt::Amount);
        }
        self.taken = Some(minor);
    }

    /// Notes that so much was given back by now. What goes beyond what is wanted here began elsewhere.
    fn give_back(&mut self, minor: i64, asked: Option<Ask>) {
        if minor < self.back || minor > self.taken() {
            self.doubt = Some(Doubt::Back);
            return;
        }
        let more = minor - self.back;
        let expected = match asked {
            Some(Ask::GiveBack { minor, .. }) => minor,
            // A look-up after a call whose outcome is not known: as much as that was, it was that.
            _ => self.next_back(),
        };
        self.back_elsewhere += if more >= expected { more - expected } else { more };
        self.back = minor;
    }

    /// What is to be given back in one call, next: the rest of a refund, or all that is owed.
    pub(super) fn next_back(&self) -> i64 {
        if matches!(self.units, Units::Released | Units::Refunded) {
            return self.taken() - self.back;
        }
        let mut sum = self.back_elsewhere;
        for refund in &self.wanted {
            sum += refund.minor;
            if sum > self.back {
                return sum.min(self.taken()) - self.back;
            }
        }
        0
    }
}

/// How often a provider may refuse to give money back before a person has to look.
const GIVE_BACK_REFUSALS_MAX: u32 = 5;
