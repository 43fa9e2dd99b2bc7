//! What goes wrong, and when.
//!
//! Always true: whether the n-th call of an operation meets a fault follows from the seed, the
//! operation and n alone. Calls of other operations in between change nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What befalls a call, or a notice that a double sends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Answered 503, without effect.
    Refused,
    /// The connection is closed, without effect.
    LostBefore,
    /// It has its effect; then the connection is closed without an answer.
    LostAfter,
    /// It has its effect, and is never answered.
    Silent,
    /// It has its effect, and is answered late.
    Late,
    /// It has its effect late, after what was asked later, even if its client has given up by then.
    Overtaken,
    /// A notice comes twice. A call is not affected.
    Doubled,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::LostBefore,
        Self::LostAfter,
        Self::Silent,
        Self::Late,
        Self::Overtaken,
        Self::Doubled,
    ];
}

/// How a double misbehaves. Clones are the same one.
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    seed: u64,
    per_mille: u64,
    /// How late [`Fault::Late`] and [`Fault::Overtaken`] are.
    late: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Calls of each operation so far.
    calls: BTreeMap<String, u64>,
    /// Those of them that had their effect late.
    late: BTreeMap<String, u64>,
    /// What the next calls of an operation meet, whatever the seed says.
    scripted: BTreeMap<String, VecDeque<Option<Fault>>>,
}

impl Faults {
    /// No faults but those that a test asks for with [`Faults::next`].
    pub fn none() -> Self {
        Self::seeded(0, 0, Duration::from_millis(300))
    }

    /// So many faults among a thousand calls, chosen by a seed.
    pub fn seeded(seed: u64, per_mille: u64, late: Duration) -> Self {
        Self(Arc::new(Inner { seed, per_mille, late, state: Mutex::default() }))
    }

    /// Says what the next call of an operation meets; asked several times, the calls after it.
    pub fn next(&self, operation: &str, fault: Option<Fault>) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.scripted.entry(operation.to_owned()).or_default().push_back(fault);
    }

    /// How many calls of an operation met [`Fault::Overtaken`] and have had their effect by now. Their
    /// clients may have given up before.
    pub fn late_arrivals(&self, operation: &str) -> u64 {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.late.get(operation).copied().unwrap_or_default()
    }

    pub(crate) fn arrived(&self, operation: &str) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.late.entry(operation.to_owned()).or_default() += 1;
    }

    /// How late those are that are late.
    pub(crate) fn late(&self) -> Duration {
        self.0.late
    }

    /// What this call of an operation meets.
    pub(crate) fn befall(&self, operation: &str) -> Option<Fault> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let count = state.calls.entry(operation.to_owned()).or_default();
        let nth = *count;
        *count += 1;
        if let Some(fault) = state.scripted.get_mut(operation).and_then(VecDeque::pop_front) {
            return fault;
        }
        let word = operation.bytes().fold(self.0.seed, |word, byte| mix(word ^ u64::from(byte)));
        let chance = mix(word ^ nth);
        let index = usize::try_from(chance >> 32).unwrap_or_default() % Fault::ALL.len();
        (chance % 1_000 < self.0.per_mille).then(|| Fault::ALL[index])
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("seed", &self.0.seed)
            .field("per_mille", &self.0.per_mille)
            .finish_non_exhaustive()
    }
}

/// `SplitMix64` (Steele, Lea and Flood, 2014).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_fixes_the_fate_of_each_operations_nth_call() {
        let fates = |order: &[&str]| {
            let faults = Faults::seeded(7, 300, Duration::ZERO);
            let mut fates: BTreeMap<String, Vec<Option<Fault>>> = BTreeMap::new();
            for operation in order.iter().cycle().take(order.len() * 200) {
                fates.entry((*operation).to_owned()).or_default().push(faults.befall(operation));
            }
            fates
        };
        let together = fates(&["ready", "approve"]);
        assert_eq!(together["approve"], fates(&["approve"])["approve"]);
        assert_ne!(together["approve"], together["ready"]);
        let count = together["ready"].iter().flatten().count();
        assert!((30..90).contains(&count), "{count} of 200 at 300 in a thousand");
    }

    #[test]
    fn a_script_comes_before_the_seed() {
        let faults = Faults::seeded(1, 1_000, Duration::ZERO);
        faults.next("approve", None);
        faults.next("approve", Some(Fault::Silent));
        assert_eq!(faults.befall("approve"), None);
        assert_eq!(faults.befall("approve"), Some(Fault::Silent));
        assert!(faults.befall("approve").is_some());
        assert_eq!(Faults::none().befall("approve"), None);
    }
}
