//! What time alone brings about: the gate's next call, and ends that are due. Changes nothing.

use super::Sale;
use crate::{
    clock::Millis,
    hold::Step,
    id::Number,
    limits::{CLOCK_STEP_MS, GATE_WALK_PLACES_MAX, SWEEP_RECORDS_MAX},
    line::PlaceState,
    record::{Departure, Record, SessionEnd},
    sale::Phase,
    session::{Session, SessionState},
};

impl Sale {
    /// Ends that are due at `at`: holds not paid, calls not claimed, sessions past their time. At
    /// most [`SWEEP_RECORDS_MAX`]; the rest is due again next time.
    pub(crate) fn due(&self, at: Millis) -> Vec<Record> {
        let expire =
            |hold| Record::Settled { sale: self.tag, hold, step: Step::Expire, replay: None };
        let end = |session: &Session| {
            let reason = match session.state {
                SessionState::Called => SessionEnd::Unclaimed,
                SessionState::Admitted | SessionState::Completed => SessionEnd::Expired,
            };
            Record::SessionEnded { sale: self.tag, number: session.number, reason }
        };
        // Half at most are holds, so that many that end together don't keep sessions past their time.
        let holds = self.holds.due(at).map(expire).take(SWEEP_RECORDS_MAX / 2);
        holds.chain(self.sessions.due(at).map(end)).take(SWEEP_RECORDS_MAX).collect()
    }

    /// When time alone brings something about, if nothing else happens before; `None` when it never does. A
    /// time at or before `at` is one at which it may.
    pub fn next_due(&self, at: Millis) -> Option<Millis> {
        let ends = [self.holds.next_due(), self.sessions.next_due()];
        ends.into_iter().flatten().chain(self.next_call_due(at)).min()
    }

    /// When pace and schedule allow the gate's next call.
    pub(crate) fn next_call_due(&self, at: Millis) -> Option<Millis> {
        let stands = self.controls.paused || self.line_length() == 0 || self.free_slots() == 0;
        let opens_at = self.spec.opens_at.filter(|_| !self.controls.opened);
        let opens_at = opens_at.map_or(Millis(0), |opens_at| self.controls.engine(opens_at));
        let due = self.gate.next_budget().filter(|_| !stands)?.max(opens_at);
        let open = matches!(self.phase(due.max(at)), Phase::Open | Phase::Draining);
        open.then_some(due)
    }

    /// The wall clock was stepped, if it is far from where this sale has it.
    pub(crate) fn clock_set(&self, offset_ms: i64) -> Option<Record> {
        let is_far = offset_ms.abs_diff(self.controls.clock_offset_ms) >= CLOCK_STEP_MS;
        is_far.then_some(Record::ClockSet { sale: self.tag, offset_ms })
    }

    /// Places could not be claimed until `at`: those whose time would be over before they can are
    /// given some.
    pub(crate) fn resumed(&self, at: Millis) -> Option<Record> {
        let waits = self.has_unclaimed_before(self.least_deadline(at));
        waits.then_some(Record::Resumed { sale: self.tag })
    }

    /// Lets go of those of `numbers` that still wait.
    pub(crate) fn idle(&self, numbers: &[Number]) -> Option<Record> {
        let waits = |number: &Number| self.place(*number) == PlaceState::Waiting;
        let quiet: Vec<Number> = numbers.iter().copied().filter(waits).collect();
        (!quiet.is_empty()).then(|| self.departure(Departure::Idle, quiet))
    }

    /// The gate's next call: as many of the next in line as pace, slots and stock allow. Where a great
    /// many have left it may call no one and only move on.
    pub(crate) fn next_call(&self, at: Millis) -> Option<Record> {
        let open = matches!(self.phase(at), Phase::Open | Phase::Draining);
        if self.controls.paused || !open || self.line_length() == 0 {
            return None;
        }
        let mut left = self.gate.budget(at).min(self.free_slots()).min(self.line_length());
        if left == 0 {
            return None;
        }
        let first = self.gate.watermark().0 + 1;
        let end = (self.issued().0 + 1).min(first + GATE_WALK_PLACES_MAX);
        let mut last = first;
        for (state, number) in self.places.states(first..end).zip(first..) {
            last = number;
            left -= u64::from(state == PlaceState::Waiting);
            if left == 0 {
                break;
            }
        }
        Some(Record::Called { sale: self.tag, watermark: Number(last) })
    }

    /// Slots that the cap and the stock leave free.
    pub(crate) fn free_slots(&self) -> u64 {
        let by_stock = self
            .spec
            .overbook_milli
            .map_or(u64::MAX, |overbook| (self.sellable() * u64::from(overbook)).div_ceil(1_000));
        u64::from(self.spec.active_max).min(by_stock).saturating_sub(self.sessions.active())
    }

    /// Units that are not sold for good: available, or held and perhaps coming back.
    pub(crate) fn sellable(&self) -> u64 {
        self.counts.iter().map(|counts| counts.available + counts.held + counts.paying).sum()
    }
}
