//! Why a call has no answer, and what that says about its effect.

use std::fmt;

use crate::URL_ALLOWED;

/// A call without a whole answer. The text names no query, no secret and nothing of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The request never left: the server did nothing, and calling again is safe.
    Unsent(String),
    /// The request may have arrived, so the server may have done what it asks. Only the server can
    /// tell: ask it, or repeat the call under the same idempotency key.
    Unheard(String),
}

impl CallError {
    /// Whether the server may have done what it was asked.
    pub const fn may_have_happened(&self) -> bool {
        matches!(self, Self::Unheard(_))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(why) | Self::Unheard(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CallError {}

/// Why a server cannot be called as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// The URL is not one that can be called.
    Url,
    /// The URL names an address that may not be called.
    Address,
    /// No time to answer, or no call at once: nothing could ever be called.
    Bounds,
    /// The sender of mails is no address.
    Sender,
    /// A login would be sent over the network in plain text.
    Login,
    /// The certificates to trust cannot be read; says why.
    Trust(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => write!(f, "the URL must be {URL_ALLOWED}"),
            Self::Address => f.write_str("the URL names a private or reserved address"),
            Self::Bounds => f.write_str("deadline and calls at once must be more than zero"),
            Self::Sender => f.write_str("the sender of mails must be an address"),
            Self::Login => f.write_str("a login without TLS is only sent to this machine"),
            Self::Trust(why) => write!(f, "cannot read the certificates to trust: {why}"),
        }
    }
}

impl std::error::Error for TargetError {}
