//! Why a token names nobody.

use std::fmt;

/// Why a token names nobody now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not three canonical base64url parts of JSON objects within the length limit.
    Malformed,
    /// It says that it is no token of a person, such as a logout token.
    Type,
    /// Signed in a way that is not allowed, such as `none` or HMAC.
    Algorithm,
    /// It names no key.
    NoKey,
    /// It names a key that is not in the set.
    UnknownKey,
    /// Its `alg` is not the one of its key.
    KeyAlgorithm,
    /// The signature does not fit.
    Signature,
    /// Genuine, from another issuer.
    Issuer,
    /// Genuine, for another audience.
    Audience,
    /// Genuine, without an end.
    NoExpiry,
    /// Genuine, and would outlive what is remembered of revoked sessions.
    LivesTooLong,
    /// Genuine, and does not hold yet.
    NotYet,
    /// Genuine, and does not hold any more.
    Expired,
    /// Genuine, and names no account.
    NoSubject,
    /// Genuine, of a session that was ended.
    Revoked,
    /// The keys cannot be read, so nobody can say what it is.
    KeysUnavailable,
}

impl Fault {
    /// The fault in words for whoever sent the token.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Malformed => "the token is not a signed JWT of at most 4096 bytes",
            Self::Type => "the token's typ or events say that it is no token of a person",
            Self::Algorithm => "the token's alg is not allowed here",
            Self::NoKey => "the token has no kid",
            Self::UnknownKey => "the token's kid is not in the key set",
            Self::KeyAlgorithm => "the token's alg is not the one of its key",
            Self::Signature => "the token's signature does not verify",
            Self::Issuer => "the token's iss is not the expected one",
            Self::Audience => "the token's aud is not the expected one",
            Self::NoExpiry => "the token has no exp",
            Self::LivesTooLong => "the token's exp is too far ahead",
            Self::NotYet => "the token's nbf is in the future",
            Self::Expired => "the token has expired",
            Self::NoSubject => "the token has no sub of 1 to 256 bytes",
            Self::Revoked => "the token's session has been ended",
            Self::KeysUnavailable => "the key set cannot be read right now",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for Fault {}
