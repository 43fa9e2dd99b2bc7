//! The store's promises, each kept by SQLite and by PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod doors;
mod kept;
mod support;
mod tasks;
