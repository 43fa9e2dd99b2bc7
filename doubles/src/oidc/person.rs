//! Who signs in, and for whom.

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What the provider knows them by; never changes.
    pub subject: String,
    /// What they are called.
    pub name: String,
    /// Their address, if they share it, and whether it is verified.
    pub email: Option<(String, bool)>,
}

/// Who may ask, and where the browser may be sent back.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The shop's id at the provider.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Addresses, each exact.
    pub redirects: Vec<String>,
}
