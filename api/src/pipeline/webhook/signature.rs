//! How a receiver knows that an event is ours: HMAC-SHA256 over its id, the time and the body, under
//! a secret that both know.
//!
//! Two headers say it, for each secret: Standard Webhooks' `v1,` and base64 over
//! `id.timestamp.body`, separated by a blank; our own `v1=` and 64 hex digits over
//! `timestamp.id.body`, separated by a comma. A receiver accepts the event when any signature is
//! right and the timestamp is recent; `docs/order-pipeline.md` shows how.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The fewest bytes of a secret: as hard to guess as a 128-bit key if they are random.
const SECRET_BYTES_MIN: usize = 16;

/// What the text of a secret begins with when the rest is the base64 of the key.
const ENCODED_PREFIX: &str = "whsec_";

/// What sender and receiver of a webhook share. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Accepts 16 bytes and more; anything shorter is `None`.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= SECRET_BYTES_MIN).then_some(Self(bytes))
    }

    /// Reads a secret as it is configured: `whsec_` and the base64 of the key, or the key itself.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix(ENCODED_PREFIX) {
            Some(encoded) => Self::new(STANDARD.decode(encoded).ok()?),
            None => Self::new(text.as_bytes().to_vec()),
        }
    }

    fn sign(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key length");
        let [first, second, body] = parts;
        for part in [first, b".", second, b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The value of `rushgate-signature`.
pub(super) fn own(secrets: &[Secret], timestamp: u64, event: &str, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let sign = |secret: &Secret| {
        let code = secret.sign([timestamp.as_bytes(), event.as_bytes(), body]);
        format!("v1={}", blake3::Hash::from(code).to_hex())
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(",")
}

/// The value of `webhook-signature`.
pub(super) fn standard(secrets: &[Secret], timestamp: u64, event: &str, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let sign = |secret: &Secret| {
        let code = secret.sign([event.as_bytes(), timestamp.as_bytes(), body]);
        format!("v1,{}", STANDARD.encode(code))
    };
    secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1767225600.demo-7.{"event_id":7}' | openssl dgst -sha256 -hmac 0123456789abcdef`
    const KNOWN: &str = "a8e82acda36ef7e95f61d16c2b071fa66f1aff489dfa35e947f5c0ce7cb6d755";

    #[test]
    fn a_signature_is_what_openssl_makes_of_the_same() {
        let secret = Secret::new(b"0123456789abcdef".to_vec()).unwrap();
        let header = own(&[secret], 1_767_225_600, "demo-7", br#"{"event_id":7}"#);
        assert_eq!(header, format!("v1={KNOWN}"));
    }

    #[test]
    fn two_secrets_sign_side_by_side_and_neither_shows_itself() {
        let secrets = [b'a', b'b'].map(|byte| Secret::new(vec![byte; 16]).unwrap());
        for (header, between) in
            [(own as fn(&[Secret], _, &_, &[u8]) -> String, ','), (standard, ' ')]
        {
            let both = header(&secrets, 1, "demo-1", b"{}");
            let one = |secret: &Secret| header(std::slice::from_ref(secret), 1, "demo-1", b"{}");
            assert_eq!(both, format!("{}{between}{}", one(&secrets[0]), one(&secrets[1])));
        }
        assert_eq!(format!("{:?}", secrets[0]), "Secret(..)");
        assert_eq!(Secret::new(vec![0; 15]), None);
    }

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn the_standard_signature_is_what_its_reference_libraries_make() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let header = standard(
            &[secret],
            1_614_265_330,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_a_key_or_its_encoded_form_and_nothing_short() {
        let plain = Secret::parse("0123456789abcdef").unwrap();
        assert_eq!(Secret::parse("whsec_MDEyMzQ1Njc4OWFiY2RlZg=="), Some(plain));
        for text in ["", "short", "whsec_MDEy", "whsec_not base64 at all, is it?"] {
            assert_eq!(Secret::parse(text), None, "{text}");
        }
    }
}
