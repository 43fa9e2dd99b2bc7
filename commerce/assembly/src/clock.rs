//! The clock on the wall.

use std::time::{SystemTime, UNIX_EPOCH};

use base::moment::{Clock, Moment};

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the one place of the shop that reads it")]
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment(0).after(since)
    }
}
