//! How a payment changes: step by step.

use base::moment::Moment;

use super::{
    super::step::{Ask, Decision, Found, Heard, Return, Seen, Step},
    Approval, Doubt, Payment, Readiness, Refund, SILENT_MAX,
};
use crate::order::state::Units;

/// Answers in a row that contradict what is known, of which the last brings a person.
const CONTRADICTIONS_MAX: u32 = 8;
/// The same for calls to give money back or to void that were refused or not answered, between which the waits
/// grow to hours.
const REFUSALS_MAX: u32 = 10;

impl Payment {
    /// Adds a step. There is no other way in which a payment changes.
    pub fn apply(&mut self, step: &Step, at: Moment) {
        self.steps += 1;
        match step {
            Step::Asked(ask) => {
                let lost = self.asked.replace((self.steps, *ask, at));
                self.miss(lost.map(|(_, ask, _)| ask), at);
                if *ask == Ask::Approve && self.approval == Approval::NotAsked {
                    self.approval = Approval::Asked;
                }
                // What is wanted from now on is not answered by this one.
                self.is_unclear &= *ask != Ask::LookUp;
            }
            Step::Heard { asked, heard } => match self.asked.take_if(|(step, ..)| step == asked) {
                Some((_, ask, _)) => self.hear(ask, heard, at),
                // Of a driver that lost its lease: what it heard is asked for again.
                None => self.is_unclear |= self.ready != Readiness::NotYet,
            },
            Step::Returned(way) => {
                // Whoever gave up was told so, and is not charged for what a second window does. A payment that
                // failed can be tried again at the provider.
                let is_decided =
                    matches!(self.returned, Some(Return::Agreed { .. } | Return::Cancelled));
                if self.approval == Approval::NotAsked && !is_decided {
                    self.returned = Some(way.clone());
                }
            }
            Step::Seen(Seen::Released) => self.set_units(Units::Released),
            Step::Seen(Seen::Expired) => {
                // A call that found them gone may have been heard before.
                if !matches!(self.units, Units::Confirmed | Units::Refunded) {
                    self.expired.get_or_insert(at);
                }
                self.set_units(Units::Released);
            }
            Step::Seen(Seen::Confirmed) => self.set_units(Units::Confirmed),
            Step::Seen(Seen::TakenBack) => self.set_units(Units::Refunded),
            Step::LookUpWanted => self.is_unclear |= self.ready != Readiness::NotYet,
            Step::Resolved => {
                self.clear();
                self.is_unclear |= self.ready != Readiness::NotYet;
                if !self.is_unclear {
                    // There is nobody to ask.
                    self.mark_unpaid();
                }
            }
            Step::Decided(decision) => self.decide(*decision),
            Step::RefundWanted { refund, minor, restocks, withholds } => {
                let (minor, withholds) = (*minor, *withholds);
                self.wanted.push(Refund { id: *refund, minor, withholds });
                // A part says nothing of the units, which may be shipped before the provider gives the rest back.
                self.restocks = *restocks && self.refundable().minor == 0;
            }
        }
    }

    /// A person has looked.
    fn clear(&mut self) {
        self.doubt = None;
        (self.contradictions, self.failures.count, self.refusals.count) = (0, 0, 0);
    }

    fn decide(&mut self, decision: Decision) {
        self.clear();
        match decision {
            Decision::Accept | Decision::Undo => {
                (self.accepted, self.decided) = (self.taken, Some(decision));
            }
            Decision::UnitsGone if self.units == Units::Confirmed => {
                self.set_units(Units::Refunded);
            }
            Decision::UnitsGone => self.set_units(Units::Released),
        }
    }

    fn hear(&mut self, ask: Ask, heard: &Heard, at: Moment) {
        if matches!(heard, Heard::Silence | Heard::Unsent) {
            self.fail(at);
        } else if !matches!(heard, Heard::Refused { .. } | Heard::Found(_)) {
            // For those, it depends on what they say.
            self.failures.count = 0;
        }
        match heard {
            Heard::Ready { tid, page, until } => {
                self.ready = Readiness::Until(*until);
                self.begun = Some((tid.clone(), page.clone()));
            }
            Heard::Paying => self.set_units(Units::Paying),
            Heard::Confirmed => self.set_units(Units::Confirmed),
            Heard::Released => self.set_units(Units::Released),
            Heard::TakenBack => self.set_units(Units::Refunded),
            Heard::Taken { minor } => self.take(*minor),
            Heard::GivenBack { minor } => {
                let asked = if let Ask::GiveBack { minor, .. } = ask { minor } else { 0 };
                self.give_back(*minor, self.ours + asked, at);
            }
            Heard::Voided => self.is_voided = true,
            Heard::Refused { .. } => self.refuse(ask, at),
            Heard::Found(found) => self.find(*found, at),
            Heard::Silence => {
                self.miss(Some(ask), at);
                if matches!(ask, Ask::GiveBack { .. } | Ask::Void) {
                    self.put_off(ask, at);
                }
            }
            Heard::Unsent => self.is_unclear |= ask == Ask::LookUp,
        }
    }

    /// A call had no answer: it may have had its effect, or may still have it.
    fn miss(&mut self, ask: Option<Ask>, at: Moment) {
        let at_provider =
            matches!(ask, Some(Ask::Approve | Ask::GiveBack { .. } | Ask::LookUp | Ask::Void));
        self.is_unclear |= at_provider;
        if ask == Some(Ask::Approve) {
            self.unanswered = Some(at);
        }
    }

    fn fail(&mut self, at: Moment) {
        self.failures.add(at);
        if at.since(self.failures.first) >= SILENT_MAX {
            self.doubt.get_or_insert(Doubt::NoAnswer);
        }
    }

    /// Asks again, later, before a person has to look.
    fn contradict(&mut self, doubt: Doubt, at: Moment) {
        self.fail(at);
        self.is_unclear = true;
        self.contradictions += 1;
        if self.contradictions >= CONTRADICTIONS_MAX {
            self.doubt = Some(doubt);
        }
    }

    /// Has money that did not move asked for later, and less and less often, before a person has to look. A
    /// look-up in between, which is answered but tells of no change, brings it no nearer.
    fn put_off(&mut self, ask: Ask, at: Moment) {
        self.refusals.add(at);
        if self.refusals.count >= REFUSALS_MAX {
            let is_void = ask == Ask::Void;
            self.doubt = Some(if is_void { Doubt::NotVoided } else { Doubt::NotGivenBack });
        }
    }

    fn refuse(&mut self, ask: Ask, at: Moment) {
        if ask != Ask::LookUp {
            self.failures.count = 0;
        }
        match ask {
            Ask::Ready => self.ready = Readiness::Refused,
            Ask::Approve if self.unanswered.is_none() => self.approval = Approval::Refused,
            Ask::Approve => {
                self.approval = Approval::Doubtful;
                self.is_unclear = true;
            }
            Ask::GiveBack { .. } | Ask::Void => {
                self.is_unclear = true;
                self.put_off(ask, at);
            }
            Ask::LookUp => self.contradict(Doubt::Unknown, at),
            Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack => {
                self.doubt = Some(Doubt::Units);
            }
        }
    }

    fn find(&mut self, found: Found, at: Moment) {
        match (found, self.taken) {
            (Found::Open | Found::Over, Some(_)) => return self.contradict(Doubt::Vanished, at),
            (Found::Open, None) => {
                self.seen_untaken = Some(at);
                self.mark_unpaid();
            }
            (Found::Over, None) => {
                (self.approval, self.is_voided) = (Approval::Refused, true);
                self.seen_untaken = Some(at);
                self.mark_unpaid();
            }
            (Found::Taken { minor, back, ours }, _) => {
                self.take(minor);
                return self.give_back(back, ours, at);
            }
        }
        self.contradictions = 0;
        // An approval that is never answered is asked for ever less often.
        if self.approval != Approval::Asked {
            self.failures.count = 0;
        }
    }

    fn take(&mut self, minor: i64) {
        if minor != self.accepted.unwrap_or(self.due.minor) {
            self.doubt = Some(Doubt::Amount);
        }
        self.taken = Some(minor);
    }

    /// Notes that so much was given back by now, and how much of it by calls of ours.
    fn give_back(&mut self, minor: i64, ours: i64, at: Moment) {
        let grows = minor >= self.back && ours >= self.ours;
        if !grows || ours > minor || minor > self.taken.unwrap_or(0) {
            return self.contradict(Doubt::Back, at);
        }
        if minor > self.back {
            self.refusals.count = 0;
        }
        (self.back, self.ours) = (minor, ours);
        (self.contradictions, self.failures.count) = (0, 0);
    }

    /// Units that are sold although no money is known of. An approval that was asked for is looked up first.
    fn mark_unpaid(&mut self) {
        let is_sold = matches!(self.units, Units::Confirmed | Units::Refunded);
        if !is_sold || self.taken.is_some() || self.is_excused() {
            return;
        }
        let is_asked = matches!(self.approval, Approval::Asked | Approval::Doubtful);
        if is_asked && (self.is_unclear || self.asked.is_some()) {
            self.is_unclear = true;
        } else {
            self.doubt = Some(Doubt::Unpaid);
        }
    }

    /// Units that are back, or were taken back, stay so, whatever is heard late.
    fn set_units(&mut self, units: Units) {
        let is_forward = match self.units {
            Units::Held => true,
            Units::Paying => units != Units::Held,
            Units::Confirmed => units == Units::Refunded,
            Units::Released | Units::Refunded => false,
        };
        if is_forward {
            self.units = units;
            self.mark_unpaid();
        }
    }
}
