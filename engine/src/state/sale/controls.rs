//! Where a sale stands in its life: what operators set by hand, and who did what.

use crate::{
    clock::Millis,
    codec::{binary_enum, binary_struct},
    record::{Author, Change},
    spec::SaleSpec,
};

/// What operators set by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches that operators set independently")]
pub struct Controls {
    /// Opened before its time.
    pub opened: bool,
    /// Closed before its time.
    pub closed: bool,
    /// No new entries.
    pub draining: bool,
    /// The gate stands still.
    pub paused: bool,
    /// An announcement to everyone in the room; empty when there is no announcement.
    pub message: String,
    /// How far the wall clock is ahead of engine time. Not the operators': the clock's own.
    pub clock_offset_ms: i64,
}

binary_struct!(Controls { opened, closed, draining, paused, message, clock_offset_ms });

impl Controls {
    /// A moment of engine time by the wall clock: what people and tokens are told.
    pub const fn wall(&self, at: Millis) -> Millis {
        at.shifted(self.clock_offset_ms)
    }

    /// The engine time at which the wall clock shows `wall`, if it is not stepped before.
    pub(crate) const fn engine(&self, wall: Millis) -> Millis {
        wall.shifted(self.clock_offset_ms.saturating_neg())
    }
}

/// One line of who did what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Millis,
    /// Who.
    pub author: Author,
    /// What; `None` for the sale's creation.
    pub change: Option<Change>,
}

binary_struct!(AuditEntry { at, author, change });

/// What an archived sale knows of its archiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The BLAKE3 hash of the file that has the whole of it.
    pub digest: [u8; 32],
    /// When it was archived.
    pub at: Millis,
}

binary_struct!(Archive { digest, at });

/// Where a sale stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet open.
    Scheduled,
    /// Open.
    Open,
    /// Open for who is in line, closed for who is not.
    Draining,
    /// Over.
    Closed,
}

binary_enum!(Phase { 0 => Scheduled, 1 => Open, 2 => Draining, 3 => Closed });

impl Phase {
    /// The phase a sale with this spec and these controls is in at `at`, in engine time. The
    /// schedule is by the wall clock.
    pub fn at(spec: &SaleSpec, controls: &Controls, at: Millis) -> Self {
        let at = controls.wall(at);
        if controls.closed || spec.closes_at.is_some_and(|closes| at >= closes) {
            Self::Closed
        } else if !controls.opened && spec.opens_at.is_some_and(|opens| at < opens) {
            Self::Scheduled
        } else if controls.draining {
            Self::Draining
        } else {
            Self::Open
        }
    }
}
