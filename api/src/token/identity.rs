//! On whose behalf a request acts, and the scope and body hashes of idempotency keys.
//!
//! Owns these hashes and their domain separation: every part is length-prefixed, so no two different
//! inputs run together into the same bytes. They are not keyed: they live in the journal and must
//! outlast any secret. How an identity becomes a shopper key is the engine's
//! ([`engine::shopper`]); this keyring has the secret for it.

use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use engine::id::ShopperKey;
use engine::shopper::ShopperKeys;

use super::keyring::Keyring;
use super::role::Role;

/// On whose behalf a request acts; an idempotency key means something only within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The holder of a ticket or a pass.
    Shopper(ShopperKey),
    /// The holder of a bearer key.
    Key(Role),
}

impl Keyring {
    /// Computes the shopper keys of identities.
    pub const fn shoppers(&self) -> &ShopperKeys {
        &self.shoppers
    }

    /// A new anonymous shopper, by the operating system's randomness.
    pub fn shopper_at_random() -> Result<ShopperKey, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(ShopperKey(u128::from_le_bytes(bytes)))
    }
}

/// The scope of an idempotency key: the same for the same principal, route and key, nothing else.
/// `route` names the call and its sale, as `purchase/demo`.
pub fn scope_hash(principal: Principal, route: &str, key: &str) -> u128 {
    static CONTEXT: LazyLock<ContextKey> =
        LazyLock::new(|| hash_derive_key_context("rushgate idempotency scope 1"));
    let (kind, id): (&[u8], [u8; 16]) = match principal {
        Principal::Shopper(shopper) => (b"shopper", shopper.0.to_le_bytes()),
        Principal::Key(Role::Operator) => (b"operator", [0; 16]),
        Principal::Key(Role::Backend) => (b"backend", [0; 16]),
    };
    let hasher = blake3::Hasher::new_from_context_key(&CONTEXT);
    finish(hasher, &[kind, &id, route.as_bytes(), key.as_bytes()])
}

/// The hash that tells whether a repeated request has the body of the first.
pub fn body_hash(body: &[u8]) -> u128 {
    static CONTEXT: LazyLock<ContextKey> =
        LazyLock::new(|| hash_derive_key_context("rushgate idempotency body 1"));
    finish(blake3::Hasher::new_from_context_key(&CONTEXT), &[body])
}

fn finish(mut hasher: blake3::Hasher, parts: &[&[u8]]) -> u128 {
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use engine::id::SaleName;

    use super::super::keyring::tests::{NEW, OLD, keyring};
    use super::super::{Keyring, KeyringSecrets};
    use super::*;

    fn sale(name: &str) -> SaleName {
        SaleName::parse(name).unwrap()
    }

    #[test]
    fn shopper_keys_go_by_the_secret_and_random_ones_by_nothing() {
        let of = |secret| keyring(secret, None).shoppers().of_header(&sale("demo"), "42");
        assert_eq!(of(NEW), of(NEW));
        assert_ne!(of(NEW), of(OLD));
        assert_ne!(Keyring::shopper_at_random(), Keyring::shopper_at_random());
    }

    /// The vector of `docs/order-pipeline.md`, by which a shop in another language checks its own
    /// computation.
    #[test]
    fn an_account_has_the_shopper_key_that_the_manual_computes() {
        let key = keyring("0123456789abcdef0123456789abcdef", None);
        let key = key.shoppers().of_account(&sale("demo"), "account-42");
        let manual = include_str!("../../../docs/order-pipeline.md");
        assert!(manual.contains(&format!("`{:032x}`", key.0)), "{:032x}", key.0);
    }

    #[test]
    fn an_identity_secret_keeps_shoppers_through_a_rotation() {
        let ring = |secret: &str| {
            Keyring::derive(&KeyringSecrets {
                secret: secret.to_owned(),
                identity_secret: Some("who you are stays who you are, always".to_owned()),
                ..KeyringSecrets::default()
            })
            .unwrap()
        };
        let before = ring(OLD).shoppers().of_header(&sale("demo"), "42");
        assert_eq!(before, ring(NEW).shoppers().of_header(&sale("demo"), "42"));
    }

    #[test]
    fn an_idempotency_key_is_scoped_to_principal_and_route() {
        let shopper = Principal::Shopper(ShopperKey(0));
        let base = scope_hash(shopper, "purchase/demo", "k");
        assert_eq!(base, scope_hash(shopper, "purchase/demo", "k"));
        assert_ne!(base, scope_hash(Principal::Shopper(ShopperKey(1)), "purchase/demo", "k"));
        assert_ne!(base, scope_hash(Principal::Key(Role::Backend), "purchase/demo", "k"));
        assert_ne!(base, scope_hash(shopper, "purchase/demok", ""));
        assert_ne!(body_hash(b"a"), body_hash(b"b"));
    }
}
