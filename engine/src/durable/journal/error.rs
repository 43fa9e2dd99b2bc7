//! Why the journal refuses, and what trying again would mean.

use std::{error, fmt, io};

use super::format::FORMAT_VERSION;

/// Why the journal could not be opened, read or written.
#[derive(Debug)]
pub enum JournalError {
    /// There is no room. Nothing has changed; the same call may be made again, now or later.
    Full {
        /// What the disk said.
        source: io::Error,
    },
    /// The next segment could not be made, for a reason other than room. Nothing has changed; the
    /// same call may be made again.
    Unready {
        /// What the disk said.
        source: io::Error,
    },
    /// It is unknown what is durable, and every call from now on says so. The process must stop;
    /// opening the journal again finds out.
    Poisoned {
        /// What went wrong first.
        reason: String,
    },
    /// The call breaks the contract of the function. Nothing has changed; it will never succeed.
    Refused {
        /// Which part of the contract.
        why: &'static str,
    },
    /// The journal was changed by something other than a crash; it is left as it is.
    Damaged {
        /// The segment's number.
        segment: u64,
        /// The byte in the segment.
        offset: u64,
        /// What is wrong there.
        why: String,
    },
    /// A program of another version wrote the segment; it is left as it is.
    Version {
        /// The segment's number.
        segment: u64,
        /// The version it says it has.
        found: u32,
    },
    /// The reader of the batches did not accept one.
    Rejected {
        /// The number of the batch's first record.
        first_sequence: u64,
        /// What the reader said.
        why: String,
    },
    /// The disk failed while the journal was opened or read. Opening again is safe.
    Disk {
        /// What the journal was doing.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}

impl JournalError {
    pub(crate) fn damaged(segment: u64, offset: usize, why: impl Into<String>) -> Self {
        Self::Damaged { segment, offset: offset as u64, why: why.into() }
    }

    /// Gives an error of the disk its context.
    pub(crate) fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { doing, source }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { .. } => f.write_str("no room for the journal"),
            Self::Unready { .. } => f.write_str("cannot make the next journal segment"),
            Self::Poisoned { reason } => write!(f, "the journal is poisoned: {reason}"),
            Self::Refused { why } => write!(f, "refused by the journal: {why}"),
            Self::Damaged { segment, offset, why } => {
                write!(f, "journal segment {segment} is damaged at byte {offset}: {why}")
            }
            Self::Version { segment, found } => {
                let known = FORMAT_VERSION;
                write!(
                    f,
                    "journal segment {segment} has format version {found}, this program reads {known}"
                )
            }
            Self::Rejected { first_sequence, why } => {
                write!(f, "the batch at sequence {first_sequence} cannot be replayed: {why}")
            }
            Self::Disk { doing, .. } => write!(f, "the disk failed while {doing}"),
        }
    }
}

impl error::Error for JournalError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Full { source } | Self::Unready { source } | Self::Disk { source, .. } => {
                Some(source)
            }
            Self::Poisoned { .. }
            | Self::Refused { .. }
            | Self::Damaged { .. }
            | Self::Version { .. }
            | Self::Rejected { .. } => None,
        }
    }
}
