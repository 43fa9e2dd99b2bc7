//! The model's answers to everything but entries.
#![expect(clippy::wildcard_enum_match_arm, reason = "names what it is about, passes over the rest")]

use engine::{
    command::{Ask, Command, HoldReply, Note, Operation, Reply},
    hold::{Hold, HoldItem, HoldItems, HoldState, Step},
    id::{EventId, HoldId, Number, OfferIndex, SinkName},
    line::PlaceState,
    record::ReplayKey,
    sale::{EndRefusal, Phase, PlaceRefusal, PurchaseRefusal, SettleRefusal, Settler, TicketRef},
    session::{Session, SessionState},
};

use super::model::{Known, Model, Told, Word};
use crate::support;

impl Model {
    pub(super) fn answer(&mut self, command: &Command) -> Reply {
        match command {
            Command::Ask(_, Ask::Leave { ticket }) => Reply::Left(self.leave(*ticket)),
            Command::Ask(_, Ask::Claim { ticket }) => Reply::Claim(self.claim(*ticket)),
            Command::Ask(_, Ask::Purchase { pass, items, replay }) => {
                Reply::Purchase(self.purchase(*pass, items, *replay))
            }
            Command::Ask(_, Ask::Settle { epoch, hold, step, by, replay }) => {
                let is_of_sale = self.room.as_ref().is_some_and(|room| room.epoch == *epoch);
                Reply::Settle(if is_of_sale {
                    self.settle(*hold, *step, *by, *replay)
                } else {
                    Err(SettleRefusal::NoHold)
                })
            }
            Command::Ask(_, Ask::EndSession { epoch, number }) => {
                let room = self.room.as_mut().filter(|room| room.epoch == *epoch);
                let room = room.filter(|room| (1..=room.watermark).contains(&number.0));
                Reply::Ended(room.ok_or(EndRefusal::NoSession).map(|room| {
                    if room.sessions.contains_key(number) {
                        room.end(*number, PlaceState::Over);
                    }
                }))
            }
            Command::Operate(Operation::Create { spec, replay, .. }) => {
                Reply::Changed(self.create(spec, *replay))
            }
            Command::Operate(Operation::Change { change, terms, .. }) => {
                Reply::Changed(self.change(change, terms))
            }
            Command::Ask(_, Ask::Idle { numbers }) => Reply::Noted(self.idle(numbers)),
            Command::Note(_, Note::Delivered { by, events }) => {
                let told = self.say(
                    by.sink,
                    |event, word| events.contains(&event) && word != Word::Taken,
                    Word::Taken,
                );
                self.events.retain(|(_, words)| *words != [Word::Taken; 2]);
                Reply::Noted(told)
            }
            Command::Note(_, Note::DeadLetter { by, event, .. }) => {
                let is_it = |id, word| id == *event && word == Word::None;
                Reply::Noted(self.say(by.sink, is_it, Word::Dead))
            }
            Command::Note(_, Note::Requeue { sink, .. }) => {
                Reply::Noted(self.say(*sink, |_, word| word == Word::Dead, Word::None))
            }
            Command::Note(_, Note::Refresh) => Reply::Noted(0),
            Command::Ask(_, Ask::Enter { .. }) => unreachable!("answered at the end of the batch"),
        }
    }

    fn leave(&mut self, ticket: TicketRef) -> Result<(), PlaceRefusal> {
        let room = self.room.as_mut().filter(|room| room.is_place(ticket));
        let room = room.ok_or(PlaceRefusal::NoPlace)?;
        match room.state(ticket.number) {
            PlaceState::Waiting => room.set(ticket.number, PlaceState::Left),
            PlaceState::Called | PlaceState::Admitted | PlaceState::Completed => {
                room.end(ticket.number, PlaceState::Left);
            }
            _ => {}
        }
        Ok(())
    }

    fn claim(&mut self, ticket: TicketRef) -> Result<Session, PlaceRefusal> {
        let at = self.at;
        let room = self.room.as_mut().filter(|room| room.is_place(ticket));
        let room = room.ok_or(PlaceRefusal::NoPlace)?;
        room.claim(ticket.number, at);
        let session = room.sessions.get(&ticket.number).copied();
        session.ok_or_else(|| PlaceRefusal::NotCalled(room.state(ticket.number)))
    }

    fn purchase(
        &mut self,
        pass: TicketRef,
        wanted: &[(OfferIndex, u32)],
        replay: ReplayKey,
    ) -> Result<HoldReply, PurchaseRefusal> {
        let at = self.at;
        let room = self.room.as_mut().ok_or(PurchaseRefusal::NoSale)?;
        match room.known(Some(replay), at) {
            Known::Told(Told::Hold(hold, state)) => return Ok(self.hold_reply(hold, Some(state))),
            Known::Told(Told::Entry(_)) | Known::OtherBody => {
                return Err(PurchaseRefusal::OtherBody);
            }
            Known::New => {}
        }
        let phase = room.phase(at);
        if !matches!(phase, Phase::Open | Phase::Draining) {
            return Err(PurchaseRefusal::NotOpen(phase));
        }
        let session = room.sessions.get(&pass.number).filter(|_| room.is_place(pass));
        let lets_buy =
            |session: &Session| session.state != SessionState::Called && at < session.deadline;
        if !session.is_some_and(lets_buy) {
            return Err(PurchaseRefusal::NoSession);
        }
        let mut items = HoldItems::new();
        for (offer, quantity) in wanted {
            let spec = room.spec.offers.get(usize::from(offer.0));
            let price = spec.ok_or(PurchaseRefusal::SoldOut)?.price;
            match items.iter_mut().find(|item| item.offer == *offer) {
                Some(item) => item.quantity += quantity,
                None => items.push(HoldItem { offer: *offer, quantity: *quantity, price }),
            }
        }
        let bought = |hold: &&Hold| {
            let counts =
                matches!(hold.state, HoldState::Held | HoldState::Paying | HoldState::Confirmed);
            counts && hold.shopper == pass.shopper
        };
        let taken: u64 = room.holds.iter().filter(bought).map(Hold::units).sum();
        let units: u64 = items.iter().map(|item| u64::from(item.quantity)).sum();
        let limit = room.spec.per_shopper_max;
        if taken + units > u64::from(limit) {
            return Err(PurchaseRefusal::Limit { taken, limit });
        }
        let made = room.made.get(&pass.shopper).copied().unwrap_or(0);
        if made >= (limit * 8).max(16) {
            return Err(PurchaseRefusal::TooManyHolds);
        }
        let slot = |item: &HoldItem| usize::from(item.offer.0);
        if items.iter().any(|item| room.available[slot(item)] < u64::from(item.quantity)) {
            return Err(PurchaseRefusal::SoldOut);
        }
        for item in &items {
            room.available[slot(item)] -= u64::from(item.quantity);
        }
        room.forget_holds(at);
        room.holds_made += 1;
        *room.made.entry(pass.shopper).or_default() += 1;
        let id = HoldId(room.holds_made);
        let (number, shopper, state) = (pass.number, pass.shopper, HoldState::Held);
        let expires_at = at.after(room.spec.hold_ms);
        room.holds.push(Hold { id, number, shopper, state, items, created_at: at, expires_at });
        room.keep(replay, at, Told::Hold(id, state));
        self.tell();
        Ok(self.hold_reply(id, None))
    }

    fn settle(
        &mut self,
        id: HoldId,
        step: Step,
        by: Settler,
        replay: Option<ReplayKey>,
    ) -> Result<HoldReply, SettleRefusal> {
        let at = self.at;
        let room = self.room.as_mut().ok_or(SettleRefusal::NoHold)?;
        let hold = room.holds.iter().find(|hold| hold.id == id).ok_or(SettleRefusal::NoHold)?;
        if matches!(by, Settler::Shopper(shopper) if shopper != hold.shopper) {
            return Err(SettleRefusal::NoHold);
        }
        match room.known(replay, at) {
            Known::Told(Told::Hold(hold, state)) => return Ok(self.hold_reply(hold, Some(state))),
            Known::Told(Told::Entry(_)) | Known::OtherBody => return Err(SettleRefusal::OtherBody),
            Known::New => {}
        }
        let (was, number, shopper) = (hold.state, hold.number, hold.shopper);
        let done = was == step.target();
        if !done {
            let by_shopper = step == Step::Release && was == HoldState::Held;
            let legal = match step {
                Step::Pay | Step::Expire => was == HoldState::Held,
                Step::Confirm | Step::Release => {
                    matches!(was, HoldState::Held | HoldState::Paying)
                }
                Step::Refund => was == HoldState::Confirmed,
            };
            if !legal || (by != Settler::Backend && !by_shopper) {
                return Err(SettleRefusal::WrongState(was));
            }
            self.step(id, step);
        }
        let room = self.room.as_mut().expect("found above");
        let is_over = matches!(was, HoldState::Released | HoldState::Expired | HoldState::Refunded);
        if let Some(replay) = replay.filter(|_| !is_over) {
            room.keep(replay, at, Told::Hold(id, step.target()));
        }
        let open = |hold: &Hold| matches!(hold.state, HoldState::Held | HoldState::Paying);
        let others = room.holds.iter().any(|hold| hold.shopper == shopper && open(hold));
        if !done && step == Step::Confirm && !others {
            complete(room, number);
        }
        Ok(self.hold_reply(id, None))
    }

    fn idle(&mut self, numbers: &[Number]) -> usize {
        let Some(room) = &mut self.room else { return 0 };
        let waits = |number: &&Number| room.state(**number) == PlaceState::Waiting;
        let idle: Vec<Number> = numbers.iter().filter(waits).copied().collect();
        for number in &idle {
            room.set(*number, PlaceState::Idle);
        }
        usize::from(!idle.is_empty())
    }

    /// Sets the word of a sink on some events; answers on how many.
    fn say(&mut self, of: SinkName, on: impl Fn(EventId, Word) -> bool, word: Word) -> usize {
        let place = support::sinks().iter().position(|sink| *sink == of).expect("one of the two");
        let words = self.events.iter_mut().map(|(event, words)| (*event, &mut words[place]));
        let found = words.filter(|(event, known)| on(*event, **known));
        found.map(|(_, known)| *known = word).count()
    }
}

/// The shopper has bought: the slot is free, the session stays good for more.
fn complete(room: &mut super::model::Room, number: Number) {
    if let Some(session) = room.sessions.get_mut(&number)
        && session.state == SessionState::Admitted
    {
        session.state = SessionState::Completed;
        room.set(number, PlaceState::Completed);
    }
}
