//! What is to be done next for a payment.

use std::time::Duration;

use base::moment::Moment;

use super::{
    state::{Approval, Doubt, Failures, Payment, Readiness},
    step::{Ask, Decision, Return},
};
use crate::order::state::Units;

/// The wait after the first of several calls that failed.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The same after a call to give money back or to void that was refused or not answered: a bank's rather than a
/// line's trouble.
const FIRST_WAIT_REFUSED: Duration = Duration::from_mins(1);
/// Doublings of a wait: to some four minutes, or four hours.
const DOUBLINGS_MAX: u32 = 8;
/// When a payment that came to nothing is looked up once more, after its time: for whatever nobody thought
/// of, such as a driver that was stopped between saying that it asks and asking.
const LAST_LOOK: Duration = Duration::from_hours(24);

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
    if let Some(due) = due_after(payment.failures, FIRST_WAIT).filter(|due| now < *due) {
        return Next::Wait(due);
    }
    // The process ended, say, after it wrote that it asks. What moves units can be asked again, as can a
    // preparation: nobody was sent to the payment that it made.
    let was_lost = payment.asked.is_some_and(|(_, ask, _)| {
        matches!(ask, Ask::Approve | Ask::GiveBack { .. } | Ask::LookUp | Ask::Void)
    });
    if was_lost || payment.is_unclear {
        return Next::Ask(Ask::LookUp);
    }
    match payment.taken {
        Some(_) => when_taken(payment, now),
        None => when_not_taken(payment, now),
    }
}

/// Whether a person can decide this about a payment in doubt.
pub(crate) fn can_decide(payment: &Payment, decision: Decision, now: Moment) -> bool {
    match (decision, payment.doubt) {
        (Decision::Accept | Decision::Undo, doubt) => {
            matches!(doubt, Some(Doubt::Amount | Doubt::Unpaid))
        }
        // Only if it is the keeper who would be asked.
        (Decision::UnitsGone, Some(Doubt::NoAnswer | Doubt::Units)) => {
            matches!(
                next(&payment.asked_again(), now),
                Next::Ask(Ask::Pay | Ask::Confirm | Ask::Release | Ask::TakeBack)
            )
        }
        (Decision::UnitsGone, _) => false,
    }
}

/// When the next call may be made after failures in a row.
fn due_after(failures: Failures, first: Duration) -> Option<Moment> {
    let doublings = failures.count.checked_sub(1)?.min(DOUBLINGS_MAX);
    Some(failures.last.after(first * 2_u32.pow(doublings)))
}

fn when_taken(payment: &Payment, now: Moment) -> Next {
    let is_all_back = payment.is_all_back();
    match payment.units {
        Units::Held | Units::Paying if is_all_back || payment.is_undone() => {
            Next::Ask(Ask::Release)
        }
        Units::Held | Units::Paying => Next::Ask(Ask::Confirm),
        Units::Confirmed if payment.is_undone() || is_all_back && payment.restocks() => {
            Next::Ask(Ask::TakeBack)
        }
        Units::Confirmed | Units::Released | Units::Refunded => {
            let due = due_after(payment.refusals, FIRST_WAIT_REFUSED).filter(|due| now < *due);
            match (payment.next_back(), due) {
                (None, _) => Next::Done,
                (Some(_), Some(due)) => Next::Wait(due),
                (Some((refund, minor)), None) => {
                    Next::Ask(Ask::GiveBack { refund, minor, before: payment.back })
                }
            }
        }
    }
}

fn when_not_taken(payment: &Payment, now: Moment) -> Next {
    match (payment.stands(), payment.ready) {
        (Units::Confirmed, _) if payment.is_undone() => Next::Ask(Ask::TakeBack),
        (Units::Confirmed | Units::Refunded, _) => Next::Doubt(Doubt::Unpaid),
        (Units::Held | Units::Paying, _) if payment.is_over() => Next::Ask(Ask::Release),
        // Given up before anything was begun.
        (Units::Held | Units::Paying, Readiness::NotYet) if payment.returned.is_some() => {
            Next::Ask(Ask::Release)
        }
        (Units::Released, Readiness::Until(until)) if payment.is_over() => {
            when_over(payment, until, now)
        }
        (Units::Released, Readiness::Until(_)) => close(payment, now),
        (Units::Held | Units::Paying, Readiness::Until(until)) => attempt(payment, until, now),
        (Units::Released, Readiness::NotYet | Readiness::Refused) => Next::Done,
        (Units::Held | Units::Paying, Readiness::NotYet | Readiness::Refused) => {
            Next::Ask(Ask::Ready)
        }
    }
}

/// Nothing will be taken, as far as is known.
fn when_over(payment: &Payment, until: Moment, now: Moment) -> Next {
    if !payment.is_voided {
        let due = due_after(payment.refusals, FIRST_WAIT_REFUSED).filter(|due| now < *due);
        return due.map_or(Next::Ask(Ask::Void), Next::Wait);
    }
    let last_look = until.after(LAST_LOOK);
    match payment.seen_untaken {
        _ if payment.approval == Approval::NotAsked => Next::Done,
        Some(seen) if seen >= last_look => Next::Done,
        _ if now < last_look => Next::Wait(last_look),
        _ => Next::Ask(Ask::LookUp),
    }
}

fn attempt(payment: &Payment, until: Moment, now: Moment) -> Next {
    match &payment.returned {
        Some(Return::Cancelled | Return::Failed) => Next::Ask(Ask::Release),
        Some(Return::Agreed { .. }) if now < until && payment.units == Units::Held => {
            Next::Ask(Ask::Pay)
        }
        Some(Return::Agreed { .. }) if now < until && payment.approval != Approval::Doubtful => {
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
