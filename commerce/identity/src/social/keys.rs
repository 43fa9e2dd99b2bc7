//! What goes out to a provider with a person, and what comes back.
//!
//! State, nonce, PKCE verifier and the browser's cookie are made of the flow's id by a MAC, each for its
//! own use. So the table holds nothing that would help whoever reads it.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use crate::{ids::FlowId, mac::Mac};

const STATE: &str = "state";
const BROWSER: &str = "browser";
const NONCE: &str = "nonce";
const VERIFIER: &str = "verifier";

/// What makes the secrets of flows and knows them again.
#[derive(Clone, Debug)]
pub struct FlowKeys(Mac);

/// What a person takes along to the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Departure {
    /// `state`: comes back in the address.
    pub state: String,
    /// `nonce`: comes back in the provider's signed token.
    pub nonce: String,
    /// `code_challenge` by `S256`: only who has the verifier can use the code.
    pub challenge: String,
    /// For a cookie of this browser: in another one the return is of no use.
    pub browser: String,
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Departure(…)")
    }
}

impl FlowKeys {
    /// From the secret that all nodes share.
    pub fn new(secret: &[u8]) -> Self {
        Self(Mac::new("rushgate 2026-11-30 sign-in elsewhere", secret))
    }

    /// What a person takes along.
    pub fn departure(&self, flow: FlowId) -> Departure {
        let id = flow.to_string();
        let challenge = digest(&SHA256, self.verifier(flow).as_bytes());
        Departure {
            state: self.0.seal(STATE, &id),
            nonce: self.nonce(flow),
            challenge: BASE64_URL_SAFE_NO_PAD.encode(challenge),
            browser: self.0.seal(BROWSER, &id),
        }
    }

    /// The flow that a state and a browser's cookie both belong to.
    pub fn read(&self, state: &str, browser: &str) -> Option<FlowId> {
        let id = self.0.open(STATE, state)?;
        (self.0.open(BROWSER, browser)? == id).then(|| id.parse().ok())?
    }

    /// What the provider's token has to have in it.
    pub(crate) fn nonce(&self, flow: FlowId) -> String {
        self.0.derive(NONCE, &flow.to_string())
    }

    /// What the code is exchanged with (RFC 7636): 43 characters.
    pub(crate) fn verifier(&self, flow: FlowId) -> String {
        self.0.derive(VERIFIER, &flow.to_string())
    }
}

#[cfg(test)]
mod tests {
    use base::moment::Moment;

    use super::*;

    #[test]
    fn a_return_is_read_in_the_browser_that_left() {
        let keys = FlowKeys::new(b"a secret that all nodes of this test share");
        let flow = FlowId::new(Moment(1_800_000_000_000));
        let [mine, other] =
            [flow, FlowId::new(Moment(1_800_000_000_000))].map(|flow| keys.departure(flow));
        assert_eq!(keys.read(&mine.state, &mine.browser), Some(flow));
        for (state, browser) in [
            (&mine.state, &other.browser),
            (&other.state, &mine.browser),
            (&mine.browser, &mine.state),
            (&mine.state, &mine.state),
            (&mine.state, &String::new()),
        ] {
            assert_eq!(keys.read(state, browser), None);
        }
        let all = [mine.state, mine.nonce, mine.challenge, mine.browser, keys.verifier(flow)];
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)));
        assert_eq!(keys.verifier(flow).len(), 43);
    }
}
