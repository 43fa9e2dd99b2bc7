//! Engine time, which never runs backwards and never jumps, and the wall clock beside it.
//!
//! Owns the only reads of the operating system's clocks in the engine. Engine time begins with the
//! wall clock's reading at the start, or with the journal's last time if that is later, and from
//! there the monotonic clock counts. Windows, holds and sessions last as long as they should, whatever
//! happens to the wall clock. Schedules and tokens are for people and other machines, so they follow
//! the wall clock and its corrections: a sale knows how far the wall clock is from engine
//! time, as a journaled fact ([`crate::record::Record::ClockSet`]). Order depends on neither.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::sync::{AtomicI64, AtomicU64, Ordering};

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

    /// The time `offset_ms` later, or earlier when that is negative; saturating at both ends.
    #[must_use]
    pub const fn shifted(self, offset_ms: i64) -> Self {
        Self(self.0.saturating_add_signed(offset_ms))
    }

    /// How far `other` is behind this time, negative when it is ahead; saturating.
    #[must_use]
    pub const fn offset_from(self, other: Self) -> i64 {
        self.0.cast_signed().saturating_sub(other.0.cast_signed())
    }

    /// Milliseconds from `earlier` to here, 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where time comes from: the operating system, or a simulation.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current engine time; never less than an earlier answer.
    fn now(&self) -> Millis;

    /// What the wall clock shows, as it is corrected.
    fn wall(&self) -> Millis;

    /// From here on no answer of [`Self::now`] is below `floor`.
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
    #[expect(
        clippy::disallowed_methods,
        reason = "the seam itself: the read of the monotonic clock"
    )]
    pub fn start() -> Self {
        Self { anchor_wall_ms: wall_ms(), anchor: Instant::now(), lift_ms: AtomicU64::new(0) }
    }

    fn unlifted(&self) -> u64 {
        let elapsed = u64::try_from(self.anchor.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.anchor_wall_ms.saturating_add(elapsed)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        // ORDERING: Relaxed; the lift only grows and publishes nothing else. The scribe raises it
        // when a store's time is ahead, and another thread may see that a moment later.
        Millis(self.unlifted().saturating_add(self.lift_ms.load(Ordering::Relaxed)))
    }

    fn wall(&self) -> Millis {
        Millis(wall_ms())
    }

    fn not_before(&self, floor: Millis) {
        let lift = floor.0.saturating_sub(self.unlifted());
        // ORDERING: Relaxed; see `now`.
        self.lift_ms.fetch_max(lift, Ordering::Relaxed);
    }
}

/// What the wall clock shows; the Unix epoch when it is set before that.
#[expect(clippy::disallowed_methods, reason = "the seam itself: the read of the wall clock")]
fn wall_ms() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that stands still until it is told to move: simulations and tests.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
    /// How far the wall clock is ahead.
    wall_offset_ms: AtomicI64,
}

impl ManualClock {
    /// A clock standing at `start`.
    pub fn at(start: Millis) -> Self {
        Self { now_ms: AtomicU64::new(start.0), wall_offset_ms: AtomicI64::new(0) }
    }

    /// Sets the wall clock so far ahead of engine time, or behind it.
    pub fn step_wall(&self, offset_ms: i64) {
        // ORDERING: Release; pairs with `wall`.
        self.wall_offset_ms.store(offset_ms, Ordering::Release);
    }

    /// Moves time forward.
    pub fn advance(&self, span_ms: u64) {
        // ORDERING: AcqRel; a thread that reads the new time sees what was done before the move.
        self.now_ms.fetch_add(span_ms, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        // ORDERING: Acquire; pairs with `advance`.
        Millis(self.now_ms.load(Ordering::Acquire))
    }

    fn wall(&self) -> Millis {
        // ORDERING: Acquire; pairs with `step_wall`.
        self.now().shifted(self.wall_offset_ms.load(Ordering::Acquire))
    }

    fn not_before(&self, floor: Millis) {
        // ORDERING: AcqRel; as `advance`.
        self.now_ms.fetch_max(floor.0, Ordering::AcqRel);
    }
}
