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

    /// A hold was made with `key`, without an approach. Only the scribe calls this, after the sync.
    pub(crate) fn set_answered(&self, key: u128) {
        *self.keys.entry(keyed::hash(key)).or_default() |= ANSWERED;
    }

    /// Counts a request; answers whether its key was seen before.
    fn ask(self: &Arc<Self>, key: u128) -> (Asking, bool) {
        let key = keyed::hash(key);
        let before = {
            let mut requests = self.keys.entry(key).or_default();
            *requests += 1;
            *requests - 1
        };
        (Asking { purchases: Arc::clone(self), key, outcome: 0 }, before > 0)
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
#[must_use = "dropping an approach returns its units"]
#[derive(Debug)]
pub struct Approach {
    /// `None` for a repeat that found nothing left to take.
    permit: Option<Permit>,
    asking: Asking,
}

impl Approach {
    pub(crate) fn new(
        purchases: &Arc<Purchases>,
        stock: &Arc<Stock>,
        items: &[(OfferIndex, u32)],
        replay: ReplayKey,
    ) -> Result<Self, SoldOut> {
        let (asking, seen) = purchases.ask(replay.key);
        match stock.take(items) {
            Ok(permit) => Ok(Self { permit: Some(permit), asking }),
            Err(_) if seen => Ok(Self { permit: None, asking }),
            Err(sold_out) => Err(sold_out),
        }
    }

    /// A hold was made and published: its units are used up, and its key counts as answered. Answers
    /// whether there was a permit for them.
    pub(crate) fn spend(mut self) -> bool {
        self.asking.outcome = ANSWERED;
        self.permit.map(Permit::spend).is_some()
    }
}
