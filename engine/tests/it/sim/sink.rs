//! One of the order pipeline's far ends: takes events, sometimes late, sometimes not at all.
//!
//! Takes an event first and says so afterwards, so that a crash between the two brings the event
//! again. Behind an event it refused, later ones of the same hold are dropped until that one comes
//! again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::{
    command::{Command, Note},
    hold::HoldState,
    id::{EventId, HoldId, SaleName, SaleTag, SinkName},
    outbox::OrderEvent,
    outlet::{Offer, Offers},
};

use super::{chance::Chance, dues::Dues};
use crate::audit::Audit;

#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) name: SinkName,
    /// What it must be shown; `None` while it is not configured.
    dues: Option<Dues>,
    /// What it was shown since it was put in.
    shown: BTreeSet<(SaleTag, EventId)>,
    /// What each hold was last told to be since then, by which event.
    orders: BTreeMap<(SaleName, HoldId), (EventId, HoldState)>,
    /// Events refused and not seen again.
    refused: BTreeMap<(SaleName, HoldId), EventId>,
    /// Commands that say what was done, until they are answered.
    pub(crate) answers: VecDeque<Command>,
    pub(crate) stalled: bool,
    pub(crate) taken: u64,
    pub(crate) letters: u64,
    /// Times it was told that an event is to leave which all sinks have.
    pub(crate) leaves: u64,
}

impl Sink {
    /// A sink that is there from the beginning.
    pub(crate) fn new(name: SinkName) -> Self {
        Self {
            name,
            dues: Some(Dues::default()),
            shown: BTreeSet::new(),
            orders: BTreeMap::new(),
            refused: BTreeMap::new(),
            answers: VecDeque::new(),
            stalled: false,
            taken: 0,
            letters: 0,
            leaves: 0,
        }
    }

    /// Takes what has come; `refusals` in a thousand events are refused.
    pub(crate) fn take(&mut self, offers: &Offers, chance: &mut Chance, refusals: u64) {
        if self.stalled {
            return;
        }
        let mut done: BTreeMap<SaleTag, BTreeSet<EventId>> = BTreeMap::new();
        let by = &offers.by;
        assert_eq!(by.sink, self.name);
        while let Ok(offer) = offers.queue.try_recv() {
            let event = match offer {
                Offer::Show(event) => event,
                Offer::Leave(sale, event) => {
                    self.leaves += 1;
                    done.entry(sale).or_default().insert(event);
                    continue;
                }
                Offer::StartOver(sale) => {
                    self.refused.retain(|(refused_of, _), _| refused_of.tag() != sale);
                    continue;
                }
            };
            let order = (event.sale.clone(), event.hold.id);
            if self.refused.get(&order).is_some_and(|refused| *refused != event.id) {
                continue;
            }
            self.refused.remove(&order);
            // What was taken once is taken again: to refuse a copy would keep back what follows.
            let repeat = self.orders.get(&order).is_some_and(|(last, _)| event.id <= *last);
            if !repeat && chance.hits(refusals) {
                self.refused.insert(order, event.id);
                self.letters += 1;
                let why = "not today".to_owned();
                let sale = event.sale.tag();
                let note = Note::DeadLetter { by: by.clone(), event: event.id, why };
                self.answers.push_back(Command::Note(sale, note));
                continue;
            }
            self.receive(order, &event);
            done.entry(event.sale.tag()).or_default().insert(event.id);
        }
        for (sale, events) in done {
            let events = events.into_iter().collect();
            let note = Note::Delivered { by: by.clone(), events };
            self.answers.push_back(Command::Note(sale, note));
        }
    }

    /// An event: a repeat, or the very next of its hold's story.
    fn receive(&mut self, order: (SaleName, HoldId), event: &OrderEvent) {
        let (state, sale) = (event.hold.state, event.sale.tag());
        let is_new = self.shown.insert((sale, event.id));
        match self.orders.get(&order) {
            Some((last, _)) if event.id <= *last => {
                assert!(!is_new, "{order:?} is told {:?} after {last:?}", event.id);
                return;
            }
            Some((_, was)) => {
                let next = matches!(
                    (was, state),
                    (HoldState::Held, HoldState::Paying | HoldState::Expired)
                        | (
                            HoldState::Held | HoldState::Paying,
                            HoldState::Confirmed | HoldState::Released
                        )
                        | (HoldState::Confirmed, HoldState::Refunded)
                );
                assert!(
                    next,
                    "{order:?} was {was:?} and is told {state:?}: out of order, or a gap"
                );
            }
            None => {
                let is_whole = state == HoldState::Held || self.may_begin_late(sale, order.1);
                assert!(is_whole, "{order:?} begins with a gap");
            }
        }
        self.orders.insert(order, (event.id, state));
        self.taken += 1;
    }

    fn may_begin_late(&self, sale: SaleTag, hold: HoldId) -> bool {
        self.dues.as_ref().is_some_and(|dues| dues.may_begin_late(sale, hold))
    }

    /// The configuration names it from now on. What it knew of before is another story.
    pub(crate) fn put_in(&mut self, audit: &Audit) {
        self.dues = Some(Dues::from_now(audit, self.name));
        self.shown.clear();
        self.orders.clear();
    }

    /// The configuration names it no more, and events leave without it.
    pub(crate) fn take_out(&mut self, audit: &Audit) {
        self.check(audit);
        self.dues = None;
    }

    /// It was shown whatever it had to be.
    pub(crate) fn check(&self, audit: &Audit) {
        if let Some(dues) = &self.dues {
            dues.check(audit, self.name, &self.shown);
        }
    }

    /// The node is a new one: what it was not told, it will tell again.
    pub(crate) fn restart(&mut self) {
        self.refused.clear();
        self.answers.clear();
    }

    /// It knows how a hold ended, if that happened since it was put in.
    pub(crate) fn check_order(&self, sale: &SaleName, hold: HoldId, ended: HoldState) {
        let told = self.orders.get(&(sale.clone(), hold)).map(|(_, state)| *state);
        let is_before = told.is_none() && self.may_begin_late(sale.tag(), hold);
        let name = self.name;
        assert!(is_before || told == Some(ended), "{name} knows how {hold:?} ended: {told:?}");
    }
}
