//! Places in the stream of a sale's facts, when many nodes serve it.
//!
//! Every node follows the same stream. A [`Point`] says how far it has come, and which history it has
//! read until there.

use std::fmt;

use crate::{
    codec::{Binary, DecodeError, binary_struct, take},
    id::Epoch,
};

/// The running hash of a sale's stream: SHA-1 over the hash before, the entry's time and its records.
/// It tells histories apart that went different ways by accident; it is no proof against an attacker.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Chain([u8; 20]);

/// How far a node has come in the stream of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// The epoch of the last entry.
    pub epoch: Epoch,
    /// The last entry's sequence: dense from 1 over all epochs, 0 before the first.
    pub seq: u64,
    /// The running hash up to and with it.
    pub chain: Chain,
}

binary_struct!(Point { epoch, seq, chain });

impl Point {
    /// Before the first entry of a new sale.
    pub const START: Self = Self { epoch: Epoch(0), seq: 0, chain: Chain([0; 20]) };

    /// The point right behind this one of an entry that a node writes itself, not the store: a sale's
    /// creation, and what a rebuild found. `contents` and `by` tell it from another node's.
    #[must_use]
    pub fn next(&self, epoch: Epoch, by: &str, contents: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.chain.0).update(by.as_bytes()).update(contents);
        let mut chain = [0; 20];
        chain.copy_from_slice(&hasher.finalize().as_bytes()[..20]);
        Self { epoch, seq: self.seq + 1, chain: Chain(chain) }
    }
}

impl Chain {
    /// The hash of 40 hexadecimal digits; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut chain = [0; 20];
        let digits = text.as_bytes();
        if digits.len() != 2 * chain.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, index) in chain.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[index..index + 2], 16).ok()?;
        }
        Some(Self(chain))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({self})")
    }
}

impl Binary for Chain {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        take(input, 20)?.try_into().map(Self).map_err(|_| DecodeError("chain"))
    }
}
