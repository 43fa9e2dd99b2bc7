//! Why an attempt to write a snapshot came to nothing, and what damage is.

use std::io::{self, ErrorKind};

use super::super::error::RecoveryError;
use crate::journal::JournalError;

/// Why there is no new snapshot.
pub(super) enum Unfinished {
    /// A part of the one before cannot be read.
    Unreadable,
    TooMuch,
    Failed(RecoveryError),
}

impl From<JournalError> for Unfinished {
    fn from(error: JournalError) -> Self {
        Self::Failed(RecoveryError::Journal(error))
    }
}

/// Whatever its kind: a write that fails says nothing of the snapshot before.
impl From<io::Error> for Unfinished {
    fn from(error: io::Error) -> Self {
        Self::Failed(RecoveryError::Snapshot(error))
    }
}

/// Whether a file is not what was written, rather than out of reach for the moment.
pub(super) fn is_damage(error: &io::Error) -> bool {
    let kinds = [ErrorKind::InvalidData, ErrorKind::NotFound, ErrorKind::UnexpectedEof];
    kinds.contains(&error.kind())
}
