//! Passes that were found genuine of late, so that a shopper who asks again is known by a hash.
//!
//! When little is left, everyone admitted presses "buy" again and again with the same pass, and a
//! signature costs more than all the rest of saying no. Owns genuineness alone: the sale and the
//! times are checked at each use. Only a token whose signature fitted comes in, under the hash of
//! all its bytes, so a changed byte is another token. Keys never change within a process.
//!
//! A slot holds one token, found by its hash; a newcomer takes the slot. Readers take no lock.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use blake3::Hash;

use super::Pass;

/// Tokens remembered: those who buy within the same seconds, in about 3 MB when full.
const TOKENS_MAX: usize = 16_384;

const _: () = assert!(TOKENS_MAX.is_power_of_two() && TOKENS_MAX <= 1 << 16);

/// The memory; see the module.
pub(super) struct Verified(Box<[ArcSwapOption<(Hash, Pass)>]>);

impl Verified {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self((0..TOKENS_MAX).map(|_| ArcSwapOption::empty()).collect())
    }

    /// The pass of a token with this hash, if its signature was seen to fit.
    pub(super) fn find(&self, hash: &Hash) -> Option<Pass> {
        let known = self.slot(hash).load();
        known.as_ref().filter(|known| known.0 == *hash).map(|known| known.1.clone())
    }

    /// Remembers a token whose signature fitted.
    pub(super) fn remember(&self, hash: Hash, pass: Pass) {
        self.slot(&hash).store(Some(Arc::new((hash, pass))));
    }

    fn slot(&self, hash: &Hash) -> &ArcSwapOption<(Hash, Pass)> {
        let bytes = hash.as_bytes();
        &self.0[usize::from(u16::from_le_bytes([bytes[0], bytes[1]])) % TOKENS_MAX]
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified")
    }
}
