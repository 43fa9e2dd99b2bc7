//! A purchase's way to the scribe: what it was let through with, and that its key is being asked.
//!
//! Owns the keys of purchases, the answered and those on their way. A repeat of either goes to the
//! scribe even when nothing is left to buy, for its first asking may have got the last unit. A key
//! is on its way until its answer is published, so that no moment lies between the two. It counts as
//! answered as long as the sale keeps the answer; [`AnsweredKeys`] has what is to be forgotten next.

use std::sync::Arc;

use dashmap::Entry;

use crate::{
    clock::Millis,
    id::OfferIndex,
    keyed::{self, SharedMap},
    limits::{ANSWERED_KEYS_FORGOTTEN_AT_ONCE, HOLD_REPLAYS_MAX, REPLAY_TTL_MS},
    record::ReplayKey,
    segmented::Segmented,
    stock::{Permit, SoldOut, Stock},
};

/// Keys of one sale's purchases: as many as answers are kept and requests wait, so bounded by both.
///
/// Keys are known by half of themselves: two that share it cost a repeat's hop to the scribe, which
/// knows them apart.
#[derive(Debug)]
pub(crate) struct Purchases {
    /// By key: its requests on their way, and its answers that are kept. A request that is answered
    /// becomes an answer without a touch; a touch costs more than anything else here.
    keys: SharedMap<u64, u32>,
}

impl Purchases {
    pub(crate) fn new() -> Self {
        Self { keys: SharedMap::new() }
    }

    /// Counts a request or an answer.
    fn add(&self, key: u64) {
        *self.keys.to_add().entry(key).or_default() += 1;
    }

    /// No longer counts a request or an answer.
    fn take_off(&self, key: u64) {
        let Some(keys) = self.keys.used() else { return };
        if let Entry::Occupied(mut count) = keys.entry(key) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    /// Whether a key was answered or is being asked.
    pub(crate) fn knows(&self, key: u128) -> bool {
        self.keys.used().is_some_and(|keys| keys.contains_key(&keyed::hash(key)))
    }

    /// Counts a request.
    fn ask(self: &Arc<Self>, key: u128) -> Asking {
        let key = keyed::hash(key);
        self.add(key);
        Asking { purchases: Arc::clone(self), key, is_answered: false }
    }
}

/// The scribe's list of the keys that count as answered in a sale's view. An answer past its time can
/// be found no more, so its key leaves the view; so does the oldest one where as many are known as a
/// sale keeps.
#[derive(Debug, Default)]
pub(crate) struct AnsweredKeys {
    /// In the order of their answers, as the view knows them.
    keys: Segmented<(Millis, u64)>,
}

impl AnsweredKeys {
    /// A hold was made with `key` that no admission here led to.
    pub(crate) fn add(&mut self, purchases: &Purchases, key: u128, at: Millis) {
        let key = keyed::hash(key);
        purchases.add(key);
        self.keys.push((at, key));
    }

    /// A hold was made with the key of `admission` and published: its units are used up. Answers whether
    /// there was a permit for them.
    pub(crate) fn spend(&mut self, admission: PurchaseAdmission, at: Millis) -> bool {
        self.keys.push((at, admission.asking.key));
        admission.spend()
    }

    /// Takes keys past their time out of the view, a bounded number at once.
    pub(crate) fn forget_old(&mut self, purchases: &Purchases, at: Millis) {
        for _ in 0..ANSWERED_KEYS_FORGOTTEN_AT_ONCE {
            let Some((answered_at, key)) = self.keys.front().copied() else { return };
            let is_due = at.since(answered_at) >= REPLAY_TTL_MS;
            if !is_due && self.keys.len() <= HOLD_REPLAYS_MAX {
                return;
            }
            self.keys.drop_front();
            purchases.take_off(key);
        }
    }
}

/// One request on its way; dropped, it no longer counts, unless it was answered.
#[derive(Debug)]
struct Asking {
    purchases: Arc<Purchases>,
    key: u64,
    /// Whether it made a hold, so that its key counts as answered.
    is_answered: bool,
}

impl Asking {
    /// Whether the key was answered, or another request asks with it.
    fn is_repeat(&self) -> bool {
        let keys = self.purchases.keys.used();
        keys.and_then(|keys| keys.get(&self.key)).is_some_and(|requests| *requests != 1)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_answered {
            self.purchases.take_off(self.key);
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

    /// A hold was made: the units are used up, and the key counts as answered in its own view. Answers
    /// whether there was a permit.
    pub(crate) fn spend(mut self) -> bool {
        self.asking.is_answered = true;
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
        let purchases = Arc::new(Purchases::new());
        let stock = Arc::new(Stock::new(&[Counts { available: 1, ..Counts::default() }]));
        let replay = ReplayKey { key: 9, body: 9 };
        let admission =
            |key| PurchaseAdmission::new(&purchases, &stock, &LAST, ReplayKey { key, ..replay });
        let first = purchases.ask(replay.key);
        let second = admission(replay.key).expect("a unit is left");
        assert!(first.is_repeat());
        assert!(admission(8).is_err(), "another key has nothing to repeat");
        assert!(admission(replay.key).is_ok_and(|third| third.permit.is_none()));
        let mut answered = AnsweredKeys::default();
        assert!(answered.spend(second, Millis(1)));
        assert!(first.is_repeat());
        drop(first);
        assert!(admission(replay.key).is_ok_and(|again| again.permit.is_none()));
    }

    #[test]
    fn an_admission_that_made_nothing_leaves_nothing() {
        let purchases = Arc::new(Purchases::new());
        let stock = Arc::new(Stock::new(&[Counts { available: 1, ..Counts::default() }]));
        let replay = ReplayKey { key: 9, body: 9 };
        drop(PurchaseAdmission::new(&purchases, &stock, &LAST, replay).expect("a unit is left"));
        assert_eq!(stock.permits(OfferIndex(0)), 1);
        assert!(purchases.keys.to_add().is_empty());
    }

    #[test]
    fn a_key_is_forgotten_a_day_after_its_last_answer_and_while_it_is_asked_never() {
        let day = Millis(REPLAY_TTL_MS);
        let (purchases, mut answered) = (Arc::new(Purchases::new()), AnsweredKeys::default());
        answered.add(&purchases, 1, Millis(1));
        answered.add(&purchases, 2, Millis(2));
        answered.add(&purchases, 1, Millis(3));
        answered.add(&purchases, 3, Millis(4));
        answered.forget_old(&purchases, day.after(2));
        assert_eq!([1, 2, 3].map(|key| purchases.knows(key)), [true, false, true]);
        let asking = purchases.ask(3);
        answered.forget_old(&purchases, day.after(4));
        assert_eq!([1, 2, 3].map(|key| purchases.knows(key)), [false, false, true]);
        drop(asking);
        assert!(purchases.keys.to_add().is_empty());
        assert_eq!(answered.keys.len(), 0);
    }
}
