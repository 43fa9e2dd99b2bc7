//! Free ports for programs that have to be told theirs.
//!
//! They are below the ports that the system gives to outgoing connections, which could otherwise take a
//! port after it was found free and before the program listens. They are also low enough that a Redis
//! Cluster has room for its second port, 10,000 above.

use std::{
    net::TcpListener,
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

const FIRST: u16 = 12_000;
const COUNT: u32 = 10_000;
/// Keeps processes apart that run at the same time and have neighbouring ids.
const APART: u32 = 7_919;

/// Ports given by this process so far.
static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A port of 127.0.0.1 on which nothing listens, and that this process gets only once.
///
/// # Panics
/// If no port is free.
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
