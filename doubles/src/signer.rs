//! Signs tokens by RSA, as the real providers do, and shows the key set that verifies them.

use std::io;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    digest,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents},
};
use serde_json::{Value, json};

/// The key of all doubles, in the open: ring makes no RSA keys, and these tokens open nothing.
const KEY: &str = include_str!("oidc/key.pem");

/// The one that a double changes to, as real providers change theirs.
const NEXT_KEY: &str = include_str!("oidc/next-key.pem");

/// A key that signs.
#[derive(Debug)]
pub(crate) struct Signer {
    pair: RsaKeyPair,
    /// Its name in the key set.
    id: &'static str,
}

impl Signer {
    pub(crate) fn new() -> io::Result<Self> {
        Self::of(KEY, "double-1")
    }

    /// Another key.
    pub(crate) fn next() -> io::Result<Self> {
        Self::of(NEXT_KEY, "double-2")
    }

    fn of(pem: &str, id: &'static str) -> io::Result<Self> {
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let der = STANDARD.decode(lines.collect::<String>()).map_err(io::Error::other)?;
        let pair = RsaKeyPair::from_pkcs8(&der);
        let pair = pair.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { pair, id })
    }

    /// The key as the owner of an account at a provider is given it.
    pub(crate) const fn pem() -> &'static str {
        KEY
    }

    fn public(&self) -> PublicKeyComponents<Vec<u8>> {
        self.pair.public().into()
    }

    /// The key as a key set has it (RFC 7517).
    pub(crate) fn key(&self) -> Value {
        let PublicKeyComponents { n, e } = self.public();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id,
            "n": encode(&n), "e": encode(&e),
        })
    }

    /// A signed token with these claims (RFC 7519).
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_named(self, claims)
    }

    /// One that says to be signed by another key.
    pub(crate) fn token_named(&self, name: &Self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": name.id });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let done = self.pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        );
        done.expect("a signature of the length of its key");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a token that this key signed; nothing of any other.
    pub(crate) fn claims(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let PublicKeyComponents { n, e } = self.public();
        let key = RsaPublicKeyComponents { n, e };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// SHA-256 in base64url, as PKCE has it.
pub(crate) fn sha256_url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}
