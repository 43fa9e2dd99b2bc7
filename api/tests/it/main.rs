//! The server floor over real sockets, with a handler of its own that only echoes.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod descriptors;
mod drain;
mod exchanges;
mod framing;
mod http2;
mod late;
mod limits;
mod ops;
mod panics;
mod support;
mod tls;
