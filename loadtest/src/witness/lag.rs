//! How far one node is behind another, as the crowd sees it.
//!
//! Owns the course of the gate as any node has shown it. Nodes answer from their own memory and hear
//! of one another's decisions a little later, so an answer may contradict what *another* node said
//! before. It is no broken promise but a lag: at least the time from when the other's answer had
//! arrived to when this one was asked for. What one node says is held against itself without any
//! such allowance; see [`super::Witness`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::client::Heard;
use crate::clock::Stamp;

/// Steps of the gate closer than this are not told apart: a lag is found too small by so much.
const STEP: Duration = Duration::from_millis(10);
/// Steps kept: nearly three hours of them, 16 MB. Later ones are not looked at.
const STEPS_MAX: usize = 1_000_000;

/// What was found.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Lag {
    /// Answers looked at.
    pub(crate) answers: u64,
    /// Those that told of an earlier time than another node had before.
    pub(crate) behind: u64,
    /// Those of them that showed a shopper a position higher than another node had before.
    pub(crate) risen_positions: u64,
    /// The longest a node was behind, at the least.
    pub(crate) max_ms: f64,
}

/// The observer.
#[derive(Debug, Default)]
pub(super) struct Lags(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// When the gate was known to have come so far: both rise.
    steps: Vec<(Stamp, u64)>,
    found: Lag,
}

impl Inner {
    fn behind(&mut self, by: Duration) {
        self.found.behind += 1;
        self.found.max_ms = self.found.max_ms.max(by.as_secs_f64() * 1e3);
    }
}

impl Lags {
    /// Takes an answer that showed the gate at `serving`.
    pub(super) fn shown(&self, serving: u64, heard: Heard) {
        let mut inner = self.lock();
        inner.found.answers += 1;
        let past = inner.steps.partition_point(|(_, known)| *known <= serving);
        if let Some((known, _)) = inner.steps.get(past).copied() {
            if known < heard.sent {
                inner.behind(heard.sent.since(known));
            }
            return;
        }
        let far = |(at, known): (Stamp, u64)| serving > known && heard.done >= at.after(STEP);
        if inner.steps.last().copied().is_none_or(far) && inner.steps.len() < STEPS_MAX {
            inner.steps.push((heard.done, serving));
        }
    }

    /// Takes an answer with a position higher than another node's answer of `before`.
    pub(super) fn risen(&self, before: Stamp, heard: Heard) {
        let mut inner = self.lock();
        inner.found.risen_positions += 1;
        inner.behind(heard.sent.since(before));
    }

    pub(super) fn found(&self) -> Lag {
        self.lock().found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::NodeId;

    fn at(sent_ms: u64, done_ms: u64) -> Heard {
        let stamp = |ms| Stamp::default().after(Duration::from_millis(ms));
        Heard { node: NodeId(1), sent: stamp(sent_ms), done: stamp(done_ms) }
    }

    #[test]
    fn a_lag_runs_from_the_first_answer_that_knew_more() {
        let lags = Lags::default();
        lags.shown(5, at(0, 10));
        lags.shown(9, at(90, 100));
        lags.shown(12, at(190, 200));
        lags.shown(5, at(60, 300));
        assert_eq!(lags.found().behind, 0, "nobody knew more when it was asked for");
        lags.shown(5, at(450, 460));
        let found = lags.found();
        assert_eq!((found.answers, found.behind), (5, 1));
        assert!((found.max_ms - 350.0).abs() < 1e-6, "{found:?}");
        lags.shown(12, at(900, 910));
        assert_eq!(lags.found().behind, 1);
    }

    #[test]
    fn a_position_that_rose_from_node_to_node_is_a_lag() {
        let lags = Lags::default();
        lags.risen(Stamp(5_000_000), at(25, 30));
        let found = lags.found();
        assert_eq!((found.risen_positions, found.behind), (1, 1));
        assert!((found.max_ms - 20.0).abs() < 1e-6, "{found:?}");
    }
}
