//! The engine's integration tests, one module per structure.

mod audit;
mod journal;
mod outbox;
mod rules;
mod sale;
mod sim;
mod support;
