//! A sale against a plain model, command by command: the same replies, the same state.
//!
//! The [`model`] keeps everything in vectors and recounts it for every question. The arbiter's
//! records are audited, replayed, encoded and decoded after each batch: equal journals give equal
//! worlds at every step, and a world that was read back decides as the one that was never written.

mod foreign;
mod machine;
mod model;
mod operators;
mod questions;
