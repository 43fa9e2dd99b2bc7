//! The gateways, against the doubles of their providers; slots and deals, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deal;
mod gateway;
mod provider;
mod sale;
mod sellers;
mod slot;
