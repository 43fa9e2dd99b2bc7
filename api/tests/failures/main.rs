//! The real program as a process, over real sockets and file systems, with faults done to it.
//!
//! One module a row of the failure table. A crowd of shoppers keeps a ledger of everything that was
//! acknowledged; after the fault and a restart the audit compares it with what the server says.
//!
//! Needs root, loop devices, and these programs (Debian package): `strace` (strace), `mkfs.ext4`
//! (e2fsprogs), `mount` and `umount` (mount), `sh` (dash), `redis-server`
//! (redis-server), `redis-cli` (redis-tools), `cc` (gcc). What is missing fails the test that
//! needs it, by name; nothing is skipped.
//!
//! `RUSHGATE_TEST_SEED` repeats a run's random choices; every seed is printed.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![expect(clippy::panic, reason = "a failed wait says what it waited for")]
#![expect(clippy::print_stderr, reason = "seeds and measurements belong into a failure's output")]

mod audit;
mod client;
mod clock;
mod crowd;
mod damage;
mod descriptors;
mod disk_full;
mod double_start;
mod hostile;
mod kill;
mod killed_recovery;
mod loop_fs;
mod orders;
mod overload;
mod power;
mod seeded;
mod shopper;
mod signals;
mod site;
mod stop;
#[path = "../pipeline/stream_support.rs"]
#[expect(dead_code, reason = "the pipeline's own tests use the rest")]
mod stream_support;
mod sync_error;
mod watchers;

use std::{
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use tokio::time::Instant;

/// Longer than anything here takes; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Held by tests that measure, alone, and by all others together: nobody's load spoils a figure.
static QUIET: RwLock<()> = RwLock::new(());

/// Runs beside other tests, though not beside one that measures.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    QUIET.read().unwrap_or_else(PoisonError::into_inner)
}

/// Runs alone.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    QUIET.write().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `done`, looking often.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A seed for this run, printed; the environment may give it.
pub(crate) fn seed(test: &str) -> u64 {
    let given = std::env::var("RUSHGATE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| getrandom::u64().unwrap());
    eprintln!("{test}: RUSHGATE_TEST_SEED={seed}");
    seed
}

/// Random numbers enough for choosing what a shopper does next (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A duration of up to `bound_ms`.
    pub(crate) fn pause(&mut self, bound_ms: u64) -> Duration {
        Duration::from_micros(self.below(bound_ms * 1_000))
    }
}
