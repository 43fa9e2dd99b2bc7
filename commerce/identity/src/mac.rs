//! Tokens that say something under a MAC, so that nothing secret is kept of them.
//!
//! A token is a text and a MAC over it, for one use: what was made for another use is not read. While the
//! secret is replaced, what was made of the other one is read too.

use std::{fmt, iter::once};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

/// The secret that all nodes share, and perhaps another one whose tokens are read too.
///
/// It is replaced in two rounds of starts, so that no node meets a token that it cannot read: first every
/// node accepts the next secret, then every node has it and accepts the one before, for as long as a
/// session lasts.
#[derive(Clone)]
pub struct Secrets {
    own: Vec<u8>,
    other: Option<Vec<u8>>,
}

impl Secrets {
    /// One secret.
    pub fn new(own: &[u8]) -> Self {
        Self { own: own.to_vec(), other: None }
    }

    /// The same, and what was made of another one is read too.
    #[must_use]
    pub fn accepting(mut self, other: &[u8]) -> Self {
        self.other = Some(other.to_vec());
        self
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// The keys of one context: one that makes tokens, and one that may only read them.
#[derive(Clone, Debug)]
pub(crate) struct Macs {
    own: Mac,
    other: Option<Mac>,
}

impl Macs {
    /// The context tells these keys from all others of the secrets.
    pub(crate) fn new(context: &'static str, secrets: &Secrets) -> Self {
        let mac = |secret: &Vec<u8>| Mac::new(context, secret);
        Self { own: mac(&secrets.own), other: secrets.other.as_ref().map(mac) }
    }

    /// The one that makes tokens.
    pub(crate) const fn own(&self) -> &Mac {
        &self.own
    }

    /// All of them, the one that makes tokens first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Mac> {
        once(&self.own).chain(&self.other)
    }

    /// What a token says that one of them made for this use.
    pub(crate) fn open<'t>(&self, usage: &str, token: &'t str) -> Option<&'t str> {
        self.all().find_map(|mac| mac.open(usage, token))
    }
}

/// A key that makes tokens and knows them again.
#[derive(Clone)]
pub(crate) struct Mac {
    key: [u8; 32],
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(…)")
    }
}

impl Mac {
    fn new(context: &'static str, secret: &[u8]) -> Self {
        Self { key: blake3::derive_key(context, secret) }
    }

    /// The token that says a text.
    pub(crate) fn seal(&self, usage: &str, text: &str) -> String {
        format!("{text}.{}", self.derive(usage, text))
    }

    /// What a token says. One that was not made here for this use is `None`.
    pub(crate) fn open<'t>(&self, usage: &str, token: &'t str) -> Option<&'t str> {
        let (text, mac) = token.rsplit_once('.')?;
        let mac: [u8; 32] = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
        // Compared in constant time.
        (self.mac(usage, text) == mac).then_some(text)
    }

    /// A secret of 43 characters that only holders of the key can tell from the text.
    pub(crate) fn derive(&self, usage: &str, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.mac(usage, text).as_bytes())
    }

    fn mac(&self, usage: &str, text: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(usage.as_bytes()).update(b"\0").update(text.as_bytes());
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_for_the_use_is_read() {
        let mac = Mac::new("rushgate test", b"a secret that all nodes of this test share");
        let token = mac.seal("one", "an.id.7");
        assert_eq!(token, mac.seal("one", "an.id.7"), "a retry makes the same");
        assert_eq!(mac.open("one", &token), Some("an.id.7"));
        assert_eq!(mac.open("two", &token), None);
        let others =
            [Mac::new("rushgate test", b"another secret"), Mac::new("rushgate", b"a secret")];
        assert!(others.iter().all(|other| other.open("one", &token).is_none()));
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1;
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(mac.open("one", &forged), None, "{forged}");
        }
        for text in ["", ".", "an.id.7", &token[1..], &token[..token.len() - 1]] {
            assert_eq!(mac.open("one", text), None, "{text}");
        }
        assert_eq!(format!("{mac:?}"), "Mac(…)");
    }

    #[test]
    fn while_the_secret_is_replaced_no_node_meets_a_token_that_it_cannot_read() {
        let macs = |secrets: &Secrets| Macs::new("rushgate test", secrets);
        let [old, new] = [Secrets::new(b"old"), Secrets::new(b"new")];
        let rounds = [
            [macs(&old), macs(&old.clone().accepting(b"new"))],
            [macs(&old.accepting(b"new")), macs(&new.clone().accepting(b"old"))],
            [macs(&new.clone().accepting(b"old")), macs(&new)],
        ];
        for [one, other] in &rounds {
            // In the last round, tokens of the old secret are over.
            for (maker, reader) in [(one, other), (other, one)] {
                let token = maker.own().seal("one", "text");
                assert_eq!(reader.open("one", &token), Some("text"));
            }
        }
        let first = rounds[0][0].own().seal("one", "text");
        assert_eq!(rounds[2][1].open("one", &first), None);
        assert_eq!(format!("{new:?}"), "Secrets(…)");
    }
}
