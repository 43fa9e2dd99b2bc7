//! What is promised of people's accounts, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acceptance;
mod access;
mod account;
mod address;
mod arrival;
mod business;
mod checking;
mod defects;
mod device;
mod housekeeping;
mod mails;
mod membership;
mod providers;
mod session;
mod support;
