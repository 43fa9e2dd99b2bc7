//! How many streams one ticket has: the newest few.
//!
//! Owns the slots of open streams by place. One more stream ends the oldest, since a page that
//! reconnects comes back before the server knows that its old connection is dead. A stream that was
//! ended may take a while to go when its peer reads nothing; a ticket that leaves as many of those
//! behind as it may have is refused, so no ticket ever has more than twice its number.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use engine::{
    id::{Epoch, Number, SaleTag},
    sale::TicketRef,
};

use super::slot::{Due, Slot};

/// A place, whichever of its tickets is shown.
type Place = (SaleTag, Epoch, Number);

/// The streams of each ticket. Bounded by the room for streams as a whole.
#[derive(Debug)]
pub(super) struct Tickets {
    most: usize,
    open: Mutex<HashMap<Place, VecDeque<Arc<Slot>>>>,
}

impl Tickets {
    /// At most so many for each.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), open: Mutex::default() }
    }

    /// Counts a stream in and ends the oldest, if this is one more; `None` while those that were
    /// ended are still there.
    pub(super) fn join(
        self: &Arc<Self>,
        sale: SaleTag,
        ticket: TicketRef,
        slot: &Arc<Slot>,
    ) -> Option<Membership> {
        let place = (sale, ticket.epoch, ticket.number);
        let mut open = self.open();
        let slots = open.entry(place).or_default();
        if slots.len() >= self.most * 2 {
            return None;
        }
        slots.push_back(Arc::clone(slot));
        let over = slots.len().saturating_sub(self.most);
        slots.iter().take(over).for_each(|oldest| oldest.put(Due::Replaced));
        drop(open);
        Some(Membership { tickets: Arc::clone(self), place, slot: Arc::clone(slot) })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Place, VecDeque<Arc<Slot>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream, counted until the drop.
#[derive(Debug)]
pub(super) struct Membership {
    tickets: Arc<Tickets>,
    place: Place,
    slot: Arc<Slot>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut open = self.tickets.open();
        let Some(slots) = open.get_mut(&self.place) else { return };
        slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
        if slots.is_empty() {
            open.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use engine::id::ShopperKey;

    use super::*;

    fn ticket(number: u64) -> TicketRef {
        TicketRef { epoch: Epoch(1), number: Number(number), shopper: ShopperKey(1) }
    }

    #[test]
    fn the_newest_stay_and_a_ticket_never_has_more_than_twice_its_number() {
        let tickets = Arc::new(Tickets::new(2));
        let join = |number| {
            let slot = Slot::new();
            tickets.join(SaleTag(1), ticket(number), &slot).map(|member| (slot, member))
        };
        let replaced = |slot: &Slot| slot.take(Waker::noop()) == Some(Due::Replaced);
        let [one, two] = [join(7).unwrap(), join(7).unwrap()];
        assert!(!replaced(&one.0) && !replaced(&two.0));
        let other = join(8).unwrap();
        let three = join(7).unwrap();
        assert!(replaced(&one.0) && !replaced(&two.0) && !replaced(&three.0));
        let four = join(7).unwrap();
        assert!(replaced(&two.0) && !replaced(&three.0) && !replaced(&four.0));
        assert!(join(7).is_none(), "those that were ended are still there");
        drop(one);
        let five = join(7).unwrap();
        assert!(replaced(&three.0) && !replaced(&other.0));
        drop((two, three, four, five, other));
        assert!(tickets.open().is_empty(), "a ticket without a stream leaves nothing behind");
    }
}
