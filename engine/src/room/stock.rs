//! The stock's read side: permits that filter purchases, and the counters that shoppers see.
//!
//! Owns a copy of what the scribe has decided, never the truth. A permit says that a unit was
//! probably there; the decision may still refuse, and then the permit returns its units by being
//! dropped. So a sold-out purchase costs one load and never enters the ring, and a purchase whose
//! client hangs up gives back what it took.
//!
//! # State
//!
//! Per offer:
//!
//! | field | written by | means |
//! |---|---|---|
//! | `permits` | handlers take and return; the scribe frees | units a handler may still ask for |
//! | `panes[v mod 2]`, `v = version` | the scribe | the counters as published last |
//! | `panes[(v + 1) mod 2]` | the scribe | the counters being written for `v + 1` |
//!
//! `permits` never exceeds the units that are available: it is only raised after units became
//! available durably, or by the permit that lowered it. It may be negative: units taken away by a
//! restock, or bought without a permit (replay, another node), must be made up before the next permit.
//!
//! The five counters must add up whenever they are seen together. A reader reads the current pane and
//! takes it only if `version` did not move meanwhile: the scribe writes the other pane first, so it
//! touches the one being read only after `version` has moved. A scribe that is preempted in the
//! middle does not hold up readers.

use std::{error::Error, fmt, sync::Arc};

use crossbeam::utils::CachePadded;
use smallvec::SmallVec;

use crate::{
    codec::binary_struct,
    id::OfferIndex,
    limits::OFFERS_MAX,
    sync::{AtomicI64, AtomicU64, Ordering},
};

/// One sale's stock as handlers see it.
#[derive(Debug)]
pub struct Stock {
    offers: Box<[Offer]>,
}

/// Units of one offer, by their state; their sum is the offer's total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Available for sale.
    pub available: u64,
    /// Reserved for a shopper who has not begun to pay.
    pub held: u64,
    /// Reserved until the payment provider answers.
    pub paying: u64,
    /// In a confirmed order.
    pub sold: u64,
    /// Perhaps sold by a node whose journal is missing; an operator decides.
    pub stranded: u64,
}

binary_struct!(Counts { available, held, paying, sold, stranded });

/// Units taken for one purchase. Dropping it returns them; [`Permit::spend`] uses them up.
#[must_use = "dropping a permit returns its units"]
#[derive(Debug)]
pub struct Permit {
    stock: Arc<Stock>,
    /// What to return: each offer once.
    taken: SmallVec<[(OfferIndex, i64); 1]>,
}

/// There were not enough units of an offer at this moment. Units that other purchases hold may yet
/// come back, so trying again later is safe and can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldOut {
    /// The first offer, in the order asked for, that has too few; or that this sale does not have.
    pub offer: OfferIndex,
}

/// One offer. Permits are exchanged by every purchase while the counters are read by every poll, so
/// they stay on cache lines of their own.
#[derive(Debug)]
struct Offer {
    permits: CachePadded<AtomicI64>,
    counters: CachePadded<Counters>,
}

/// The published counters, twice, as the module explains.
#[derive(Debug)]
struct Counters {
    /// Publications so far; its lowest bit is the pane to read.
    version: AtomicU64,
    panes: [Pane; 2],
}

#[derive(Debug)]
struct Pane([AtomicU64; 5]);

impl Stock {
    /// A stock of offers that stand at `counts`, with a permit for each available unit.
    ///
    /// # Panics
    ///
    /// If there are more than [`OFFERS_MAX`] offers.
    pub fn new(counts: &[Counts]) -> Self {
        assert!(counts.len() <= OFFERS_MAX);
        Self { offers: counts.iter().map(Offer::new).collect() }
    }

    /// The first item with too few units left; `None` if all are available. It only loads, so that a
    /// crowd of refused purchases does not fight for the cache line with those that succeed.
    pub fn sold_out(&self, items: &[(OfferIndex, u32)]) -> Option<SoldOut> {
        let short = |&(offer, units): &(OfferIndex, i64)| self.permits(offer) < units;
        summed(items).find(short).map(|(offer, _)| SoldOut { offer })
    }

    /// Whether no offer has a unit left to ask for.
    pub fn is_exhausted(&self) -> bool {
        // ORDERING: Acquire; as `permits`.
        self.offers.iter().all(|offer| offer.permits.load(Ordering::Acquire) <= 0)
    }

    /// Takes units of every item, or of no item. An offer named twice counts with the sum.
    ///
    /// Purchases that race for the last units of several offers may all be refused: each may see what
    /// another has taken and is about to return. No unit is lost.
    pub fn take(self: &Arc<Self>, items: &[(OfferIndex, u32)]) -> Result<Permit, SoldOut> {
        if let Some(sold_out) = self.sold_out(items) {
            return Err(sold_out);
        }
        for (done, (offer, units)) in summed(items).enumerate() {
            if !self.offer(offer).is_some_and(|offer| offer.take(units)) {
                for (offer, units) in summed(items).take(done) {
                    self.free(offer, units);
                }
                return Err(SoldOut { offer });
            }
        }
        Ok(Permit { stock: Arc::clone(self), taken: summed(items).collect() })
    }

    /// Units of an offer that a purchase can still ask for; 0 or less is sold out. It is 0 for an offer
    /// that this sale does not have.
    pub fn permits(&self, offer: OfferIndex) -> i64 {
        // ORDERING: Acquire; pairs with `Offer::take`, as it says.
        self.offer(offer).map_or(0, |offer| offer.permits.load(Ordering::Acquire))
    }

    /// An offer's counters, as published together; `None` if this sale does not have the offer.
    pub fn counts(&self, offer: OfferIndex) -> Option<Counts> {
        self.offer(offer).map(|offer| offer.counters.read())
    }

    /// Gives an offer permits: units that became available, durably. Negative for units that were
    /// taken out of sale. Only the scribe calls this.
    ///
    /// # Panics
    ///
    /// If this sale does not have the offer.
    pub fn free(&self, offer: OfferIndex, units: i64) {
        // ORDERING: Relaxed; a read-modify-write of the count loses no concurrent change, and passes on
        // what earlier ones released.
        self.known(offer).permits.fetch_add(units, Ordering::Relaxed);
    }

    /// Takes permits for a purchase that was decided without one. Only the scribe calls this.
    ///
    /// # Panics
    ///
    /// If this sale does not have the offer.
    pub fn take_unpermitted(&self, offer: OfferIndex, units: u32) {
        self.free(offer, -i64::from(units));
    }

    /// Publishes an offer's counters. Only the scribe calls this, after the sync.
    ///
    /// # Panics
    ///
    /// If this sale does not have the offer.
    pub fn publish(&self, offer: OfferIndex, counts: Counts) {
        self.known(offer).counters.write(counts);
    }

    fn offer(&self, offer: OfferIndex) -> Option<&Offer> {
        self.offers.get(usize::from(offer.0))
    }

    fn known(&self, offer: OfferIndex) -> &Offer {
        self.offer(offer).expect("the offer belongs to this sale")
    }
}

/// Each offer of `items` once, with the sum of its quantities, in the order of first mention. Items
/// are few (`PURCHASE_ITEMS_MAX`), so looking back beats a table.
fn summed(items: &[(OfferIndex, u32)]) -> impl Iterator<Item = (OfferIndex, i64)> {
    let first =
        |at: &(usize, &(OfferIndex, u32))| !items[..at.0].iter().any(|item| item.0 == at.1.0);
    items.iter().enumerate().filter(first).map(|(at, &(offer, _))| {
        let same = items[at..].iter().filter(|item| item.0 == offer);
        (offer, same.map(|item| i64::from(item.1)).sum())
    })
}

impl Permit {
    /// Uses the units up: a decision has given them to a hold.
    pub fn spend(mut self) {
        self.taken.clear();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        for &(offer, units) in &self.taken {
            self.stock.free(offer, units);
        }
    }
}

impl Offer {
    fn new(counts: &Counts) -> Self {
        let available = i64::try_from(counts.available).unwrap_or(i64::MAX);
        Self {
            permits: CachePadded::new(AtomicI64::new(available)),
            counters: CachePadded::new(Counters {
                version: AtomicU64::new(0),
                panes: [Pane::new(*counts), Pane::new(*counts)],
            }),
        }
    }

    /// Takes `units` permits if there are as many.
    fn take(&self, units: i64) -> bool {
        // ORDERING: Release when units are taken, Acquire when too few are left: the loser sees what the
        // takers did before, such as registering the same key. That no unit is given twice follows from each
        // exchange acting on the newest count.
        self.permits
            .fetch_update(Ordering::Release, Ordering::Acquire, |permits| {
                (permits >= units).then(|| permits - units)
            })
            .is_ok()
    }
}

impl Counters {
    fn read(&self) -> Counts {
        loop {
            // ORDERING: Acquire; pairs with `write`: the pane of this version is complete.
            let version = self.version.load(Ordering::Acquire);
            let counts = self.panes[usize::from(version % 2 == 1)].load();
            // ORDERING: Relaxed; a counter of a later write was loaded with acquire, and the version
            // before that write was stored ahead of it, so it is seen here.
            if self.version.load(Ordering::Relaxed) == version {
                return counts;
            }
        }
    }

    fn write(&self, counts: Counts) {
        // ORDERING: Relaxed; only this thread writes the version.
        let next = self.version.load(Ordering::Relaxed) + 1;
        self.panes[usize::from(next % 2 == 1)].store(counts);
        // ORDERING: Release; publishes the pane to `read`.
        self.version.store(next, Ordering::Release);
    }
}

impl Pane {
    fn new(counts: Counts) -> Self {
        Self(counts.in_order().map(AtomicU64::new))
    }

    fn load(&self) -> Counts {
        // ORDERING: Acquire; pairs with `store`, as `Counters::read` needs.
        let [available, held, paying, sold, stranded] =
            self.0.each_ref().map(|counter| counter.load(Ordering::Acquire));
        Counts { available, held, paying, sold, stranded }
    }

    fn store(&self, counts: Counts) {
        for (counter, count) in self.0.iter().zip(counts.in_order()) {
            // ORDERING: Release; a reader that sees this counter also sees that the version has moved
            // on from this pane.
            counter.store(count, Ordering::Release);
        }
    }
}

impl Counts {
    /// All units of the offer.
    pub const fn total(&self) -> u64 {
        self.available + self.held + self.paying + self.sold + self.stranded
    }

    const fn in_order(self) -> [u64; 5] {
        [self.available, self.held, self.paying, self.sold, self.stranded]
    }
}

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offer {} has too few units at this moment", self.offer.0)
    }
}

impl Error for SoldOut {}

#[cfg(all(test, not(engine_loom)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::sync::AtomicBool;

    const A: OfferIndex = OfferIndex(0);
    const B: OfferIndex = OfferIndex(1);

    fn stock<const OFFERS: usize>(available: [u64; OFFERS]) -> Arc<Stock> {
        Arc::new(Stock::new(&available.map(|available| Counts { available, ..Counts::default() })))
    }

    #[test]
    fn a_permit_returns_its_units_unless_spent() {
        let stock = stock([5, 5]);
        let permit = stock.take(&[(A, 2), (B, 3)]).unwrap();
        assert_eq!((stock.permits(A), stock.permits(B)), (3, 2));
        drop(permit);
        assert_eq!((stock.permits(A), stock.permits(B)), (5, 5));
        stock.take(&[(A, 2)]).unwrap().spend();
        assert_eq!(stock.permits(A), 3);
    }

    #[test]
    fn a_purchase_takes_all_or_nothing() {
        let stock = stock([5, 1]);
        assert_eq!(stock.take(&[(A, 5), (B, 2)]).unwrap_err(), SoldOut { offer: B });
        assert_eq!((stock.permits(A), stock.permits(B)), (5, 1));
        let unknown = OfferIndex(2);
        assert_eq!(stock.take(&[(A, 1), (unknown, 1)]).unwrap_err(), SoldOut { offer: unknown });
        assert_eq!(stock.permits(A), 5);
    }

    #[test]
    fn an_offer_named_twice_counts_with_the_sum() {
        let stock = stock([3]);
        assert_eq!(stock.take(&[(A, 2), (A, 2)]).unwrap_err(), SoldOut { offer: A });
        let permit = stock.take(&[(A, 2), (A, 1)]).unwrap();
        assert_eq!(stock.permits(A), 0);
        drop(permit);
        assert_eq!(stock.permits(A), 3);
    }

    #[test]
    fn owed_units_come_before_the_next_permit() {
        let stock = stock([2]);
        stock.free(A, -3);
        stock.take_unpermitted(A, 1);
        assert_eq!(stock.permits(A), -2);
        stock.free(A, 2);
        assert!(stock.take(&[(A, 1)]).is_err());
        stock.free(A, 1);
        stock.take(&[(A, 1)]).unwrap().spend();
    }

    #[test]
    fn racing_purchases_never_take_more_than_there_is() {
        let stock = stock([1_000, 700]);
        let takers = [[A, B], [B, A], [A, B], [B, A]].map(|[first, second]| {
            let stock = Arc::clone(&stock);
            thread::spawn(move || {
                let mut spent = 0;
                for round in 0..20_000 {
                    match stock.take(&[(first, 1), (second, 1)]) {
                        Ok(permit) if round % 3 == 0 => {
                            permit.spend();
                            spent += 1;
                        }
                        Ok(permit) => drop(permit),
                        Err(SoldOut { .. }) => {}
                    }
                }
                spent
            })
        });
        let spent: i64 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
        assert_eq!(spent, 700);
        assert_eq!((stock.permits(A), stock.permits(B)), (300, 0));
    }

    #[test]
    fn counters_seen_together_add_up() {
        const TOTAL: u64 = 1_000;
        let stock = stock([TOTAL]);
        let done = Arc::new(AtomicBool::new(false));
        let readers = [(); 2].map(|()| {
            let (stock, done) = (Arc::clone(&stock), Arc::clone(&done));
            thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(stock.counts(A).unwrap().total(), TOTAL);
                }
            })
        });
        for round in 0..1_000_000 {
            let sold = round % TOTAL;
            stock.publish(A, Counts { available: TOTAL - sold, sold, ..Counts::default() });
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(stock.counts(B), None);
    }
}
