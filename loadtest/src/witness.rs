//! Rules that are checked on every answer, as it arrives.
//!
//! Owns what no single shopper can see: the highest number known to be admitted, the highest
//! `serving` shown, the units known to be confirmed. A request *samples* these before it is sent;
//! whatever the sample says happened before the request, so the answer must agree with it. That
//! turns promises about order into comparisons of two integers, whatever the interleaving.
//!
//! With several nodes each is held to what it has said itself: it answers from its memory, which may
//! be a moment behind another's. How far behind is measured by [`lag`] and judged by the audit.
//!
//! It keeps counts and a few examples, never the answers themselves: its memory does not grow
//! with the run.

mod lag;

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::client::{Heard, NODES_MAX, NodeId};
use crate::wire::{Place, PlaceState};

use lag::Lags;

pub(crate) use lag::Lag;

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

/// What one node certainly knew before a request was sent.
#[derive(Clone, Copy, Debug, Default)]
struct Floor {
    admitted_max: u64,
    serving_max: u64,
    /// The highest number of a bot known to be admitted; 0 for none.
    bot: u64,
}

/// What each node certainly knew before a request was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample([Floor; NODES_MAX]);

/// What a node has shown.
#[derive(Debug, Default)]
struct Shown {
    admitted_max: AtomicU64,
    serving_max: AtomicU64,
    /// The highest number of a bot known to be admitted.
    bot_max: AtomicU64,
    /// Units whose confirmation it acknowledged.
    confirmed_units: AtomicU64,
}

/// The shared observer.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    nodes: [Shown; NODES_MAX],
    lags: Lags,
    /// `serving` never goes back, and covers everyone seen admitted.
    pub(crate) serving: Findings,
    /// No one waits after someone with a later number was let in.
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
        Sample(array::from_fn(|node| {
            let shown = &self.nodes[node];
            Floor {
                admitted_max: shown.admitted_max.load(Ordering::Acquire),
                serving_max: shown.serving_max.load(Ordering::Acquire),
                bot: shown.bot_max.load(Ordering::Acquire),
            }
        }))
    }

    /// Units acknowledged as confirmed so far, by any node.
    pub(crate) fn confirmed_units(&self) -> u64 {
        (0..NODES_MAX).map(|node| self.confirmed_by(NodeId(node))).sum()
    }

    /// Those that `node` acknowledged: it must know of them.
    pub(crate) fn confirmed_by(&self, node: NodeId) -> u64 {
        self.nodes[node.0].confirmed_units.load(Ordering::Acquire)
    }

    /// Notes that `node` acknowledged the confirmation of `units`.
    pub(crate) fn confirmed(&self, units: u64, node: NodeId) {
        self.nodes[node.0].confirmed_units.fetch_add(units, Ordering::AcqRel);
    }

    /// How far nodes were seen to be behind one another.
    pub(crate) fn lag(&self) -> Lag {
        self.lags.found()
    }

    /// Notes that a shopper was shown a higher position than another node had shown at `before`.
    pub(crate) fn risen(&self, before: crate::clock::Stamp, heard: Heard) {
        self.lags.risen(before, heard);
    }

    /// Checks what a bot was answered: it is let in only when the gate has come to its number.
    pub(crate) fn bot(&self, number: u64, place: &Place, sample: &Sample, heard: Heard) {
        self.place(number, place, sample, heard);
        if place.state == PlaceState::Admitted {
            if let Some(serving) = place.serving {
                self.bots.check(number <= serving, || {
                    format!("bot {number} was let in while serving {serving}")
                });
            }
            self.nodes[heard.node.0].bot_max.fetch_max(number, Ordering::AcqRel);
        }
    }

    /// Checks a place answered to a poll sent after `sample` was taken.
    pub(crate) fn place(&self, number: u64, place: &Place, sample: &Sample, heard: Heard) {
        let (known, shown) = (&sample.0[heard.node.0], &self.nodes[heard.node.0]);
        self.number.check(place.number == Some(number), || {
            format!("number {number} was answered as {:?}", place.number)
        });
        let admitted = place.state == PlaceState::Admitted;
        if let Some(serving) = place.serving {
            let floor = known.serving_max.max(known.admitted_max);
            self.serving.check(serving >= floor, || {
                format!("serving {serving} shown to {number} after {floor} was known")
            });
            if admitted {
                self.serving.check(number <= serving, || {
                    format!("number {number} admitted while serving {serving}")
                });
            }
            shown.serving_max.fetch_max(serving, Ordering::AcqRel);
            self.lags.shown(serving, heard);
        }
        match place.state {
            PlaceState::Waiting => {
                self.overtaken.check(number > known.admitted_max, || {
                    format!("number {number} waits although {} was let in", known.admitted_max)
                });
                if known.bot > 0 {
                    self.bots.check(number > known.bot, || {
                        format!("number {number} waits although bot {} was let in", known.bot)
                    });
                }
            }
            PlaceState::Admitted => {
                self.overtaken.held();
                shown.admitted_max.fetch_max(number, Ordering::AcqRel);
            }
            PlaceState::Lobby | PlaceState::Ready | PlaceState::SoldOut | PlaceState::Closed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stamp;

    const FIRST: Heard = Heard { node: NodeId(0), sent: Stamp(0), done: Stamp(0) };
    const SECOND: Heard = Heard { node: NodeId(1), sent: Stamp(9), done: Stamp(10) };

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
            witness.place(number, &place(PlaceState::Waiting, number, number - 1), &early, FIRST);
            witness.place(
                number,
                &place(PlaceState::Admitted, number, number),
                &witness.sample(),
                FIRST,
            );
            // An answer that was on its way all along may still show the older truth.
            witness.place(
                number + 1,
                &place(PlaceState::Waiting, number + 1, number - 1),
                &early,
                FIRST,
            );
        }
        assert_eq!((witness.serving.broken(), witness.overtaken.broken()), (0, 0));
        assert!(witness.overtaken.checked() > 0);
    }

    #[test]
    fn letting_someone_past_is_seen() {
        let witness = Witness::default();
        witness.place(9, &place(PlaceState::Admitted, 9, 9), &witness.sample(), FIRST);
        witness.place(4, &place(PlaceState::Waiting, 4, 9), &witness.sample(), FIRST);
        assert_eq!(witness.overtaken.examples(), ["number 4 waits although 9 was let in"]);
    }

    #[test]
    fn a_node_is_held_to_its_own_words_and_measured_by_anothers() {
        let witness = Witness::default();
        witness.place(9, &place(PlaceState::Admitted, 9, 9), &witness.sample(), FIRST);
        witness.place(4, &place(PlaceState::Waiting, 4, 3), &witness.sample(), SECOND);
        assert_eq!((witness.overtaken.broken(), witness.serving.broken()), (0, 0));
        assert_eq!(witness.lag().behind, 1);
        witness.place(4, &place(PlaceState::Waiting, 4, 3), &witness.sample(), FIRST);
        assert_eq!((witness.overtaken.broken(), witness.serving.broken()), (1, 1));
    }

    #[test]
    fn a_bot_that_gets_past_someone_is_seen() {
        let witness = Witness::default();
        witness.bot(9, &place(PlaceState::Admitted, 9, 9), &witness.sample(), FIRST);
        assert_eq!(witness.bots.broken(), 0);
        witness.place(4, &place(PlaceState::Waiting, 4, 9), &witness.sample(), FIRST);
        witness.bot(12, &place(PlaceState::Admitted, 12, 9), &witness.sample(), FIRST);
        let seen =
            ["number 4 waits although bot 9 was let in", "bot 12 was let in while serving 9"];
        assert_eq!(witness.bots.examples(), seen);
    }

    #[test]
    fn a_watermark_that_goes_back_or_does_not_cover_the_admitted_is_seen() {
        let witness = Witness::default();
        witness.place(9, &place(PlaceState::Admitted, 9, 8), &witness.sample(), FIRST);
        assert_eq!(witness.serving.broken(), 1);
        witness.place(20, &place(PlaceState::Waiting, 20, 5), &witness.sample(), FIRST);
        assert_eq!(witness.serving.broken(), 2);
    }

    #[test]
    fn a_place_that_changes_its_number_is_seen() {
        let witness = Witness::default();
        witness.place(4, &place(PlaceState::Waiting, 5, 0), &witness.sample(), FIRST);
        assert_eq!(witness.number.broken(), 1);
    }
}
