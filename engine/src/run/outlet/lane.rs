//! What goes to one sink: its channel, and how far it came in each sale.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use crossbeam::channel::Sender;

use super::offers::Offer;
use crate::{
    id::{EventId, SaleTag},
    limits::{OUTLET_LOOK_EVENTS_MAX, OUTLET_LOOK_SALES_MAX, OUTLET_TURN_EVENTS_MAX},
    outbox::{Pending, SinkSet},
    sale::Sale,
    world::World,
};

/// The scribe's side of one sink.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) by: SinkSet,
    /// Whether this sink acknowledges once more what all sinks have, so that it leaves.
    is_first: bool,
    offers: Sender<Offer>,
    /// The last event that was handed out, for each sale that has one.
    last: BTreeMap<SaleTag, EventId>,
    /// Sales that may have more to hand out.
    pub(super) waiting: BTreeSet<SaleTag>,
    /// Sales that may have more to hand out, and that another node delivers.
    elsewhere: BTreeSet<SaleTag>,
    /// Which of those was looked at last; `None` before the first of a round.
    looked_at: Option<SaleTag>,
    /// Whose turn was last.
    served: SaleTag,
}

/// What a sale's turn came to.
enum Turn {
    /// Nothing more is to be handed out.
    Done,
    /// There is more for its next turn.
    Over,
    /// The receiver of events is gone.
    Refused,
}

impl Lane {
    pub(super) fn new(by: SinkSet, is_first: bool, offers: Sender<Offer>) -> Self {
        let (last, waiting, elsewhere) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let (looked_at, served) = (None, SaleTag(u64::MAX));
        Self { by, is_first, offers, last, waiting, elsewhere, looked_at, served }
    }

    /// Sales may have more to hand out.
    pub(super) fn take_up(&mut self, sales: &BTreeSet<SaleTag>) {
        self.waiting.extend(sales);
    }

    /// A sale may have more to hand out.
    pub(super) fn note(&mut self, sale: SaleTag) {
        self.waiting.insert(sale);
    }

    /// Offers all of a sale again that the sink has not taken.
    pub(super) fn start_over(&mut self, sale: SaleTag) {
        self.forget(sale);
        self.waiting.insert(sale);
    }

    pub(super) fn go_back_to(&mut self, sale: SaleTag, event: EventId) {
        if let Some(last) = self.last.get_mut(&sale) {
            *last = EventId(event.0.saturating_sub(1)).min(*last);
        }
        self.waiting.insert(sale);
    }

    pub(super) fn forget(&mut self, sale: SaleTag) {
        self.last.remove(&sale);
        self.waiting.remove(&sale);
        self.elsewhere.remove(&sale);
    }

    /// Hands out what fits, sale by sale. Returns whether it stopped before that, having looked at as many
    /// events as it may after one batch.
    pub(super) fn hand_out(&mut self, world: &World, delivers: impl Fn(SaleTag) -> bool) -> bool {
        self.look_elsewhere(&delivers);
        let mut looks = OUTLET_LOOK_EVENTS_MAX;
        while !self.offers.is_full()
            && let Some(tag) = self.next()
        {
            let Some(left) = looks.checked_sub(1) else { return true };
            looks = left;
            if !delivers(tag) {
                self.waiting.remove(&tag);
                self.last.remove(&tag);
                self.elsewhere.insert(tag);
                continue;
            }
            self.served = tag;
            match world.sale(tag).map_or(Turn::Done, |sale| self.serve(sale, &mut looks)) {
                Turn::Done => drop(self.waiting.remove(&tag)),
                Turn::Over => {}
                Turn::Refused => return false,
            }
        }
        false
    }

    /// Looks at a few of the sales that another node delivers, in turn: whether this one does now.
    fn look_elsewhere(&mut self, delivers: impl Fn(SaleTag) -> bool) {
        let later = (self.looked_at.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let turn = self.elsewhere.range(later).copied().take(OUTLET_LOOK_SALES_MAX);
        let turn: Vec<SaleTag> = turn.collect();
        self.looked_at = turn.last().copied().filter(|_| turn.len() == OUTLET_LOOK_SALES_MAX);
        for tag in turn.into_iter().filter(|tag| delivers(*tag)) {
            self.elsewhere.remove(&tag);
            self.waiting.insert(tag);
        }
    }

    /// Whose turn it is.
    fn next(&self) -> Option<SaleTag> {
        let later = (Bound::Excluded(self.served), Bound::Unbounded);
        self.waiting.range(later).next().or_else(|| self.waiting.first()).copied()
    }

    /// A sale's turn, which uses up some of the `looks` that are left.
    fn serve(&mut self, sale: &Sale, looks: &mut usize) -> Turn {
        if sale.outbox().len() == 0 {
            return Turn::Done;
        }
        let known = self.last.get(&sale.tag()).copied();
        if known.is_none() && self.offers.try_send(Offer::StartOver(sale.tag())).is_err() {
            return Turn::Refused;
        }
        let (mut last, mut handed_out, mut turn) = (known.unwrap_or(EventId(0)), 0, Turn::Done);
        for (id, pending) in sale.outbox().after(last) {
            let Some(left) = looks.checked_sub(1) else {
                turn = Turn::Over;
                break;
            };
            *looks = left;
            if let Some(offer) = self.offer(sale, id, pending) {
                if handed_out == OUTLET_TURN_EVENTS_MAX || self.offers.is_full() {
                    turn = Turn::Over;
                    break;
                }
                if self.offers.try_send(offer).is_err() {
                    turn = Turn::Refused;
                    break;
                }
                handed_out += 1;
            }
            last = id;
        }
        self.last.insert(sale.tag(), last);
        turn
    }

    /// What an event means for this sink, if anything.
    fn offer(&self, sale: &Sale, id: EventId, pending: &Pending) -> Option<Offer> {
        let (outbox, sink) = (sale.outbox(), self.by.sink);
        if outbox.has_taken(sink, pending) {
            let leaves = self.is_first && outbox.is_last(&self.by, pending);
            return leaves.then(|| Offer::Leave(sale.tag(), id));
        }
        let stays_back = outbox.stays_back(sink, id, pending);
        (!stays_back).then(|| Offer::Show(sale.order_event(id, pending)))
    }
}
