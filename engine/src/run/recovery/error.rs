//! Why a data directory cannot be served from.

use std::fmt;

use crate::journal::JournalError;

/// Why a data directory cannot be served from.
#[derive(Debug)]
pub enum RecoveryError {
    /// The journal says why.
    Journal(JournalError),
    /// The snapshots cannot be read.
    Snapshot(std::io::Error),
    /// The file of an archived sale cannot be written.
    Archive(std::io::Error),
    /// The sales in the data directory were decided by the arbiter of this kind.
    OtherArbiter(&'static str),
    /// The file that says which journal this is cannot be read or made.
    Incarnation(std::io::Error),
    /// What calls the store cannot be started.
    Runtime(std::io::Error),
}

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(_) => f.write_str("the journal cannot be recovered"),
            Self::Snapshot(_) => f.write_str("the snapshots cannot be read"),
            Self::Archive(_) => f.write_str("the file of an archived sale cannot be written"),
            Self::OtherArbiter(kind) => write!(
                f,
                "the sales in this data directory were decided with arbiter.kind = \"{kind}\", which \
                 cannot be changed; start with that, or with an empty directory"
            ),
            Self::Incarnation(_) => {
                f.write_str("the data directory's file \"incarnation\" cannot be read or written")
            }
            Self::Runtime(_) => f.write_str("the store's client cannot be started"),
        }
    }
}

impl std::error::Error for RecoveryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Journal(source) => Some(source),
            Self::Snapshot(source)
            | Self::Archive(source)
            | Self::Incarnation(source)
            | Self::Runtime(source) => Some(source),
            Self::OtherArbiter(_) => None,
        }
    }
}
