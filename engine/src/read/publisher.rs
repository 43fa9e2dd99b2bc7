//! The scribe's end of a sale's read side: turns durable facts into what handlers see.
//!
//! Owns the right to write a sale's [`Line`](crate::line::Line) and feeds its
//! [`Stock`]. Told of facts only after their batch was synced, in their order,
//! with the sale as the whole batch left it.

use std::sync::Arc;

use crate::{
    clock::Millis,
    hold::{Hold, HoldState, Step},
    id::{HoldId, Number, OfferIndex},
    line::{LineWriter, PlaceState},
    purchase_admission::{AnsweredKeys, PurchaseAdmission},
    record::{Change, Departure, Record, ReplayKey, SessionEnd},
    sale::{Sale, departed_state, is_ended},
    segmented::Segmented,
    session::{Session, SessionState},
    spec::SaleSpec,
    stock::{Counts, Stock},
    view::SaleView,
};

/// Writes one sale's view.
#[derive(Debug)]
pub(crate) struct Publisher {
    view: Arc<SaleView>,
    line: LineWriter,
    /// Whether refunded units are for sale again, as of the fact published last: the sale may be
    /// ahead of it.
    refund_restocks: bool,
    /// Released and expired holds of the view, in the order in which the sale forgets them.
    ended: Segmented<HoldId>,
    /// Keys of purchases that the view knows.
    answered: AnsweredKeys,
    /// Whether a hold was made since the view was last rid of what the sale has forgotten.
    has_held: bool,
}

impl Publisher {
    /// For a sale just made from `spec`, before any later fact of the same batch.
    pub(crate) fn fresh(sale: &Sale, spec: &SaleSpec, at: Millis) -> Self {
        let full = |total| Counts { available: total, ..Counts::default() };
        let counts: Vec<Counts> = spec.offers.iter().map(|offer| full(offer.total)).collect();
        Self::new(sale, spec, &counts, at)
    }

    /// For a sale as recovery found it; everyone in line counts as heard of now.
    pub(crate) fn recovered(sale: &Sale, at: Millis) -> Self {
        let mut publisher = Self::new(sale, sale.spec(), sale.counts(), at);
        publisher.restore_line(sale, at);
        sale.holds().for_each(|hold| publisher.view.set_hold(hold));
        publisher.ended.extend(sale.ended_holds().map(|(_, id)| *id));
        for (at, key) in sale.purchase_keys() {
            publisher.answered.add(publisher.view.purchases(), key, at);
        }
        publisher.publish_figures(sale, at);
        publisher
    }

    fn new(sale: &Sale, spec: &SaleSpec, counts: &[Counts], at: Millis) -> Self {
        let line = LineWriter::new(at);
        let view = Arc::new(SaleView::new(sale, line.line(), Stock::new(counts)));
        let (ended, refund_restocks) = (Segmented::default(), spec.refund_restocks);
        let answered = AnsweredKeys::default();
        Self { view, line, refund_restocks, ended, answered, has_held: false }
    }

    /// What handlers see.
    pub(crate) fn view(&self) -> &Arc<SaleView> {
        &self.view
    }

    /// A hold was published that no permit here was given for.
    pub(crate) fn take_unpermitted(
        &mut self,
        items: impl Iterator<Item = (OfferIndex, u32)>,
        replay: Option<ReplayKey>,
        at: Millis,
    ) {
        for (offer, quantity) in items {
            self.view.stock().take_unpermitted(offer, quantity);
        }
        if let Some(replay) = replay {
            self.answered.add(self.view.purchases(), replay.key, at);
        }
    }

    /// A hold was published that was let through with `admission`.
    pub(crate) fn spend(
        &mut self,
        admission: PurchaseAdmission,
        items: &[(OfferIndex, u32)],
        replay: ReplayKey,
        at: Millis,
    ) {
        let items = items.iter().copied();
        if !admission.is_of(self.view.purchases()) {
            // The sale was taken over while the purchase was on its way: permit and key are the old
            // view's, and this one knows neither.
            admission.spend();
            self.take_unpermitted(items, Some(replay), at);
        } else if !self.answered.spend(admission, at) {
            self.take_unpermitted(items, None, at);
        }
    }

    fn restore_line(&mut self, sale: &Sale, at: Millis) {
        let watermark = sale.gate().watermark();
        self.line.issue_through(sale.issued(), at);
        let reasons = [Departure::Left, Departure::Idle, Departure::Rejoined].map(departed_state);
        let mut departed = reasons.map(|state| (state, Vec::new()));
        for (state, number) in sale.places().zip(1..) {
            let number = Number(number);
            let group = departed.iter_mut().find(|(reason, _)| *reason == state);
            match group {
                Some((_, numbers)) if number > watermark => numbers.push(number),
                _ if state != PlaceState::Waiting => self.line.set_place(number, state, at),
                _ => {}
            }
        }
        // Called plus gone is the watermark: who of them had gone need not be known any more.
        self.line.call_through(watermark, watermark.0);
        for (state, numbers) in departed {
            self.line.depart_many(&numbers, state, at);
        }
        for session in sale.sessions() {
            self.set_session(session);
        }
    }

    /// Publishes a durable fact.
    pub(crate) fn publish(&mut self, record: &Record, sale: &Sale, at: Millis) {
        match record {
            Record::Entered { number, .. } => {
                self.line.issue_unseen(*number, at);
                self.view.tally().entered();
            }
            Record::Departed { reason, numbers, .. } => {
                self.line.depart_many(numbers, departed_state(*reason), at);
                self.view.tally().departed(*reason, numbers.len() as u64);
            }
            Record::Called { watermark, .. } => self.publish_call(*watermark, sale, at),
            Record::Claimed { number, .. } => {
                self.publish_session(*number, sale, at);
                self.view.tally().admitted();
            }
            Record::SessionEnded { number, reason, .. } => {
                self.publish_session(*number, sale, at);
                if *reason != SessionEnd::Completed {
                    self.view.tally().ended(*reason);
                }
            }
            Record::Held { .. } => self.publish_held(record, sale, at),
            Record::Settled { hold, step, .. } => self.publish_step(*hold, *step, sale),
            Record::Rebuilt { skipped, stranded, .. } => {
                self.skip(u64::from(*skipped), sale, at);
                for (units, offer) in stranded.iter().zip(0..) {
                    self.view.stock().free(OfferIndex(offer), -units.cast_signed());
                }
            }
            Record::SetAside { hold, .. } => self.take_back(*hold),
            Record::ClockSet { .. } => self.view.set_settings(sale),
            Record::Resumed { .. } => self.publish_called(sale),
            Record::Changed { change, .. } => {
                self.view.set_settings(sale);
                self.publish_change(change);
            }
            Record::EntryAnswered { .. }
            | Record::EntryNoted { .. }
            | Record::StepAnswered { .. }
            | Record::Created { .. }
            | Record::Delivered { .. }
            | Record::DeadLettered { .. }
            | Record::Requeued { .. }
            | Record::Followed { .. }
            | Record::Joined { .. }
            | Record::Parted { .. }
            | Record::Met { .. }
            | Record::Adopted { .. } => {}
        }
    }

    /// Units that an operator's change moves.
    fn publish_change(&mut self, change: &Change) {
        match change {
            Change::Restock { offer, units } => self.view.stock().free(*offer, *units),
            Change::Unstrand { offer, units } => {
                self.view.stock().free(*offer, units.cast_signed());
            }
            Change::Returned { released, .. } => {
                for (units, offer) in released.iter().zip(0..) {
                    self.view.stock().free(OfferIndex(offer), units.cast_signed());
                }
            }
            Change::Update { patch } => {
                self.refund_restocks = patch.refund_restocks.unwrap_or(self.refund_restocks);
            }
            Change::Pause
            | Change::Resume
            | Change::Drain
            | Change::Open
            | Change::Close
            | Change::Message { .. }
            | Change::Rate { .. }
            | Change::Archive { .. }
            | Change::Delete => {}
        }
    }

    /// Numbers that are no longer given out.
    fn skip(&mut self, count: u64, sale: &Sale, at: Millis) {
        let first = self.line.issued().0 + 1;
        let last = (first + count - 1).min(sale.issued().0);
        self.line.issue_through(Number(last), at);
        let numbers: Vec<Number> = (first..=last).map(Number).collect();
        self.line.depart_many(&numbers, PlaceState::Revoked, at);
    }

    /// Publishes what follows from the whole batch, and from time alone. Numbers that it issued are shown only now:
    /// another node may have told a shopper already that the place was called in the same batch.
    pub(crate) fn publish_figures(&mut self, sale: &Sale, at: Millis) {
        self.line.show_issued();
        if std::mem::take(&mut self.has_held) {
            self.forget_holds(sale);
        }
        for (counts, offer) in sale.counts().iter().zip(0..) {
            self.view.stock().publish(OfferIndex(offer), *counts);
        }
        self.answered.forget_old(self.view.purchases(), at);
        self.view.set_figures(sale, at);
    }

    fn publish_call(&mut self, watermark: Number, sale: &Sale, at: Millis) {
        let mut count = 0;
        for number in (self.line.watermark().0 + 1..=watermark.0).map(Number) {
            if self.line.place(number).0 == PlaceState::Waiting {
                count += 1;
                self.publish_session(number, sale, at);
            }
        }
        self.line.call_through(watermark, count);
    }

    fn publish_session(&mut self, number: Number, sale: &Sale, at: Millis) {
        if let Some(session) = sale.session(number) {
            self.set_session(session);
        } else {
            self.line.set_place(number, sale.place(number), at);
            self.view.set_session(number, None);
        }
    }

    /// Called places, whose time to claim was moved.
    fn publish_called(&mut self, sale: &Sale) {
        for session in sale.sessions().filter(|session| session.state == SessionState::Called) {
            self.set_session(session);
        }
    }

    fn set_session(&mut self, session: &Session) {
        let (state, time) = match session.state {
            SessionState::Called => (PlaceState::Called, session.deadline),
            SessionState::Admitted => (PlaceState::Admitted, session.since),
            SessionState::Completed => (PlaceState::Completed, session.since),
        };
        if session.state != SessionState::Called {
            self.view.set_session(session.number, Some(*session));
        }
        self.line.set_place(session.number, state, time);
    }

    fn publish_held(&mut self, record: &Record, sale: &Sale, at: Millis) {
        let Record::Held { hold: id, number, shopper, items, .. } = record else {
            unreachable!("called for a hold only");
        };
        if let Some(hold) = sale.hold(*id) {
            self.view.set_hold(hold);
        } else {
            // Ended and forgotten by facts that follow: those find its units in the view.
            let (id, number, shopper, items) = (*id, *number, *shopper, items.clone());
            let (state, created_at, expires_at) = (HoldState::Held, at, at);
            let hold = Hold { id, number, shopper, state, items, created_at, expires_at };
            self.view.set_hold(&Arc::new(hold));
        }
        self.has_held = true;
    }

    fn publish_step(&mut self, id: HoldId, step: Step, sale: &Sale) {
        if let Some(hold) = sale.hold(id) {
            self.view.set_hold(hold);
        }
        self.free_units(id, step);
        if is_ended(step.target()) {
            self.ended.push(id);
        }
    }

    /// Takes out of the view what the sale has forgotten.
    fn forget_holds(&mut self, sale: &Sale) {
        while let Some(id) = self.ended.front().filter(|id| sale.hold(**id).is_none()).copied() {
            self.ended.drop_front();
            self.view.forget_hold(id);
        }
    }

    /// Units of a hold that became available are not for sale after all.
    fn take_back(&self, id: HoldId) {
        if let Some(hold) = self.view.hold(id) {
            for item in &hold.items {
                self.view.stock().free(item.offer, -i64::from(item.quantity));
            }
        }
    }

    /// Units that became available give their permits back.
    fn free_units(&self, id: HoldId, step: Step) {
        let back = match step.target() {
            HoldState::Released | HoldState::Expired => true,
            HoldState::Refunded => self.refund_restocks,
            HoldState::Held | HoldState::Paying | HoldState::Confirmed => false,
        };
        if let Some(hold) = self.view.hold(id).filter(|_| back) {
            for item in &hold.items {
                self.view.stock().free(item.offer, i64::from(item.quantity));
            }
        }
    }
}
