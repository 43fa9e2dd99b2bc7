//! The one crate that calls other people's servers.
//!
//! Owns where calls may go (URLs, addresses, certificates), how long they may take, how much of an
//! answer is read, and what a failed call says about its effect. Refuses to know what an answer means.
//!
//! Always true of a [`Target`]:
//!
//! - A call ends within its deadline, whatever the server does.
//! - Redirects are not followed: what was configured is called, and nothing else.
//! - The address that was checked is the address that is connected to.
//! - Nothing is called inside a write to the database: the call panics.
//! - No error and no debug output shows a query, a header's secret value or a body.

#![forbid(unsafe_code)]

mod backoff;
mod call;
mod connect;
mod document;
mod failure;
mod keys;
mod mail;
mod reach;
mod resolve;
mod secret;
mod target;
mod trust;
mod url;

pub mod limits;

pub use backoff::Backoff;
pub use call::{Answer, Call, segment};
pub use document::{Document, DocumentOptions, Fetched};
pub use failure::{CallError, TargetError};
pub use keys::{
    Algorithm, FoundKey, Key, KeyKeeper, KeyKeeperOptions, KeySource, KeySourceOptions,
};
pub use mail::{Letter, MailError, MailOptions, MailTls, Mailer};
pub use reach::Reach;
pub use secret::Secret;
pub use target::{AnswerBound, Options, Target};
pub use trust::{Trust, client_config};
pub use url::{URL_ALLOWED, is_url, parse};

/// What every request says about its sender.
pub const AGENT: &str = concat!("rushgate/", env!("CARGO_PKG_VERSION"));
