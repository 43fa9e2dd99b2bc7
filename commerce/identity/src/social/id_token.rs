//! The token that a provider signs about a person (`OpenID` Connect Core 1.0, 2 and 3.1.3.7).
//!
//! Owns what such a token must be. Refuses calls. Nothing of a token is believed before its signature fits
//! the key that it names; the algorithm is the key's, never the token's choice.

use base::moment::Moment;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use outbound::{Algorithm, Key};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::limits::{CLOCK_SKEW, FLOW_TTL, ID_TOKEN_BYTES_MAX};

/// Kakao and Google sign by this alone.
const ALGORITHM: Algorithm = Algorithm::Rs256;

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    crit: Option<Value>,
}

/// A token that nobody has compared with its key yet.
pub(super) struct Unread<'t> {
    key_id: String,
    signed: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

impl<'t> Unread<'t> {
    /// Splits a token; `None` if it is none that could be read.
    pub(super) fn split(text: &'t str) -> Option<Self> {
        if text.len() > ID_TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let Header { alg, kid, crit } = parsed(header)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let is_known = alg == ALGORITHM.name() && crit.is_none();
        is_known.then_some(Self { key_id: kid, signed, payload, signature })
    }

    /// The key that it says it is signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it says, if the key signed it.
    pub(super) fn read(&self, key: &Key) -> Option<IdToken> {
        let is_genuine =
            key.algorithm() == ALGORITHM && key.verifies(self.signed.as_bytes(), &self.signature);
        is_genuine.then(|| parsed(self.payload))?
    }
}

/// What a genuine token says.
#[derive(Deserialize)]
pub(super) struct IdToken {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    pub(super) sub: String,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<bool>,
    /// Google's: the organisation that it hosts, and whose addresses it gives and takes.
    pub(super) hd: Option<String>,
    name: Option<String>,
    nickname: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What a token must say.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuers: &'a [String],
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
}

impl IdToken {
    /// Whether it was made now, for this client and for this sign-in.
    pub(super) fn is_for(&self, expected: &Expected<'_>, now: Moment) -> bool {
        // One that is for others too could have come here by them.
        let is_for_us = match &self.aud {
            Audience::One(one) => one == expected.client,
            Audience::Several(all) => all.len() == 1 && all[0] == expected.client,
        };
        let (made, until) = (seconds(self.iat), seconds(self.exp));
        is_for_us
            && self.azp.as_deref().is_none_or(|party| party == expected.client)
            && expected.issuers.contains(&self.iss)
            && self.nonce.as_deref() == Some(expected.nonce)
            && now < until.after(CLOCK_SKEW)
            && made <= now.after(CLOCK_SKEW)
            && now < made.after(FLOW_TTL).after(CLOCK_SKEW)
    }

    /// What the person is called.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref().or(self.nickname.as_deref())
    }
}

const fn seconds(seconds: i64) -> Moment {
    Moment(seconds.saturating_mul(1_000))
}

fn parsed<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Moment = Moment(1_800_000_000_000);

    fn token() -> Value {
        json!({
            "iss": "https://provider.example", "aud": "shop", "sub": "1001", "nonce": "n-1",
            "iat": NOW.0 / 1_000, "exp": NOW.0 / 1_000 + 3_600, "nickname": "Kim Hana",
        })
    }

    fn is_taken(token: Value, now: Moment) -> bool {
        let issuers = ["https://provider.example".to_owned()];
        let expected = Expected { issuers: &issuers, client: "shop", nonce: "n-1" };
        serde_json::from_value::<IdToken>(token).is_ok_and(|token| token.is_for(&expected, now))
    }

    #[test]
    fn a_token_counts_for_its_sign_in_alone() {
        assert!(is_taken(token(), NOW));
        for (field, value) in [
            ("aud", json!(["shop"])),
            ("azp", json!("shop")),
            ("iat", json!(NOW.0 / 1_000 + 60)),
            ("exp", json!(NOW.0 / 1_000 - 59)),
        ] {
            let mut good = token();
            good[field] = value;
            assert!(is_taken(good, NOW), "{field}");
        }
        for (field, value) in [
            ("iss", json!("https://evil.example")),
            ("aud", json!("another")),
            ("aud", json!(["shop", "another"])),
            ("aud", json!([])),
            ("azp", json!("another")),
            ("nonce", json!("n-2")),
            ("nonce", json!(null)),
            ("exp", json!(NOW.0 / 1_000 - 60)),
            ("iat", json!(NOW.0 / 1_000 + 61)),
            ("iat", json!(NOW.0 / 1_000 - 660)),
            ("sub", json!(1001)),
            ("email_verified", json!("true")),
        ] {
            let mut bad = token();
            bad[field] = value.clone();
            assert!(!is_taken(bad, NOW), "{field}: {value}");
        }
    }

    #[test]
    fn what_cannot_be_compared_with_a_key_is_no_token() {
        let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = |header: Value| format!("{}.{}.AAAA", part(header), part(token()));
        assert!(Unread::split(&text(json!({ "alg": "RS256", "kid": "a" }))).is_some());
        for header in [
            json!({ "alg": "none", "kid": "a" }),
            json!({ "alg": "HS256", "kid": "a" }),
            json!({ "alg": "RS256" }),
            json!({ "alg": "RS256", "kid": "a", "crit": ["b64"] }),
        ] {
            assert!(Unread::split(&text(header.clone())).is_none(), "{header}");
        }
        let long = text(json!({ "alg": "RS256", "kid": "x".repeat(ID_TOKEN_BYTES_MAX) }));
        for text in ["", "..", "a.b.c", &long] {
            assert!(Unread::split(text).is_none());
        }
    }
}
