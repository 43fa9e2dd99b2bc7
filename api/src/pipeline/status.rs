//! What the pipeline has done, and whether it is to stop: shared by the delivery worker's thread and
//! those who look at it.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use engine::{
    id::SinkName,
    sync::{AtomicBool, AtomicU64, Ordering},
};

/// What the pipeline has done since it started, for metrics and operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Events the sink took.
    pub taken_total: u64,
    /// Times the sink refused an event.
    pub refused_total: u64,
    /// Times the sink did not answer, failed, or asked to be left alone.
    pub delayed_total: u64,
    /// Events set aside for an operator.
    pub dead_lettered_total: u64,
    /// Whether the sink does not answer at present.
    pub stalled: bool,
    /// The last thing that went wrong, in plain words; it may be over.
    pub last_trouble: Option<Arc<str>>,
}

/// What the delivery worker's thread and the handle share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) sink: SinkName,
    stop: AtomicBool,
    pub(super) taken: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) delayed: AtomicU64,
    pub(super) dead_lettered: AtomicU64,
    stalled: AtomicBool,
    last_trouble: ArcSwapOption<String>,
}

// ORDERING: Relaxed throughout: a flag and figures, none of which publishes anything else.
impl Shared {
    pub(super) fn of(sink: SinkName) -> Self {
        Self {
            sink,
            stop: AtomicBool::new(false),
            taken: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            dead_lettered: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            last_trouble: ArcSwapOption::empty(),
        }
    }

    pub(super) fn request_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    pub(super) fn trouble(&self, words: String) {
        self.last_trouble.store(Some(Arc::new(words)));
    }

    pub(super) fn status(&self) -> Status {
        Status {
            taken_total: self.taken.load(Ordering::Relaxed),
            refused_total: self.refused.load(Ordering::Relaxed),
            delayed_total: self.delayed.load(Ordering::Relaxed),
            dead_lettered_total: self.dead_lettered.load(Ordering::Relaxed),
            stalled: self.stalled.load(Ordering::Relaxed),
            last_trouble: self.last_trouble.load().as_ref().map(|words| words.as_str().into()),
        }
    }
}
