//! What every HTTP answer shares, on the hot path and in the shop.
//!
//! Owns problem documents, request ids, who is asking, cookies, proof against forged forms, limits,
//! the strict reading of documents and the writing of times. Refuses to know a route, a sale or the engine: it takes headers and
//! plain values. A response's body is whatever its caller makes of bytes, so that the bare server
//! and a framework share these functions at no cost to either.
//!
//! Modules in reading order: an answer, then who asks, then what is written in it.

pub mod content;
pub mod packed;
pub mod problem;
pub mod respond;

pub mod request_id;
pub mod trace;

pub mod buckets;
pub mod caller;
pub mod cookies;
pub mod csrf;
pub mod limiter;
pub mod mounted;
pub mod networks;

pub mod fields;
pub mod node;
pub mod time;
