//! The balancers of `config/cluster`, run for real in front of three real nodes.
//!
//! The files are used as they are but for addresses and paths. Needs the programs `nginx` and `haproxy`
//! (Debian packages of the same names); a missing one fails its tests, by name.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![expect(clippy::print_stderr, reason = "what a node logged belongs into a failure's output")]
#![expect(clippy::panic, reason = "a failed wait says what it waited for")]

mod ask;
mod balancer;
mod nodes;
mod repeats;
mod routing;
mod sale;
mod stand_in;
mod streams;

use std::{thread, time::Duration};

/// Longer than anything here takes; reaching it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `done`, looking often.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    const LOOK_EVERY: Duration = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
        if done() {
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
    panic!("waited in vain for {what}");
}
