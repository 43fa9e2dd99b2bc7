//! Whether a fact that another program decided follows from the state.
//!
//! What this code decides is applied without a look, for it follows by construction. The facts of a stream
//! were decided elsewhere: a store that something else wrote to, or a library that decides otherwise, must stop
//! one sale and not the process. What is let through here, [`Sale::apply`] can apply.

use super::{
    Phase, Sale,
    holds::{self, pile},
    refused::{Refused, check},
};
use crate::{
    clock::Millis,
    hold::HoldItems,
    id::{HoldId, Number, ShopperKey},
    limits::{PLACES_MAX, UNITS_MAX},
    line::PlaceState,
    record::{Change, Record, SessionEnd},
    session::SessionState,
};

impl Sale {
    /// Says what of a fact contradicts the state, if anything does.
    pub(crate) fn follows(&self, record: &Record, at: Millis) -> Refused {
        let takes = self.archive.is_none() || Self::archive_takes(record);
        check(takes, "a fact that an archived sale does not take")?;
        match record {
            Record::Entered { number, shopper, .. } => self.entry_follows(*number, *shopper),
            Record::Departed { numbers, .. } => self.departure_follows(numbers),
            Record::Called { watermark, .. } => self.call_follows(*watermark, at),
            Record::Claimed { number, .. } => {
                let is_called = self.place(*number) == PlaceState::Called;
                check(is_called && self.session(*number).is_some(), "a claim of a place not called")
            }
            Record::SessionEnded { number, reason, .. } => {
                let session = self.session(*number).ok_or("the end of a session that is none")?;
                let is_called = session.state == SessionState::Called;
                let fits = is_called || *reason != SessionEnd::Unclaimed;
                check(fits, "a claimed session that ends unclaimed")
            }
            Record::EntryAnswered { answer, .. } => self.has_place(answer.number),
            Record::EntryNoted { number, .. } => self.has_place(*number),
            Record::Held { hold, number, items, .. } => self.hold_follows(*hold, *number, items),
            Record::Settled { hold, step, .. } => {
                let hold = self.hold(*hold).ok_or("a step of a hold that is none")?;
                check(step.applies_to(hold.state), "a step that the hold cannot take")?;
                let has =
                    |units: u64, piled: u64| check(piled >= units, "units that are not there");
                hold.items.iter().try_for_each(|item| {
                    let mut counts = *self.counts.get(usize::from(item.offer.0)).ok_or(NO_OFFER)?;
                    has(item.quantity.into(), *pile(&mut counts, hold.state))
                })
            }
            Record::SetAside { hold, .. } => {
                let hold = self.hold(*hold).ok_or("units set aside of a hold that is none")?;
                hold.items.iter().try_for_each(|item| {
                    let counts = self.counts.get(usize::from(item.offer.0)).ok_or(NO_OFFER)?;
                    let is_free =
                        !holds::counts(hold.state) && counts.available >= item.quantity.into();
                    check(is_free, "units set aside that are not free")
                })
            }
            Record::Changed { change, .. } => self.change_follows(change, at),
            Record::Rebuilt { stranded, skipped, .. } => {
                let takes_places = *skipped > 0 || stranded.iter().any(|units| *units > 0);
                check(
                    self.archive.is_none() || !takes_places,
                    "a rebuild of an archived sale that skips numbers or strands units",
                )?;
                let all = self.counts.iter().zip(stranded);
                let fits = stranded.len() <= self.counts.len()
                    && all.into_iter().all(|(counts, units)| counts.available >= *units);
                check(fits, "more units stranded than there are")?;
                let room = PLACES_MAX - self.issued().0;
                check(u64::from(*skipped) <= room, "more numbers skipped than there are")
            }
            Record::StepAnswered { .. }
            | Record::ClockSet { .. }
            | Record::Resumed { .. }
            | Record::Joined { .. }
            | Record::Parted { .. }
            | Record::Requeued { .. } => Ok(()),
            Record::Delivered { by, .. } | Record::DeadLettered { by, .. } => {
                check(by.is_sound(), "sinks that no process has")
            }
            Record::Created { .. }
            | Record::Followed { .. }
            | Record::Met { .. }
            | Record::Adopted { .. } => Err("a fact that only journals have"),
        }
    }

    fn has_place(&self, number: Number) -> Refused {
        check(self.shopper(number).is_some(), "an answer about a place that is none")
    }

    fn entry_follows(&self, number: Number, shopper: ShopperKey) -> Refused {
        let is_next = number.0 == self.issued().0 + 1 && number.0 <= PLACES_MAX;
        check(is_next, "an entry with a number that is not the next")?;
        check(shopper != ShopperKey(0), "an entry of nobody")?;
        check(self.places.live(shopper).is_none(), "a second live place of a shopper")?;
        check(!self.places.is_over(shopper), "a second entry where there is one")
    }

    fn departure_follows(&self, numbers: &[Number]) -> Refused {
        let ascend = numbers.is_sorted_by(|one, next| one < next);
        let wait = numbers.iter().all(|number| self.place(*number) == PlaceState::Waiting);
        check(ascend && wait, "a departure of who does not wait")
    }

    fn call_follows(&self, watermark: Number, at: Millis) -> Refused {
        let before = self.gate.watermark();
        let rises = before < watermark && watermark <= self.issued();
        check(rises, "a gate that does not move on within the line")?;
        let called = self.places.states(before.0 + 1..watermark.0 + 1);
        let called = called.filter(|state| *state == PlaceState::Waiting).count() as u64;
        check(called <= self.gate.budget(at), "a gate that calls more than its pace allows")
    }

    fn hold_follows(&self, id: HoldId, number: Number, items: &HoldItems) -> Refused {
        check(id == self.holds.next_id(), "a hold with a number that is not the next")?;
        check(self.session(number).is_some(), "a hold of a place without a session")?;
        items.iter().try_for_each(|item| {
            let of_offer = items.iter().filter(|other| other.offer == item.offer);
            let units: u64 = of_offer.map(|item| u64::from(item.quantity)).sum();
            let counts = self.counts.get(usize::from(item.offer.0)).ok_or(NO_OFFER)?;
            check(counts.available >= units, "a hold of more units than are for sale")
        })
    }

    fn change_follows(&self, change: &Change, at: Millis) -> Refused {
        match change {
            Change::Restock { offer, units } => {
                let index = usize::from(offer.0);
                let counts = self.counts.get(index).ok_or(NO_OFFER)?;
                let total = self.spec.offers[index].total.checked_add_signed(*units);
                let fits = counts.available.checked_add_signed(*units).is_some()
                    && total.is_some_and(|total| total <= UNITS_MAX);
                check(fits, "a restock to fewer units than none, or to too many")
            }
            Change::Unstrand { offer, units } => {
                let counts = self.counts.get(usize::from(offer.0)).ok_or(NO_OFFER)?;
                check(counts.stranded >= *units, "more units released than are stranded")
            }
            Change::Returned { promised, released, .. } => {
                let counts = &self.counts;
                let fits = promised.len() <= counts.len()
                    && released.len() <= counts.len()
                    && counts.iter().zip(released).all(|(counts, units)| counts.stranded >= *units);
                check(fits, "more units released than are stranded")
            }
            Change::Archive { .. } => {
                check(self.phase(at) == Phase::Closed, "an archive of a sale that is not closed")?;
                let is_done = self.holds.open() == 0 && self.outbox.len() == 0;
                check(is_done, "an archive of a sale in which something is under way")
            }
            Change::Update { .. }
            | Change::Pause
            | Change::Resume
            | Change::Drain
            | Change::Open
            | Change::Close
            | Change::Message { .. }
            | Change::Rate { .. }
            | Change::Delete => Ok(()),
        }
    }
}

pub(super) const NO_OFFER: &str = "an offer that the sale does not have";
