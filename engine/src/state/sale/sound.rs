//! Whether a sale that was read from bytes could have come about.
//!
//! A node's own journal is trusted. A sale that another program wrote is not: a snapshot beside the stream may be
//! damaged, of another version, or made up. It must stop one sale and not the process. What is let through
//! here, everything else in the engine can work with: its sums agree, and what it names is there.

use super::{
    Sale, is_ended,
    refused::{Refused, check},
};
use crate::{
    clock::Millis,
    codec::{Binary as _, DecodeError},
    gate::Gate,
    hold::{Hold, HoldItems, HoldState},
    id::{Epoch, HoldId, Number, ShopperKey},
    limits::{AUDIT_ENTRIES_MAX, EVENTS_MAX, OFFERS_MAX, PRICE_MAX, TEXT_BYTES_MAX, UNITS_MAX},
    line::PlaceState,
    session::SessionState,
    stock::Counts,
};

/// What no session and no hold outlasts: a window is a day at most, and a session ends with a whole second.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1_000 + 1_000;

/// Units of one offer in holds, by what became of them.
#[derive(Clone, Copy, Default)]
struct InHolds {
    held: u64,
    paying: u64,
    confirmed: u64,
    refunded: u64,
}

impl Sale {
    /// The sale of a byte form that another program wrote, with its last fact at `at` or before. Says what
    /// is wrong with it, if anything is.
    pub fn restored(mut bytes: &[u8], at: Millis) -> Result<Self, &'static str> {
        let sale = Self::decode(&mut bytes).map_err(|DecodeError(what)| what)?;
        check(bytes.is_empty(), "bytes left over")?;
        sale.is_sound(at)?;
        Ok(sale)
    }

    fn is_sound(&self, at: Millis) -> Refused {
        let fields = self.spec.check().is_empty() && self.controls.message.len() <= TEXT_BYTES_MAX;
        check(fields, "fields out of their bounds")?;
        let epochs = Epoch(1)..Epoch(u32::MAX);
        check(epochs.contains(&self.epoch), "an epoch that cannot be")?;
        check(self.created_at <= at, "a creation that is yet to come")?;
        check(self.audit.len() <= AUDIT_ENTRIES_MAX, "more entries of its audit than are kept")?;
        check(self.counts.len() == self.spec.offers.len(), "counts of other offers")?;
        self.places_are_sound()?;
        let is_paced = self.gate.is_sound(self.spec.admission_milli_per_second, at);
        let is_stopped = self.archive.is_some() && self.gate == Gate::stopped();
        check(is_paced || is_stopped, "a gate with another pace")?;
        let is_empty = self.issued() == Number(0) && self.holds.open() == 0 && self.controls.closed;
        check(self.archive.is_none() || is_empty, "an archived sale with people in it")?;
        self.sessions_are_sound(at)?;
        self.holds_are_sound(at)?;
        self.answers_are_sound(at)?;
        self.events_are_sound(at)?;
        self.changes.are_sound(at)?;
        self.members.are_sound(self.counts.len(), self.holds.last_id())
    }

    fn places_are_sound(&self) -> Refused {
        let (issued, watermark) = (self.issued(), self.gate.watermark());
        check(watermark <= issued, "a gate that is past the line")?;
        for ((shopper, state), number) in self.places.iter().zip(1..) {
            let number = Number(number);
            let fits = match state {
                PlaceState::Unissued => false,
                PlaceState::Waiting => number > watermark,
                PlaceState::Left | PlaceState::Idle | PlaceState::Revoked => true,
                PlaceState::Called
                | PlaceState::Admitted
                | PlaceState::Completed
                | PlaceState::Over
                | PlaceState::Unclaimed => number <= watermark,
            };
            check(fits, "a place in a state that its number cannot have")?;
            if self.places.lives(number) {
                let is_own = shopper != ShopperKey(0) && self.places.live(shopper) == Some(number);
                check(is_own, "a live place of nobody, or a second one of a shopper")?;
            }
        }
        let parts = [self.places.waiting(), self.departed(), self.gate.called()];
        check(sum(parts) == Some(issued.0), "a line whose parts do not add up")
    }

    fn sessions_are_sound(&self, at: Millis) -> Refused {
        let last = at.after(LONGEST_MS);
        for session in self.sessions.iter() {
            let state = match session.state {
                SessionState::Called => PlaceState::Called,
                SessionState::Admitted => PlaceState::Admitted,
                SessionState::Completed => PlaceState::Completed,
            };
            check(self.place(session.number) == state, "a session that its place does not have")?;
            let in_time = session.since <= at && session.deadline <= last;
            check(in_time, "a session of another time")?;
        }
        let takes_part = |state: &PlaceState| {
            matches!(state, PlaceState::Called | PlaceState::Admitted | PlaceState::Completed)
        };
        let count = self.places().filter(takes_part).count();
        check(count == self.sessions.iter().len(), "a place that lacks its session")
    }

    fn holds_are_sound(&self, at: Millis) -> Refused {
        check(self.holds.last_id() < HoldId(EVENTS_MAX), "more holds than there can be")?;
        let (mut units, mut ended) = (vec![InHolds::default(); self.counts.len()], 0);
        for hold in self.holds.iter() {
            self.hold_is_sound(hold, at)?;
            ended += usize::from(is_ended(hold.state));
            for item in &hold.items {
                let units = &mut units[usize::from(item.offer.0)];
                let pile = match hold.state {
                    HoldState::Held => &mut units.held,
                    HoldState::Paying => &mut units.paying,
                    HoldState::Confirmed => &mut units.confirmed,
                    HoldState::Refunded => &mut units.refunded,
                    HoldState::Released | HoldState::Expired => continue,
                };
                *pile += u64::from(item.quantity);
            }
        }
        let mut listed: Vec<HoldId> = self.holds.ended().map(|(_, id)| *id).collect();
        check(self.holds.ended().all(|(over, _)| *over <= at), "a hold that ended later")?;
        listed.sort_unstable();
        listed.dedup();
        let all = listed.len() == ended && self.holds.ended().len() == ended;
        check(all, "ended holds that are listed otherwise")?;
        let mut offers = self.counts.iter().zip(&self.spec.offers).zip(units);
        offers.try_for_each(|((counts, offer), units)| {
            let all = [counts.available, counts.held, counts.paying, counts.sold, counts.stranded];
            check(sum(all) == Some(offer.total), "units that do not add up")?;
            check(counts_agree(counts, units), "units that are in no hold")
        })
    }

    fn hold_is_sound(&self, hold: &Hold, at: Millis) -> Refused {
        // An archived sale has no places any more.
        let is_own = self.archive.is_some() || self.shopper(hold.number) == Some(hold.shopper);
        check(is_own, "a hold of a place that its shopper does not have")?;
        let ends = hold.created_at.after(LONGEST_MS);
        let in_time = hold.created_at <= at && hold.expires_at <= ends;
        check(in_time, "a hold of another time")?;
        self.items_are_sound(&hold.items)
    }

    fn items_are_sound(&self, items: &HoldItems) -> Refused {
        let mut amount = 0_i64;
        for item in items {
            check(usize::from(item.offer.0) < self.counts.len(), super::follows::NO_OFFER)?;
            let fits =
                u64::from(item.quantity) <= UNITS_MAX && (0..=PRICE_MAX).contains(&item.price);
            check(fits, "a hold of more than there can be")?;
            let more = amount.checked_add(item.price * i64::from(item.quantity));
            amount = more.ok_or("a hold that costs more than there can be")?;
        }
        check(items.len() <= OFFERS_MAX, "a hold of more offers than there can be")
    }

    fn answers_are_sound(&self, at: Millis) -> Refused {
        for (_, told_at, answer) in self.entry_answers() {
            let is_own = self.shopper(answer.number) == Some(answer.shopper);
            check(is_own && told_at <= at, "a kept answer about a place that is none")?;
        }
        let last = self.holds.last_id();
        for (_, told_at, (hold, _)) in self.hold_answers() {
            let was_made = (HoldId(1)..=last).contains(&hold);
            check(was_made && told_at <= at, "a kept answer about a hold that is none")?;
        }
        Ok(())
    }

    fn events_are_sound(&self, at: Millis) -> Refused {
        check(self.outbox.last().0 < EVENTS_MAX, "more order events than there can be")?;
        self.outbox.iter().try_for_each(|pending| {
            let was_made = pending.hold.id <= self.holds.last_id() && pending.at <= at;
            check(was_made, "an order event of a hold that is none")?;
            self.items_are_sound(&pending.hold.items)
        })
    }
}

/// Whether the units of an offer are where the holds have them. What was refunded is for sale again, or stays
/// sold.
fn counts_agree(counts: &Counts, units: InHolds) -> bool {
    let sold = units.confirmed..=units.confirmed + units.refunded;
    (counts.held, counts.paying) == (units.held, units.paying) && sold.contains(&counts.sold)
}

fn sum<const PARTS: usize>(parts: [u64; PARTS]) -> Option<u64> {
    parts.into_iter().try_fold(0_u64, u64::checked_add)
}
