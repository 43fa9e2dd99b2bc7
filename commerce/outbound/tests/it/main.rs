//! Calls to real servers that behave and that do not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mail;
mod target;
