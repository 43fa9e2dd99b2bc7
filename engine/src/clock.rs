//! Engine time: milliseconds since the Unix epoch that never run backwards.
//!
//! Owns the only reads of the operating system's clocks in the engine. The wall clock is read once,
//! as an anchor; from there the monotonic clock counts. A step of the wall clock while the process
//! runs changes nothing, and [`SystemClock::not_before`] keeps a restart behind a wall clock that
//! was set back from going below the last time the journal saw. Order never depends on time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::sync::{AtomicU64, Ordering};

/// A point in engine time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The time `span_ms` later, saturating at the end of time.
    #[must_use]
    pub const fn after(self, span_ms: u64) -> Self {
        Self(self.0.saturating_add(span_ms))
    }

    /// The first whole second at or after this time.
    #[must_use]
    pub const fn whole_second(self) -> Self {
        Self(self.0.div_ceil(1_000).saturating_mul(1_000))
    }

    /// Milliseconds from `earlier` to here, 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where time comes from: the operating system, or a simulation.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present engine time; never less than an earlier answer.
    fn now(&self) -> Millis;

    /// From here on no answer is below `floor`.
    fn not_before(&self, floor: Millis);
}

/// The operating system's clocks, read as the module says.
#[derive(Debug)]
pub struct SystemClock {
    anchor_wall_ms: u64,
    anchor: Instant,
    /// Added to the anchored time, so that it starts no lower than the journal's last batch.
    lift_ms: AtomicU64,
}

impl SystemClock {
    /// Anchors engine time at the present wall-clock time.
    #[expect(clippy::disallowed_methods, reason = "the seam itself: the one read of both clocks")]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self {
            anchor_wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            anchor: Instant::now(),
            lift_ms: AtomicU64::new(0),
        }
    }

    fn unlifted(&self) -> u64 {
        let elapsed = u64::try_from(self.anchor.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.anchor_wall_ms.saturating_add(elapsed)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        // ORDERING: Relaxed; the lift is set during recovery, before any other thread exists.
        Millis(self.unlifted().saturating_add(self.lift_ms.load(Ordering::Relaxed)))
    }

    fn not_before(&self, floor: Millis) {
        let lift = floor.0.saturating_sub(self.unlifted());
        // ORDERING: Relaxed; see `now`.
        self.lift_ms.fetch_max(lift, Ordering::Relaxed);
    }
}

/// A clock that stands still until it is told to move: simulations and tests.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
}

impl ManualClock {
    /// A clock standing at `start`.
    pub fn at(start: Millis) -> Self {
        Self { now_ms: AtomicU64::new(start.0) }
    }

    /// Moves time forward.
    pub fn advance(&self, span_ms: u64) {
        // ORDERING: AcqRel; whoever reads the new time sees what was done before the move.
        self.now_ms.fetch_add(span_ms, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        // ORDERING: Acquire; pairs with `advance`.
        Millis(self.now_ms.load(Ordering::Acquire))
    }

    fn not_before(&self, floor: Millis) {
        // ORDERING: AcqRel; as `advance`.
        self.now_ms.fetch_max(floor.0, Ordering::AcqRel);
    }
}
