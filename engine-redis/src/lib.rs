//! Several nodes decide together: the engine's arbiter that asks Redis.
//!
//! ```text
//!   engine: scribe ─▶ SharedArbiter ─▶ store ─▶ Redis: the library in store/function
//! ```
//!
//! The store decides, this node follows. `store` owns the connections and the calls, and keeps nothing of a
//! sale; `shared` owns the world as far as this node has followed it, and what a turn of the scribe does. The
//! library repeats in Lua what `engine`'s `sale` decides: the same commands at the same time on the same state
//! give the same records, byte for byte.
//!
//! This crate waits on a runtime, as the engine never does: one of its own, driven by the scribe's thread.

mod shared;
mod store;

pub use self::{
    shared::{SharedArbiter, SharedOptions},
    store::{
        Batch, Decision, Entry, Facts, Heard, Hints, HoldTold, NodeNote, Placed, Present, Quorum,
        QuorumAnswer, REVISION, Rebuild, Replicas, Shard, Snapshot, SnapshotHead, Standing, Store,
        StoreError, StoreOptions, Verdict,
    },
};
