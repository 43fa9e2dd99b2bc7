//! The library of functions, as it is loaded into Redis.

/// The library's name; its functions begin with it. A new name when the bytes of keys, calls or
/// replies change, so that nodes of both kinds can stand beside each other.
pub(super) const NAME: &str = "rushgate_2";

/// The revision within the name, as `head.lua` has it.
pub const REVISION: u64 = 1;

/// The whole library.
pub(super) const SOURCE: &str = concat!(
    include_str!("function/head.lua"),
    include_str!("function/state.lua"),
    include_str!("function/facts.lua"),
    include_str!("function/commands.lua"),
    include_str!("function/stream.lua"),
    include_str!("function/members.lua"),
    include_str!("function/calls.lua"),
    include_str!("function/load.lua"),
    include_str!("function/quorum.lua"),
    include_str!("function/snapshot.lua"),
    include_str!("function/presence.lua"),
);

/// What the keys of a sale end with, in the library's order.
pub(super) const KEYS: [&str; 19] = [
    "meta",
    "line",
    "places",
    "sessions",
    "claims",
    "stock",
    "holds",
    "due",
    "units",
    "replays",
    "kept",
    "facts",
    "nodes",
    "quorum",
    "snapshot",
    "snapshot_next",
    "ended",
    "hold_replays",
    "kept_holds",
];

#[cfg(test)]
mod tests {
    use super::*;
    use engine::limits;

    #[test]
    fn the_library_says_the_name_and_the_revision_it_is_loaded_as() {
        assert!(SOURCE.starts_with(&format!("#!lua name={NAME}\n")));
        assert!(SOURCE.contains(&format!("local REVISION = {REVISION}\n")));
    }

    /// Once a release has this library, what fails here is mended by raising `REVISION`, here and in `head.lua`:
    /// nodes load the library only over one of a lower revision. Until then, the digest alone is changed.
    #[test]
    fn a_library_that_changes_raises_its_revision_once_it_is_released() {
        let digest = blake3::hash(SOURCE.as_bytes()).to_hex();
        assert_eq!((REVISION, &digest[..16]), (1, "3a69f3ceeeb58ad9"));
    }

    /// No test sells so much that a bound would show in what is decided.
    #[test]
    fn the_bounds_are_those_of_a_single_process() {
        for (name, bound) in [
            ("PLACES_MAX", limits::PLACES_MAX),
            ("HOLDS_MAX", limits::HOLDS_MAX as u64),
            ("HOLDS_FORGOTTEN_AT_ONCE", limits::HOLDS_FORGOTTEN_AT_ONCE as u64),
            ("SHOPPER_HOLDS_MIN", limits::SHOPPER_HOLDS_MIN.into()),
            ("SHOPPER_HOLDS_PER_UNIT", limits::SHOPPER_HOLDS_PER_UNIT.into()),
            ("ENTRY_REPLAYS_MAX", limits::ENTRY_REPLAYS_MAX as u64),
            ("HOLD_REPLAYS_MAX", limits::HOLD_REPLAYS_MAX as u64),
            ("REPLAYS_FORGOTTEN_AT_ONCE", limits::REPLAYS_FORGOTTEN_AT_ONCE as u64),
            ("DELETIONS_KEPT_MAX", limits::DELETIONS_KEPT_MAX as u64),
            ("REPLAY_TTL_MS", limits::REPLAY_TTL_MS),
            ("SWEEP_RECORDS_MAX", limits::SWEEP_RECORDS_MAX as u64),
            ("GATE_WALK_PLACES_MAX", limits::GATE_WALK_PLACES_MAX),
            ("GATE_BURST_MS", limits::GATE_BURST_MS),
            ("DELIVERY_LEASE_MS", limits::DELIVERY_LEASE_MS),
            ("NODE_NOTED_MS", limits::NODE_NOTED_MS),
            ("CLOCK_LEAP_MS", limits::CLOCK_LEAP_MS),
            ("STILL_MS", limits::STILL_MS),
            ("QUORUM_PRESENT_MS", limits::QUORUM_PRESENT_MS),
            ("LOAD_SILENT_MS", limits::LOAD_SILENT_MS),
            ("SILENT_KEPT_MS", limits::SILENT_KEPT_MS),
            ("IN_TOUCH_MISSING_MS", limits::IN_TOUCH_MISSING_MS),
        ] {
            assert!(SOURCE.contains(&format!("local {name} = {bound}\n")), "{name} = {bound}");
        }
    }
}
