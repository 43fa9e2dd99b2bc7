//! What the doubles take for the time.

#![expect(
    clippy::disallowed_methods,
    reason = "a double is a world of its own, with its own clock"
)]

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base::moment::{Clock, Moment};

/// The system's clock, ahead by as much as a test says.
#[derive(Debug, Default)]
pub struct MovedClock {
    ahead_ms: AtomicI64,
}

impl MovedClock {
    /// Moves it on, for all that look at it.
    pub fn advance(&self, span: Duration) {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        // ORDERING: nothing else is published with it.
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // ORDERING: see `advance`.
        let ahead = Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed).unsigned_abs());
        Moment(0).after(since).after(ahead)
    }
}
