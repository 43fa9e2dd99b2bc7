//! Who decides, and the store that many nodes share.

use std::fmt;

use serde::{Deserialize, Serialize};

use engine_redis::{Replicas, StoreOptions};

use super::kinds::{FromText, Kind, Secret, Span, Text, Whole, without_password};
use super::section::section;
use crate::wire::Problems;

section! {
    /// Who decides order and stock.
    Arbiter = "arbiter" {
        /// `local`: this process decides, `redis`: several nodes share a store.
        /// See [several nodes](#several-nodes)
        kind: ArbiterKind = ArbiterKind::Local,
    }
}

/// The deciders of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArbiterKind {
    /// This process alone.
    Local,
    /// Redis, for many nodes.
    Redis,
}

impl Kind for ArbiterKind {
    fn allowed() -> String {
        "local, redis".to_owned()
    }

    #[cfg(test)]
    fn range() -> String {
        String::new()
    }
}

section! {
    /// The store that several nodes share; `config/redis.toml` explains each key.
    Redis = "redis" {
        /// where it is.
        /// Or `redis-sentinel://`, `redis-cluster://`, `redis+unix://`
        url: Secret<StoreUrl> = Secret(StoreUrl("redis://127.0.0.1:6379".to_owned())),
        /// what every key begins with; the same on all nodes
        prefix: Text<Prefix> = Text(Prefix("rushgate".to_owned())),
        /// connections per server
        connections: Whole<1, 64> = Whole::of(2),
        /// how long a call may take
        deadline_ms: Span<10, 600_000> = Span::of_ms(500),
        /// replicas that must have a decision before it is answered
        wait_replicas: Whole<0, 16> = Whole::of(0),
        /// how long to wait for them
        wait_timeout_ms: Span<1, 600_000> = Span::of_ms(100),
        /// how long to wait for missing nodes once the store has lost facts
        muster_wait_ms: Span<1_000, 600_000> = Span::of_ms(10_000),
        /// for one start: you assert that no other node has served since.
        /// Better `--rebuild-store` on the command line: [Redis is lost](#redis-is-lost)
        rebuild_store: bool = false,
    }
}

impl Redis {
    /// How the store is reached.
    pub fn store(&self) -> StoreOptions {
        let count = self.wait_replicas.as_u32();
        StoreOptions {
            url: self.url.get().0.clone(),
            connections: self.connections.as_usize(),
            deadline: self.deadline_ms.get(),
            replicas: (count > 0).then(|| Replicas { count, timeout: self.wait_timeout_ms.get() }),
            prefix: self.prefix.get().0.clone(),
        }
    }
}

/// A URL of the store, which may carry a password.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreUrl(…)")
    }
}

impl FromText for StoreUrl {
    const ALLOWED: &'static str = "a redis:// or rediss:// URL";

    fn from_text(text: &str) -> Option<Self> {
        let fits = text.starts_with("redis") && text.contains("://") && text.len() <= 2_048;
        fits.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        without_password(&self.0)
    }
}

/// What the keys of all sales begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl FromText for Prefix {
    const ALLOWED: &'static str = "1 to 64 letters, digits, . _ : or -";

    fn from_text(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// What the other sections say that many nodes have to agree on or to differ in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// Whether `server.node` was given.
    pub node: bool,
    /// Whether `keys.secret` was given.
    pub secret: bool,
}

/// What a node of many cannot do without.
pub(super) fn check(arbiter: &Arbiter, named: Named, problems: &mut Problems) {
    if arbiter.kind != ArbiterKind::Redis {
        return;
    }
    if !named.node && !problems.concern("server.node") {
        let allowed = "a name of its own for each node, since arbiter.kind is redis";
        problems.note("server.node".to_owned(), "nothing", allowed);
    }
    if !named.secret && !problems.concern("keys.secret") {
        let allowed = "the same secret on all nodes, since arbiter.kind is redis";
        problems.note("keys.secret".to_owned(), "nothing", allowed);
    }
}
