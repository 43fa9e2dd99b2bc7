//! Tokens known to be genuine, so that a shopper who shows one is known by a hash.
//!
//! A signature costs more than all the rest of an answer, and this node made or checked it once
//! already: a pass is of a shopper it let in, who comes back to buy. When little is left, the same
//! shoppers press "buy" again and again. Owns genuineness alone: claims and times are read from the
//! token and checked at each use. Only a token that we signed, or whose signature fitted, comes in,
//! under 128 bits of the hash of its key and of all its bytes, so a changed byte is another token, and
//! a token of another key too.
//!
//! A hash belongs to one set of [`WAYS`] slots; a newcomer takes a free one or another's.
//! Readers and writers take no lock. Two writers may leave a slot with a half of each: that is a
//! hash for which no one can find a token, and a forgotten token is merely verified again.

use std::fmt;

use blake3::Hash;
use engine::sync::{AtomicU64, Ordering};

/// Slots where a hash may stand: enough that few are pushed out before the table is full.
const WAYS: usize = 4;

/// Both halves of a hash; 0 and 0 in a free slot.
#[derive(Default)]
struct Slot(AtomicU64, AtomicU64);

/// The memory; see the module.
pub struct Verified(Box<[Slot]>);

impl Verified {
    /// Nothing yet, with room for so many tokens of 16 bytes each: a power of two.
    pub fn new(tokens_max: usize) -> Self {
        assert!(tokens_max.is_power_of_two() && tokens_max.is_multiple_of(WAYS));
        Self((0..tokens_max).map(|_| Slot::default()).collect())
    }

    /// Whether a token with this hash was seen to be genuine.
    pub fn knows(&self, hash: &Hash) -> bool {
        let (halves, set) = self.place(hash);
        // ORDERING: Relaxed, here and below: a slot stands for itself and publishes nothing else.
        let read = |slot: &Slot| (slot.0.load(Ordering::Relaxed), slot.1.load(Ordering::Relaxed));
        set.iter().any(|slot| read(slot) == halves)
    }

    /// Remembers a genuine token.
    pub fn remember(&self, hash: &Hash) {
        if self.knows(hash) {
            return;
        }
        let ((first, second), set) = self.place(hash);
        let free = set.iter().find(|slot| slot.0.load(Ordering::Relaxed) == 0);
        let victim = usize::try_from(second % WAYS as u64).unwrap_or(0);
        let slot = free.unwrap_or(&set[victim]);
        slot.0.store(first, Ordering::Relaxed);
        slot.1.store(second, Ordering::Relaxed);
    }

    /// The halves of a hash and the slots where they may stand.
    fn place(&self, hash: &Hash) -> ((u64, u64), &[Slot]) {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hash.as_bytes()[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let sets = (self.0.len() / WAYS) as u64;
        // Bits that are in neither half: what a slot holds says as much as all its bits.
        let set = usize::try_from(word(16) % sets).unwrap_or(0) * WAYS;
        ((word(0) | 1, word(8)), &self.0[set..set + WAYS])
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS_MAX: usize = 1 << 12;

    #[test]
    fn what_was_remembered_is_known_and_nothing_else() {
        let verified = Verified::new(TOKENS_MAX);
        let tokens = || (0..1_000_u32).map(|token| blake3::hash(&token.to_le_bytes()));
        assert!(tokens().all(|hash| !verified.knows(&hash)));
        for hash in tokens().step_by(2) {
            verified.remember(&hash);
        }
        assert!(tokens().step_by(2).all(|hash| verified.knows(&hash)));
        assert!(tokens().skip(1).step_by(2).all(|hash| !verified.knows(&hash)));
    }

    #[test]
    fn a_crowd_over_the_bound_pushes_out_no_more_than_it_must() {
        let verified = Verified::new(TOKENS_MAX);
        let tokens = || (0..TOKENS_MAX as u64 / 2).map(|token| blake3::hash(&token.to_le_bytes()));
        tokens().for_each(|hash| verified.remember(&hash));
        let known = tokens().filter(|hash| verified.knows(hash)).count();
        assert!(known * 100 > 94 * TOKENS_MAX / 2, "{known}");
        let more = TOKENS_MAX as u64 * 2;
        (0..more).for_each(|token| verified.remember(&blake3::hash(&token.to_be_bytes())));
        let last = blake3::hash(&(more - 1).to_be_bytes());
        assert!(verified.knows(&last), "a newcomer is let in");
    }
}
