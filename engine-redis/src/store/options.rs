//! How the store is reached, and what must have a decision before it counts.

use std::time::Duration;

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `redis://`, `rediss://` for TLS, `redis-cluster://`, `redis-sentinel://` and `redis+unix://`,
    /// with user and password of the ACL before the host.
    pub url: String,
    /// Connections kept open to each server, at least 1.
    pub connections: usize,
    /// How long a call may take before its outcome counts as unknown.
    pub deadline: Duration,
    /// Replicas that must have a decision before it counts; `None` waits for none.
    pub replicas: Option<Replicas>,
    /// What every key begins with, so that others can use the same Redis. No braces: those of the
    /// sale's tag choose the shard.
    pub prefix: String,
}

/// How many replicas have to have a decision, and how long that may take (`WAIT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// At least 1.
    pub count: u32,
    /// What is not there by then counts as unknown.
    pub timeout: Duration,
}
