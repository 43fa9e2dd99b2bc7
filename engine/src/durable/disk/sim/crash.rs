//! What a crash leaves.

/// What a crash leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process died and the machine lives: everything stays, synced or not.
    Process,
    /// Power cut: nothing unsynced stays.
    DropUnsynced,
    /// Power cut: each unsynced 512-byte sector stays or not, in any order.
    KeepSectors {
        /// Chooses the sectors.
        seed: u64,
    },
    /// Power cut: the unsynced writes stay in order, up to some byte of one of them.
    KeepPrefix {
        /// Chooses the byte.
        seed: u64,
    },
}

/// The next number of Vigna's `SplitMix64` after `state`.
pub(super) fn splitmix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
