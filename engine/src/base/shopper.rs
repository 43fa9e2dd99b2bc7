//! How a verified identity becomes the shopper key that the engine knows.
//!
//! A key depends on the sale, on how the sale tells shoppers apart, on the identity itself and on a
//! secret, and on nothing else: not on the epoch, the node or the time. So whoever has the secret can
//! compute the key of an account again, long after the sale, and join its orders to the account.
//! Without the secret a key seen in a pass or an order leads back to nobody, and the keys that one
//! account has in two sales cannot be recognised as one account's.
//!
//! The key of an invitation depends on no secret. The invitation's id is random, so the key gives nothing away,
//! and it has to be the same for as long as the invitation is good: with another key it would be unused again.
//!
//! The computation is part of the contract (`docs/order-pipeline.md`): shops do it in other languages.
//! Every part is length-prefixed, so no two different inputs run together into the same bytes.

use std::fmt;

use crate::id::{SaleName, ShopperKey};

/// Computes shopper keys under one secret.
#[derive(Clone)]
pub struct ShopperKeys([u8; 32]);

impl ShopperKeys {
    /// Keys under this secret.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The shopper who is this account of the shop, in a sale with `identity = "jwt"`: the `sub` of
    /// the shop's tokens.
    pub fn of_account(&self, sale: &SaleName, account: &str) -> ShopperKey {
        self.of("jwt", sale, account)
    }

    /// The shopper that a listed proxy names, in a sale with `identity = "header"`.
    pub fn of_header(&self, sale: &SaleName, shopper_id: &str) -> ShopperKey {
        self.of("header", sale, shopper_id)
    }

    /// The anonymous shopper of one idempotency key: a retried entry is the same shopper.
    pub fn of_idempotency_key(&self, sale: &SaleName, key: &str) -> ShopperKey {
        self.of("anonymous", sale, key)
    }

    /// The shopper of one invitation, by its random id: in a sale with `identity = "invite"`.
    pub fn of_invitation(sale: &SaleName, id: u128) -> ShopperKey {
        let hasher = blake3::Hasher::new_derive_key("rushgate shopper of an invitation 1");
        key_of(hasher, [sale.as_str(), &format!("{id:032x}")])
    }

    fn of(&self, kind: &str, sale: &SaleName, id: &str) -> ShopperKey {
        key_of(blake3::Hasher::new_keyed(&self.0), [kind, sale.as_str(), id])
    }
}

fn key_of<const N: usize>(mut hasher: blake3::Hasher, parts: [&str; N]) -> ShopperKey {
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    ShopperKey(u128::from_le_bytes(first))
}

impl fmt::Debug for ShopperKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShopperKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(name: &str) -> SaleName {
        SaleName::parse(name).unwrap()
    }

    #[test]
    fn a_shopper_key_depends_on_kind_sale_id_and_secret() {
        let keys = ShopperKeys::new([1; 32]);
        let base = keys.of_header(&sale("demo"), "42");
        assert_eq!(base, keys.of_header(&sale("demo"), "42"));
        assert_ne!(base, keys.of_header(&sale("demo"), "43"));
        assert_ne!(base, keys.of_header(&sale("demo2"), "42"));
        assert_ne!(base, keys.of_idempotency_key(&sale("demo"), "42"));
        assert_ne!(base, keys.of_account(&sale("demo"), "42"));
        let invited = ShopperKeys::of_invitation(&sale("demo"), 42);
        assert_ne!(base, invited);
        assert_ne!(invited, ShopperKeys::of_invitation(&sale("demo"), 43));
        assert_ne!(invited, ShopperKeys::of_invitation(&sale("demo2"), 42));
        assert_ne!(base, ShopperKeys::new([2; 32]).of_header(&sale("demo"), "42"));
        assert_ne!(
            keys.of_header(&sale("demo"), "24"),
            keys.of_header(&sale("demo2"), "4"),
            "parts do not run together"
        );
    }
}
