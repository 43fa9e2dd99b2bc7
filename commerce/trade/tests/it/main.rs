//! The gateways, against the doubles of their providers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gateway;
mod provider;
