//! What others know of the keys.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Serialize;

/// The half of a key that others verify with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its thumbprint (RFC 7638), the `kid` of its tokens.
    pub id: String,
    /// The key itself.
    pub bytes: Vec<u8>,
}

/// The keys whose tokens may hold now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicKeys(pub(super) BTreeMap<String, Vec<u8>>);

impl PublicKeys {
    /// Whether there is a key of this id. One that was published since is in the table.
    pub fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Whether there is no key at all: they were not read yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the signature of a text is that of the key of this id.
    pub(crate) fn verify(&self, id: &str, text: &[u8], signature: &[u8]) -> bool {
        let key = self.0.get(id).map(|bytes| UnparsedPublicKey::new(&ED25519, bytes));
        key.is_some_and(|key| key.verify(text, signature).is_ok())
    }

    /// The set as others read it.
    pub fn to_jwks(&self) -> Jwks {
        let keys = self.0.iter().map(|(id, bytes)| Jwk {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: id.clone(),
            x: BASE64_URL_SAFE_NO_PAD.encode(bytes),
        });
        Jwks { keys: keys.collect() }
    }
}

/// A JSON Web Key Set (RFC 7517) of public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

/// A public key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x: String,
}

store::refusals! {
    /// Why a key was not published.
    pub PublishRefusal {
        /// It was revoked, and nothing that it signs holds.
        Revoked = "signing_key_revoked":
            "the signing key was revoked: start this node with another one",
    }
}
