//! The engine's integration tests, one module per structure.

mod audit;
mod journal;
mod rules;
mod sim;
mod support;
