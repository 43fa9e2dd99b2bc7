//! The run's own clock.
//!
//! Owns the one reading of monotonic time in this crate. Every moment the crowd remembers is a
//! [`Stamp`]: nanoseconds since the run began, so stamps of different shoppers compare, subtract
//! and print without a calendar. Wall-clock time is never used: it may jump.

use std::time::{Duration, Instant};

use serde::Serialize;

/// A moment of the run: nanoseconds since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Stamp(pub(crate) u64);

impl Stamp {
    /// The time from `earlier` to here, zero when `earlier` is in fact later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment `gap` after this one.
    pub(crate) fn after(self, gap: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(gap)))
    }
}

/// Monotonic time, counted from the start of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts the run's time at zero.
    pub(crate) fn start() -> Self {
        Self { origin: instant() }
    }

    /// The present moment.
    pub(crate) fn now(self) -> Stamp {
        Stamp(nanoseconds(instant().saturating_duration_since(self.origin)))
    }

    /// Sleeps until `moment`; returns at once when it has passed.
    pub(crate) async fn until(self, moment: Stamp) {
        let deadline = self.origin + Duration::from_nanos(moment.0);
        tokio::time::sleep_until(tokio::time::Instant::from_std(deadline)).await;
    }
}

/// A duration as nanoseconds, at most `u64::MAX` (584 years).
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a load generator measures real sockets in real time; this is its one reading of it"
)]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_never_measures_a_negative_time() {
        assert_eq!(Stamp(5).since(Stamp(9)), Duration::ZERO);
        assert_eq!(Stamp(9).since(Stamp(5)), Duration::from_nanos(4));
        assert_eq!(Stamp(u64::MAX).after(Duration::from_secs(1)), Stamp(u64::MAX));
    }
}
