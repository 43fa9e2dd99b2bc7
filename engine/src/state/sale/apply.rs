//! The one way a sale changes: a decided fact is applied, while deciding and while replaying alike.
//!
//! What follows depends on the fact, the time of its batch and the state before, and on nothing else.

use std::sync::Arc;

use super::{AuditEntry, Sale, departed_state, holds::pile};
use crate::{
    clock::Millis,
    hold::{Hold, HoldState, Step},
    id::{HoldId, Number, OfferIndex},
    limits::AUDIT_ENTRIES_MAX,
    line::PlaceState,
    record::{Author, Change, Record, SessionEnd},
    session::{Session, SessionState},
    stock::Counts,
};

impl Sale {
    /// Applies a decided fact of this sale.
    ///
    /// # Panics
    /// When the record does not follow from the state: it was not decided by this code on this
    /// state, and going on would only spread the damage.
    pub fn apply(&mut self, record: &Record, at: Millis) {
        self.facts += 1;
        self.touched_at = at;
        let active = self.sessions.active();
        match record {
            Record::Entered { number, shopper, .. } => self.places.issue(*number, *shopper),
            Record::Departed { reason, numbers, .. } => {
                let state = departed_state(*reason);
                for number in numbers {
                    self.places.depart(*number, state);
                }
            }
            Record::Called { watermark, .. } => self.apply_call(*watermark, at),
            Record::Claimed { number, .. } => {
                // A pass counts in whole seconds: the session lasts exactly as long as its pass.
                let deadline = at.after(self.spec.session_ms).whole_second();
                let state = SessionState::Admitted;
                self.sessions.put(Session { number: *number, state, since: at, deadline });
                self.places.set(*number, PlaceState::Admitted);
            }
            Record::SessionEnded { number, reason, .. } => self.apply_end(*number, *reason),
            Record::EntryAnswered { replay, answer, .. } => {
                self.replays.keep_entry(*replay, answer.clone(), at, &self.places);
            }
            Record::EntryNoted { replay, number, .. } => {
                let answer = self.noted_answer(*number, at);
                self.replays.keep_entry(*replay, answer, at, &self.places);
            }
            Record::Held { .. } => self.apply_hold(record, at),
            Record::Settled { hold, step, replay, .. } => {
                self.apply_step(*hold, *step, at);
                if let Some(replay) = replay {
                    self.replays.keep_hold(*replay, (*hold, step.target()), at);
                }
            }
            Record::StepAnswered { hold, state, replay, .. } => {
                self.replays.keep_hold(*replay, (*hold, *state), at);
            }
            Record::Changed { author, change, replay, .. } => {
                self.apply_change(author, change, at);
                self.note_change(*replay, at);
            }
            Record::ClockSet { offset_ms, .. } => self.controls.clock_offset_ms = *offset_ms,
            Record::Resumed { .. } => self.apply_resumed(at),
            Record::SetAside { hold, .. } => self.apply_set_aside(*hold),
            Record::Joined { node, .. } => self.members.join(node),
            Record::Parted { node, .. } => self.members.part(node, at),
            Record::Rebuilt { .. } => self.apply_rebuild(record, at),
            Record::Delivered { by, events, .. } => self.outbox.delivered(by, events),
            Record::DeadLettered { by, event, why, .. } => {
                self.outbox.dead_lettered(by, *event, why);
            }
            Record::Requeued { sink, events, .. } => self.outbox.requeued(*sink, events),
            Record::Created { .. }
            | Record::Followed { .. }
            | Record::Met { .. }
            | Record::Adopted { .. } => {
                unreachable!("the world's to do: {record:?}")
            }
        }
        let (waiting, freed) =
            (self.line_length() > 0, active.saturating_sub(self.sessions.active()));
        self.pace.note_line(waiting, at);
        self.freeing.note_line(waiting, at);
        if waiting && freed > 0 {
            self.freeing.note(freed, at);
        }
    }

    fn apply_call(&mut self, watermark: Number, at: Millis) {
        let deadline = at.after(self.spec.claim_window_ms);
        let mut count = 0;
        for number in self.gate.watermark().0 + 1..=watermark.0 {
            if self.places.state(Number(number)) == PlaceState::Waiting {
                let number = Number(number);
                self.places.set(number, PlaceState::Called);
                let state = SessionState::Called;
                self.sessions.put(Session { number, state, since: at, deadline });
                count += 1;
            }
        }
        self.gate.call(watermark, count, at);
        self.pace.note(count, at);
    }

    /// Called places get the least time to claim, counted from now.
    fn apply_resumed(&mut self, at: Millis) {
        let least = self.least_deadline(at);
        let called: Vec<Session> = self.unclaimed_before(least).copied().collect();
        for session in called {
            self.sessions.put(Session { deadline: least, ..session });
        }
    }

    fn apply_end(&mut self, number: Number, reason: SessionEnd) {
        let session = self.sessions.remove(number).expect("only a live session can end");
        match reason {
            SessionEnd::Completed => {
                self.sessions.put(Session { state: SessionState::Completed, ..session });
                self.places.set(number, PlaceState::Completed);
            }
            SessionEnd::Unclaimed => self.places.set(number, PlaceState::Unclaimed),
            SessionEnd::Left => self.places.set(number, PlaceState::Left),
            SessionEnd::Expired | SessionEnd::Ended => self.places.set(number, PlaceState::Over),
        }
    }

    fn apply_hold(&mut self, record: &Record, at: Millis) {
        let Record::Held { hold: id, number, shopper, items, replay, .. } = record else {
            unreachable!("called for a hold only");
        };
        for item in items {
            let counts = self.counts_mut(item.offer);
            counts.available -= u64::from(item.quantity);
            counts.held += u64::from(item.quantity);
        }
        let hold = Arc::new(Hold {
            id: *id,
            number: *number,
            shopper: *shopper,
            state: HoldState::Held,
            items: items.clone(),
            created_at: at,
            expires_at: at.after(self.spec.hold_ms),
        });
        self.outbox.add(at, Arc::clone(&hold));
        self.holds.add(hold, at);
        if let Some(replay) = replay {
            self.replays.keep_hold(*replay, (*id, HoldState::Held), at);
        }
    }

    fn apply_step(&mut self, id: HoldId, step: Step, at: Millis) {
        let was = self.holds.get(id).expect("only a known hold moves").state;
        assert!(step.applies_to(was), "{step:?} does not apply to {was:?}");
        let hold = Arc::clone(self.holds.set(id, step.target(), at));
        let restocks = self.spec.refund_restocks;
        for item in &hold.items {
            let units = u64::from(item.quantity);
            let counts = self.counts_mut(item.offer);
            if step == Step::Refund && !restocks {
                continue;
            }
            *pile(counts, was) -= units;
            *pile(counts, step.target()) += units;
        }
        self.outbox.add(at, hold);
    }

    fn apply_change(&mut self, author: &Author, change: &Change, at: Millis) {
        match change {
            Change::Update { patch } => {
                patch.apply(&mut self.spec);
                if let Some(rate) = patch.admission_milli_per_second {
                    self.gate.set_rate(rate, at);
                }
            }
            Change::Pause => self.controls.paused = true,
            Change::Resume => {
                self.controls.paused = false;
                self.controls.draining = false;
                self.gate.restart(at);
            }
            Change::Drain => self.controls.draining = true,
            Change::Open => {
                self.controls.opened = true;
                self.controls.closed = false;
                self.controls.draining = false;
            }
            Change::Close => self.controls.closed = true,
            Change::Message { text } => self.controls.message.clone_from(text),
            Change::Rate { admission_milli_per_second } => {
                self.spec.admission_milli_per_second = *admission_milli_per_second;
                self.gate.set_rate(*admission_milli_per_second, at);
            }
            Change::Restock { offer, units } => {
                let counts = self.counts_mut(*offer);
                let available = counts.available.checked_add_signed(*units);
                counts.available = available.expect("no more units leave than are there");
                let total = &mut self.spec.offers[usize::from(offer.0)].total;
                *total = total.checked_add_signed(*units).expect("the total covers the available");
            }
            Change::Returned { node, promised, released } => {
                self.apply_return(node, promised, released);
            }
            Change::Unstrand { offer, units } => self.apply_unstrand(*offer, *units),
            Change::Archive { digest } => self.apply_archive(*digest, at),
            Change::Delete => {}
        }
        if self.audit.len() >= AUDIT_ENTRIES_MAX {
            self.audit.pop_front();
        }
        let (author, change) = (author.clone(), Some(change.clone()));
        self.audit.push_back(AuditEntry { at, author, change });
    }

    pub(super) fn counts_mut(&mut self, offer: OfferIndex) -> &mut Counts {
        self.counts.get_mut(usize::from(offer.0)).expect("a record names offers of its sale")
    }
}
