//! A short name for one request, shared by the answer and the logs.
//!
//! Eight random hex digits for the process and a counter: unique within a process and, with all
//! likelihood, across nodes, at the price of one atomic add. It is made only when it is needed.

use std::fmt;
use std::sync::OnceLock;

use engine::sync::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(1);
static PROCESS: OnceLock<u32> = OnceLock::new();

/// A request's name: `1f0c9a2b-17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    /// A name no other request of this process has.
    pub fn next() -> Self {
        // ORDERING: Relaxed; only uniqueness matters.
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// A number in `0..bound` that differs from one request to the next: spreads retries out.
    pub(crate) fn spread(self, bound: u32) -> u32 {
        // Fibonacci hashing: consecutive counters land far apart.
        let mixed = (self.0 ^ u64::from(process())).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        u32::try_from((mixed * u64::from(bound)) >> 32).unwrap_or(0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", process(), self.0)
    }
}

fn process() -> u32 {
    // Without randomness the ids of two nodes may meet in a shared log; nothing else depends on it.
    *PROCESS.get_or_init(|| getrandom::u32().unwrap_or_else(|_| std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_spread_stays_in_bounds() {
        let (one, other) = (RequestId::next(), RequestId::next());
        assert_ne!(one.to_string(), other.to_string());
        assert!((0..1000).all(|_| RequestId::next().spread(7) < 7));
    }
}
