//! The keys that a secret derives to, each with the id by which tokens name it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;

/// Bytes of the MAC of a ticket or an invitation.
pub(super) const MAC_BYTES: usize = 16;

/// One ticket MAC key and its id.
pub(super) struct TicketKey {
    pub(super) id: [u8; 2],
    key: [u8; 32],
}

impl TicketKey {
    pub(super) fn new(key: [u8; 32]) -> Self {
        let hash = blake3::derive_key("rushgate ticket key id 1", &key);
        Self { id: [hash[0], hash[1]], key }
    }

    pub(super) fn mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        let hash = blake3::keyed_hash(&self.key, body);
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&hash.as_bytes()[..MAC_BYTES]);
        mac
    }
}

/// One invitation MAC key and its id.
pub(super) struct InviteKey {
    pub(super) id: [u8; 2],
    key: [u8; 32],
}

impl InviteKey {
    pub(super) fn new(key: [u8; 32]) -> Self {
        let hash = blake3::derive_key("rushgate invitation key id 1", &key);
        Self { id: [hash[0], hash[1]], key }
    }

    pub(super) fn mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&blake3::keyed_hash(&self.key, body).as_bytes()[..MAC_BYTES]);
        mac
    }
}

/// One signing key with what derives from it, computed once.
pub(super) struct PassKey {
    pub(super) key: SigningKey,
    kid: String,
    /// The encoded header and the dot after it: the exact start of every token of this key.
    pub(super) prefix: String,
}

impl PassKey {
    pub(super) fn new(key: SigningKey) -> Self {
        let hash = blake3::hash(key.verifying_key().as_bytes());
        let kid = hash.to_hex()[..16].to_owned();
        let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#);
        let prefix = format!("{}.", URL_SAFE_NO_PAD.encode(header));
        Self { key, kid, prefix }
    }

    /// The hash by which a token of this key is remembered: of the key's id, and of all that is not
    /// the same in every token of it.
    pub(super) fn hash(&self, token: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.kid.as_bytes());
        hasher.update(&token.as_bytes()[self.prefix.len()..]);
        hasher.finalize()
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, as it is published.
    pub(super) fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes()),
            "kid": self.kid,
            "use": "sig",
            "alg": "EdDSA",
        })
    }
}
