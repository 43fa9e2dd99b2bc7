//! What is promised of people's accounts, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod account;
mod address;
mod arrival;
mod business;
mod device;
mod housekeeping;
mod membership;
mod session;
mod support;
