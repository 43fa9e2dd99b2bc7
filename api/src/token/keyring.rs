//! The keys of one node: what the configured secrets derive to, current, previous and next.
//!
//! Owns key derivation and key ids. What the current secret seals, every node with the same secret
//! opens. What the previous secret sealed still opens, and so does what the next one seals on nodes
//! that are ahead of this one; nothing new is sealed with either here. No
//! secret is ever printed: `Debug` shows key ids only.

use std::fmt;

use ed25519_dalek::SigningKey;
use engine::shopper::ShopperKeys;
use hkdf::Hkdf;
use sha2::Sha256;

use super::derived::{InviteKey, PassKey, TicketKey};
use super::verified::Verified;

/// The shortest secret that is accepted, in bytes: the strength of the keys derived from it.
pub const SECRET_BYTES_MIN: usize = 32;

/// The longest secret that is accepted, in bytes.
pub const SECRET_BYTES_MAX: usize = 1_024;

/// Passes remembered as genuine: those of shoppers who buy within the same minutes. 4 MiB in all.
const PASSES_REMEMBERED: usize = 1 << 18;

/// Separates these derivations from any other use of the same secret.
const HKDF_SALT: &[u8] = b"rushgate token keys 1";

/// What a keyring is derived from.
#[derive(Clone, Default)]
pub struct KeyringSecrets {
    /// Seals and opens; at least [`SECRET_BYTES_MIN`] bytes.
    pub secret: String,
    /// Opens only, while rotating.
    pub previous_secret: Option<String>,
    /// Opens only, and is published already, until all nodes open it and it can seal.
    pub next_secret: Option<String>,
    /// Derives shopper keys; `secret` when absent. Set it to keep shopper keys, and with them the
    /// limit per shopper, unchanged while `secret` is rotated in the middle of a sale.
    pub identity_secret: Option<String>,
}

impl fmt::Debug for KeyringSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringSecrets").finish_non_exhaustive()
    }
}

/// Why a keyring could not be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretError {
    /// The setting that is wrong: `secret`, `previous_secret`, `next_secret` or
    /// `identity_secret`.
    pub setting: &'static str,
    /// Its length in bytes.
    pub bytes: usize,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, bytes } = self;
        write!(
            f,
            "{setting} has {bytes} bytes; it must have {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}"
        )
    }
}

impl std::error::Error for SecretError {}

/// The derived keys. The `others` of each kind open and seal nothing.
pub struct Keyring {
    pub(super) ticket: TicketKey,
    pub(super) ticket_others: Vec<TicketKey>,
    pub(super) pass: PassKey,
    pub(super) pass_others: Vec<PassKey>,
    pub(super) shoppers: ShopperKeys,
    pub(super) invite: InviteKey,
    pub(super) invite_others: Vec<InviteKey>,
    pub(super) form: [u8; 32],
    pub(super) form_others: Vec<[u8; 32]>,
    pub(super) verified: Verified,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("pass_kid", &self.pass.kid())
            .field(
                "pass_kid_others",
                &self.pass_others.iter().map(PassKey::kid).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}

impl Keyring {
    /// Derives all keys; refuses secrets that are too short to carry them.
    pub fn derive(secrets: &KeyringSecrets) -> Result<Self, SecretError> {
        let current = Source::of("secret", &secrets.secret)?;
        let others = [
            ("previous_secret", secrets.previous_secret.as_deref()),
            ("next_secret", secrets.next_secret.as_deref()),
        ];
        let others = others.into_iter().filter_map(|(setting, text)| Some((setting, text?)));
        let others: Vec<Source> =
            others.map(|(setting, text)| Source::of(setting, text)).collect::<Result<_, _>>()?;
        let identity = match secrets.identity_secret.as_deref() {
            Some(text) => Source::of("identity_secret", text)?.expand(b"identity"),
            None => current.expand(b"identity"),
        };
        Ok(Self {
            ticket: current.ticket_key(),
            ticket_others: others.iter().map(Source::ticket_key).collect(),
            pass: current.pass_key(),
            pass_others: others.iter().map(Source::pass_key).collect(),
            shoppers: ShopperKeys::new(identity),
            invite: current.invite_key(),
            invite_others: others.iter().map(Source::invite_key).collect(),
            form: current.expand(b"form-mac"),
            form_others: others.iter().map(|source| source.expand(b"form-mac")).collect(),
            verified: Verified::new(PASSES_REMEMBERED),
        })
    }
}

/// A secret after HKDF's extract step.
struct Source(Hkdf<Sha256>);

impl Source {
    fn of(setting: &'static str, secret: &str) -> Result<Self, SecretError> {
        let bytes = secret.len();
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes) {
            return Err(SecretError { setting, bytes });
        }
        Ok(Self(Hkdf::new(Some(HKDF_SALT), secret.as_bytes())))
    }

    fn expand(&self, purpose: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        let expanded = self.0.expand(purpose, &mut key);
        assert!(expanded.is_ok(), "HKDF-SHA256 expands to up to 8,160 bytes");
        key
    }

    fn ticket_key(&self) -> TicketKey {
        TicketKey::new(self.expand(b"ticket-mac"))
    }

    fn invite_key(&self) -> InviteKey {
        InviteKey::new(self.expand(b"invite-mac"))
    }

    fn pass_key(&self) -> PassKey {
        PassKey::new(SigningKey::from_bytes(&self.expand(b"pass-ed25519")))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::token) const OLD: &str = "old secret old secret old secret old secret";
    pub(in crate::token) const NEW: &str = "new secret new secret new secret new secret";

    pub(in crate::token) fn keyring(secret: &str, previous: Option<&str>) -> Keyring {
        Keyring::derive(&KeyringSecrets {
            secret: secret.to_owned(),
            previous_secret: previous.map(str::to_owned),
            ..KeyringSecrets::default()
        })
        .unwrap()
    }

    #[test]
    fn a_short_secret_is_refused_and_named() {
        let short = "x".repeat(31);
        let secrets = KeyringSecrets { secret: short.clone(), ..KeyringSecrets::default() };
        let error = Keyring::derive(&secrets).unwrap_err();
        assert_eq!(error, SecretError { setting: "secret", bytes: 31 });

        let secrets = KeyringSecrets {
            secret: NEW.to_owned(),
            previous_secret: Some(short.clone()),
            ..KeyringSecrets::default()
        };
        assert_eq!(Keyring::derive(&secrets).unwrap_err().setting, "previous_secret");

        let secrets = KeyringSecrets {
            secret: NEW.to_owned(),
            next_secret: Some(short),
            ..KeyringSecrets::default()
        };
        assert_eq!(Keyring::derive(&secrets).unwrap_err().setting, "next_secret");
    }

    #[test]
    fn debug_shows_no_secret() {
        let secrets = KeyringSecrets { secret: NEW.to_owned(), ..KeyringSecrets::default() };
        let shown = format!("{secrets:?} {:?}", keyring(NEW, Some(OLD)));
        assert!(!shown.contains("secret new"), "{shown}");
    }
}
