//! Rules that are checked on every answer, as it arrives.
//!
//! Owns what no one shopper can see: the highest number known to be admitted, the highest
//! `serving` shown, the units known to be confirmed. A request *samples* these before it is sent;
//! whatever the sample says happened before the request, so the answer must agree with it. That
//! turns promises about order into comparisons of two integers, whatever the interleaving.
//!
//! It keeps counts and a few examples, never the answers themselves: its memory does not grow
//! with the run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::wire::{Place, PlaceState};

/// Examples kept of each broken rule.
pub(crate) const EXAMPLES_MAX: usize = 5;

/// How often a rule was checked and broken, with a few examples.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    checked: AtomicU64,
    broken: AtomicU64,
    examples: Mutex<Vec<String>>,
}

impl Findings {
    /// Counts one check that held.
    pub(crate) fn held(&self) {
        self.checked.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one check that failed and keeps `example` if there is room.
    pub(crate) fn broke(&self, example: impl FnOnce() -> String) {
        self.checked.fetch_add(1, Ordering::Relaxed);
        self.broken.fetch_add(1, Ordering::Relaxed);
        let mut examples = self.examples.lock().unwrap_or_else(PoisonError::into_inner);
        if examples.len() < EXAMPLES_MAX {
            examples.push(example());
        }
    }

    /// Counts one check.
    pub(crate) fn check(&self, holds: bool, example: impl FnOnce() -> String) {
        if holds { self.held() } else { self.broke(example) }
    }

    pub(crate) fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    pub(crate) fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }

    pub(crate) fn examples(&self) -> Vec<String> {
        self.examples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What was certainly true before a request was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    admitted_max: u64,
    serving_max: u64,
    /// The highest number of a bot known to be admitted; 0 for none.
    bot: u64,
}

/// The shared observer.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    admitted_max: AtomicU64,
    serving_max: AtomicU64,
    /// The highest number of a bot known to be admitted.
    bot_max: AtomicU64,
    confirmed_units: AtomicU64,
    /// `serving` never goes back, and covers everyone seen admitted.
    pub(crate) serving: Findings,
    /// Nobody waits whose later neighbour has been let in.
    pub(crate) overtaken: Findings,
    /// A bot gets in after everyone before it, and nothing without a pass.
    pub(crate) bots: Findings,
    /// A shown position never rises for one shopper.
    pub(crate) position: Findings,
    /// A place keeps its number: on every poll and on re-entry with the same key.
    pub(crate) number: Findings,
    /// The same purchase key gives the same bytes.
    pub(crate) replay: Findings,
    /// Every answer is one the contract allows.
    pub(crate) contract: Findings,
}

impl Witness {
    /// What is known before a request leaves. Take it before sending.
    ///
    /// The loads acquire what [`Self::place`] released: a sampled answer had fully arrived.
    pub(crate) fn sample(&self) -> Sample {
        Sample {
            admitted_max: self.admitted_max.load(Ordering::Acquire),
            serving_max: self.serving_max.load(Ordering::Acquire),
            bot: self.bot_max.load(Ordering::Acquire),
        }
    }

    /// Units acknowledged as confirmed so far.
    pub(crate) fn confirmed_units(&self) -> u64 {
        self.confirmed_units.load(Ordering::Acquire)
    }

    /// Notes that the confirmation of `units` was acknowledged.
    pub(crate) fn confirmed(&self, units: u64) {
        self.confirmed_units.fetch_add(units, Ordering::AcqRel);
    }

    /// Checks what a bot was answered: it is let in only when the gate has come to its number.
    pub(crate) fn bot(&self, number: u64, place: &Place, sample: Sample) {
        self.place(number, place, sample);
        if place.state == PlaceState::Admitted {
            if let Some(serving) = place.serving {
                self.bots.check(number <= serving, || {
                    format!("bot {number} was let in while serving {serving}")
                });
            }
            self.bot_max.fetch_max(number, Ordering::AcqRel);
        }
    }

    /// Checks a place answered to a poll sent after `sample` was taken.
    pub(crate) fn place(&self, number: u64, place: &Place, sample: Sample) {
        self.number.check(place.number == Some(number), || {
            format!("number {number} was answered as {:?}", place.number)
        });
        let admitted = place.state == PlaceState::Admitted;
        if let Some(serving) = place.serving {
            let floor = sample.serving_max.max(sample.admitted_max);
            self.serving.check(serving >= floor, || {
                format!("serving {serving} shown to {number} after {floor} was known")
            });
            if admitted {
                self.serving.check(number <= serving, || {
                    format!("number {number} admitted while serving {serving}")
                });
            }
            self.serving_max.fetch_max(serving, Ordering::AcqRel);
        }
        match place.state {
            PlaceState::Waiting => {
                self.overtaken.check(number > sample.admitted_max, || {
                    format!("number {number} waits although {} was let in", sample.admitted_max)
                });
                if sample.bot > 0 {
                    self.bots.check(number > sample.bot, || {
                        format!("number {number} waits although bot {} was let in", sample.bot)
                    });
                }
            }
            PlaceState::Admitted => {
                self.overtaken.held();
                self.admitted_max.fetch_max(number, Ordering::AcqRel);
            }
            PlaceState::Lobby | PlaceState::Ready | PlaceState::SoldOut | PlaceState::Closed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(state: PlaceState, number: u64, serving: u64) -> Place {
        Place {
            state,
            number: Some(number),
            position: Some(1),
            serving: Some(serving),
            eta_seconds: None,
            poll_after_ms: None,
            pass: None,
            ticket: None,
        }
    }

    #[test]
    fn an_honest_line_breaks_nothing() {
        let witness = Witness::default();
        for number in 1..10 {
            let early = witness.sample();
            witness.place(number, &place(PlaceState::Waiting, number, number - 1), early);
            witness.place(number, &place(PlaceState::Admitted, number, number), witness.sample());
            // An answer that was on its way all along may still show the older truth.
            witness.place(number + 1, &place(PlaceState::Waiting, number + 1, number - 1), early);
        }
        assert_eq!((witness.serving.broken(), witness.overtaken.broken()), (0, 0));
        assert!(witness.overtaken.checked() > 0);
    }

    #[test]
    fn letting_someone_past_is_seen() {
        let witness = Witness::default();
        witness.place(9, &place(PlaceState::Admitted, 9, 9), witness.sample());
        witness.place(4, &place(PlaceState::Waiting, 4, 9), witness.sample());
        assert_eq!(witness.overtaken.examples(), ["number 4 waits although 9 was let in"]);
    }

    #[test]
    fn a_bot_that_gets_past_someone_is_seen() {
        let witness = Witness::default();
        witness.bot(9, &place(PlaceState::Admitted, 9, 9), witness.sample());
        assert_eq!(witness.bots.broken(), 0);
        witness.place(4, &place(PlaceState::Waiting, 4, 9), witness.sample());
        witness.bot(12, &place(PlaceState::Admitted, 12, 9), witness.sample());
        let seen =
            ["number 4 waits although bot 9 was let in", "bot 12 was let in while serving 9"];
        assert_eq!(witness.bots.examples(), seen);
    }

    #[test]
    fn a_watermark_that_goes_back_or_does_not_cover_the_admitted_is_seen() {
        let witness = Witness::default();
        witness.place(9, &place(PlaceState::Admitted, 9, 8), witness.sample());
        assert_eq!(witness.serving.broken(), 1);
        witness.place(20, &place(PlaceState::Waiting, 20, 5), witness.sample());
        assert_eq!(witness.serving.broken(), 2);
    }

    #[test]
    fn a_place_that_changes_its_number_is_seen() {
        let witness = Witness::default();
        witness.place(4, &place(PlaceState::Waiting, 5, 0), witness.sample());
        assert_eq!(witness.number.broken(), 1);
    }
}
