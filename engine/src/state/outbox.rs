//! A sale's outbox: decided facts about its holds that the order pipeline has not taken yet.
//!
//! It is part of the sale's journaled state: an event enters with the fact it tells of and leaves with
//! a record that the last of the sinks took it, so that a crash at any moment delivers it again rather
//! than not at all. Events are numbered within their sale, no number twice: the facts of a sale alone
//! say which event is which, and sale and number together are the idempotency key.
//!
//! Each sink goes through the events by itself. Until all have one, the outbox keeps which took it and
//! which refused it. Which sinks there are is said by each record of a sink, so that a change of the
//! configuration needs no record of its own: the outbox keeps nothing of a sink that the last record
//! did not name.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    clock::Millis,
    codec::{DecodeError, Long, Sink, Source, binary_struct},
    hold::Hold,
    id::{Currency, Epoch, EventId, HoldId, SINK_NAME_BYTES_MAX, SaleName, SinkName, Sku},
    limits::SINKS_MAX,
};

/// What the order pipeline is told: a hold came to stand somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The event's number: with the sale, the sink's idempotency key.
    pub id: EventId,
    /// When it was decided.
    pub at: Millis,
    /// The sale's name.
    pub sale: SaleName,
    /// The sale's epoch.
    pub epoch: Epoch,
    /// When the sale was created, in engine time; see [`SaleView::created_at`](crate::view::SaleView::created_at).
    pub sale_created_at: Millis,
    /// The hold, in the state the event tells of.
    pub hold: Hold,
    /// SKUs of the hold's items, in their order.
    pub skus: Vec<Sku>,
    /// The currency of its prices.
    pub currency: Currency,
}

/// The sinks of a process, as a record of one of them names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkSet {
    /// The one that the record is of.
    pub sink: SinkName,
    /// The others, fewer than [`SINKS_MAX`].
    pub others: Vec<SinkName>,
}

binary_struct!(SinkSet { sink, others });

impl SinkSet {
    /// A sink that has no other beside it.
    pub fn only(sink: SinkName) -> Self {
        Self { sink, others: Vec::new() }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = SinkName> {
        [self.sink].into_iter().chain(self.others.iter().copied())
    }

    /// Whether the sinks could be those of one process: each once, and not too many.
    pub(crate) fn is_sound(&self) -> bool {
        let sinks: BTreeSet<_> = self.all().collect();
        sinks.len() == 1 + self.others.len() && sinks.len() <= SINKS_MAX
    }

    /// The most bytes its form takes.
    pub(crate) fn bytes_max(&self) -> usize {
        (1 + self.others.len()) * (8 + SINK_NAME_BYTES_MAX) + 8
    }
}

/// One event, as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// When it was decided.
    pub(crate) at: Millis,
    /// The hold as it came to stand. The sale may have forgotten it since.
    pub(crate) hold: Arc<Hold>,
    /// Which sinks have taken it: a bit for each, in the order of the outbox's.
    taken: u8,
}

binary_struct!(Pending { at, hold, taken });

const _: () = assert!(SINKS_MAX <= u8::BITS as usize);

/// What one sink made of the events.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SinkState {
    sink: SinkName,
    /// How many of the events it has taken.
    taken: usize,
    /// Those it refused for good, and what it said.
    dead: BTreeMap<EventId, Arc<str>>,
    /// The same by hold: behind them its later events stay back.
    dead_of_holds: BTreeSet<(HoldId, EventId)>,
}

impl SinkState {
    const fn new(sink: SinkName) -> Self {
        Self { sink, taken: 0, dead: BTreeMap::new(), dead_of_holds: BTreeSet::new() }
    }

    fn refuse(&mut self, event: EventId, hold: HoldId, why: Arc<str>) {
        self.dead.insert(event, why);
        self.dead_of_holds.insert((hold, event));
    }

    /// An event is no dead letter any more.
    fn revive(&mut self, event: EventId, hold: HoldId) {
        if self.dead.remove(&event).is_some() {
            self.dead_of_holds.remove(&(hold, event));
        }
    }
}

/// Events in the order they were decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outbox {
    last: u64,
    pending: BTreeMap<EventId, Pending>,
    /// The sinks that the last record of one named, by name.
    sinks: Vec<SinkState>,
}

impl Outbox {
    /// An outbox whose first event follows `last`.
    pub(crate) fn after_event(last: EventId) -> Self {
        Self { last: last.0, ..Self::default() }
    }

    /// The last event made, 0 before the first.
    pub(crate) fn last(&self) -> EventId {
        EventId(self.last)
    }

    /// Passes so many numbers over: no event has them.
    pub(crate) fn skip(&mut self, numbers: u64) {
        self.last += numbers;
    }

    /// Events that some sink has not taken, dead letters included.
    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }

    /// How many of them each sink has taken that took any.
    pub(crate) fn taken(&self) -> impl Iterator<Item = (SinkName, usize)> {
        self.sinks.iter().map(|state| (state.sink, state.taken)).filter(|(_, taken)| *taken > 0)
    }

    /// Events after `last`, in order.
    pub(crate) fn after(&self, last: EventId) -> impl Iterator<Item = (EventId, &Pending)> {
        let next = EventId(last.0.saturating_add(1));
        self.pending.range(next..).map(|(id, pending)| (*id, pending))
    }

    /// All events, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.pending.values()
    }

    /// One event.
    pub(crate) fn get(&self, id: EventId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// Whether a sink has taken one of the events.
    pub(crate) fn has_taken(&self, sink: SinkName, pending: &Pending) -> bool {
        pending.taken != 0 && self.place(sink).is_ok_and(|place| pending.taken & bit(place) != 0)
    }

    /// Whether one of the events leaves if the sink takes it, or took it before.
    pub(crate) fn is_last(&self, by: &SinkSet, pending: &Pending) -> bool {
        by.others.iter().all(|other| self.has_taken(*other, pending))
    }

    /// The events a sink refused for good, in order.
    pub(crate) fn dead_of(&self, sink: SinkName) -> impl Iterator<Item = EventId> {
        let state = self.place(sink).ok().map(|place| &self.sinks[place]);
        state.into_iter().flat_map(|state| state.dead.keys().copied())
    }

    /// Why a sink refused an event for good.
    pub(crate) fn why_dead(&self, sink: SinkName, event: EventId) -> Option<&Arc<str>> {
        self.sinks[self.place(sink).ok()?].dead.get(&event)
    }

    /// Whether an event is not for a sink now: it refused it for good, or one before it of the same hold.
    pub(crate) fn stays_back(&self, sink: SinkName, id: EventId, pending: &Pending) -> bool {
        let hold = pending.hold.id;
        let of_hold = (hold, EventId(0))..=(hold, id);
        self.place(sink).is_ok_and(|place| {
            let dead = &self.sinks[place].dead_of_holds;
            !dead.is_empty() && dead.range(of_hold).next().is_some()
        })
    }

    /// Adds the next event.
    pub(crate) fn add(&mut self, at: Millis, hold: Arc<Hold>) {
        self.last += 1;
        self.pending.insert(EventId(self.last), Pending { at, hold, taken: 0 });
    }

    /// A sink took events. Those leave that all have taken; those that left before are passed over.
    pub(crate) fn delivered(&mut self, by: &SinkSet, events: &[EventId]) {
        let place = self.set_sinks_of(by);
        let all = u8::MAX >> (u8::BITS as usize - self.sinks.len());
        for event in events {
            let Some(pending) = self.pending.get_mut(event) else { continue };
            let state = &mut self.sinks[place];
            state.revive(*event, pending.hold.id);
            if pending.taken & bit(place) == 0 {
                pending.taken |= bit(place);
                state.taken += 1;
            }
            if pending.taken == all {
                self.pending.remove(event);
                self.sinks.iter_mut().for_each(|state| state.taken -= 1);
            }
        }
    }

    /// A sink refused an event for good; one that it took before stays taken.
    pub(crate) fn dead_lettered(&mut self, by: &SinkSet, event: EventId, why: &str) {
        let place = self.set_sinks_of(by);
        if let Some(pending) = self.pending.get(&event)
            && pending.taken & bit(place) == 0
        {
            self.sinks[place].refuse(event, pending.hold.id, why.into());
        }
    }

    /// An operator sends events to a sink again that it refused.
    pub(crate) fn requeued(&mut self, sink: SinkName, events: &[EventId]) {
        let Ok(place) = self.place(sink) else { return };
        for event in events {
            if let Some(pending) = self.pending.get(event) {
                self.sinks[place].revive(*event, pending.hold.id);
            }
        }
    }

    /// Where a sink stands, or would.
    fn place(&self, sink: SinkName) -> Result<usize, usize> {
        self.sinks.binary_search_by_key(&sink, |state| state.sink)
    }

    /// Makes the sinks those that a record names. Returns the place of the one that the record is of.
    fn set_sinks_of(&mut self, by: &SinkSet) -> usize {
        let is_known = |sink| self.place(sink).is_ok();
        if self.sinks.len() != 1 + by.others.len() || !by.all().all(is_known) {
            self.replace_sinks(by);
        }
        self.place(by.sink).expect("it is one of them")
    }

    /// Forgets the sinks that are not named, and makes room for those that are new.
    fn replace_sinks(&mut self, by: &SinkSet) {
        let sinks: BTreeSet<SinkName> = by.all().collect();
        assert!(sinks.len() <= SINKS_MAX, "{} sinks of at most {SINKS_MAX}", sinks.len());
        let places: Vec<_> = sinks.iter().map(|sink| self.place(*sink).ok()).collect();
        let moved = |taken: u8| {
            let is_taken = |place: Option<usize>| place.is_some_and(|old| taken & bit(old) != 0);
            let bits = (0..).zip(&places).filter(|(_, place)| is_taken(**place));
            bits.fold(0, |taken, (new, _)| taken | bit(new))
        };
        self.pending.values_mut().for_each(|pending| pending.taken = moved(pending.taken));
        let state = |(sink, place): (SinkName, &Option<usize>)| {
            place.map_or(SinkState::new(sink), |place| self.sinks[place].clone())
        };
        self.sinks = sinks.into_iter().zip(&places).map(state).collect();
    }
}

/// The bit of the sink that stands at a place.
fn bit(place: usize) -> u8 {
    1 << place
}

impl Long for Outbox {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.last);
        out.put(&(self.sinks.len() as u64));
        for state in &self.sinks {
            out.put(&state.sink);
        }
        out.put(&(self.pending.len() as u64));
        for (id, pending) in &self.pending {
            out.put(id);
            out.put(pending);
        }
        for state in &self.sinks {
            out.put(&(state.dead.len() as u64));
            for (id, why) in &state.dead {
                out.put(id);
                out.put(&why.to_string());
            }
        }
    }

    fn read(input: &mut impl Source) -> Result<Self, DecodeError> {
        let mut outbox = Self::after_event(input.get()?);
        let sinks = input.get_count()?;
        if sinks > SINKS_MAX {
            return Err(DecodeError("too many sinks"));
        }
        for _ in 0..sinks {
            let sink = input.get()?;
            if outbox.sinks.last().is_some_and(|before| before.sink >= sink) {
                return Err(DecodeError("sinks out of their order"));
            }
            outbox.sinks.push(SinkState::new(sink));
        }
        for _ in 0..input.get_count()? {
            let (id, event) = (input.get()?, input.get()?);
            outbox.put(id, event)?;
        }
        for place in 0..sinks {
            for _ in 0..input.get_count()? {
                let (id, why): (_, String) = (input.get()?, input.get()?);
                let pending = outbox.pending.get(&id).filter(|it| it.taken & bit(place) == 0);
                let pending = pending.ok_or(DecodeError("a dead letter of no event"))?;
                outbox.sinks[place].refuse(id, pending.hold.id, why.into());
            }
        }
        Ok(outbox)
    }
}

impl Outbox {
    /// Puts an event that was read.
    fn put(&mut self, id: EventId, event: Pending) -> Result<(), DecodeError> {
        let before = self.pending.last_key_value().map(|(before, _)| *before);
        if before >= Some(id) || id > self.last() {
            return Err(DecodeError("order events out of their order"));
        }
        if u32::from(event.taken) >= (1_u32 << self.sinks.len()) {
            return Err(DecodeError("an event taken by no sink"));
        }
        let takes = (0..).zip(&mut self.sinks).filter(|(place, _)| event.taken & bit(*place) != 0);
        takes.for_each(|(_, state)| state.taken += 1);
        self.pending.insert(id, event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hold::HoldState,
        id::{Number, ShopperKey},
    };

    fn hold(id: u64) -> Arc<Hold> {
        let (shopper, state, items) = (ShopperKey(1), HoldState::Held, [].into_iter().collect());
        let (created_at, expires_at) = (Millis(1), Millis(2));
        let (id, number) = (HoldId(id), Number(1));
        Arc::new(Hold { id, number, shopper, state, items, created_at, expires_at })
    }

    fn sink(name: &str) -> SinkName {
        SinkName::parse(name).unwrap()
    }

    /// Some sinks, named by a record of the first.
    fn by(sinks: &[&str]) -> SinkSet {
        let others = sinks[1..].iter().map(|name| sink(name)).collect();
        SinkSet { sink: sink(sinks[0]), others }
    }

    fn events<const N: usize>(numbers: [u64; N]) -> [EventId; N] {
        numbers.map(EventId)
    }

    fn filled(holds: impl IntoIterator<Item = u64>) -> Outbox {
        let mut outbox = Outbox::default();
        holds.into_iter().for_each(|id| outbox.add(Millis(1), hold(id)));
        outbox
    }

    /// What waits for a sink, and what of it stays back.
    fn waiting(outbox: &Outbox, of: &str) -> (Vec<u64>, Vec<u64>) {
        let waits = outbox.after(EventId(0)).filter(|(_, it)| !outbox.has_taken(sink(of), it));
        let waits: Vec<_> = waits.collect();
        let back = waits.iter().filter(|(id, it)| outbox.stays_back(sink(of), *id, it));
        let back = back.map(|(id, _)| id.0).collect();
        (waits.iter().map(|(id, _)| id.0).collect(), back)
    }

    #[track_caller]
    fn assert_kept(outbox: &Outbox) {
        let mut bytes = Vec::new();
        outbox.write(&mut bytes);
        assert_eq!(Outbox::read(&mut bytes.as_slice()).as_ref(), Ok(outbox));
    }

    #[test]
    fn an_event_stays_until_all_have_it_and_each_refuses_for_itself() {
        let mut outbox = filled([7, 7, 7]);
        let (shop, hook) = (by(&["shop", "webhook"]), by(&["webhook", "shop"]));
        outbox.dead_lettered(&hook, EventId(2), "no");
        outbox.delivered(&shop, &events([1, 2]));
        assert_kept(&outbox);
        assert_eq!(waiting(&outbox, "shop"), (vec![3], vec![]));
        assert_eq!(waiting(&outbox, "webhook"), (vec![1, 2, 3], vec![2, 3]));
        outbox.delivered(&hook, &events([1]));
        assert_eq!(outbox.len(), 2, "both have the first");
        assert_eq!(outbox.taken().collect::<Vec<_>>(), [(sink("shop"), 1)]);
        outbox.dead_lettered(&shop, EventId(2), "late");
        assert_eq!(waiting(&outbox, "shop"), (vec![3], vec![]), "what was taken stays taken");
        outbox.requeued(sink("webhook"), &events([2, 9]));
        outbox.delivered(&hook, &events([3, 2, 1]));
        outbox.delivered(&shop, &events([3]));
        assert_eq!((outbox.len(), outbox.taken().count()), (0, 0));
    }

    #[test]
    fn a_sink_that_is_gone_is_waited_for_no_more_and_a_new_one_begins_with_what_is_left() {
        let mut outbox = filled(1..=4);
        outbox.delivered(&by(&["webhook", "shop"]), &events([1]));
        outbox.delivered(&by(&["shop", "webhook"]), &events([2, 3]));
        outbox.dead_lettered(&by(&["webhook", "shop"]), EventId(2), "no");

        let alone = by(&["shop"]);
        assert!(outbox.is_last(&alone, outbox.get(EventId(2)).unwrap()));
        outbox.delivered(&alone, &events([2]));
        assert_kept(&outbox);
        assert_eq!((outbox.len(), outbox.dead_of(sink("webhook")).count()), (3, 0));
        assert_eq!(waiting(&outbox, "webhook").0, [1, 3, 4], "forgotten with another's record");

        outbox.delivered(&by(&["audit", "shop"]), &events([3, 4]));
        assert_eq!(waiting(&outbox, "shop").0, [1, 4], "its place is what it was");
        assert_eq!(waiting(&outbox, "audit").0, [1], "the third had left for all");
        assert_kept(&outbox);
    }

    #[test]
    fn the_dead_are_known_through_every_change_and_after_a_snapshot() {
        let mut outbox = filled(1..=4);
        let only = by(&["log"]);
        let ids = |outbox: &Outbox| outbox.dead_of(only.sink).map(|id| id.0).collect::<Vec<_>>();
        for event in [1, 2, 3, 9] {
            outbox.dead_lettered(&only, EventId(event), "no");
        }
        assert_eq!(ids(&outbox), [1, 2, 3], "an event that is not there cannot die");
        outbox.requeued(only.sink, &events([1]));
        outbox.delivered(&only, &events([2, 4]));
        assert_eq!(ids(&outbox), [3]);
        assert_kept(&outbox);
    }

    #[test]
    fn bytes_that_no_outbox_has_are_refused() {
        let mut sound = filled(1..=2);
        sound.delivered(&by(&["a", "b"]), &events([1]));
        sound.dead_lettered(&by(&["b", "a"]), EventId(1), "no");
        assert_kept(&sound);
        let written = |change: fn(&mut Outbox)| {
            let (mut outbox, mut bytes) = (sound.clone(), Vec::new());
            change(&mut outbox);
            outbox.write(&mut bytes);
            bytes
        };
        let refused = |change| Outbox::read(&mut written(change).as_slice()).unwrap_err().0;

        assert_eq!(refused(|outbox| outbox.sinks.reverse()), "sinks out of their order");
        let twice = |outbox: &mut Outbox| outbox.sinks[1].sink = outbox.sinks[0].sink;
        assert_eq!(refused(twice), "sinks out of their order");
        let many = |outbox: &mut Outbox| {
            let more = ["c", "d", "e", "f", "g", "h", "i"].map(|name| SinkState::new(sink(name)));
            outbox.sinks.extend(more);
        };
        assert_eq!(refused(many), "too many sinks");
        assert_eq!(refused(|outbox| outbox.last = 1), "order events out of their order");
        let strange = |outbox: &mut Outbox| {
            outbox.pending.get_mut(&EventId(2)).unwrap().taken = bit(2);
        };
        assert_eq!(refused(strange), "an event taken by no sink");
        let unknown =
            |outbox: &mut Outbox| outbox.sinks[1].refuse(EventId(9), HoldId(9), "".into());
        assert_eq!(refused(unknown), "a dead letter of no event");
        let both = |outbox: &mut Outbox| outbox.sinks[0].refuse(EventId(1), HoldId(1), "".into());
        assert_eq!(refused(both), "a dead letter of no event");

        let bytes = written(|_| {});
        for end in 0..bytes.len() {
            assert!(Outbox::read(&mut &bytes[..end]).is_err(), "cut after {end} bytes");
        }
    }
}
