//! Free ports for programs that have to be told theirs.
//!
//! Below those that the system gives to outgoing connections: any of these may take a port between the
//! moment when it was found free and that when the program listens. And so low that a Redis Cluster has
//! room for its second port, 10,000 above.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

const FIRST: u16 = 12_000;
const COUNT: u32 = 10_000;
/// Sets processes that run at the same time apart, whose ids are neighbours.
const APART: u32 = 7_919;

/// Ports given by this process so far.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A port of 127.0.0.1 at which nobody listens, and that this process is given once.
///
/// # Panics
/// When none is free.
pub fn free() -> u16 {
    let start = process::id().wrapping_mul(APART);
    (0..COUNT)
        .find_map(|_| {
            let at = start.wrapping_add(GIVEN.fetch_add(1, Relaxed)) % COUNT;
            let port = FIRST + u16::try_from(at).ok()?;
            TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
        })
        .expect("a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_and_is_given_once() {
        let (one, other) = (free(), free());
        assert_ne!(one, other);
        for port in [one, other] {
            // A process that another test is starting may hold a copy of the socket until it runs.
            let bound = (0..100).find_map(|_| {
                let bound = TcpListener::bind(("127.0.0.1", port)).ok();
                if bound.is_none() {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                bound
            });
            assert!(bound.is_some(), "nobody listens at {port}");
        }
    }
}
