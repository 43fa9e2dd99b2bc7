//! The ids of this crate's things.

store::id! {
    /// Which account.
    pub AccountId
}

store::id! {
    /// Which session.
    pub SessionId
}

store::id! {
    /// Which address.
    pub AddressId
}

store::id! {
    /// Which business.
    pub BusinessId
}

store::id! {
    /// Which link with an account elsewhere.
    pub LinkId
}

store::id! {
    /// Which way to a provider and back.
    pub FlowId
}

store::id! {
    /// Which wrong password.
    pub GuessId
}

store::id! {
    /// Which proof.
    pub ProofId
}
