//! The keys that tokens are signed with: a JSON Web Key Set (RFC 7517), as far as we verify.
//!
//! Owns which keys of a set are used, and what verifying with one means. A key fixes its algorithm by
//! its type, so a token can choose none. Keys of other types, for other uses, without a `kid` or out of
//! range are left out, since a set may serve other readers too. A set in which one `kid` stands twice
//! is refused: nobody could say which of both was meant.

use std::{collections::BTreeMap, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Keys of one set: rotation needs two or three, and some providers publish those of all tenants.
const KEYS_MAX: usize = 64;
/// The longest `kid`, in bytes.
const KEY_ID_BYTES_MAX: usize = 256;
/// Bytes of an RSA modulus: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;
/// Bytes of an RSA exponent.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=8;
/// Bytes of an Ed25519 key, and of each coordinate of a P-256 key.
const POINT_BYTES: usize = 32;

/// How a token may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// As `alg` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm that `alg` names.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// One public key.
#[derive(Debug)]
pub struct Key {
    material: Material,
    /// The hash of type and key, by which tokens of this key are told from those of another.
    fingerprint: blake3::Hash,
}

#[derive(Debug)]
enum Material {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

impl Key {
    fn new(material: Material) -> Self {
        let parts: [&[u8]; 3] = match &material {
            Material::Ed25519(key) => [b"ed25519", key, &[]],
            Material::P256(key) => [b"p256", key, &[]],
            Material::Rsa(key) => [b"rsa", &key.n, &key.e],
        };
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self { material, fingerprint: hasher.finalize() }
    }

    /// How tokens of this key are signed.
    pub const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Ed25519(_) => Algorithm::EdDsa,
            Material::P256(_) => Algorithm::Es256,
            Material::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// Whether the signature of `message` is this key's.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            Material::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            Material::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        };
        verified.is_ok()
    }

    /// The hash by which a token is remembered as this key's.
    pub fn hash_of(&self, token: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.fingerprint.as_bytes());
        hasher.update(token.as_bytes());
        hasher.finalize()
    }
}

/// The keys of a set that are used, by their ids.
#[derive(Debug)]
pub(super) struct KeySet(BTreeMap<String, Arc<Key>>);

/// Why a document is no key set that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeySetError {
    /// Not a JSON object with a list of `keys`.
    Malformed,
    /// More keys than a set may have.
    TooMany(usize),
    /// One id stands twice.
    Twice(String),
    /// No key that is used.
    Empty,
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("it is not a JSON object with a list of keys"),
            Self::TooMany(count) => write!(f, "it has {count} keys; at most {KEYS_MAX} are read"),
            Self::Twice(id) => write!(f, "it has the kid {id:?} twice"),
            Self::Empty => f.write_str(
                "it has no signing key with a kid that is Ed25519, P-256 or RSA of 2048 bits or more",
            ),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// One key as the set has it; the names are those of RFC 7518.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Reads a set.
    pub(super) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let document: Document =
            serde_json::from_slice(json).map_err(|_| KeySetError::Malformed)?;
        if document.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooMany(document.keys.len()));
        }
        let mut keys = BTreeMap::new();
        for (id, key) in document.keys.into_iter().filter_map(usable) {
            if keys.contains_key(&id) {
                return Err(KeySetError::Twice(id));
            }
            keys.insert(id, Arc::new(key));
        }
        if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(Self(keys)) }
    }

    /// The key of this id.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Key>> {
        self.0.get(id).map(Arc::clone)
    }

    /// The ids of all keys, in one line.
    pub(super) fn ids(&self) -> String {
        self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// A key of the set, if it is one that tokens may be signed with.
fn usable(value: Value) -> Option<(String, Key)> {
    let jwk = Jwk::deserialize(value).ok()?;
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let id = jwk.kid.clone().filter(|id| (1..=KEY_ID_BYTES_MAX).contains(&id.len()))?;
    let key = Key::new(material(&jwk).filter(|_| signs && verifies)?);
    let is_its_own = jwk.alg.as_deref().is_none_or(|alg| alg == key.algorithm().name());
    is_its_own.then_some((id, key))
}

fn material(jwk: &Jwk) -> Option<Material> {
    let point = |text: Option<&String>| bytes(text).filter(|bytes| bytes.len() == POINT_BYTES);
    Some(match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => Material::Ed25519(point(jwk.x.as_ref())?),
        ("EC", Some("P-256")) => {
            // Uncompressed, as SEC 1 writes it.
            let (x, y) = (point(jwk.x.as_ref())?, point(jwk.y.as_ref())?);
            Material::P256([&[4], x.as_slice(), &y].concat())
        }
        ("RSA", _) => {
            let n = bytes(jwk.n.as_ref()).filter(|n| MODULUS_BYTES.contains(&n.len()))?;
            let e = bytes(jwk.e.as_ref()).filter(|e| EXPONENT_BYTES.contains(&e.len()))?;
            Material::Rsa(RsaPublicKeyComponents { n, e })
        }
        _ => return None,
    })
}

fn bytes(text: Option<&String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use serde_json::json;

    use super::*;

    fn ed25519(kid: &str) -> Value {
        let key = SigningKey::from_bytes(&[7; 32]);
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid })
    }

    fn with(kid: &str, name: &str, value: Value) -> Value {
        let mut key = ed25519(kid);
        key[name] = value;
        key
    }

    fn parse(keys: &[Value]) -> Result<String, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).map(|set| set.ids())
    }

    #[test]
    fn only_signing_keys_of_known_types_with_an_id_are_used() {
        let point = URL_SAFE_NO_PAD.encode([1; 32]);
        let rsa = |bytes: usize| {
            let n = URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
            json!({ "kty": "RSA", "n": n, "e": "AQAB", "kid": format!("rsa-{bytes}") })
        };
        let keys = vec![
            ed25519("plain"),
            with("for-signing", "use", json!("sig")),
            with("its-own", "alg", json!("EdDSA")),
            json!({ "kty": "EC", "crv": "P-256", "x": point, "y": point, "kid": "p256" }),
            rsa(256),
            // None of these.
            with("encrypts", "use", json!("enc")),
            with("wraps", "key_ops", json!(["wrapKey"])),
            with("other-alg", "alg", json!("HS256")),
            with("other-curve", "crv", json!("Ed448")),
            with("short", "x", json!("AAAA")),
            with("odd", "kid", json!(7)),
            with("", "use", json!("sig")),
            json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "hmac", "alg": "HS256" }),
            json!({ "kty": "EC", "crv": "P-384", "x": point, "y": point, "kid": "p384" }),
            rsa(128),
            rsa(1_025),
            json!("no key"),
        ];
        assert_eq!(parse(&keys).unwrap(), "for-signing, its-own, p256, plain, rsa-256");
    }

    #[test]
    fn a_set_that_nobody_can_use_is_refused() {
        assert_eq!(parse(&[]), Err(KeySetError::Empty));
        assert_eq!(parse(&[with("a", "use", json!("enc"))]), Err(KeySetError::Empty));
        let twice = parse(&[ed25519("a"), ed25519("b"), ed25519("a")]);
        assert_eq!(twice, Err(KeySetError::Twice("a".to_owned())));
        let many: Vec<_> = (0..=KEYS_MAX).map(|kid| ed25519(&kid.to_string())).collect();
        assert_eq!(parse(&many), Err(KeySetError::TooMany(KEYS_MAX + 1)));
        for text in ["", "{}", "[]", r#"{"keys":{}}"#] {
            assert_eq!(
                KeySet::parse(text.as_bytes()).err(),
                Some(KeySetError::Malformed),
                "{text}"
            );
        }
    }

    #[test]
    fn a_key_verifies_its_own_signatures_and_remembers_tokens_as_its_own() {
        let set = KeySet::parse(json!({ "keys": [ed25519("a")] }).to_string().as_bytes()).unwrap();
        let key = set.get("a").unwrap();
        let signature = SigningKey::from_bytes(&[7; 32]).sign(b"text").to_bytes();
        assert!(key.verifies(b"text", &signature));
        assert!(!key.verifies(b"texts", &signature));
        assert!(!key.verifies(b"text", &signature[1..]));
        let other = Key::new(Material::Ed25519(vec![1; 32]));
        assert_ne!(key.hash_of("token"), other.hash_of("token"));
    }
}
