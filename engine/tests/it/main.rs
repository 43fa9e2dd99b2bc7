//! The engine's integration tests, one module per structure.

mod journal;
mod rules;
mod support;
