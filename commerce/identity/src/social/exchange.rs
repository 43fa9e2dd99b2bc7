//! The provider's side, as far as it is needed here.

use std::fmt;

use super::model::{Claims, Provider};

/// What came back from a provider, for the call that proves it.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// Who sent the person back.
    pub provider: Provider,
    /// The code that the person brought, for one exchange.
    pub code: &'a str,
    /// What the provider's token has to have in it.
    pub nonce: &'a str,
    /// The PKCE verifier of the challenge that the person took along.
    pub verifier: &'a str,
}

impl fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// Why a provider told nothing of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// The code is none of its, was used, or what it answered is not genuine.
    Refused,
    /// It cannot be reached, or does not answer as it should. The code is lost.
    Unavailable,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the provider does not know the sign-in",
            Self::Unavailable => "the provider cannot be reached",
        })
    }
}

impl std::error::Error for ExchangeError {}

/// Whoever can ask providers: a client of theirs, or a stand-in of a test.
pub trait Exchange: Sync {
    /// Exchanges a code for what the provider says of the person. The token's signature, issuer,
    /// audience, times and nonce are checked here.
    fn exchange(
        &self,
        proof: Proof<'_>,
    ) -> impl Future<Output = Result<Claims, ExchangeError>> + Send;
}
