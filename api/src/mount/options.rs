//! The bounds of a mount, as plain values.
//!
//! None of them is a key of the configuration. They follow from the service: what it lets people upload, how
//! long it waits for others, how much of this process it may take. Whoever builds a program with a service
//! knows that, and offers its operators those they need under names of the service.

use std::time::Duration;

use crate::server::StreamBounds;

/// The bounds of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountOptions {
    /// Threads of its runtime.
    pub threads: usize,
    /// Threads for blocking work, made when needed.
    pub blocking_threads_max: usize,
    /// Requests that are with the service at once. One peer may have a quarter of them.
    pub requests_max: usize,
    /// Answers that are sent piece by piece at once, without those that are [`OpenEnded`]; the next one waits. One peer
    /// may have a quarter of them, and its next one is refused.
    ///
    /// [`OpenEnded`]: web::mounted::OpenEnded
    pub bodies_max: usize,
    /// How long the service may take for the next piece of such an answer.
    pub frame_timeout: Duration,
    /// How long all of such an answer may take, its client's time to read it included.
    pub sending_timeout: Duration,
    /// What a request may send, and how long its answer may take.
    pub bounds: StreamBounds,
}

impl Default for MountOptions {
    /// Uploads of 32 MiB in two minutes. Twenty seconds for an answer: a payment provider is waited
    /// for fifteen. As many long answers as take 48 MiB of pieces on their way; in ten minutes a client
    /// of 0.5 Mbit/s reads 32 MiB.
    fn default() -> Self {
        Self {
            threads: 2,
            blocking_threads_max: 16,
            requests_max: 512,
            bodies_max: 1_024,
            frame_timeout: Duration::from_secs(20),
            sending_timeout: Duration::from_mins(10),
            bounds: StreamBounds {
                body_bytes_max: 32 * 1024 * 1024,
                body_timeout: Duration::from_mins(2),
                answer_timeout: Duration::from_secs(20),
            },
        }
    }
}
