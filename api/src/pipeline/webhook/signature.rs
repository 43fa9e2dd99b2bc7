//! How a receiver knows that an event is ours: HMAC-SHA256 over timestamp, event id and body.
//!
//! `v1=` and 64 hex digits for each secret, separated by a comma. A receiver accepts the event when
//! any of them is right and the timestamp is recent; `docs/order-pipeline.md` shows how.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The fewest bytes of a secret: as hard to guess as a 128-bit key if they are random.
const SECRET_BYTES_MIN: usize = 16;

/// What sender and receiver of a webhook share. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Accepts 16 bytes and more; anything shorter is `None`.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= SECRET_BYTES_MIN).then_some(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The signature header's value.
pub(super) fn header(secrets: &[Secret], timestamp: u64, event: &str, body: &[u8]) -> String {
    let sign = |secret: &Secret| format!("v1={}", sign(secret, timestamp, event, body));
    secrets.iter().map(sign).collect::<Vec<_>>().join(",")
}

fn sign(secret: &Secret, timestamp: u64, event: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes any key length");
    mac.update(format!("{timestamp}.{event}.").as_bytes());
    mac.update(body);
    let mut hex = String::with_capacity(64);
    for byte in mac.finalize().into_bytes() {
        for digit in [byte >> 4, byte & 0xf] {
            hex.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1767225600.demo-7.{"event_id":7}' | openssl dgst -sha256 -hmac 0123456789abcdef`
    const KNOWN: &str = "a8e82acda36ef7e95f61d16c2b071fa66f1aff489dfa35e947f5c0ce7cb6d755";

    #[test]
    fn a_signature_is_what_openssl_makes_of_the_same() {
        let secret = Secret::new(b"0123456789abcdef".to_vec()).unwrap();
        let header = header(&[secret], 1_767_225_600, "demo-7", br#"{"event_id":7}"#);
        assert_eq!(header, format!("v1={KNOWN}"));
    }

    #[test]
    fn two_secrets_sign_side_by_side_and_neither_shows_itself() {
        let secrets = [b'a', b'b'].map(|byte| Secret::new(vec![byte; 16]).unwrap());
        let both = header(&secrets, 1, "demo-1", b"{}");
        let one = |secret: &Secret| header(std::slice::from_ref(secret), 1, "demo-1", b"{}");
        assert_eq!(both, format!("{},{}", one(&secrets[0]), one(&secrets[1])));
        assert_eq!(format!("{:?}", secrets[0]), "Secret(..)");
        assert_eq!(Secret::new(vec![0; 15]), None);
    }
}
