//! Tokens that say something under a MAC, so that nothing secret is kept of them.
//!
//! A token is a text and a MAC over it, for one use: what was made for another use is not read.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

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
    /// From the secret that all nodes share. The context tells this key from all others of the secret.
    pub(crate) fn new(context: &'static str, secret: &[u8]) -> Self {
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
}
