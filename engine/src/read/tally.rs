//! What has happened in a sale since this process began to count: figures for metrics.
//!
//! Only the scribe writes them, after the sync, except for the polls. They publish nothing but
//! themselves, so Relaxed is enough.

use crossbeam::utils::CachePadded;

use crate::{
    record::{Departure, SessionEnd},
    sync::{AtomicU64, Ordering},
};

/// Counters of one sale.
#[derive(Debug, Default)]
pub struct Tally {
    entered: AtomicU64,
    admitted: AtomicU64,
    left: AtomicU64,
    idle: AtomicU64,
    rejoined: AtomicU64,
    unclaimed: AtomicU64,
    expired: AtomicU64,
    ended: AtomicU64,
    /// Written by every poll of every thread, so kept apart from the rest.
    polled: CachePadded<AtomicU64>,
}

impl Tally {
    /// Numbers given out.
    pub fn entered_total(&self) -> u64 {
        self.entered.load(Ordering::Relaxed)
    }

    /// Admissions claimed.
    pub fn admitted_total(&self) -> u64 {
        self.admitted.load(Ordering::Relaxed)
    }

    /// Position polls.
    pub fn polled_total(&self) -> u64 {
        self.polled.load(Ordering::Relaxed)
    }

    /// Counts a position poll. The one counter that handlers write.
    pub fn polled(&self) {
        self.polled.fetch_add(1, Ordering::Relaxed);
    }

    /// People gone, by reason as the metric names it.
    pub fn departed_total(&self) -> [(&'static str, u64); 6] {
        [
            ("left", &self.left),
            ("idle", &self.idle),
            ("rejoined", &self.rejoined),
            ("unclaimed", &self.unclaimed),
            ("expired", &self.expired),
            ("ended", &self.ended),
        ]
        .map(|(reason, counter)| (reason, counter.load(Ordering::Relaxed)))
    }

    pub(crate) fn entered(&self) {
        self.entered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn admitted(&self) {
        self.admitted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn departed(&self, reason: Departure, count: u64) {
        let counter = match reason {
            Departure::Left => &self.left,
            Departure::Idle => &self.idle,
            Departure::Rejoined => &self.rejoined,
        };
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, reason: SessionEnd) {
        let counter = match reason {
            SessionEnd::Unclaimed => &self.unclaimed,
            SessionEnd::Expired => &self.expired,
            SessionEnd::Ended | SessionEnd::Completed => &self.ended,
            SessionEnd::Left => &self.left,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
