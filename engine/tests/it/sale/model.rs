//! The rules of a sale, as plainly as they can be said.
#![expect(clippy::wildcard_enum_match_arm, reason = "names what it is about, passes over the rest")]

use std::{collections::BTreeMap, sync::Arc};

use engine::{
    clock::Millis,
    command::{Ask, Command, Entry, HoldReply, Reply},
    hold::{Hold, HoldState, Step},
    id::{Epoch, EventId, HoldId, Number, OfferIndex, ShopperKey},
    limits::{GATE_BURST_MS, REPLAY_TTL_MS},
    line::PlaceState,
    record::{EntryAnswer, EntryStanding, ReplayKey},
    sale::{ChangeAnswer, Controls, EntryRefusal, Phase, TicketRef},
    session::{Session, SessionState},
    spec::{IdentityMode, Rejoin, SaleSpec},
};

/// What one of the two sinks said of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    None,
    Taken,
    Dead,
}

/// One name's sale, and the events its holds have caused.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) at: Millis,
    pub(crate) room: Option<Room>,
    pub(crate) epochs: u32,
    /// Events not delivered: which, and whether the sink refused it.
    pub(crate) events: Vec<(EventId, [Word; 2])>,
    events_made: u64,
    /// The keys that sales were deleted with, and when.
    pub(super) deletions: Vec<(ReplayKey, Millis)>,
    /// The keys that deleted sales were made with, and what that was answered.
    pub(super) creations: Vec<(ReplayKey, Arc<ChangeAnswer>)>,
}

/// The sale while it is there.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) spec: SaleSpec,
    pub(crate) epoch: Epoch,
    pub(crate) controls: Controls,
    pub(crate) places: Vec<(ShopperKey, PlaceState)>,
    pub(crate) sessions: BTreeMap<Number, Session>,
    /// Those that are kept; see [`Room::forget_holds`].
    pub(crate) holds: Vec<Hold>,
    pub(crate) holds_made: u64,
    /// Released and expired holds that are kept, and when each became so.
    ended: Vec<(Millis, HoldId)>,
    /// Holds that each shopper has made.
    pub(super) made: BTreeMap<ShopperKey, u32>,
    pub(crate) available: Vec<u64>,
    /// Units that were sold and refunded, but not for sale again.
    pub(crate) gone: Vec<u64>,
    pub(crate) watermark: u64,
    pub(super) answers: BTreeMap<u128, (u128, Millis, Told)>,
    pub(crate) changes: u64,
    pub(super) changed: BTreeMap<u128, (u128, Arc<ChangeAnswer>)>,
    /// The key that it was made with, and what that was answered.
    pub(super) creation: Option<(ReplayKey, Arc<ChangeAnswer>)>,
    /// The gate's bucket, in millionths of an admission, and when it held so much.
    bucket: (u64, Millis),
}

#[derive(Clone, Debug)]
pub(super) enum Told {
    Entry(EntryAnswer),
    Hold(HoldId, HoldState),
}

/// What is known of a key.
pub(super) enum Known {
    New,
    Told(Told),
    OtherBody,
}

/// An entry that waits for the end of its batch.
#[derive(Clone, Copy, Debug)]
struct Entering {
    index: usize,
    epoch: Epoch,
    number: Number,
    replay: Option<ReplayKey>,
    /// The key was answered before the batch.
    replayed: bool,
}

impl Model {
    pub(crate) fn new(at: Millis) -> Self {
        let (events, deletions, creations) = (Vec::new(), Vec::new(), Vec::new());
        Self { at, room: None, epochs: 0, events, events_made: 0, deletions, creations }
    }

    /// Decides a batch: ends that are due, the commands, the gate's call, the entries' answers.
    pub(crate) fn turn(&mut self, at: Millis, commands: &[Command]) -> Vec<Reply> {
        self.at = at;
        self.end_what_is_due();
        let (mut replies, mut entering) = (Vec::new(), Vec::new());
        for command in commands {
            let reply = match command {
                Command::Ask(_, Ask::Enter { shopper, replay }) => {
                    let place = self.enter(*shopper, *replay, replies.len(), &entering);
                    match place {
                        Ok(entry) => {
                            entering.push(entry);
                            Reply::Noted(0)
                        }
                        Err(refusal) => Reply::Entry(Err(refusal)),
                    }
                }
                other => self.answer(other),
            };
            replies.push(reply);
        }
        if let Some(room) = &mut self.room {
            room.call(at);
        }
        for entry in entering {
            replies[entry.index] = Reply::Entry(self.answer_entry(entry));
        }
        replies
    }

    fn end_what_is_due(&mut self) {
        let Some(room) = &self.room else { return };
        let due = |hold: &&Hold| hold.state == HoldState::Held && hold.expires_at <= self.at;
        let key = |hold: &Hold| (hold.expires_at, hold.id);
        let mut expired: Vec<_> = room.holds.iter().filter(due).map(key).collect();
        expired.sort_unstable();
        for (_, hold) in expired {
            self.step(hold, Step::Expire);
        }
        let room = self.room.as_mut().expect("still there");
        let due: Vec<Session> =
            room.sessions.values().filter(|session| session.deadline <= self.at).copied().collect();
        for session in due {
            let called = session.state == SessionState::Called;
            let state = if called { PlaceState::Unclaimed } else { PlaceState::Over };
            room.end(session.number, state);
        }
    }

    /// An entry on its way, or a refusal.
    fn enter(
        &mut self,
        shopper: ShopperKey,
        replay: Option<ReplayKey>,
        index: usize,
        entering: &[Entering],
    ) -> Result<Entering, EntryRefusal> {
        let at = self.at;
        let room = self.room.as_mut().ok_or(EntryRefusal::NoSale)?;
        let epoch = room.epoch;
        let twin = |other: &&Entering| {
            let keys = (other.replay.map(|r| r.key), replay.map(|r| r.key));
            !other.replayed && replay.is_some() && keys.0 == keys.1 && other.epoch == epoch
        };
        if let Some(first) = entering.iter().find(twin) {
            let same = first.replay == replay;
            let again = Entering { index, ..*first };
            return if same { Ok(again) } else { Err(EntryRefusal::OtherBody) };
        }
        match room.known(replay, at) {
            Known::Told(Told::Entry(answer)) => {
                let number = answer.number;
                return Ok(Entering { index, epoch, number, replay, replayed: true });
            }
            Known::Told(Told::Hold(..)) | Known::OtherBody => return Err(EntryRefusal::OtherBody),
            Known::New => {}
        }
        let phase = room.phase(at);
        let live = room.live(shopper);
        if !(phase == Phase::Open || phase == Phase::Draining && live.is_some()) {
            return Err(EntryRefusal::NotOpen(phase));
        }
        let once = room.spec.identity == IdentityMode::Invite;
        if once && live.is_none() && room.places.iter().any(|(known, _)| *known == shopper) {
            return Err(EntryRefusal::EnteredBefore);
        }
        let tail = !once && room.spec.rejoin == Rejoin::Tail && phase == Phase::Open;
        let number = match live {
            Some(number) if !(tail && room.state(number) == PlaceState::Waiting) => number,
            before => {
                if let Some(number) = before {
                    room.set(number, PlaceState::Revoked);
                }
                room.places.push((shopper, PlaceState::Waiting));
                Number(room.places.len() as u64)
            }
        };
        Ok(Entering { index, epoch, number, replay, replayed: false })
    }

    fn answer_entry(&mut self, entering: Entering) -> Result<Entry, EntryRefusal> {
        let at = self.at;
        let room = self.room.as_mut().filter(|room| room.epoch == entering.epoch);
        let room = room.ok_or(EntryRefusal::NoSale)?;
        let epoch = room.epoch;
        let shopper = room.places[slot(entering.number)].0;
        let replayed = entering.replayed;
        let live = room.live(shopper).filter(|_| !replayed);
        let number = live.unwrap_or(entering.number);
        if let Some(answer) = entering.replay.and_then(|replay| room.told_of(replay, number, at)) {
            return Ok(Entry { epoch, answer, replayed: true });
        }
        if !replayed {
            room.claim(number, at);
        }
        let (serving, line_length) = (Number(room.watermark), room.waiting().count() as u64);
        let standing = if let Some(session) = room.sessions.get(&number) {
            let (claimed_at, expires_at) = (session.since, session.deadline);
            EntryStanding::Admitted { claimed_at, expires_at, serving, line_length }
        } else {
            let ahead = room.waiting().filter(|other| *other < number).count() as u64;
            let silent_until = at.after(room.spec.idle_ms);
            if room.sellable() == 0 {
                EntryStanding::SoldOut { ahead, serving, line_length, silent_until }
            } else {
                EntryStanding::Waiting { ahead, serving, line_length, eta: None, silent_until }
            }
        };
        let answer = EntryAnswer { number, shopper, at, standing };
        if let Some(replay) = entering.replay.filter(|_| !replayed) {
            room.keep(replay, at, Told::Entry(answer.clone()));
        }
        Ok(Entry { epoch, answer, replayed })
    }

    /// Moves a hold, which may be moved so.
    pub(super) fn step(&mut self, hold: HoldId, step: Step) {
        let room = self.room.as_mut().expect("a room with holds");
        let restocks = room.spec.refund_restocks;
        if matches!(step, Step::Release | Step::Expire) {
            room.ended.push((self.at, hold));
        }
        let hold = room.holds.iter_mut().find(|kept| kept.id == hold).expect("it is kept");
        let was = std::mem::replace(&mut hold.state, step.target());
        for item in &hold.items {
            let (offer, units) = (usize::from(item.offer.0), u64::from(item.quantity));
            match (was, step) {
                (HoldState::Confirmed, Step::Refund) if !restocks => room.gone[offer] += units,
                (_, Step::Release | Step::Expire | Step::Refund) => room.available[offer] += units,
                (_, Step::Pay | Step::Confirm) => {}
            }
        }
        self.tell();
    }

    /// One more event for the sink.
    pub(super) fn tell(&mut self) {
        self.events_made += 1;
        self.events.push((EventId(self.events_made), [Word::None; 2]));
    }

    pub(super) fn hold_reply(&self, id: HoldId, told: Option<HoldState>) -> HoldReply {
        let room = self.room.as_ref().expect("a room with holds");
        let mut hold = room.holds.iter().find(|hold| hold.id == id).expect("it is kept").clone();
        hold.state = told.unwrap_or(hold.state);
        HoldReply { hold: hold.into(), replayed: told.is_some() }
    }
}

impl Room {
    pub(super) fn new(spec: SaleSpec, epoch: Epoch, at: Millis) -> Self {
        Self {
            epoch,
            controls: Controls::default(),
            places: Vec::new(),
            sessions: BTreeMap::new(),
            holds: Vec::new(),
            holds_made: 0,
            ended: Vec::new(),
            made: BTreeMap::new(),
            available: spec.offers.iter().map(|offer| offer.total).collect(),
            gone: vec![0; spec.offers.len()],
            watermark: 0,
            answers: BTreeMap::new(),
            changes: 0,
            changed: BTreeMap::new(),
            creation: None,
            bucket: (burst(spec.admission_milli_per_second), at),
            spec,
        }
    }

    pub(crate) fn phase(&self, at: Millis) -> Phase {
        let Controls { opened, closed, draining, .. } = self.controls;
        if closed || self.spec.closes_at.is_some_and(|closes| at >= closes) {
            Phase::Closed
        } else if !opened && self.spec.opens_at.is_some_and(|opens| at < opens) {
            Phase::Scheduled
        } else if draining {
            Phase::Draining
        } else {
            Phase::Open
        }
    }

    pub(crate) fn live(&self, shopper: ShopperKey) -> Option<Number> {
        let mine =
            |(_, place): &(u64, &(ShopperKey, PlaceState))| place.0 == shopper && lives(place.1);
        (1..).zip(&self.places).find(mine).map(|(number, _)| Number(number))
    }

    pub(crate) fn state(&self, number: Number) -> PlaceState {
        let place =
            number.0.checked_sub(1).and_then(|slot| self.places.get(usize::try_from(slot).ok()?));
        place.map_or(PlaceState::Unissued, |(_, state)| *state)
    }

    pub(super) fn set(&mut self, number: Number, state: PlaceState) {
        self.places[slot(number)].1 = state;
    }

    /// Numbers in line.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Number> {
        let waits = |(_, place): &(u64, &(_, PlaceState))| place.1 == PlaceState::Waiting;
        (1..).zip(&self.places).filter(waits).map(|(number, _)| Number(number))
    }

    pub(super) fn is_place(&self, ticket: TicketRef) -> bool {
        let place = ticket.number.0.checked_sub(1).and_then(|slot| usize::try_from(slot).ok());
        let owner = place.and_then(|slot| self.places.get(slot)).map(|(shopper, _)| *shopper);
        ticket.epoch == self.epoch && owner == Some(ticket.shopper)
    }

    pub(super) fn active(&self) -> u64 {
        let slots =
            self.sessions.values().filter(|session| session.state != SessionState::Completed);
        slots.count() as u64
    }

    /// Units of one offer in holds of one state.
    pub(crate) fn units(&self, offer: OfferIndex, state: HoldState) -> u64 {
        let holds = self.holds.iter().filter(|hold| hold.state == state);
        let items = holds.flat_map(|hold| &hold.items).filter(|item| item.offer == offer);
        items.map(|item| u64::from(item.quantity)).sum()
    }

    /// Units not sold for good.
    pub(super) fn sellable(&self) -> u64 {
        let offers = (0..).take(self.available.len()).map(OfferIndex);
        let open =
            |offer| self.units(offer, HoldState::Held) + self.units(offer, HoldState::Paying);
        self.available.iter().sum::<u64>() + offers.map(open).sum::<u64>()
    }

    /// Before another hold is made: the two that ended first go, if that was a day ago.
    pub(super) fn forget_holds(&mut self, at: Millis) {
        let is_old = |(ended, _): &&(Millis, HoldId)| at.since(*ended) >= REPLAY_TTL_MS;
        let old = self.ended.iter().take_while(is_old).take(2).count();
        for (_, gone) in self.ended.drain(..old) {
            self.holds.retain(|hold| hold.id != gone);
        }
    }

    /// Lets in whoever is next, as far as pace, slots and stock allow.
    fn call(&mut self, at: Millis) {
        let phase = self.phase(at);
        if self.controls.paused || !matches!(phase, Phase::Open | Phase::Draining) {
            return;
        }
        let sellable = self.sellable();
        let overbook = self.spec.overbook_milli.map(u64::from);
        let by_stock = overbook.map_or(u64::MAX, |overbook| (sellable * overbook).div_ceil(1_000));
        let slots = u64::from(self.spec.active_max).min(by_stock).saturating_sub(self.active());
        let room = slots.min(self.level(at) / 1_000_000);
        let next: Vec<Number> =
            self.waiting().take(usize::try_from(room).expect("small")).collect();
        let Some(last) = next.last() else { return };
        self.bucket = (self.level(at) - next.len() as u64 * 1_000_000, at);
        self.watermark = last.0;
        for number in next {
            self.set(number, PlaceState::Called);
            let deadline = at.after(self.spec.claim_window_ms);
            let session = Session { number, state: SessionState::Called, since: at, deadline };
            self.sessions.insert(number, session);
        }
    }

    /// A called place is claimed; any other stays as it is.
    pub(super) fn claim(&mut self, number: Number, at: Millis) {
        if let Some(session) = self.sessions.get_mut(&number)
            && session.state == SessionState::Called
        {
            let (state, deadline) =
                (SessionState::Admitted, at.after(self.spec.session_ms).whole_second());
            *session = Session { number, state, since: at, deadline };
            self.set(number, PlaceState::Admitted);
        }
    }

    pub(super) fn end(&mut self, number: Number, state: PlaceState) {
        self.sessions.remove(&number);
        self.set(number, state);
    }

    fn level(&self, at: Millis) -> u64 {
        let rate = self.spec.admission_milli_per_second;
        (self.bucket.0 + rate * at.since(self.bucket.1)).min(burst(rate))
    }

    pub(super) fn set_rate(&mut self, rate: u64, at: Millis) {
        self.bucket = (self.level(at).min(burst(rate)), at);
        self.spec.admission_milli_per_second = rate;
    }

    /// The gate goes on after a pause, which earned it nothing.
    pub(super) fn restart_gate(&mut self, at: Millis) {
        self.bucket = (self.bucket.0.min(1_000_000), at);
    }

    pub(super) fn known(&self, replay: Option<ReplayKey>, at: Millis) -> Known {
        let Some(replay) = replay else { return Known::New };
        match self.answers.get(&replay.key) {
            Some((_, then, _)) if at.since(*then) >= REPLAY_TTL_MS => Known::New,
            // Of no use to anyone.
            Some((_, _, Told::Entry(answer))) if !lives(self.state(answer.number)) => Known::New,
            Some((body, _, told)) if *body == replay.body => Known::Told(told.clone()),
            Some(_) => Known::OtherBody,
            None => Known::New,
        }
    }

    /// What an entry was told of a place, whatever has become of that.
    fn told_of(&self, replay: ReplayKey, number: Number, at: Millis) -> Option<EntryAnswer> {
        match self.answers.get(&replay.key)? {
            (body, then, Told::Entry(answer)) => {
                let is_so = *body == replay.body && answer.number == number;
                (is_so && at.since(*then) < REPLAY_TTL_MS).then(|| answer.clone())
            }
            _ => None,
        }
    }

    pub(super) fn keep(&mut self, replay: ReplayKey, at: Millis, told: Told) {
        self.answers.insert(replay.key, (replay.body, at, told));
    }
}

fn lives(state: PlaceState) -> bool {
    use PlaceState::{Admitted, Called, Completed, Waiting};
    matches!(state, Waiting | Called | Admitted | Completed)
}

/// A quarter of a second's admissions, or one.
fn burst(rate: u64) -> u64 {
    (rate * GATE_BURST_MS).max(1_000_000)
}

pub(super) fn slot(number: Number) -> usize {
    usize::try_from(number.0 - 1).expect("fits")
}
