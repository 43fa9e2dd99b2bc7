//! The order pipeline against real sockets, with a real engine behind it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]
#![expect(clippy::panic, reason = "an answer that cannot be read is shown")]

mod log;
mod outage;
mod process;
mod receiver;
mod refusal;
mod several;
mod shop;
mod stream;
mod stream_outage;
mod stream_support;
mod stream_workers;
mod tls;
mod webhook;
