//! What can go wrong between a node and the store.

use std::{error::Error, fmt};

use engine::id::Epoch;

/// Why the store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// No connection, or no answer within the deadline. What was asked may have been done: the facts
    /// after the same point tell.
    Unavailable(String),
    /// The server that was asked has the sale's slot no more, or not yet: a cluster is being changed.
    /// Nothing was done.
    Elsewhere(String),
    /// The store does not know the sale: it was wiped, or the sale was never loaded or is deleted.
    UnknownSale,
    /// Another node is writing the sale into the store.
    Loading {
        /// Under which epoch.
        epoch: Epoch,
    },
    /// The sale's stream is in another epoch than this node believes.
    OtherEpoch {
        /// The store's.
        epoch: Epoch,
    },
    /// The store's history is not a continuation of this node's: it lost or never had what this node
    /// knows. Nothing was decided.
    Diverged {
        /// The sequence of the last entry the store has.
        seq: u64,
    },
    /// The sale was deleted.
    Gone {
        /// The epoch that its stream ended in.
        epoch: Epoch,
        /// What the nodes that deleted it, and earlier ones of its name, left for those which never knew them: each
        /// behind its length (4 bytes), the oldest first.
        made: Vec<u8>,
    },
    /// What follows this node's point is no longer in the stream.
    Trimmed {
        /// The sequence of the first entry that is.
        first: u64,
    },
    /// So many entries follow this node's point that they must be read first. Nothing was decided.
    Behind {
        /// The sequence of the last entry the store has.
        seq: u64,
    },
    /// The stream went on; what was decided on an earlier state was not appended.
    Moved {
        /// The sequence of the last entry the store has.
        seq: u64,
    },
    /// More holds are past their time than the change may forget at once. Nothing was done.
    PastHolds,
    /// Other nodes have yet to hear that this one serves. Nothing was done.
    Joining,
    /// The server is not the one that the sale was opened on, which may have lost facts: it was restarted,
    /// or another took its place. Nothing is decided until the nodes have met.
    Restarted {
        /// The sequence of the last entry the store has.
        seq: u64,
    },
    /// The library is not in the store: it was flushed, or the store is a new one.
    LibraryMissing,
    /// The library in the store is older than this node, although it was just loaded.
    LibraryOther {
        /// Its revision.
        found: u64,
    },
    /// The server is older than 7.0.
    ServerTooOld(String),
    /// The URL or the options cannot be used.
    Unusable(String),
    /// The store refused the call: out of memory, read-only, or not permitted. Nothing was changed.
    Refused(String),
    /// The library failed at this sale: its keys hold what it cannot work with. Nothing was changed, and
    /// other sales are not concerned.
    Library(String),
    /// A fact that the store decided contradicts what this node knows: the stream's entry, and what it is.
    Contradiction(u64, &'static str),
    /// The snapshot beside a sale's stream is none that a node wrote of this history, and why.
    BadSnapshot(&'static str),
    /// What this node does first, beside the turns. Nothing was done yet.
    NotYet(&'static str),
    /// This node's disk has no room for what it writes first. Nothing was done.
    StorageFull,
    /// An answer that this node cannot read.
    Reply(&'static str),
}

impl StoreError {
    /// Whether what the store has of a sale cannot be the sale, whenever it is asked again.
    pub(crate) fn is_contradiction(&self) -> bool {
        matches!(self, Self::Contradiction(..) | Self::BadSnapshot(_))
    }

    #[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
    pub(super) fn unusable(error: fred::error::Error) -> Self {
        Self::Unusable(error.to_string())
    }

    /// The meaning of an error that the client gave back.
    #[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
    pub(super) fn of_call(error: fred::error::Error) -> Self {
        use fred::error::ErrorKind;
        let (kind, details) = (error.kind(), error.details().to_owned());
        let code = details.split_whitespace().next().unwrap_or_default();
        let said = matches!(kind, ErrorKind::Unknown | ErrorKind::InvalidArgument);
        if matches!(code, "MOVED" | "ASK" | "TRYAGAIN") {
            Self::Elsewhere(details)
        } else if matches!(kind, ErrorKind::Config | ErrorKind::Url) {
            Self::Unusable(details)
        } else if details.contains("Function not found") {
            Self::LibraryMissing
        } else if said && details.contains(FUNCTION_ERROR) {
            Self::Library(details)
        } else if matches!(kind, ErrorKind::Auth) || said && is_refusal(code) {
            // The store answered, and what it said is no outage that passes by itself.
            Self::Refused(details)
        } else {
            Self::Unavailable(error.to_string())
        }
    }
}

/// What Redis puts before the line of a function's error.
const FUNCTION_ERROR: &str = "user_function";

/// Whether Redis's error code says that nothing was done. Those that pass by themselves, as while a
/// server loads its data or has lost its master, are not among them.
fn is_refusal(code: &str) -> bool {
    matches!(code, "ERR" | "OOM" | "NOPERM" | "WRONGTYPE" | "NOREPLICAS" | "MISCONF")
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
            Self::Elsewhere(said) => write!(f, "another server has the sale: {said}"),
            Self::UnknownSale => f.write_str("the store does not know the sale"),
            Self::Loading { epoch } => write!(f, "the sale is being loaded in epoch {}", epoch.0),
            Self::OtherEpoch { epoch } => write!(f, "the sale's stream is in epoch {}", epoch.0),
            Self::Gone { epoch, .. } => {
                write!(f, "the sale was deleted; its stream ended in epoch {}", epoch.0)
            }
            Self::Diverged { seq } => {
                write!(f, "the store has another history; its stream ends at {seq}")
            }
            Self::Trimmed { first } => write!(f, "the stream begins only at {first}"),
            Self::Behind { seq } => write!(f, "the stream is far ahead, at {seq}"),
            Self::Moved { seq } => write!(f, "the stream went on, to {seq}"),
            Self::PastHolds => {
                f.write_str("holds that are past their time are to be forgotten first")
            }
            Self::Joining => f.write_str("other nodes have yet to hear that this one serves"),
            Self::Restarted { seq } => {
                write!(f, "the store was restarted; its stream ends at {seq}")
            }
            Self::LibraryMissing => f.write_str("the store has not loaded the library"),
            Self::LibraryOther { found } => {
                write!(f, "the store has the library in revision {found}, which is too old")
            }
            Self::ServerTooOld(version) => {
                write!(f, "the server is of version {version}; 7.0 or later is needed")
            }
            Self::Unusable(why) => write!(f, "the store cannot be used so: {why}"),
            Self::Refused(why) => write!(f, "the store refused: {why}"),
            Self::Library(why) => write!(f, "the library fails at this sale: {why}"),
            Self::Contradiction(seq, what) => {
                write!(f, "entry {seq} of its stream contradicts what this node knows: {what}")
            }
            Self::BadSnapshot(what) => {
                write!(f, "the snapshot beside its stream is not taken over: {what}")
            }
            Self::StorageFull => f.write_str("this node's disk is full"),
            Self::NotYet(what) => write!(f, "first {what}"),
            Self::Reply(what) => write!(f, "the store answered {what}"),
        }
    }
}

impl Error for StoreError {}
