//! An auditor of records: reads the decided facts one by one, knows nothing of how they were
//! decided, and checks what must be true of any history.
//!
//! A second, plain reading of the journal: vectors and sums, no index and no shortcut. What it holds
//! at the end is compared with the world that the engine built from the same records.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    clock::Millis,
    disk::Disk,
    hold::{HoldItem, HoldItems, HoldState, Step},
    id::{EventId, HoldId, Number, SaleTag, ShopperKey, SinkName},
    journal::{self, Extent},
    limits::{GATE_BURST_MS, GATE_WALK_PLACES_MAX, REPLAY_TTL_MS},
    line::PlaceState,
    outbox::SinkSet,
    record::{Change, Departure, Record, SessionEnd},
    recovery,
    spec::SaleSpec,
    world::World,
};

/// All sales of a journal, as the facts tell them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit {
    sales: BTreeMap<SaleTag, Account>,
    /// Events told by sales that are gone, by their names.
    told: BTreeMap<SaleTag, u64>,
    facts: u64,
    /// When the last fact was decided.
    last_at: Millis,
}

/// What a sale has made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    /// Order events, those of earlier sales of the name included.
    pub(crate) events: u64,
    /// Holds; none once it is deleted.
    pub(crate) holds: u64,
}

/// One sale's facts.
#[derive(Clone, Debug)]
struct Account {
    spec: SaleSpec,
    places: Vec<(ShopperKey, PlaceState)>,
    watermark: u64,
    holds: Vec<(ShopperKey, HoldItems, HoldState)>,
    /// When each hold that came to nothing did so.
    ended: BTreeMap<HoldId, Millis>,
    /// Per offer: available, held, paying, sold.
    counts: Vec<[u64; 4]>,
    /// Calls and how many of them each was.
    calls: Vec<(Millis, u64)>,
    /// Admission rates in thousandths a second, each from a time on.
    rates: Vec<(Millis, u64)>,
    /// Events that the sinks were or are to be told, those of earlier sales of the name included.
    told: u64,
    /// And which sinks have taken each.
    undelivered: BTreeMap<EventId, BTreeSet<SinkName>>,
    archived: bool,
}

impl Audit {
    /// Reads one fact.
    pub(crate) fn read(&mut self, record: &Record, at: Millis) {
        self.facts += 1;
        assert!(at >= self.last_at, "time never runs back");
        self.last_at = at;
        match record {
            Record::Created { spec, .. } => {
                let units = spec.offers.iter().map(|offer| [offer.total, 0, 0, 0]).collect();
                let rates = vec![(at, spec.admission_milli_per_second)];
                let tag = spec.name.tag();
                let account = Account {
                    spec: (**spec).clone(),
                    places: Vec::new(),
                    watermark: 0,
                    holds: Vec::new(),
                    ended: BTreeMap::new(),
                    counts: units,
                    calls: Vec::new(),
                    rates,
                    told: self.told.remove(&tag).unwrap_or(0),
                    undelivered: BTreeMap::new(),
                    archived: false,
                };
                assert!(self.sales.insert(tag, account).is_none());
            }
            Record::Changed { sale, change, .. } if **change == Change::Delete => {
                let gone = self.sales.remove(sale).expect("a known sale");
                gone.check_rate();
                assert!(gone.undelivered.is_empty(), "no order goes with its sale");
                let is_needed = |(_, _, state): &(_, _, HoldState)| pile(*state) > 0;
                assert!(!gone.holds.iter().any(is_needed), "nor anything that was bought");
                self.told.insert(*sale, gone.told);
            }
            Record::Changed { sale, .. }
            | Record::Entered { sale, .. }
            | Record::Departed { sale, .. }
            | Record::Called { sale, .. }
            | Record::Claimed { sale, .. }
            | Record::SessionEnded { sale, .. }
            | Record::Held { sale, .. }
            | Record::Settled { sale, .. }
            | Record::Delivered { sale, .. }
            | Record::DeadLettered { sale, .. }
            | Record::Requeued { sale, .. } => {
                let account = self.sales.get_mut(sale).expect("a known sale");
                account.read(record, at);
                account.check();
            }
            Record::EntryAnswered { .. }
            | Record::EntryNoted { .. }
            | Record::Followed { .. }
            | Record::Joined { .. }
            | Record::Parted { .. }
            | Record::Met { .. }
            | Record::ClockSet { .. }
            | Record::Resumed { .. }
            | Record::SetAside { .. }
            | Record::Rebuilt { .. }
            | Record::Adopted { .. }
            | Record::StepAnswered { .. } => {}
        }
    }

    /// The history so far is what the world was made of, and kept the pace.
    pub(crate) fn check_against(&self, world: &World) {
        assert_eq!(self.sales.len(), world.live_sales() + world.archived_sales());
        let undelivered: usize = self.sales.values().map(|sale| sale.undelivered.len()).sum();
        assert_eq!(world.undelivered(), undelivered, "events that wait");
        for (tag, account) in &self.sales {
            assert_eq!(world.is_archived(*tag), account.archived, "archived sales");
            let archived = world.archived_sale(*tag);
            let sale = world.sale(*tag).or(archived.as_ref()).expect("a known sale");
            account.check_rate();
            let states: Vec<_> = account.places.iter().map(|(_, state)| *state).collect();
            assert_eq!(sale.places().collect::<Vec<_>>(), states, "places");
            let shoppers = (1..).map_while(|number| sale.shopper(Number(number)));
            assert!(shoppers.eq(account.places.iter().map(|(shopper, _)| *shopper)), "owners");
            assert_eq!(sale.gate().watermark().0, account.watermark);
            for ((shopper, items, state), id) in account.holds.iter().zip(1..) {
                let kept = sale.hold(HoldId(id)).map(|h| (h.shopper, &h.items, h.state));
                if kept.is_none() {
                    let ended = account.ended.get(&HoldId(id)).expect("it came to nothing");
                    assert!(self.last_at.since(*ended) >= REPLAY_TTL_MS, "forgotten too early");
                } else {
                    assert_eq!(kept, Some((*shopper, items, *state)), "hold {id}");
                }
            }
            assert!(sale.holds().all(|hold| hold.id.0 <= account.holds.len() as u64));
            let units = sale.counts().iter().map(|c| [c.available, c.held, c.paying, c.sold]);
            assert_eq!(units.collect::<Vec<_>>(), account.counts, "units");
            assert_eq!(sale.active_sessions(), account.active());
            let waiting = account.places.iter().filter(|(_, s)| *s == PlaceState::Waiting);
            assert_eq!(sale.line_length(), waiting.count() as u64);
        }
    }

    /// What each sale has made, by name.
    pub(crate) fn made(&self) -> impl Iterator<Item = (SaleTag, Made)> {
        let live = self.sales.iter().map(|(tag, account)| {
            (*tag, Made { events: account.told, holds: account.holds.len() as u64 })
        });
        let gone = self.told.iter().map(|(tag, events)| (*tag, Made { events: *events, holds: 0 }));
        live.chain(gone)
    }

    /// Events that a sink has not taken.
    pub(crate) fn waiting(&self, sink: SinkName) -> impl Iterator<Item = (SaleTag, EventId)> {
        self.sales.iter().flat_map(move |(tag, account)| {
            let waits = account.undelivered.iter().filter(move |(_, taken)| !taken.contains(&sink));
            waits.map(|(event, _)| (*tag, *event))
        })
    }

    /// Facts read.
    pub(crate) fn facts(&self) -> u64 {
        self.facts
    }
}

impl Account {
    fn read(&mut self, record: &Record, at: Millis) {
        match record {
            Record::Entered { number, shopper, .. } => {
                assert_eq!(number.0, self.places.len() as u64 + 1, "no number twice, none skipped");
                let mine = |(owner, state): &&(_, _)| owner == shopper && lives(*state);
                assert_eq!(self.places.iter().filter(mine).count(), 0, "one live place each");
                self.places.push((*shopper, PlaceState::Waiting));
            }
            Record::Departed { reason, numbers, .. } => {
                let state = match reason {
                    Departure::Left => PlaceState::Left,
                    Departure::Idle => PlaceState::Idle,
                    Departure::Rejoined => PlaceState::Revoked,
                };
                for number in numbers {
                    self.go(*number, &[PlaceState::Waiting], state);
                }
            }
            Record::Called { watermark, .. } => self.call(watermark.0, at),
            Record::Claimed { number, .. } => {
                self.go(*number, &[PlaceState::Called], PlaceState::Admitted);
            }
            Record::SessionEnded { number, reason, .. } => self.end(*number, *reason),
            Record::Held { hold, number, shopper, items, .. } => {
                assert_eq!(hold.0, self.holds.len() as u64 + 1, "holds are dense");
                let (owner, state) = self.places[slot(*number)];
                assert_eq!(owner, *shopper, "bought from an own place");
                assert!(matches!(state, PlaceState::Admitted | PlaceState::Completed));
                self.holds.push((*shopper, items.clone(), HoldState::Held));
                for item in items {
                    self.shift(item, 0, 1);
                }
                let limit = u64::from(self.spec.per_shopper_max);
                assert!(self.taken(*shopper) <= limit, "the limit per shopper");
                self.tell();
            }
            Record::Settled { hold, step, .. } => {
                self.settle(*hold, *step, at);
                self.tell();
            }
            Record::Delivered { by, events, .. } => {
                for event in events {
                    self.take(by, *event);
                }
                self.forget_unnamed(by);
            }
            Record::DeadLettered { by, event, .. } => {
                assert!(!self.undelivered[event].contains(&by.sink), "what was not taken");
                self.forget_unnamed(by);
            }
            Record::Requeued { events, .. } => {
                assert!(events.iter().all(|event| self.undelivered.contains_key(event)));
            }
            Record::Changed { change, .. } => self.change(change, at),
            Record::Created { .. }
            | Record::EntryAnswered { .. }
            | Record::EntryNoted { .. }
            | Record::Followed { .. }
            | Record::Joined { .. }
            | Record::Parted { .. }
            | Record::Met { .. }
            | Record::ClockSet { .. }
            | Record::Resumed { .. }
            | Record::SetAside { .. }
            | Record::Rebuilt { .. }
            | Record::Adopted { .. }
            | Record::StepAnswered { .. } => unreachable!("not passed on"),
        }
    }

    /// A sink took an event, which leaves if all others have it.
    fn take(&mut self, by: &SinkSet, event: EventId) {
        let taken = self.undelivered.get_mut(&event).expect("delivered is what waits");
        let is_news = taken.insert(by.sink);
        let has_all = by.others.iter().all(|other| taken.contains(other));
        assert!(is_news || has_all, "delivered once, or again for it to leave");
        if has_all {
            self.undelivered.remove(&event);
        }
    }

    /// A sink that the last record of one did not name is forgotten.
    fn forget_unnamed(&mut self, by: &SinkSet) {
        let is_named = |sink: &SinkName| by.all().any(|named| named == *sink);
        self.undelivered.values_mut().for_each(|taken| taken.retain(is_named));
    }

    /// One more event for the sinks.
    fn tell(&mut self) {
        self.told += 1;
        self.undelivered.insert(EventId(self.told), BTreeSet::new());
    }

    fn call(&mut self, watermark: u64, at: Millis) {
        assert!(watermark > self.watermark && watermark <= self.places.len() as u64);
        let mut count = 0;
        let passed = watermark - self.watermark;
        for number in self.watermark + 1..=watermark {
            let place = &mut self.places[slot(Number(number))];
            if place.1 == PlaceState::Waiting {
                place.1 = PlaceState::Called;
                count += 1;
            }
        }
        let behind = &self.places[..slot(Number(watermark))];
        assert!(behind.iter().all(|(_, state)| *state != PlaceState::Waiting), "nobody is passed");
        self.watermark = watermark;
        self.calls.push((at, count));
        assert!(self.active() <= u64::from(self.spec.active_max), "active sessions ≤ cap");
        assert!(passed <= GATE_WALK_PLACES_MAX, "a call looks at a bounded part of the line");
        assert!(count > 0 || passed == GATE_WALK_PLACES_MAX, "or it calls somebody");
    }

    fn end(&mut self, number: Number, reason: SessionEnd) {
        use PlaceState::{Admitted, Called, Completed};
        let (from, to): (&[_], _) = match reason {
            SessionEnd::Unclaimed => (&[Called], PlaceState::Unclaimed),
            SessionEnd::Expired => (&[Admitted, Completed], PlaceState::Over),
            SessionEnd::Ended => (&[Called, Admitted, Completed], PlaceState::Over),
            SessionEnd::Left => (&[Called, Admitted, Completed], PlaceState::Left),
            SessionEnd::Completed => (&[Admitted], Completed),
        };
        self.go(number, from, to);
    }

    fn settle(&mut self, hold: HoldId, step: Step, at: Millis) {
        let index = usize::try_from(hold.0 - 1).expect("fits");
        let (_, items, was) = self.holds[index].clone();
        let to = step.target();
        let legal = matches!(
            (was, to),
            (HoldState::Held, HoldState::Paying | HoldState::Expired)
                | (HoldState::Held | HoldState::Paying, HoldState::Confirmed | HoldState::Released)
                | (HoldState::Confirmed, HoldState::Refunded)
        );
        assert!(legal, "{was:?} became {to:?}");
        let kept = to == HoldState::Refunded && !self.spec.refund_restocks;
        if !kept {
            for item in &items {
                self.shift(item, pile(was), pile(to));
            }
        }
        self.holds[index].2 = to;
        if matches!(to, HoldState::Released | HoldState::Expired) {
            self.ended.insert(hold, at);
        }
    }

    fn change(&mut self, change: &Change, at: Millis) {
        match change {
            Change::Update { patch } => {
                if let Some(rate) = patch.admission_milli_per_second {
                    self.rates.push((at, rate));
                }
                patch.apply(&mut self.spec);
            }
            Change::Rate { admission_milli_per_second } => {
                self.rates.push((at, *admission_milli_per_second));
                self.spec.admission_milli_per_second = *admission_milli_per_second;
            }
            Change::Restock { offer, units } => {
                let available = &mut self.counts[usize::from(offer.0)][0];
                *available = available.checked_add_signed(*units).expect("units that are there");
                let total = &mut self.spec.offers[usize::from(offer.0)].total;
                *total = total.checked_add_signed(*units).expect("a total");
            }
            Change::Archive { .. } => {
                self.check_rate();
                let is_open = |(_, _, state): &(_, _, HoldState)| matches!(pile(*state), 1 | 2);
                assert!(!self.holds.iter().any(is_open), "nothing is cut off");
                (self.places, self.calls, self.watermark) = (Vec::new(), Vec::new(), 0);
                self.archived = true;
            }
            Change::Pause
            | Change::Resume
            | Change::Drain
            | Change::Open
            | Change::Close
            | Change::Message { .. }
            | Change::Unstrand { .. }
            | Change::Returned { .. }
            | Change::Delete => {}
        }
    }

    /// Units on the counts add up, whatever happened.
    fn check(&self) {
        for (units, offer) in self.counts.iter().zip(&self.spec.offers) {
            assert_eq!(units.iter().sum::<u64>(), offer.total, "every unit is somewhere");
        }
    }

    /// Calls in any window stay within the pace of the window and the largest burst.
    fn check_rate(&self) {
        let most = self.rates.iter().map(|(_, rate)| *rate).max().unwrap_or(0);
        let burst = (most * GATE_BURST_MS).max(1_000_000);
        let filled: Vec<u64> = self.calls.iter().map(|(at, _)| self.filled(*at)).collect();
        for first in 0..self.calls.len() {
            let mut called = 0;
            for last in first..self.calls.len() {
                called += self.calls[last].1 * 1_000_000;
                assert!(called <= filled[last] - filled[first] + burst, "the pace was kept");
            }
        }
    }

    /// Millionths of an admission that the rates allowed from the beginning to `at`.
    fn filled(&self, at: Millis) -> u64 {
        let ends = self.rates.iter().skip(1).map(|(from, _)| *from).chain([Millis(u64::MAX)]);
        let spans = self.rates.iter().zip(ends);
        spans.map(|((from, rate), end)| rate * at.min(end).since(*from)).sum()
    }

    fn go(&mut self, number: Number, from: &[PlaceState], to: PlaceState) {
        let place = &mut self.places[slot(number)];
        assert!(from.contains(&place.1), "{number:?}: {:?} became {to:?}", place.1);
        place.1 = to;
    }

    fn shift(&mut self, item: &HoldItem, from: usize, to: usize) {
        let piles = &mut self.counts[usize::from(item.offer.0)];
        let units = u64::from(item.quantity);
        piles[from] = piles[from].checked_sub(units).expect("no unit is sold twice");
        piles[to] += units;
    }

    fn taken(&self, shopper: ShopperKey) -> u64 {
        let counts = |state| pile(state) > 0;
        let mine =
            self.holds.iter().filter(|(owner, _, state)| *owner == shopper && counts(*state));
        mine.flat_map(|(_, items, _)| items).map(|item| u64::from(item.quantity)).sum()
    }

    fn active(&self) -> u64 {
        let active =
            |(_, state): &&(_, _)| matches!(state, PlaceState::Called | PlaceState::Admitted);
        self.places.iter().filter(active).count() as u64
    }
}

fn lives(state: PlaceState) -> bool {
    use PlaceState::{Admitted, Called, Completed, Waiting};
    matches!(state, Waiting | Called | Admitted | Completed)
}

/// Which of a counts's piles the units of a hold lie on.
fn pile(state: HoldState) -> usize {
    match state {
        HoldState::Held => 1,
        HoldState::Paying => 2,
        HoldState::Confirmed => 3,
        HoldState::Released | HoldState::Expired | HoldState::Refunded => 0,
    }
}

fn slot(number: Number) -> usize {
    usize::try_from(number.0 - 1).expect("fits")
}

/// Audits all of a disk's journal, and replays it from its first record.
pub(crate) fn of_journal(disk: &dyn Disk) -> (Audit, World) {
    let (mut audit, mut world) = (Audit::default(), World::default());
    journal::read_all(disk, None, Extent::Everything, &mut |batch| {
        recovery::each_record(&batch, |record, at| {
            audit.read(record, at);
            world.apply(record, at);
        })
    })
    .expect("a sound journal");
    (audit, world)
}
