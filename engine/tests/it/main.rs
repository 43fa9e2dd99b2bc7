//! The engine's integration tests, one module per structure.

mod journal;
mod outbox;
