//! A shop that signs its shoppers' tokens, by each algorithm.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, Mac as _};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::{Value, json};
use sha2::Sha256;

pub(super) const ISSUER: &str = "https://shop.example";
pub(super) const AUDIENCE: &str = "the-rush";

/// A key for tests and nothing else: ring makes no RSA keys.
const RSA: &[u8] = include_bytes!("rsa.pk8");

enum Secret {
    Ed25519(SigningKey),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// One of the shop's keys.
pub(super) struct Signer {
    kid: &'static str,
    secret: Secret,
}

impl Signer {
    pub(super) fn ed25519(kid: &'static str) -> Self {
        let seed = blake3::hash(kid.as_bytes());
        Self { kid, secret: Secret::Ed25519(SigningKey::from_bytes(seed.as_bytes())) }
    }

    pub(super) fn p256(kid: &'static str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        Self { kid, secret: Secret::P256(key) }
    }

    pub(super) fn rsa(kid: &'static str) -> Self {
        Self { kid, secret: Secret::Rsa(RsaKeyPair::from_pkcs8(RSA).unwrap()) }
    }

    const fn alg(&self) -> &'static str {
        match self.secret {
            Secret::Ed25519(_) => "EdDSA",
            Secret::P256(_) => "ES256",
            Secret::Rsa(_) => "RS256",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.secret {
            Secret::Ed25519(key) => key.sign(text).to_vec(),
            Secret::P256(key) => key.sign(&random, text).unwrap().as_ref().to_vec(),
            Secret::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).unwrap();
                signature
            }
        }
    }

    /// Its public part, as a key set has it.
    fn jwk(&self) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.secret {
            Secret::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key.verifying_key().as_bytes()) })
            }
            Secret::P256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y) })
            }
            Secret::Rsa(key) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({ "kty": "RSA", "n": b64(&n), "e": b64(&e), "alg": "RS256" })
            }
        };
        (jwk["kid"], jwk["use"]) = (json!(self.kid), json!("sig"));
        jwk
    }

    /// A token that lives for ten minutes, with these claims over the usual ones; null removes one.
    pub(super) fn token(&self, claims: Value) -> String {
        self.token_with(json!({}), claims)
    }

    /// The same, with these names over the usual ones of the header.
    pub(super) fn token_with(&self, header: Value, claims: Value) -> String {
        let usual = json!({ "alg": self.alg(), "typ": "JWT", "kid": self.kid });
        let text = signed(&over(usual, header), &over(usual_claims(), claims));
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(self.sign(text.as_bytes())))
    }
}

/// The key set of these keys, among others that are for other uses.
pub(super) fn key_set(signers: &[&Signer]) -> String {
    let mut keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    keys.push(json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256" }));
    json!({ "keys": keys }).to_string()
}

/// A token "signed" by HMAC with what everybody knows: the public key.
pub(super) fn hmac(header: &Value, claims: &Value, signer: &Signer) -> String {
    let text = signed(header, &over(usual_claims(), claims.clone()));
    let jwk = signer.jwk();
    let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&public).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Seconds since the Unix epoch.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn usual_claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600 })
}

fn signed(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn over(mut usual: Value, changes: Value) -> Value {
    let usual_members = usual.as_object_mut().unwrap();
    let Value::Object(changes) = changes else { unreachable!("an object") };
    usual_members.extend(changes);
    usual_members.retain(|_, value| !value.is_null());
    usual
}
