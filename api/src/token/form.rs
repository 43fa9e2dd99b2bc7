//! Form keys: what the forms of the room page carry so that only that page can send them, once.
//!
//! A form key is 16 random bytes and a MAC over them, the sale and the visitor's random cookie. The
//! MAC proves that the page was made here, for the browser that sends the form: another site can
//! read neither the page nor the cookie. The random bytes make the key a secret of its own, so it
//! also serves as an idempotency key: a form that is sent twice is one request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::id::SaleTag;
use subtle::ConstantTimeEq as _;

use super::keyring::Keyring;

const RANDOM_BYTES: usize = 16;
const MAC_BYTES: usize = 16;
const KEY_BYTES: usize = RANDOM_BYTES + MAC_BYTES;

/// Characters of a visitor's random cookie: 16 bytes in base64url.
const VISITOR_CHARS: usize = 22;

/// A new random name for a browser that has none yet.
pub fn visitor_at_random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text has the form that [`visitor_at_random`] gives.
pub fn is_visitor(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == VISITOR_CHARS && text.bytes().all(fits)
}

impl Keyring {
    /// A new key for one form of a sale's page, as shown to `visitor`.
    pub fn seal_form(&self, sale: SaleTag, visitor: &str) -> Result<String, getrandom::Error> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes[..RANDOM_BYTES])?;
        let mac = mac(&self.form, sale, visitor, &bytes[..RANDOM_BYTES]);
        bytes[RANDOM_BYTES..].copy_from_slice(&mac);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Whether a key was made here for a form of this sale's page, as shown to `visitor`.
    pub fn is_form_key(&self, sale: SaleTag, visitor: &str, key: &str) -> bool {
        let mut bytes = [0; KEY_BYTES];
        if URL_SAFE_NO_PAD.decode_slice(key, &mut bytes) != Ok(KEY_BYTES) {
            return false;
        }
        let (random, found) = bytes.split_at(RANDOM_BYTES);
        let mut keys = std::iter::once(&self.form).chain(&self.form_others);
        let fits = |key| bool::from(mac(key, sale, visitor, random).ct_eq(found));
        keys.any(fits)
    }
}

fn mac(key: &[u8; 32], sale: SaleTag, visitor: &str, random: &[u8]) -> [u8; MAC_BYTES] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&sale.0.to_le_bytes());
    // The one part of free length comes last.
    hasher.update(random);
    hasher.update(visitor.as_bytes());
    let mut mac = [0; MAC_BYTES];
    mac.copy_from_slice(&hasher.finalize().as_bytes()[..MAC_BYTES]);
    mac
}

#[cfg(test)]
mod tests {
    use super::super::keyring::tests::{NEW, OLD, keyring};
    use super::*;

    #[test]
    fn a_form_key_holds_for_its_sale_and_its_visitor_alone() {
        let (ring, sale) = (keyring(NEW, None), SaleTag(7));
        let visitor = visitor_at_random().unwrap();
        assert!(is_visitor(&visitor) && !is_visitor("short") && !is_visitor(&" ".repeat(22)));
        let key = ring.seal_form(sale, &visitor).unwrap();
        assert!(ring.is_form_key(sale, &visitor, &key));
        assert_ne!(ring.seal_form(sale, &visitor).unwrap(), key, "each form has its own");
        assert!(!ring.is_form_key(SaleTag(8), &visitor, &key));
        assert!(!ring.is_form_key(sale, &visitor_at_random().unwrap(), &key));
        assert!(!ring.is_form_key(sale, &visitor, &key[1..]));
        assert!(!ring.is_form_key(sale, &visitor, ""));
        assert!(!ring.is_form_key(sale, &visitor, &"k".repeat(100)));
        assert!(!keyring(OLD, None).is_form_key(sale, &visitor, &key));
    }

    #[test]
    fn a_form_key_outlives_a_rotation_of_the_secret() {
        let (sale, visitor) = (SaleTag(7), visitor_at_random().unwrap());
        let key = keyring(OLD, None).seal_form(sale, &visitor).unwrap();
        assert!(keyring(NEW, Some(OLD)).is_form_key(sale, &visitor, &key));
    }
}
