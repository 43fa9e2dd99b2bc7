//! What the configuration says about the shop's tokens.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use outbound::{Algorithm, Trust};
use tokio::sync::watch;

/// Where the keys of tokens come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// A URL, or the path of a file.
    At(String),
    /// The shop of this very process; nothing until it has read them first.
    Shop(watch::Receiver<Option<Bytes>>),
}

/// Whose tokens are believed, and where their keys come from.
#[derive(Clone, Debug)]
pub struct AccountOptions {
    /// Where the key set comes from.
    pub keys: Keys,
    /// The `iss` that a token must have.
    pub issuer: String,
    /// The audiences of which a token's `aud` must name one.
    pub audience: Vec<String>,
    /// The algorithms that keys of the set may be used with.
    pub algorithms: Vec<Algorithm>,
    /// The longest time that a set counts as fresh.
    pub fresh_max: Duration,
    /// How long the last good set is used while it cannot be read again.
    pub stale_max: Duration,
    /// How long one fetch may take.
    pub deadline: Duration,
    /// The longest time before its end that a token may come; revoked sessions are remembered so long.
    pub life_max: Duration,
    /// The file that lists revoked sessions, if there is one.
    pub revoked: Option<PathBuf>,
    /// The cookie in which the shop's pages keep the token, if they do.
    pub cookie: Option<String>,
    /// Whose certificates the server of the key set may have.
    pub trust: Trust,
}
