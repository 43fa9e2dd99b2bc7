//! Calls to other people's servers: which URLs may be called, whose certificates are believed, and
//! documents that are fetched within bounds.
//!
//! Redirects are never followed: what the operator configured is called and nothing else. Refuses to
//! know what an answer means.

mod backoff;
mod document;
mod target;
mod trust;

pub use backoff::Backoff;
pub use document::{Document, DocumentError, Fetched};
pub use target::{URL_ALLOWED, connector, is_url, parse};
pub use trust::{Trust, client_config};

/// What every request says about its sender.
pub const AGENT: &str = concat!("rushgate/", env!("CARGO_PKG_VERSION"));
