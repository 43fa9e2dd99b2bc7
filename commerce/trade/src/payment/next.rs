//! What is to be done next for a payment.

use std::time::Duration;

use base::moment::Moment;

use super::{
    state::{Doubt, Payment, Readiness, Refusal},
    step::{Ask, Return},
};
use crate::order::state::Units;

/// The wait after the first call that nobody answered; it doubles with each one more.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Doublings of it: four minutes or so.
const DOUBLINGS_MAX: u32 = 8;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This call is to be made now.
    Ask(Ask),
    /// Nothing before then, unless something happens.
    Wait(Moment),
    /// Nothing, unless something happens.
    Done,
    /// A person has to look.
    Doubt(Doubt),
}

/// What is to be done next for a payment.
pub fn next(payment: &Payment, now: Moment) -> Next {
    if let Some(doubt) = payment.doubt {
        return Next::Doubt(doubt);
    }
    if payment.silences > 0 {
        let wait = FIRST_WAIT * 2_u32.pow((payment.silences - 1).min(DOUBLINGS_MAX));
        let due = payment.at.after(wait);
        if now < due {
            return Next::Wait(due);
        }
    }
    // Asked when the process ended, say. What moves units can be asked again, as can a preparation, which
    // nobody can pay who was not sent there.
    let was_lost = matches!(payment.asked, Some(Ask::Approve | Ask::GiveBack { .. } | Ask::LookUp));
    if was_lost || payment.is_unclear {
        return Next::Ask(Ask::LookUp);
    }
    match payment.taken {
        Some(taken) => when_taken(payment, taken),
        None => when_not_taken(payment, now),
    }
}

fn when_taken(payment: &Payment, taken: i64) -> Next {
    let give_back = |minor| Next::Ask(Ask::GiveBack { minor, before: payment.back });
    match payment.units {
        Units::Held | Units::Paying if payment.back == taken => Next::Ask(Ask::Release),
        Units::Held | Units::Paying => Next::Ask(Ask::Confirm),
        Units::Confirmed if payment.back == taken => Next::Ask(Ask::TakeBack),
        Units::Confirmed | Units::Released | Units::Refunded => match payment.next_back() {
            0 => Next::Done,
            minor => give_back(minor),
        },
    }
}

fn when_not_taken(payment: &Payment, now: Moment) -> Next {
    let is_over = payment.is_over();
    match (payment.units, payment.ready) {
        (Units::Confirmed | Units::Refunded, _) => Next::Doubt(Doubt::Unpaid),
        (Units::Released, _) if is_over => Next::Done,
        (Units::Held | Units::Paying, _) if is_over => Next::Ask(Ask::Release),
        (Units::Released, Readiness::Until(_)) => close(payment, now),
        (Units::Held | Units::Paying, Readiness::Until(until)) => attempt(payment, until, now),
        (_, Readiness::NotYet | Readiness::Refused) => Next::Ask(Ask::Ready),
    }
}

fn attempt(payment: &Payment, until: Moment, now: Moment) -> Next {
    match &payment.returned {
        Some(Return::Cancelled | Return::Failed) => Next::Ask(Ask::Release),
        Some(Return::Agreed { .. }) if now < until && payment.units == Units::Held => {
            Next::Ask(Ask::Pay)
        }
        Some(Return::Agreed { .. }) if now < until && payment.refusal == Refusal::None => {
            Next::Ask(Ask::Approve)
        }
        _ => close(payment, now),
    }
}

/// Waits for the time when the provider's word is its last, and asks for it.
fn close(payment: &Payment, now: Moment) -> Next {
    match payment.settles_at() {
        Some(settled) if now < settled => Next::Wait(settled),
        _ => Next::Ask(Ask::LookUp),
    }
}

#[cfg(test)]
mod tests;
