//! A provider's own books, to be compared with the shop's.

use std::sync::{Mutex, PoisonError};

/// A movement of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The provider's id of the payment.
    pub payment: String,
    /// The shop's id of the order.
    pub order: String,
    /// What moved, in minor units: more than zero to the shop, less than zero back.
    pub amount: i64,
}

/// All movements, in order.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
    pub(crate) fn write(&self, payment: &str, order: &str, amount: i64) {
        let (payment, order) = (payment.to_owned(), order.to_owned());
        self.lock().push(Entry { payment, order, amount });
    }

    /// Everything that moved.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// What the shop has of an order now.
    pub fn net(&self, order: &str) -> i64 {
        self.of(order).iter().map(|entry| entry.amount).sum()
    }

    /// How often an order was paid for.
    pub fn captures(&self, order: &str) -> usize {
        self.of(order).iter().filter(|entry| entry.amount > 0).count()
    }

    /// Captured and returned in all.
    pub fn totals(&self) -> (i64, i64) {
        let entries = self.lock();
        let sum = |is_captured: bool| {
            let those = entries.iter().filter(|entry| (entry.amount > 0) == is_captured);
            those.map(|entry| entry.amount.abs()).sum()
        };
        (sum(true), sum(false))
    }

    fn of(&self, order: &str) -> Vec<Entry> {
        self.lock().iter().filter(|entry| entry.order == order).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
