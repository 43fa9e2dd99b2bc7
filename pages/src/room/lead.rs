//! The sections that can lead the page.

use crate::{
    format,
    sale::{Place, Purchase},
};

/// The section at the head of the page.
#[derive(Clone, Debug)]
pub(super) enum Lead<'p> {
    /// The sale is not open yet.
    Coming,
    /// The visitor can get in line.
    Enter,
    /// The visitor needs an invitation first.
    Uninvited(Heading),
    /// The last place is over.
    Ended(Heading),
    /// In line.
    Waiting(Place),
    /// In line for what may come back.
    Standby(Place),
    /// Called, and not let in yet.
    Called(Place),
    /// Let in with nothing bought yet, and for how long.
    Turn(Option<Countdown>),
    /// A reservation to be paid.
    Hold(&'p Purchase<'p>),
    /// A payment to be confirmed.
    Paying(&'p Purchase<'p>),
    /// Let in, and nothing to be done about it.
    Inside(Heading),
    /// Nothing more happens here.
    Over(Over),
}

/// A heading and the sentence below it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heading {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// How a sale that takes no one any more is told of.
#[derive(Clone, Debug)]
pub(super) struct Over {
    pub(super) title: &'static str,
    pub(super) text: String,
    /// The place the visitor still had, as people write it.
    pub(super) position: Option<String>,
}

/// How far the opening is away.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    /// Less than a day.
    Soon(Countdown),
    /// So many days, rounded up.
    Days(u64),
    /// An operator will open it.
    Unknown,
}

/// Seconds left, on a ruler of so many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Countdown {
    pub(super) left: u64,
    pub(super) max: u64,
}

impl Countdown {
    /// So many seconds of a stretch of time, which may be told too short.
    pub(super) fn of(left: u64, max: u64) -> Self {
        Self { left, max: max.max(left).max(1) }
    }

    pub(super) fn shown(self) -> String {
        format::clock(self.left)
    }

    /// Whether its figures need room for hours.
    pub(super) const fn is_long(self) -> bool {
        self.left >= 3_600
    }
}
