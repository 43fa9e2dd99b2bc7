//! Rules about numbers: each is issued once, and earlier shoppers get smaller ones.

use std::collections::HashMap;

use serde::Serialize;

use super::verdict::{Broken, Verdict};
use crate::kendall;
use crate::ledger::{Entry, Ledger, Record};

/// No two shoppers hold the same number.
pub(super) fn numbers_are_unique(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let mut holders: HashMap<u64, usize> = HashMap::new();
    for (record, entry) in entered(ledger) {
        if let Some(other) = holders.insert(entry.number, record.index) {
            let (number, index) = (entry.number, record.index);
            broken.note(format!("number {number} was given to shoppers {other} and {index}"));
        }
    }
    let seen = format!("{} numbers", holders.len());
    Verdict::new("no number is given twice", seen, broken)
}

/// Who was acknowledged before another asked has the smaller number.
///
/// Sweeps entries by the moment they were sent, keeping the highest number acknowledged before
/// that moment: O(n log n) instead of comparing all pairs, and the pair it names is a real one.
pub(super) fn numbers_follow_acknowledgements(ledger: &Ledger) -> Verdict {
    let mut broken = Broken::default();
    let mut by_sent: Vec<(&Record, &Entry)> = entered(ledger).collect();
    let mut by_acked = by_sent.clone();
    by_sent.sort_unstable_by_key(|(_, entry)| entry.sent);
    by_acked.sort_unstable_by_key(|(_, entry)| entry.acked);

    let mut acked = by_acked.into_iter().peekable();
    let mut highest: Option<(&Record, &Entry)> = None;
    for (record, entry) in by_sent {
        while let Some(earlier) = acked.next_if(|(_, other)| other.acked < entry.sent) {
            if highest.is_none_or(|(_, high)| high.number < earlier.1.number) {
                highest = Some(earlier);
            }
        }
        if let Some((other, high)) = highest
            && high.number >= entry.number
        {
            broken.note(format!(
                "shopper {} got {} {:?} before shopper {} asked and got {}",
                other.index,
                high.number,
                entry.sent.since(high.acked),
                record.index,
                entry.number,
            ));
        }
    }
    let seen = format!("{} entries, {} out of order", entered(ledger).count(), broken.count);
    Verdict::new("shoppers acknowledged earlier have smaller numbers", seen, broken)
}

/// Kendall's tau-b of orders that should agree; 1 is perfect, `None` undefined.
///
/// The first two are below 1 even for a fair server: requests that are on their way at the same time
/// may be numbered, and answered, either way. The third is as fine as the polls are.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Agreement {
    pub(crate) arrival_and_number: Option<f64>,
    pub(crate) acknowledgement_and_number: Option<f64>,
    pub(crate) number_and_admission: Option<f64>,
}

/// Computes them.
pub(crate) fn agreement(ledger: &Ledger) -> Agreement {
    let mut arrivals: Vec<(u64, u64)> =
        entered(ledger).map(|(_, entry)| (entry.sent.0, entry.number)).collect();
    let mut acknowledged: Vec<(u64, u64)> =
        entered(ledger).map(|(_, entry)| (entry.acked.0, entry.number)).collect();
    let mut admissions: Vec<(u64, u64)> = entered(ledger)
        .filter_map(|(record, entry)| Some((entry.number, record.admitted?.0)))
        .collect();
    Agreement {
        arrival_and_number: kendall::tau(&mut arrivals),
        acknowledgement_and_number: kendall::tau(&mut acknowledged),
        number_and_admission: kendall::tau(&mut admissions),
    }
}

fn entered(ledger: &Ledger) -> impl Iterator<Item = (&Record, &Entry)> {
    ledger.records.iter().filter_map(|record| Some((record, record.entry.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::sample::honest;
    use crate::clock::Stamp;

    fn entry(ledger: &mut Ledger, index: usize) -> &mut Entry {
        ledger.records[index].entry.as_mut().unwrap()
    }

    #[test]
    fn a_number_given_twice_is_seen() {
        let mut ledger = honest(5, 5);
        entry(&mut ledger, 7).number = 3;
        let verdict = numbers_are_unique(&ledger);
        assert_eq!(verdict.examples, ["number 3 was given to shoppers 2 and 7"]);
    }

    #[test]
    fn a_later_shopper_with_a_smaller_number_is_seen() {
        let mut ledger = honest(5, 5);
        (entry(&mut ledger, 2).number, entry(&mut ledger, 8).number) = (9, 3);
        let verdict = numbers_follow_acknowledgements(&ledger);
        assert!(!verdict.ok);
        assert!(verdict.examples[0].starts_with("shopper 2 got 9"), "{verdict:?}");
    }

    #[test]
    fn shoppers_who_overlapped_may_be_numbered_either_way() {
        let mut ledger = honest(5, 5);
        (entry(&mut ledger, 4).number, entry(&mut ledger, 5).number) = (6, 5);
        entry(&mut ledger, 4).acked = Stamp(5_400);
        assert!(numbers_follow_acknowledgements(&ledger).ok);
        entry(&mut ledger, 4).acked = Stamp(4_400);
        assert!(!numbers_follow_acknowledgements(&ledger).ok);
    }

    #[test]
    fn agreement_is_one_in_perfect_order() {
        let found = agreement(&honest(5, 5));
        assert_eq!(found.arrival_and_number, Some(1.0));
        assert_eq!(found.acknowledgement_and_number, Some(1.0));
        assert_eq!(found.number_and_admission, Some(1.0));
    }
}
