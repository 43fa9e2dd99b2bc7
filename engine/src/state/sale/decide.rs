//! What a sale says to each request: the records that should be, or a refusal. Changes nothing.

use smallvec::SmallVec;

use super::{Phase, Sale, replays::Known};
use crate::{
    clock::Millis,
    hold::{Hold, HoldItem, HoldItems, HoldState, Step},
    id::{Epoch, HoldId, Number, OfferIndex, ShopperKey},
    line::PlaceState,
    record::{Departure, EntryAnswer, EntryStanding, Record, ReplayKey, SessionEnd},
    session::{Session, SessionState},
};

/// A place as a verified ticket or pass names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketRef {
    /// The sale's epoch when the place was given.
    pub epoch: Epoch,
    /// The place's number.
    pub number: Number,
    /// Whose it is.
    pub shopper: ShopperKey,
}

/// Who moves a hold on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settler {
    /// The shop's backend, which speaks for the payment provider.
    Backend,
    /// The shopper, who may only give up an own hold.
    Shopper(ShopperKey),
}

/// Why an entry was refused; nothing was done, and trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryRefusal {
    /// No such sale any more.
    NoSale,
    /// The sale takes no entries in this phase.
    NotOpen(Phase),
    /// The key was used with another body.
    OtherBody,
    /// The shopper had a place before, and this sale is entered once.
    EnteredBefore,
    /// The line has issued all its numbers.
    LineFull,
}

/// Why a place could not be left or claimed; nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceRefusal {
    /// No such sale, or a place of an earlier one.
    NoPlace,
    /// The place is not called.
    NotCalled(PlaceState),
}

/// Why a purchase was refused; nothing was reserved, and trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseRefusal {
    /// No such sale any more.
    NoSale,
    /// The sale sells nothing in this phase.
    NotOpen(Phase),
    /// The session is over, or is of an earlier epoch.
    NoSession,
    /// The key was used with another body.
    OtherBody,
    /// More than the limit per shopper; so many are taken already.
    Limit {
        /// Units the shopper holds or has bought.
        taken: u64,
        /// Units a shopper may take.
        limit: u32,
    },
    /// The shopper has made as many holds as one may over the sale's life.
    TooManyHolds,
    /// Not enough units available.
    SoldOut,
    /// The backend does not keep up; no new holds until it does.
    Stalled,
    /// The sale keeps as many holds as it can, all of them open or orders.
    HoldsFull,
}

/// Why a hold was not moved on; nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleRefusal {
    /// No such hold, or not the asker's.
    NoHold,
    /// The step does not apply to the state found.
    WrongState(HoldState),
    /// The key was used with another body.
    OtherBody,
    /// The sale is archived, and the backend has yet to take events of as many archived sales as there is
    /// room for.
    Stalled,
}

/// Why a session was not ended; nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRefusal {
    /// No such session was ever.
    NoSession,
}

/// Records of one command: nearly always one, and that one needs no allocation.
pub(crate) type Records = SmallVec<[Record; 1]>;

/// What an entry comes to, before the gate has moved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EntryDecision {
    /// A place, new or kept; the records that make it.
    Place(Number, Records),
    /// Answered before, with this place, which the shopper still has.
    Replayed(Number),
}

/// What a purchase or a step comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HoldDecision {
    /// The hold, and the records that make or move it; none when it is there already.
    Decided(HoldId, Records),
    /// Answered before, with the hold in this state.
    Replayed(HoldId, HoldState),
}

impl Sale {
    /// An entry of a shopper.
    pub(crate) fn decide_entry(
        &self,
        shopper: ShopperKey,
        replay: Option<ReplayKey>,
        at: Millis,
    ) -> Result<EntryDecision, EntryRefusal> {
        match replay.map_or(Known::New, |replay| self.replays.entry(replay, at, &self.places)) {
            Known::Answered(number) => return Ok(EntryDecision::Replayed(number)),
            Known::OtherBody => return Err(EntryRefusal::OtherBody),
            Known::New => {}
        }
        let phase = self.phase(at);
        let live = self.places.live(shopper);
        let enterable = match phase {
            Phase::Open => true,
            Phase::Draining => live.is_some(),
            Phase::Scheduled | Phase::Closed => false,
        };
        if !enterable {
            return Err(EntryRefusal::NotOpen(phase));
        }
        if self.places.is_over(shopper) {
            return Err(EntryRefusal::EnteredBefore);
        }
        let gives_up = |number: &Number| {
            !self.spec.enters_once()
                && self.spec.rejoin == crate::spec::Rejoin::Tail
                && phase == Phase::Open
                && self.place(*number) == PlaceState::Waiting
        };
        let mut records = Records::new();
        match live {
            Some(number) if !gives_up(&number) => return Ok(EntryDecision::Place(number, records)),
            Some(number) => records.push(self.departure(Departure::Rejoined, vec![number])),
            None => {}
        }
        if self.places.is_full() {
            return Err(EntryRefusal::LineFull);
        }
        let number = Number(self.issued().0 + 1);
        records.push(Record::Entered { sale: self.tag, number, shopper });
        Ok(EntryDecision::Place(number, records))
    }

    /// What an entry with this key was told of the place `number`, if it was; the place may be over.
    pub fn told_entry(
        &self,
        replay: Option<ReplayKey>,
        number: Number,
        at: Millis,
    ) -> Option<EntryAnswer> {
        self.replays.told_of(replay?, number, at, &self.places)
    }

    /// The place that an entry which was given `number` is told: the shopper's later one, if another
    /// entry of the same batch gave this one up.
    pub(crate) fn number_to_tell(&self, number: Number) -> Number {
        let shopper = self.places.shopper(number).expect("the place was just given or found");
        self.places.live(shopper).unwrap_or(number)
    }

    /// How a place stands, as its entry is told.
    pub fn entry_answer(&self, number: Number, at: Millis) -> EntryAnswer {
        self.answer_by(number, at, Some(at))
    }

    /// How a place stands, as every node tells its entry: what one node measured is left out.
    pub(super) fn noted_answer(&self, number: Number, at: Millis) -> EntryAnswer {
        self.answer_by(number, at, None)
    }

    fn answer_by(&self, number: Number, at: Millis, seen: Option<Millis>) -> EntryAnswer {
        let shopper = self.places.shopper(number).expect("the place was just given or found");
        let (serving, line_length) = (self.gate.watermark(), self.line_length());
        let standing = if let Some(session) = self.sessions.get(number) {
            let (claimed_at, expires_at) = (session.since, session.deadline);
            EntryStanding::Admitted { claimed_at, expires_at, serving, line_length }
        } else {
            let ahead = self.places.waiting_before(number);
            let silent_until = at.after(self.spec.idle_ms);
            if self.sellable() == 0 {
                EntryStanding::SoldOut { ahead, serving, line_length, silent_until }
            } else {
                let eta = self.eta(ahead, seen);
                EntryStanding::Waiting { ahead, serving, line_length, eta, silent_until }
            }
        };
        EntryAnswer { number, shopper, at, standing }
    }

    /// A shopper leaves, from the line or after being called; again is no change.
    pub(crate) fn decide_leave(&self, ticket: TicketRef) -> Result<Option<Record>, PlaceRefusal> {
        if !self.is_place(ticket) {
            return Err(PlaceRefusal::NoPlace);
        }
        let number = ticket.number;
        let ended = Record::SessionEnded { sale: self.tag, number, reason: SessionEnd::Left };
        match self.place(number) {
            PlaceState::Waiting => Ok(Some(self.departure(Departure::Left, vec![number]))),
            PlaceState::Called | PlaceState::Admitted | PlaceState::Completed => Ok(Some(ended)),
            PlaceState::Unissued
            | PlaceState::Over
            | PlaceState::Left
            | PlaceState::Idle
            | PlaceState::Unclaimed
            | PlaceState::Revoked => Ok(None),
        }
    }

    /// A called shopper claims the admission; a claimed one is no change.
    pub(crate) fn decide_claim(
        &self,
        ticket: TicketRef,
        at: Millis,
    ) -> Result<Option<Record>, PlaceRefusal> {
        if !self.is_place(ticket) {
            return Err(PlaceRefusal::NoPlace);
        }
        let session = self.sessions.get(ticket.number);
        if session.is_some_and(|session| session.deadline <= at) {
            // Over, though the sweep has not come to it yet.
            return Err(PlaceRefusal::NotCalled(PlaceState::Over));
        }
        match session.map(|session| session.state) {
            Some(SessionState::Called) => Ok(Some(self.claimed(ticket.number))),
            Some(SessionState::Admitted | SessionState::Completed) => Ok(None),
            None => Err(PlaceRefusal::NotCalled(self.place(ticket.number))),
        }
    }

    /// An admitted shopper buys: all of it or nothing.
    pub(crate) fn decide_purchase(
        &self,
        pass: TicketRef,
        wanted: &[(OfferIndex, u32)],
        replay: ReplayKey,
        at: Millis,
    ) -> Result<HoldDecision, PurchaseRefusal> {
        match self.replays.hold(replay, at) {
            // Of a full book, a hold may be forgotten before its keys: the units are long back.
            Known::Answered((hold, _)) if self.holds.get(hold).is_none() => {}
            Known::Answered((hold, state)) => return Ok(HoldDecision::Replayed(hold, state)),
            Known::OtherBody => return Err(PurchaseRefusal::OtherBody),
            Known::New => {}
        }
        let phase = self.phase(at);
        if !matches!(phase, Phase::Open | Phase::Draining) {
            return Err(PurchaseRefusal::NotOpen(phase));
        }
        if !self.admits(pass, at) {
            return Err(PurchaseRefusal::NoSession);
        }
        let items = self.priced(wanted).ok_or(PurchaseRefusal::SoldOut)?;
        let units: u64 = items.iter().map(|item| u64::from(item.quantity)).sum();
        let (taken, limit) = (self.holds.taken(pass.shopper), self.spec.per_shopper_max);
        if taken + units > u64::from(limit) {
            return Err(PurchaseRefusal::Limit { taken, limit });
        }
        if self.holds.made_by(pass.shopper) >= self.spec.shopper_holds_max() {
            return Err(PurchaseRefusal::TooManyHolds);
        }
        let enough = |item: &HoldItem| {
            self.counts[usize::from(item.offer.0)].available >= u64::from(item.quantity)
        };
        if !items.iter().all(enough) {
            return Err(PurchaseRefusal::SoldOut);
        }
        if self.holds.is_full(at) {
            return Err(PurchaseRefusal::HoldsFull);
        }
        let hold = self.holds.next_id();
        let (number, shopper, replay) = (pass.number, pass.shopper, Some(replay));
        let record = Record::Held { sale: self.tag, hold, number, shopper, items, replay };
        Ok(HoldDecision::Decided(hold, Records::from_iter([record])))
    }

    /// A hold moves on.
    pub(crate) fn decide_step(
        &self,
        epoch: Epoch,
        id: HoldId,
        step: Step,
        by: Settler,
        replay: Option<ReplayKey>,
        at: Millis,
    ) -> Result<HoldDecision, SettleRefusal> {
        let found = self.holds.get(id).filter(|_| epoch == self.epoch);
        let hold = found.ok_or(SettleRefusal::NoHold)?;
        let mine = match by {
            Settler::Backend => true,
            Settler::Shopper(shopper) => hold.shopper == shopper,
        };
        if !mine {
            return Err(SettleRefusal::NoHold);
        }
        match replay.map_or(Known::New, |replay| self.replays.hold(replay, at)) {
            Known::Answered((hold, _)) if self.holds.get(hold).is_none() => {}
            Known::Answered((hold, state)) => return Ok(HoldDecision::Replayed(hold, state)),
            Known::OtherBody => return Err(SettleRefusal::OtherBody),
            Known::New => {}
        }
        if hold.state == step.target() {
            // Done before: no change. A key's answer is kept if the hold may move on; where it cannot,
            // every asking gets this answer, and shoppers could ask without end.
            let replay = replay.filter(|_| !hold.state.is_final());
            let answered = |replay| Record::StepAnswered {
                sale: self.tag,
                hold: id,
                state: hold.state,
                replay,
            };
            return Ok(HoldDecision::Decided(id, replay.map(answered).into_iter().collect()));
        }
        if hold.state == HoldState::Held && hold.expires_at <= at {
            // Over, though the sweep has not come to it yet.
            return Err(SettleRefusal::WrongState(HoldState::Expired));
        }
        // A shopper can give an own hold up before payment begins, and nothing else.
        let gives_up = step == Step::Release && hold.state == HoldState::Held;
        let allowed = by == Settler::Backend || gives_up;
        if !allowed || !step.applies_to(hold.state) {
            return Err(SettleRefusal::WrongState(hold.state));
        }
        let settled = Record::Settled { sale: self.tag, hold: id, step, replay };
        let mut records = Records::from_iter([settled]);
        if step == Step::Confirm && self.completes(hold) {
            let (number, reason) = (hold.number, SessionEnd::Completed);
            records.push(Record::SessionEnded { sale: self.tag, number, reason });
        }
        Ok(HoldDecision::Decided(id, records))
    }

    /// The backend ends a session; ending an ended one is no change.
    pub(crate) fn decide_end(
        &self,
        epoch: Epoch,
        number: Number,
    ) -> Result<Option<Record>, EndRefusal> {
        let was_called = number.0 >= 1 && number <= self.gate.watermark();
        if epoch != self.epoch || !was_called {
            return Err(EndRefusal::NoSession);
        }
        let reason = SessionEnd::Ended;
        let live = self.sessions.get(number);
        Ok(live.map(|_| Record::SessionEnded { sale: self.tag, number, reason }))
    }

    /// The record of a claim.
    pub(crate) fn claimed(&self, number: Number) -> Record {
        Record::Claimed { sale: self.tag, number }
    }

    /// The record of a departure.
    pub(crate) fn departure(&self, reason: Departure, numbers: Vec<Number>) -> Record {
        Record::Departed { sale: self.tag, reason, numbers }
    }

    fn is_place(&self, ticket: TicketRef) -> bool {
        ticket.epoch == self.epoch && self.places.shopper(ticket.number) == Some(ticket.shopper)
    }

    fn admits(&self, pass: TicketRef, at: Millis) -> bool {
        let bought_from =
            |session: &Session| session.state != SessionState::Called && at < session.deadline;
        self.is_place(pass) && self.sessions.get(pass.number).is_some_and(bought_from)
    }

    /// Whether confirming `hold` leaves its session with nothing open.
    fn completes(&self, hold: &Hold) -> bool {
        let admitted = |session: &Session| session.state == SessionState::Admitted;
        self.sessions.get(hold.number).is_some_and(admitted)
            && self.holds.open_of(hold.shopper) == 1
    }

    /// The wanted units at today's prices, one line per offer; `None` for an unknown offer.
    fn priced(&self, wanted: &[(OfferIndex, u32)]) -> Option<HoldItems> {
        let mut items = HoldItems::new();
        for (offer, quantity) in wanted {
            let price = self.spec.offers.get(usize::from(offer.0))?.price;
            match items.iter_mut().find(|item| item.offer == *offer) {
                Some(item) => item.quantity = item.quantity.checked_add(*quantity)?,
                None => items.push(HoldItem { offer: *offer, quantity: *quantity, price }),
            }
        }
        Some(items)
    }
}
