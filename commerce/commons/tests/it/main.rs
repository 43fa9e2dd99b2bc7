//! What is promised of likes, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod like;
mod support;
