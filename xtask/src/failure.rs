//! Why a chore stopped.
//!
//! Owns the wording only; refuses to hold anything a caller would have to act on, since every
//! failure here ends the same way: it is printed and the exit code is not zero.

use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

use crate::duration::spelled;

/// What went wrong, naming the command, file or package to look at.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The program could not be started at all.
    NotStarted { call: String, source: io::Error },
    /// The program ran and said no.
    Failed { call: String, status: ExitStatus },
    /// The program was still running at its deadline and was killed with its descendants.
    Overran { call: String, limit: Duration },
    /// A file or directory could not be read, made or removed.
    Disk { path: PathBuf, source: io::Error },
    /// A program answered with something other than what it documents.
    Unexpected { call: String, what: String },
    /// Programs that the tests call are not on this machine.
    Missing { commands: Vec<&'static str>, remedy: String },
    /// Several nodes did not do what they promise; the report above says more.
    Nodes { what: String },
    /// `tidy` found this many faults, already printed.
    Untidy { faults: usize },
    /// These steps failed or were not run, in order.
    Steps { names: Vec<String> },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { call, source } => write!(f, "could not start `{call}`: {source}"),
            Self::Failed { call, status } => write!(f, "`{call}` failed: {status}"),
            Self::Overran { call, limit } => {
                write!(f, "`{call}` was still running after {}", spelled(*limit))
            }
            Self::Disk { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Unexpected { call, what } => write!(f, "`{call}`: {what}"),
            Self::Missing { commands, remedy } => {
                write!(f, "missing {}: {remedy}", commands.join(", "))
            }
            Self::Nodes { what } => write!(f, "{what}"),
            Self::Untidy { faults } => write!(f, "{faults} untidy"),
            Self::Steps { names } => write!(f, "did not pass: {}", names.join(", ")),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotStarted { source, .. } | Self::Disk { source, .. } => Some(source),
            Self::Failed { .. }
            | Self::Overran { .. }
            | Self::Unexpected { .. }
            | Self::Missing { .. }
            | Self::Nodes { .. }
            | Self::Untidy { .. }
            | Self::Steps { .. } => None,
        }
    }
}
