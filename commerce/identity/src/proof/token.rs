//! The token of a proof: its id, under a MAC for its purpose.

use super::model::Purpose;
use crate::{
    ids::ProofId,
    mac::{Macs, Secrets},
};

/// What makes the tokens of proofs and knows them again.
#[derive(Clone, Debug)]
pub struct Prover(Macs);

impl Prover {
    /// From the secret that all nodes share.
    pub fn new(secrets: &Secrets) -> Self {
        Self(Macs::new("rushgate 2026-11-30 proof of an address", secrets))
    }

    /// What is sent.
    pub fn token(&self, proof: ProofId, purpose: Purpose) -> String {
        self.0.own().seal(purpose.label(), &proof.to_string())
    }

    /// What an address is counted by, so that whoever reads the table learns no address from it. The first
    /// is written; the other is what nodes with the other secret write.
    pub(super) fn addresses(&self, email_key: &str) -> Vec<String> {
        self.0.all().map(|mac| mac.derive("address", email_key)).collect()
    }

    /// Reads what somebody shows. A token that was not made here for this purpose is `None`; whether the
    /// proof still holds shows when it is taken.
    pub fn read(&self, token: &str, purpose: Purpose) -> Option<ProofId> {
        self.0.open(purpose.label(), token)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use base::moment::Moment;

    use super::*;

    #[test]
    fn a_proof_is_read_for_its_purpose_alone() {
        let prover = Prover::new(&Secrets::new(b"a secret that all nodes of this test share"));
        let proof = ProofId::new(Moment(1_800_000_000_000));
        let token = prover.token(proof, Purpose::VerifyEmail);
        assert_eq!(prover.read(&token, Purpose::VerifyEmail), Some(proof));
        assert_eq!(prover.read(&token, Purpose::ResetPassword), None);
    }
}
