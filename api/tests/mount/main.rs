//! The mount: a small axum service beside the engine's routes, in a real process over real sockets.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod bodies;
mod client;
mod drain;
mod requests;
mod server;
mod service;
mod sockets;
mod stalls;
