//! What goes wrong and when: counters of calls, and the plans that name one of them.

use std::io::{self, ErrorKind};

use rustix::io::Errno;

/// Plans are absolute call numbers, so that the counters never need resetting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) writes: u64,
    pub(super) syncs: u64,
    pub(super) changes: u64,
    pub(super) opens: u64,
    failing_open: Option<u64>,
    failing_sync: Option<u64>,
    failing_write: Option<(u64, ErrorKind)>,
    short_write: Option<(u64, usize)>,
    /// The last change that succeeds.
    last_change: Option<u64>,
}

impl Faults {
    pub(super) fn fail_open(&mut self, nth: u64) {
        self.failing_open = Some(self.opens + nth);
    }

    pub(super) fn fail_sync(&mut self, nth: u64) {
        self.failing_sync = Some(self.syncs + nth);
    }

    pub(super) fn fail_write(&mut self, nth: u64, kind: ErrorKind) {
        self.failing_write = Some((self.writes + nth, kind));
    }

    pub(super) fn shorten_write(&mut self, nth: u64, bytes: usize) {
        self.short_write = Some((self.writes + nth, bytes));
    }

    pub(super) fn cut_power_after(&mut self, changes: u64) {
        self.last_change = Some(self.changes + changes);
    }

    /// The counters alone.
    pub(super) fn without_plans(self) -> Self {
        let Self { writes, syncs, changes, opens, .. } = self;
        Self { writes, syncs, changes, opens, ..Self::default() }
    }

    /// Refuses once the power is cut.
    pub(super) fn powered(&self) -> io::Result<()> {
        match self.last_change {
            Some(last) if self.changes > last => Err(io::Error::other("the power is cut")),
            _ => Ok(()),
        }
    }

    /// Counts a change; the one after the last to succeed cuts the power.
    pub(super) fn change(&mut self) -> io::Result<()> {
        self.powered()?;
        self.changes += 1;
        self.powered()
    }

    /// Counts an opening and fails it if that is planned.
    pub(super) fn open(&mut self) -> io::Result<()> {
        self.powered()?;
        self.opens += 1;
        if self.failing_open == Some(self.opens) { Err(input_output_error()) } else { Ok(()) }
    }

    /// Counts a sync and fails it if that is planned.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        if self.failing_sync == Some(self.syncs) { Err(input_output_error()) } else { Ok(()) }
    }

    /// Counts a write of `length` bytes and says how many of them to take.
    pub(super) fn write(&mut self, length: usize) -> io::Result<usize> {
        self.writes += 1;
        match self.failing_write {
            Some((failing, kind)) if failing == self.writes => return Err(kind.into()),
            _ => {}
        }
        match self.short_write {
            Some((short, bytes)) if short == self.writes => Ok(length.min(bytes)),
            _ => Ok(length),
        }
    }
}

/// The error a disk gives that could not write.
pub(super) fn input_output_error() -> io::Error {
    Errno::IO.into()
}
