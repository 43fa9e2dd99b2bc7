//! The section of bearer keys and token secrets.

use std::fmt;

use super::kinds::{FromText, MASKED, Secret};
use super::section::section;
use crate::keys::{KEYS_PER_ROLE_MAX, KeyOptions, KeyValueError, check_value};
use crate::token::{SECRET_BYTES_MAX, SECRET_BYTES_MIN};
use crate::wire::Problems;

section! {
    /// Bearer keys and token secrets; absent ones are made on the first start, in `DIR/keys.json`.
    Keys = "keys" {
        /// one key or up to 16; a hash keeps the key out of the file.
        /// See [keys](#keys)
        operator ("[\"rgo_…\", \"blake3:…\"]", "made on first start"): Option<Vec<Secret<KeyValue>>> = None,
        /// the same, for the shop's backend
        backend ("\"rgb_…\"", "made on first start"): Option<Vec<Secret<KeyValue>>> = None,
        /// what ticket and pass keys derive from; required with several nodes, and the same on all
        secret ("\"…\"", "made on first start"): Option<Secret<TokenSecret>> = None,
        /// old tickets and passes stay valid while rotating.
        /// See [keys](#keys)
        previous_secret ("\"…\""): Option<Secret<TokenSecret>> = None,
        /// already accepted, and its public key published, before it signs.
        /// See [keys](#keys)
        next_secret ("\"…\""): Option<Secret<TokenSecret>> = None,
        /// keeps shopper keys the same when `secret` changes.
        /// See [whose order it is](order-pipeline.md#whose-order-it-is)
        identity_secret ("\"…\"", "`secret`"): Option<Secret<TokenSecret>> = None,
    }
}

impl Keys {
    /// What is configured; what is absent comes from the data directory's key file.
    pub fn options(&self) -> KeyOptions {
        let all = |keys: &Option<Vec<Secret<KeyValue>>>| {
            keys.iter().flatten().map(|key| key.get().0.clone()).collect()
        };
        let one = |secret: &Option<Secret<TokenSecret>>| {
            secret.as_ref().map(|secret| secret.get().0.clone())
        };
        KeyOptions {
            operator: all(&self.operator),
            backend: all(&self.backend),
            secret: one(&self.secret),
            previous_secret: one(&self.previous_secret),
            next_secret: one(&self.next_secret),
            identity_secret: one(&self.identity_secret),
        }
    }

    /// What a list of keys must be. An empty one is none of an operator's: taken as absent, a variable
    /// left empty by mistake would put a key of the node's own in place.
    pub(super) fn check(&self, problems: &mut Problems) {
        for (name, keys) in [("operator", &self.operator), ("backend", &self.backend)] {
            let Some(keys) = keys else { continue };
            let field = format!("keys.{name}");
            if keys.is_empty() {
                problems.note(field, "no key", KeyValueError.to_string());
            } else if keys.len() > KEYS_PER_ROLE_MAX {
                let allowed = format!("at most {KEYS_PER_ROLE_MAX} keys");
                problems.note(field, format!("{} keys", keys.len()), allowed);
            }
        }
    }
}

/// A bearer key, in clear or as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyValue(String);

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyValue(…)")
    }
}

impl FromText for KeyValue {
    const ALLOWED: &'static str = "a key is 16 to 256 visible ASCII characters, \
         or blake3: and the 64 hex digits of its hash";

    fn from_text(text: &str) -> Option<Self> {
        check_value(text).is_ok().then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        MASKED.to_owned()
    }
}

/// What ticket and pass keys derive from.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

impl FromText for TokenSecret {
    const ALLOWED: &'static str = "32 to 1024 bytes";

    fn from_text(text: &str) -> Option<Self> {
        let fits = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len());
        fits.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        MASKED.to_owned()
    }
}
