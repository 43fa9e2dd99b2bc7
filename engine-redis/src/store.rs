//! Who decides when several nodes serve one sale: a library of functions in Redis.
//!
//! Owns the connections and the calls: [`Store`] is the client. A call takes a batch of commands to the sale's shard, where it
//! is decided, and brings back what every node needs: the facts since the last that this node knows,
//! its own among them. Nothing is kept here about a sale; the caller's world is the memory, and the
//! point it has come to goes with every call.
//!
//! A call that failed with [`StoreError::Unavailable`] may have been decided. The next call with the
//! same point brings the facts either way, so nothing is lost and nothing is decided twice that has a
//! key or names a place. No call is repeated here.

mod answer;
mod call;
mod client;
mod commands;
mod decide;
mod error;
mod hints;
mod library;
mod notes;
mod options;
mod parts;
mod presence;
mod quorum;
mod sales;
mod servers;
mod snapshot;
mod stream;
mod verdict;

pub use self::{
    answer::{Decision, Entry, Facts},
    client::Store,
    decide::Batch,
    error::StoreError,
    hints::Hints,
    library::REVISION,
    notes::NodeNote,
    options::{Replicas, StoreOptions},
    parts::{Rebuild, Standing},
    presence::Heard,
    quorum::{Present, Quorum, QuorumAnswer},
    servers::Shard,
    snapshot::{Snapshot, SnapshotHead},
    verdict::{HoldTold, Placed, Verdict},
};
