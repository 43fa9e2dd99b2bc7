//! What the benches and the peers share: a seeded generator, a sale with one hot SKU, a private
//! Redis, programs that end with us, and the smoke mode.
//!
//! Each bench file is one structure; each checks its answers. Run as tests (`cargo test -p benches
//! --benches`) every bench runs once on a small input, so that none can rot.

#![forbid(unsafe_code)]

pub mod fixed;
mod hot;
mod rng;
mod threads;

use std::time::Instant;

pub use testkit::{peer, redis};

pub use self::{
    hot::{Hot, Scribed, SyncTimes, log},
    rng::Rng,
    threads::at_once,
};

/// Whether the benches are only tried: cargo passes `--bench` when it wants figures.
pub fn is_smoke() -> bool {
    let mut arguments = std::env::args();
    !arguments.any(|argument| argument == "--bench")
}

/// `full` when measuring, `small` when only trying.
pub fn sized(full: u64, small: u64) -> u64 {
    if is_smoke() { small } else { full }
}

/// The one reading of the clock in the benches.
#[expect(clippy::disallowed_methods, reason = "benches measure real time")]
pub fn now() -> Instant {
    Instant::now()
}
