//! A purchase's way to the scribe: what it was let through with, and that its key is being asked.
//!
//! Owns the keys of purchases, the answered and those on their way. A repeat of either goes to the
//! scribe even when nothing is left to buy, for its first asking may have got the last unit. A key
//! is on its way until its answer is published, so that no moment lies between the two.

use std::sync::Arc;

use dashmap::Entry;

use crate::{
    id::OfferIndex,
    keyed::{self, SharedMap},
    record::ReplayKey,
    stock::{Permit, SoldOut, Stock},
};

/// A key's request made a hold; the bits below count its requests on their way.
const ANSWERED: u32 = 1 << 31;

/// Keys of one sale's purchases. As many as holds were made and requests wait, so bounded by both.
///
/// Keys are known by half of themselves: two that share it cost a repeat's hop to the scribe, which
/// knows them apart.
#[derive(Debug)]
pub(crate) struct Purchases {
    keys: SharedMap<u64, u32>,
}

impl Purchases {
    /// The keys that a recovered sale has answered.
    pub(crate) fn answered(keys: impl Iterator<Item = u128>) -> Self {
        let purchases = Self { keys: keyed::shared_map() };
        keys.for_each(|key| purchases.set_answered(key));
        purchases
    }

    /// A hold was made with `key`, without an admission. Only the scribe calls this, after the sync.
    pub(crate) fn set_answered(&self, key: u128) {
        *self.keys.entry(keyed::hash(key)).or_default() |= ANSWERED;
    }

    /// Whether a key was answered or is being asked.
    pub(crate) fn knows(&self, key: u128) -> bool {
        self.keys.contains_key(&keyed::hash(key))
    }

    /// Counts a request.
    fn ask(self: &Arc<Self>, key: u128) -> Asking {
        let key = keyed::hash(key);
        *self.keys.entry(key).or_default() += 1;
        Asking { purchases: Arc::clone(self), key, outcome: 0 }
    }
}

/// One request on its way; dropped, it no longer counts.
#[derive(Debug)]
struct Asking {
    purchases: Arc<Purchases>,
    key: u64,
    /// What it leaves behind: [`ANSWERED`], or nothing.
    outcome: u32,
}

impl Asking {
    /// Whether the key was answered, or another request asks with it.
    fn is_repeat(&self) -> bool {
        self.purchases.keys.get(&self.key).is_some_and(|requests| *requests != 1)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Entry::Occupied(mut requests) = self.purchases.keys.entry(self.key) {
            *requests.get_mut() -= 1;
            *requests.get_mut() |= self.outcome;
            if *requests.get() == 0 {
                requests.remove();
            }
        }
    }
}

/// What a purchase was let through with. Dropped, it gives its units back.
#[must_use = "dropping an admission returns its units"]
#[derive(Debug)]
pub struct PurchaseAdmission {
    /// `None` for a repeat that found nothing left to take.
    permit: Option<Permit>,
    asking: Asking,
}

impl PurchaseAdmission {
    pub(crate) fn new(
        purchases: &Arc<Purchases>,
        stock: &Arc<Stock>,
        items: &[(OfferIndex, u32)],
        replay: ReplayKey,
    ) -> Result<Self, SoldOut> {
        // Sold out is the common answer of a flash sale: it changes nothing that is shared.
        if let Some(sold_out) = stock.sold_out(items).filter(|_| !purchases.knows(replay.key)) {
            return Err(sold_out);
        }
        let asking = purchases.ask(replay.key);
        match stock.take(items) {
            Ok(permit) => Ok(Self { permit: Some(permit), asking }),
            // Asked after the stock, never before: who got the last unit with this key asked first.
            Err(_) if asking.is_repeat() => Ok(Self { permit: None, asking }),
            Err(sold_out) => Err(sold_out),
        }
    }

    /// Whether it was let through by the view that these keys are of.
    pub(crate) fn is_of(&self, purchases: &Purchases) -> bool {
        std::ptr::eq(&raw const *self.asking.purchases, purchases)
    }

    /// A hold was made and published: its units are used up, and its key counts as answered. Answers
    /// whether there was a permit for them.
    pub(crate) fn spend(mut self) -> bool {
        self.asking.outcome = ANSWERED;
        self.permit.map(Permit::spend).is_some()
    }
}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use super::*;
    use crate::stock::Counts;

    const LAST: [(OfferIndex, u32); 1] = [(OfferIndex(0), 1)];

    /// The race for the last unit between requests of one key, in the order that once went wrong.
    #[test]
    fn who_asked_first_and_took_nothing_is_a_repeat_of_who_took() {
        let purchases = Arc::new(Purchases::answered([].into_iter()));
        let stock = Arc::new(Stock::new(&[Counts { available: 1, ..Counts::default() }]));
        let replay = ReplayKey { key: 9, body: 9 };
        let admission =
            |key| PurchaseAdmission::new(&purchases, &stock, &LAST, ReplayKey { key, ..replay });
        let first = purchases.ask(replay.key);
        let second = admission(replay.key).expect("a unit is left");
        assert!(first.is_repeat());
        assert!(admission(8).is_err(), "another key has nothing to repeat");
        assert!(admission(replay.key).is_ok_and(|third| third.permit.is_none()));
        assert!(second.spend());
        assert!(first.is_repeat());
        drop(first);
        assert!(admission(replay.key).is_ok_and(|again| again.permit.is_none()));
    }

    #[test]
    fn an_admission_that_made_nothing_leaves_nothing() {
        let purchases = Arc::new(Purchases::answered([].into_iter()));
        let stock = Arc::new(Stock::new(&[Counts { available: 1, ..Counts::default() }]));
        let replay = ReplayKey { key: 9, body: 9 };
        drop(PurchaseAdmission::new(&purchases, &stock, &LAST, replay).expect("a unit is left"));
        assert_eq!(stock.permits(OfferIndex(0)), 1);
        assert!(purchases.keys.is_empty());
    }
}
