//! How the pipeline deals with a sink, whichever it is.

use std::time::Duration;

use outbound::Backoff;

/// How the pipeline deals with a sink that says no, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Refusals after which an event is a dead letter. Failures and delays do not count.
    pub attempts_max: u32,
    /// Waits between tries.
    pub backoff: Backoff,
    /// How long events that are with the sink may take to finish at a shutdown.
    pub grace: Duration,
}

impl Default for Options {
    /// Eight refusals over about a minute: longer than a deployment's restarts, shorter than an
    /// operator's patience with an order that will never be taken.
    fn default() -> Self {
        let backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(30) };
        Self { attempts_max: 8, backoff, grace: Duration::from_secs(10) }
    }
}
