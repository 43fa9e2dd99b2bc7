//! What the configuration says about the shop's tokens.

use std::{path::PathBuf, time::Duration};

use outbound::{Algorithm, Trust};

/// Whose tokens are believed, and where their keys come from.
#[derive(Clone, Debug)]
pub struct AccountOptions {
    /// Where the key set is: a URL, or the path of a file.
    pub jwks: String,
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
