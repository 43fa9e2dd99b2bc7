//! Who a caller is: shopper keys, and the scope and body hashes of idempotency keys.
//!
//! Owns these derivations and their domain separation: every part is length-prefixed, so no two
//! different inputs run together into the same bytes. Shopper keys are keyed, so that a key seen in
//! a pass cannot be searched back to a customer number. Scope and body hashes are not keyed: they
//! live in the journal and must outlast any secret.

use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use engine::id::{SaleName, ShopperKey};

use super::Keyring;
use crate::keys::Role;

/// On whose behalf a request acts; an idempotency key means something only within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// The holder of a ticket or a pass.
    Shopper(ShopperKey),
    /// The holder of a bearer key.
    Key(Role),
}

impl Keyring {
    /// The shopper a listed proxy vouches for by `X-Shopper-Id`.
    pub fn shopper_by_header(&self, sale: &SaleName, shopper_id: &str) -> ShopperKey {
        self.shopper("header", sale, shopper_id)
    }

    /// The anonymous shopper of one `Idempotency-Key`: a retried entry is the same shopper.
    pub fn shopper_by_idempotency_key(&self, sale: &SaleName, key: &str) -> ShopperKey {
        self.shopper("anonymous", sale, key)
    }

    fn shopper(&self, kind: &str, sale: &SaleName, id: &str) -> ShopperKey {
        let hasher = blake3::Hasher::new_keyed(&self.identity);
        ShopperKey(finish(hasher, &[kind.as_bytes(), sale.as_str().as_bytes(), id.as_bytes()]))
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
    use super::super::keyring::tests::{NEW, OLD, keyring};
    use super::super::{Keyring, KeyringSecrets};
    use super::*;

    fn sale(name: &str) -> SaleName {
        SaleName::parse(name).unwrap()
    }

    #[test]
    fn a_shopper_key_depends_on_kind_sale_id_and_secret() {
        let ring = keyring(NEW, None);
        let base = ring.shopper_by_header(&sale("demo"), "42");
        assert_eq!(base, ring.shopper_by_header(&sale("demo"), "42"));
        assert_ne!(base, ring.shopper_by_header(&sale("demo"), "43"));
        assert_ne!(base, ring.shopper_by_header(&sale("demo2"), "42"));
        assert_ne!(base, ring.shopper_by_idempotency_key(&sale("demo"), "42"));
        assert_ne!(base, keyring(OLD, None).shopper_by_header(&sale("demo"), "42"));
        assert_ne!(
            ring.shopper_by_header(&sale("demo"), "24"),
            ring.shopper_by_header(&sale("demo2"), "4"),
            "parts do not run together"
        );
        assert_ne!(Keyring::shopper_at_random(), Keyring::shopper_at_random());
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
        let before = ring(OLD).shopper_by_header(&sale("demo"), "42");
        assert_eq!(before, ring(NEW).shopper_by_header(&sale("demo"), "42"));
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
