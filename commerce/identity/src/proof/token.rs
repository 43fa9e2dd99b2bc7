//! The token of a proof: its id, and a MAC over the id and the purpose.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use super::model::Purpose;
use crate::ids::ProofId;

/// What makes the tokens of proofs and knows them again.
#[derive(Clone)]
pub struct Prover {
    key: [u8; 32],
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover(…)")
    }
}

impl Prover {
    /// From the secret that all nodes share.
    pub fn new(secret: &[u8]) -> Self {
        Self { key: blake3::derive_key("rushgate 2026-11-30 proof of an address", secret) }
    }

    /// What is sent.
    pub fn token(&self, proof: ProofId, purpose: Purpose) -> String {
        let mac = BASE64_URL_SAFE_NO_PAD.encode(self.mac(&proof.to_string(), purpose).as_bytes());
        format!("{proof}.{mac}")
    }

    /// Reads what somebody shows. A token that was not made here for this purpose is `None`; whether the
    /// proof still holds shows when it is taken.
    pub fn read(&self, token: &str, purpose: Purpose) -> Option<ProofId> {
        let (id, mac) = token.split_once('.')?;
        let mac: [u8; 32] = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
        // Compared in constant time.
        (self.mac(id, purpose) == mac).then(|| id.parse().ok())?
    }

    fn mac(&self, id: &str, purpose: Purpose) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(purpose.label().as_bytes()).update(b"\0").update(id.as_bytes());
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use base::moment::Moment;

    use super::*;

    #[test]
    fn only_what_was_made_for_the_purpose_is_read() {
        let prover = Prover::new(b"a secret that all nodes of this test share");
        let other = Prover::new(b"another secret");
        let proof = ProofId::new(Moment(1_800_000_000_000));
        let token = prover.token(proof, Purpose::VerifyEmail);
        assert_eq!(token, prover.token(proof, Purpose::VerifyEmail), "a retry sends the same");
        assert_eq!(prover.read(&token, Purpose::VerifyEmail), Some(proof));
        assert_eq!(prover.read(&token, Purpose::ResetPassword), None);
        assert_eq!(other.read(&token, Purpose::VerifyEmail), None);
        for index in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1;
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(prover.read(&forged, Purpose::VerifyEmail), None, "{forged}");
        }
        for text in ["", ".", "x.y", &token[..token.len() - 1], &format!("{token}A")] {
            assert_eq!(prover.read(text, Purpose::VerifyEmail), None, "{text}");
        }
    }
}
