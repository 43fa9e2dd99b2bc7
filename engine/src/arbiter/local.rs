//! Who decides order and stock when one process is all there is.
//!
//! First what the clock did: a step of the wall clock, an outage. Then a batch is decided in four
//! steps: ends that are due, the commands in the order they came, the
//! gate's next call, and last the answers to entries, so that who enters an empty room is let in
//! at once. Each record is applied the moment it is decided, so that the next command sees it.
//!
//! A batch looks at the sales that it decides something of and at those that are due ([`Agenda`]), in the
//! order of their tags. The others would give no record.

mod agenda;

use std::collections::HashMap;

use self::agenda::Agenda;
use super::{
    Arbiter, Decided, Moment, noted,
    settings::{self, Decision},
};
use crate::{
    clock::Millis,
    command::{Ask, Changed, Command, Entry, HoldReply, Operation, Reply},
    id::{Epoch, Number, OfferIndex, SaleTag, ShopperKey},
    limits::SWEEP_RECORDS_MAX,
    record::{Record, ReplayKey},
    sale::{
        ChangeRefusal, EndRefusal, EntryDecision, EntryRefusal, HoldDecision, PlaceRefusal,
        PurchaseRefusal, Sale, SettleRefusal, TicketRef,
    },
    session::SessionState,
    world::{Packed, World},
};

/// The arbiter of a single process.
#[derive(Debug, Default)]
pub struct LocalArbiter {
    world: World,
    agenda: Agenda,
    /// Sales that the present batch decided something of, or that were due at its beginning; emptied after
    /// it, for its memory.
    touched: Vec<SaleTag>,
    /// How far the wall clock is ahead of engine time.
    wall_offset_ms: i64,
    /// The sale whose ends come first in the next batch: each in turn, when there are too many.
    first_due: Option<SaleTag>,
    /// Nothing was decided for a while before the next batch.
    after_outage: bool,
}

impl Arbiter for LocalArbiter {
    fn world(&self) -> &World {
        &self.world
    }

    fn decide_into(
        &mut self,
        decided: &mut Decided,
        now: Moment,
        commands: &mut dyn Iterator<Item = &Command>,
    ) {
        self.set_time(now.wall_offset_ms, now.after_outage);
        self.decide_at(decided, now.at, commands);
    }

    fn warm_up(&mut self, sale: Sale, at: Millis) {
        // The next batch sets its clock, if that was stepped since.
        self.agenda.note(sale.tag(), Some(&sale), at);
        self.world.warm_up(sale, at);
    }

    fn freeze(&mut self, at: Millis) -> Vec<Packed> {
        let frozen = self.world.freeze(at);
        for packed in &frozen {
            self.agenda.note(packed.tag(), None, at);
        }
        frozen
    }

    fn rest(&mut self, at: Millis) -> Option<Sale> {
        let sale = self.world.rest(at)?;
        self.agenda.note(sale.tag(), None, at);
        Some(sale)
    }

    fn set_packed(&mut self, packed: Packed) {
        self.world.set_packed(packed);
    }
}

/// An entry whose answer waits for the gate's next call.
#[derive(Clone, Copy, Debug)]
struct Entering {
    /// Which of the batch's replies it is.
    index: usize,
    sale: SaleTag,
    epoch: Epoch,
    number: Number,
    replay: Option<ReplayKey>,
    /// The key was answered with this place before the batch.
    replayed: bool,
}

/// A batch's entries that wait for their answers.
#[derive(Debug, Default)]
struct Entries {
    all: Vec<Entering>,
    /// The first entry of each key: those that follow it have no effect of their own.
    first: HashMap<(SaleTag, Epoch, u128), usize>,
}

impl Entries {
    fn asked_before(
        &self,
        sale: SaleTag,
        epoch: Epoch,
        replay: Option<ReplayKey>,
    ) -> Option<Entering> {
        self.first.get(&(sale, epoch, replay?.key)).map(|first| self.all[*first])
    }

    fn push(&mut self, entry: Entering) {
        if let Some(replay) = entry.replay.filter(|_| !entry.replayed) {
            let key = (entry.sale, entry.epoch, replay.key);
            self.first.entry(key).or_insert(self.all.len());
        }
        self.all.push(entry);
    }
}

impl LocalArbiter {
    /// An arbiter that goes on from `world`.
    pub fn new(world: World) -> Self {
        Self { agenda: Agenda::of(&world), world, ..Self::default() }
    }

    /// Tells how far the wall clock is from engine time, and whether nothing was decided for so long
    /// that called places could not be claimed. Counts for the next batch.
    pub fn set_time(&mut self, wall_offset_ms: i64, after_outage: bool) {
        self.wall_offset_ms = wall_offset_ms;
        self.after_outage |= after_outage;
    }

    /// The state after all that was decided.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Decides a batch at `at`, which is never earlier than the batch before.
    #[expect(single_use_lifetimes, reason = "an argument's `impl` cannot leave it out")]
    pub fn decide<'a>(
        &mut self,
        at: Millis,
        commands: impl IntoIterator<Item = &'a Command>,
    ) -> Decided {
        let mut decided = Decided::default();
        self.decide_at(&mut decided, at, commands);
        decided
    }

    /// As [`decide`](Self::decide), into what may have memory from another batch.
    #[expect(single_use_lifetimes, reason = "an argument's `impl` cannot leave it out")]
    fn decide_at<'a>(
        &mut self,
        decided: &mut Decided,
        at: Millis,
        commands: impl IntoIterator<Item = &'a Command>,
    ) {
        decided.clear(at);
        let Self { world, agenda, touched, wall_offset_ms, .. } = self;
        let mut batch =
            Batch { world, agenda, touched, at, wall_offset_ms: *wall_offset_ms, decided };
        batch.set_clocks();
        if std::mem::take(&mut self.after_outage) {
            batch.resume();
        }
        self.first_due = batch.end_what_is_due(self.first_due);
        let mut entering = Entries::default();
        for command in commands {
            let reply = batch.answer(command, &mut entering);
            batch.decided.replies.push(reply);
        }
        batch.call_the_next();
        for entry in entering.all {
            let reply = batch.answer_entry(&entry);
            batch.decided.replies[entry.index] = Reply::Entry(reply);
        }
        batch.note_touched();
    }
}

/// A batch while it is being decided.
struct Batch<'a> {
    world: &'a mut World,
    agenda: &'a mut Agenda,
    touched: &'a mut Vec<SaleTag>,
    at: Millis,
    wall_offset_ms: i64,
    decided: &'a mut Decided,
}

impl Batch<'_> {
    fn record(&mut self, record: Record) {
        // Facts decided elsewhere are held against the state; those decided here have to pass as well.
        debug_assert_eq!(self.world.follows(record.sale(), &record, self.at), Ok(()), "{record:?}");
        self.world.apply(&record, self.at);
        if self.touched.last() != Some(&record.sale()) {
            self.touched.push(record.sale());
        }
        self.decided.records.push(record);
    }

    fn record_all(&mut self, records: impl IntoIterator<Item = Record>) {
        records.into_iter().for_each(|record| self.record(record));
    }

    fn set_clocks(&mut self) {
        let set = |sale: &Sale| sale.clock_set(self.wall_offset_ms);
        let stepped = self.agenda.stepped(self.wall_offset_ms);
        let records: Vec<Record> = self.sales(&stepped).filter_map(set).collect();
        self.record_all(records);
    }

    /// Takes an archived sale out of its packing, with the clock as it is now; answers whether there was room.
    fn thaw(&mut self, tag: SaleTag) -> bool {
        let was_packed = self.world.sale(tag).is_none();
        let has_room = self.world.thaw(tag, self.at);
        if was_packed && let Some(sale) = self.world.sale(tag) {
            let set = sale.clock_set(self.wall_offset_ms);
            self.record_all(set);
        }
        has_room
    }

    fn resume(&mut self) {
        let waiting = self.agenda.due_after_outage(self.at);
        let resumed = |sale: &Sale| sale.resumed(self.at);
        let records: Vec<Record> = self.sales(&waiting).filter_map(resumed).collect();
        self.record_all(records);
    }

    /// Beginning with the sale `first`, for which the records of one batch may have been too few.
    /// Answers which sale comes first next time, if that matters.
    fn end_what_is_due(&mut self, first: Option<SaleTag>) -> Option<SaleTag> {
        let mut sales = self.agenda.due(self.at);
        self.touched.extend(&sales);
        let before = sales.partition_point(|tag| first.is_some_and(|first| *tag < first));
        sales.rotate_left(before);
        let due = self.sales(&sales).flat_map(|sale| sale.due(self.at));
        let due: Vec<Record> = due.take(SWEEP_RECORDS_MAX).collect();
        // A sale gives half a batch of holds at most, so that alone may be more.
        self.decided.is_more_due = due.len() >= SWEEP_RECORDS_MAX / 2;
        let last = due.last().map(Record::sale).filter(|_| self.decided.is_more_due);
        self.record_all(due);
        last.map(|tag| SaleTag(tag.0.wrapping_add(1)))
    }

    fn call_the_next(&mut self) {
        self.touched.sort_unstable();
        self.touched.dedup();
        debug_assert!(self.misses_nothing(), "a sale was due that the agenda does not know of");
        let next = |sale: &Sale| sale.next_call(self.at);
        let calls: Vec<Record> = self.sales(self.touched).filter_map(next).collect();
        self.record_all(calls);
    }

    /// Puts down when the sales are due next that may be due at another time than before.
    fn note_touched(&mut self) {
        self.touched.sort_unstable();
        self.touched.dedup();
        for tag in self.touched.drain(..) {
            self.agenda.note(tag, self.world.sale(tag), self.at);
        }
    }

    /// Those of `tags` that are there.
    fn sales(&self, tags: &[SaleTag]) -> impl Iterator<Item = &Sale> {
        tags.iter().filter_map(|tag| self.world.sale(*tag))
    }

    /// Whether the sales that the batch does not look at have nothing to do.
    fn misses_nothing(&self) -> bool {
        let is_touched = |sale: &Sale| self.touched.binary_search(&sale.tag()).is_ok();
        let mut others = self.world.sales().filter(|sale| !is_touched(sale));
        others.all(|sale| sale.next_call(self.at).is_none() && sale.due(self.at).is_empty())
    }

    fn answer(&mut self, command: &Command, entering: &mut Entries) -> Reply {
        match command {
            Command::Ask(sale, ask) => self.answer_ask(*sale, ask, entering),
            Command::Operate(Operation::Change { sale, .. }) if self.world.is_packing(*sale) => {
                Reply::NotYet
            }
            Command::Operate(operation) => Reply::Changed(self.operate(operation)),
            Command::Note(sale, note) => {
                let (count, record) = noted(self.world, *sale, note).unzip();
                self.record_all(record);
                Reply::Noted(count.unwrap_or(0))
            }
        }
    }

    fn answer_ask(&mut self, sale: SaleTag, ask: &Ask, entering: &mut Entries) -> Reply {
        match ask {
            Ask::Enter { shopper, replay } => self.enter(sale, *shopper, *replay, entering),
            Ask::Leave { ticket } => {
                let decision = self.ask(sale, PlaceRefusal::NoPlace, |s| s.decide_leave(*ticket));
                Reply::Left(decision.map(|record| self.record_all(record)))
            }
            Ask::Claim { ticket } => {
                let decision =
                    self.ask(sale, PlaceRefusal::NoPlace, |s| s.decide_claim(*ticket, self.at));
                Reply::Claim(decision.map(|record| {
                    self.record_all(record);
                    let session = self.world.sale(sale).and_then(|s| s.session(ticket.number));
                    *session.expect("a claim leaves a session")
                }))
            }
            Ask::Purchase { pass, items, replay } => {
                Reply::Purchase(self.purchase(sale, *pass, items, *replay))
            }
            Ask::Settle { epoch, hold, step, by, replay } => {
                if self.world.is_packing(sale) {
                    return Reply::NotYet;
                }
                if !self.thaw(sale) {
                    return Reply::Settle(Err(SettleRefusal::Stalled));
                }
                let decision = self.ask(sale, SettleRefusal::NoHold, |s| {
                    s.decide_step(*epoch, *hold, *step, *by, *replay, self.at)
                });
                Reply::Settle(decision.map(|decision| self.hold_reply(sale, decision)))
            }
            Ask::EndSession { epoch, number } => {
                let decision =
                    self.ask(sale, EndRefusal::NoSession, |s| s.decide_end(*epoch, *number));
                Reply::Ended(decision.map(|record| self.record_all(record)))
            }
            Ask::Idle { numbers } => {
                let record = self.world.sale(sale).and_then(|sale| sale.idle(numbers));
                Reply::Noted(usize::from(record.map(|record| self.record(record)).is_some()))
            }
        }
    }

    /// Gives a place; its answer waits for the gate's next call.
    fn enter(
        &mut self,
        sale: SaleTag,
        shopper: ShopperKey,
        replay: Option<ReplayKey>,
        entering: &mut Entries,
    ) -> Reply {
        let Some(found) = self.world.sale(sale) else {
            return Reply::Entry(Err(EntryRefusal::NoSale));
        };
        let (index, epoch) = (self.decided.replies.len(), found.epoch());
        if let Some(first) = entering.asked_before(sale, epoch, replay) {
            if first.replay != replay {
                return Reply::Entry(Err(EntryRefusal::OtherBody));
            }
            entering.push(Entering { index, ..first });
            return Reply::Noted(0);
        }
        match found.decide_entry(shopper, replay, self.at) {
            Ok(decision) => {
                let (number, replayed) = match decision {
                    EntryDecision::Place(number, records) => {
                        self.record_all(records);
                        (number, false)
                    }
                    EntryDecision::Replayed(number) => (number, true),
                };
                entering.push(Entering { index, sale, epoch, number, replay, replayed });
                Reply::Noted(0)
            }
            Err(refusal) => Reply::Entry(Err(refusal)),
        }
    }

    /// Asks a sale, or refuses with `none` when it is not there.
    fn ask<T, E>(
        &self,
        sale: SaleTag,
        none: E,
        decide: impl FnOnce(&Sale) -> Result<T, E>,
    ) -> Result<T, E> {
        decide(self.world.sale(sale).ok_or(none)?)
    }

    /// Answers an entry after the gate moved: lets in who was called at once, and keeps the answer
    /// for its key.
    fn answer_entry(&mut self, entering: &Entering) -> Result<Entry, EntryRefusal> {
        let Entering { sale: tag, epoch, number, replay, replayed, .. } = *entering;
        // A later command of this batch may have deleted the sale, and another one made it again.
        let found = self.world.sale(tag).filter(|sale| sale.epoch() == epoch);
        let sale = found.ok_or(EntryRefusal::NoSale)?;
        let number = if replayed { number } else { sale.number_to_tell(number) };
        // Another entry of this batch with the same key may have been answered just now.
        if let Some(answer) = sale.told_entry(replay, number, self.at) {
            return Ok(Entry { epoch, answer, replayed: true });
        }
        if replayed {
            // Left since, and the key answered again, all in this batch.
            return Ok(Entry { epoch, answer: sale.entry_answer(number, self.at), replayed });
        }
        if sale.session(number).is_some_and(|session| session.state == SessionState::Called) {
            let claimed = sale.claimed(number);
            self.record(claimed);
        }
        let sale = self.world.sale(tag).ok_or(EntryRefusal::NoSale)?;
        let answer = sale.entry_answer(number, self.at);
        if let Some(replay) = replay {
            self.record(Record::EntryAnswered { sale: tag, replay, answer: answer.clone() });
        }
        Ok(Entry { epoch, answer, replayed: false })
    }

    fn purchase(
        &mut self,
        sale: SaleTag,
        pass: TicketRef,
        items: &[(OfferIndex, u32)],
        replay: ReplayKey,
    ) -> Result<HoldReply, PurchaseRefusal> {
        let decision = self.ask(sale, PurchaseRefusal::NoSale, |s| {
            s.decide_purchase(pass, items, replay, self.at)
        })?;
        let is_stalled = || self.world.sale(sale).is_some_and(|sale| self.world.is_stalled(sale));
        if matches!(decision, HoldDecision::Decided(..)) && is_stalled() {
            return Err(PurchaseRefusal::Stalled);
        }
        Ok(self.hold_reply(sale, decision))
    }

    fn hold_reply(&mut self, sale: SaleTag, decision: HoldDecision) -> HoldReply {
        let (id, told) = match decision {
            HoldDecision::Decided(id, records) => {
                self.record_all(records);
                (id, None)
            }
            HoldDecision::Replayed(id, state) => (id, Some(state)),
        };
        let found = self.world.sale(sale).and_then(|sale| sale.hold(id));
        HoldReply::of(found.expect("a decision names a hold of its sale"), told)
    }

    fn operate(&mut self, operation: &Operation) -> Result<Changed, ChangeRefusal> {
        if let Operation::Change { sale, .. } = operation
            && !self.thaw(*sale)
        {
            return Err(ChangeRefusal::SalesFull);
        }
        let (world, at) = (&*self.world, self.at);
        let (replay, decision) = match operation {
            Operation::Create { author, spec, replay } => {
                (*replay, settings::created(world, author, spec, *replay, at)?)
            }
            Operation::Change { sale, author, change, terms } => {
                (terms.replay, settings::changed(world, *sale, (author, change), terms, at)?)
            }
        };
        Ok(match decision {
            Decision::Answered(changed) => changed,
            Decision::Decided(record) => {
                self.record(record);
                settings::made(self.world, operation.sale(), replay, self.at)
            }
        })
    }
}

#[cfg(test)]
mod tests;
