//! What goes out to a provider with a person, and what comes back.
//!
//! What was begun is written into a cookie of the browser, under a MAC, and nowhere else. State, nonce and
//! PKCE verifier are made of its id by MACs, each for its own use.

use std::fmt;

use base::moment::Moment;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use super::model::{Flow, Provider, Purpose, ReturnTo};
use crate::{
    ids::FlowId,
    limits::FLOW_TTL,
    mac::{Mac, Macs, Secrets},
    session::Role,
};

const STATE: &str = "state";
const BROWSER: &str = "browser";
const NONCE: &str = "nonce";
const VERIFIER: &str = "verifier";

/// How the cookie says that an account is to be linked; the session follows.
const LINK: &str = "link-";

/// What makes the secrets of flows and knows them again.
#[derive(Clone, Debug)]
pub struct FlowKeys(Macs);

/// What a person takes along to the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Departure {
    /// `state`: comes back in the address.
    pub state: String,
    /// `nonce`: comes back in the provider's signed token.
    pub nonce: String,
    /// `code_challenge` by `S256`: only who has the verifier can use the code.
    pub challenge: String,
    /// For a cookie of this browser that lasts [`FLOW_TTL`]: in another browser the return is of no use.
    pub browser: String,
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Departure(…)")
    }
}

/// What was begun in the browser that somebody comes back with.
#[derive(Clone)]
pub struct Begun {
    pub(super) id: FlowId,
    pub(super) expires_at: Moment,
    flow: Flow,
    nonce: String,
    verifier: String,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Begun {
    /// To whom the person was sent, what for, and where they go afterwards.
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// What the provider's token has to have in it.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// What the code is exchanged with (RFC 7636): 43 characters.
    pub(crate) fn verifier(&self) -> &str {
        &self.verifier
    }
}

impl FlowKeys {
    /// From the secret that all nodes share.
    pub fn new(secrets: &Secrets) -> Self {
        Self(Macs::new("rushgate 2026-11-30 sign-in elsewhere", secrets))
    }

    /// What a person takes along who is sent to a provider now.
    pub fn departure(&self, flow: &Flow, now: Moment) -> Departure {
        let (mac, id) = (self.0.own(), FlowId::new(now).to_string());
        let challenge = digest(&SHA256, mac.derive(VERIFIER, &id).as_bytes());
        let purpose = match flow.purpose {
            Purpose::SignIn(role) => role.label().to_owned(),
            Purpose::Link(session) => format!("{LINK}{session}"),
        };
        let (provider, return_to) = (flow.provider.label(), flow.return_to.as_str());
        let until = now.after(FLOW_TTL).0;
        // A cookie cannot have all characters of a path.
        let text =
            BASE64_URL_SAFE_NO_PAD.encode(format!("{id} {until} {provider} {purpose} {return_to}"));
        Departure {
            state: mac.seal(STATE, &id),
            nonce: mac.derive(NONCE, &id),
            challenge: BASE64_URL_SAFE_NO_PAD.encode(challenge),
            browser: mac.seal(BROWSER, &text),
        }
    }

    /// What was begun, if a state and a browser's cookie both belong to it. Whether it is used up or too
    /// old shows when it is taken.
    pub fn read(&self, state: &str, browser: &str) -> Option<Begun> {
        self.0.all().find_map(|mac| begun(mac, state, browser))
    }
}

fn begun(mac: &Mac, state: &str, browser: &str) -> Option<Begun> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(mac.open(BROWSER, browser)?).ok()?;
    let text = String::from_utf8(text).ok()?;
    let parts: [&str; 5] = text.splitn(5, ' ').collect::<Vec<_>>().try_into().ok()?;
    let [id, until, provider, purpose, return_to] = parts;
    if mac.open(STATE, state)? != id {
        return None;
    }
    let purpose = match purpose.strip_prefix(LINK) {
        Some(session) => Purpose::Link(session.parse().ok()?),
        None => Purpose::SignIn(Role::of(purpose)?),
    };
    Some(Begun {
        id: id.parse().ok()?,
        expires_at: Moment(until.parse().ok()?),
        flow: Flow {
            provider: Provider::of(provider)?,
            purpose,
            return_to: ReturnTo::of(return_to),
        },
        nonce: mac.derive(NONCE, id),
        verifier: mac.derive(VERIFIER, id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SessionId;

    const NOW: Moment = Moment(1_800_000_000_000);

    fn keys() -> FlowKeys {
        FlowKeys::new(&Secrets::new(b"a secret that all nodes of this test share"))
    }

    fn flow(purpose: Purpose, return_to: &str) -> Flow {
        Flow { provider: Provider::Google, purpose, return_to: ReturnTo::of(return_to) }
    }

    #[test]
    fn a_return_is_read_in_the_browser_that_left() {
        let keys = keys();
        let flow = flow(Purpose::SignIn(Role::Shopper), "/");
        let [mine, other] = [NOW, NOW].map(|now| keys.departure(&flow, now));
        let begun = keys.read(&mine.state, &mine.browser).unwrap();
        assert_eq!(begun.nonce(), mine.nonce);
        for (state, browser) in [
            (&mine.state, &other.browser),
            (&other.state, &mine.browser),
            (&mine.browser, &mine.state),
            (&mine.state, &mine.state),
            (&mine.state, &String::new()),
        ] {
            assert!(keys.read(state, browser).is_none());
        }
        let verifier = begun.verifier().to_owned();
        assert_eq!(verifier.len(), 43);
        let all = [mine.state, mine.nonce, mine.challenge, mine.browser, verifier];
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)));
    }

    #[test]
    fn the_browser_brings_back_what_was_begun() {
        let longest = format!("/{}", "x".repeat(crate::limits::RETURN_TO_BYTES_MAX - 1));
        for purpose in [Purpose::SignIn(Role::Operator), Purpose::Link(SessionId::new(NOW))] {
            for return_to in ["/", "/deals/7?from=mail;\"a,b\"#top", &longest] {
                let flow = flow(purpose, return_to);
                let departure = keys().departure(&flow, NOW);
                let is_of_cookies =
                    |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                assert!(
                    departure.browser.bytes().all(is_of_cookies) && departure.browser.len() < 1_000
                );
                let begun = keys().read(&departure.state, &departure.browser).unwrap();
                assert_eq!((begun.flow(), begun.expires_at), (&flow, NOW.after(FLOW_TTL)));
            }
        }
    }

    #[test]
    fn a_return_is_read_while_the_secret_is_replaced() {
        let flow = flow(Purpose::SignIn(Role::Shopper), "/");
        let departure = FlowKeys::new(&Secrets::new(b"old")).departure(&flow, NOW);
        let new = Secrets::new(b"new");
        let read =
            |secrets: &Secrets| FlowKeys::new(secrets).read(&departure.state, &departure.browser);
        assert_eq!(read(&new.clone().accepting(b"old")).unwrap().nonce(), departure.nonce);
        assert!(read(&new).is_none());
    }
}
