//! The ids of this crate's things.

store::id! {
    /// Which account.
    pub AccountId
}

store::id! {
    /// Which proof.
    pub ProofId
}
