//! How far estimated waits are off: a sample of what entries were told, held against when their
//! places were called.
//!
//! One number in sixteen is remembered, in a table of fixed size where a newer entry may take an
//! older one's slot: a sample that is lost is only a sample less.

use std::sync::{Mutex, PoisonError};

use engine::{
    clock::Millis,
    gate::EtaRange,
    id::{Number, SaleTag},
};
use metrics::histogram;

use crate::metrics::ETA_ERROR_SECONDS;

/// Samples remembered at once.
const SLOTS: usize = 4_096;
/// One number in so many is a sample.
const SAMPLE_EVERY: u64 = 16;

/// What a sample was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    sale: SaleTag,
    number: Number,
    at: Millis,
    range: EtaRange,
}

/// The samples. The lock is held for a copy, on entries and admissions of samples alone.
#[derive(Debug)]
pub struct WaitEstimates(Mutex<Box<[Option<Told>]>>);

impl Default for WaitEstimates {
    fn default() -> Self {
        Self(Mutex::new(vec![None; SLOTS].into_boxed_slice()))
    }
}

impl WaitEstimates {
    /// An entry was told a wait.
    pub fn note(&self, sale: SaleTag, number: Number, at: Millis, range: EtaRange) {
        if let Some(slot) = slot_of(number) {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            slots[slot] = Some(Told { sale, number, at, range });
        }
    }

    /// A place was called.
    pub fn settle(&self, sale: SaleTag, number: Number, called_at: Millis) {
        let Some(slot) = slot_of(number) else { return };
        let told = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = |told: &Told| told.sale == sale && told.number == number;
            if !slots[slot].as_ref().is_some_and(mine) {
                return;
            }
            slots[slot].take()
        };
        if let Some(told) = told {
            histogram!(ETA_ERROR_SECONDS).record(error_seconds(&told, called_at));
        }
    }
}

/// Actual wait less the middle of the range that was told.
#[expect(clippy::cast_precision_loss, reason = "waits in milliseconds stay far below 2^53")]
fn error_seconds(told: &Told, called_at: Millis) -> f64 {
    let actual = called_at.since(told.at) as f64 / 1_000.0;
    let middle = f64::midpoint(told.range.min_seconds.into(), told.range.max_seconds.into());
    actual - middle
}

fn slot_of(number: Number) -> Option<usize> {
    let sample = number.0.is_multiple_of(SAMPLE_EVERY);
    let slot = usize::try_from(number.0 / SAMPLE_EVERY % SLOTS as u64).ok();
    slot.filter(|_| sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_late_positive_early_negative() {
        let (sale, number) = (SaleTag(1), Number(16));
        let range = EtaRange { min_seconds: 10, max_seconds: 20 };
        let told = Told { sale, number, at: Millis(5_000), range };
        assert!((error_seconds(&told, Millis(25_000)) - 5.0).abs() < 1e-9);
        assert!((error_seconds(&told, Millis(15_000)) + 5.0).abs() < 1e-9);
    }

    #[test]
    fn only_the_place_that_was_told_settles() {
        let wait_estimates = WaitEstimates::default();
        let range = EtaRange { min_seconds: 1, max_seconds: 1 };
        wait_estimates.note(SaleTag(1), Number(32), Millis(0), range);
        wait_estimates.settle(SaleTag(2), Number(32), Millis(9));
        let kept = || wait_estimates.0.lock().unwrap().iter().flatten().count();
        assert_eq!(kept(), 1);
        wait_estimates.settle(SaleTag(1), Number(32), Millis(9));
        assert_eq!(kept(), 0);
        wait_estimates.note(SaleTag(1), Number(33), Millis(0), range);
        assert_eq!(kept(), 0, "not a sample");
    }
}
