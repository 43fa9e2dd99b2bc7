//! Each double, driven by the client that the shop uses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod card;
mod kakaopay;
mod mail;
mod oidc;
mod push;
mod s3;
mod tax;
