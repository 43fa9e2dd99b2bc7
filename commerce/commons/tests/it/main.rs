//! What is promised of what any module does to a subject, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod delivery;
mod files;
mod like;
mod notice;
mod place;
mod search;
mod support;
mod upload;
