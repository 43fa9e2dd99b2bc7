//! A purchase's way to the scribe: what it was let through with, and that its key is being asked.
//!
//! Owns the keys of purchases, the answered and those on their way. A repeat of either goes to the
//! scribe even when nothing is left to buy, for its first asking may have got the last unit. A key
//! is on its way until its answer is published, so that no moment lies between the two.

use std::sync::Arc;

use dashmap::{DashMap, DashSet};

use crate::{
    id::OfferIndex,
    record::ReplayKey,
    stock::{Permit, SoldOut, Stock},
};

/// Keys of one sale's purchases. As many as holds were made and requests wait, so bounded by both.
#[derive(Debug, Default)]
pub(crate) struct Purchases {
    /// Keys that made a hold.
    answered: DashSet<u128>,
    /// How many requests with a key are on their way.
    asked: DashMap<u128, u32>,
}

impl Purchases {
    /// The keys that a recovered sale has answered.
    pub(crate) fn answered(keys: impl Iterator<Item = u128>) -> Self {
        Self { answered: keys.collect(), asked: DashMap::new() }
    }

    /// A hold was made with `key`. Only the scribe calls this, after the sync.
    pub(crate) fn set_answered(&self, key: u128) {
        self.answered.insert(key);
    }

    /// Counts a request; answers whether its key was seen before.
    fn ask(self: &Arc<Self>, key: u128) -> (Asking, bool) {
        let before = {
            let mut requests = self.asked.entry(key).or_default();
            *requests += 1;
            *requests - 1
        };
        // Looked up last: an answer is published before its request stops counting.
        let seen = before > 0 || self.answered.contains(&key);
        (Asking { purchases: Arc::clone(self), key }, seen)
    }
}

/// One request on its way; dropped, it no longer counts.
#[derive(Debug)]
pub(crate) struct Asking {
    purchases: Arc<Purchases>,
    key: u128,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let asked = &self.purchases.asked;
        if let Some(mut requests) = asked.get_mut(&self.key) {
            *requests -= 1;
        }
        asked.remove_if(&self.key, |_, requests| *requests == 0);
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

    pub(crate) fn into_parts(self) -> (Option<Permit>, Asking) {
        (self.permit, self.asking)
    }
}
