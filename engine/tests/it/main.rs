//! The engine's integration tests, one module per structure.

mod archive;
mod audit;
mod certificate;
mod crash;
mod journal;
mod outbox;
mod permits;
mod rules;
mod sale;
mod sim;
mod snapshots;
mod support;
mod threads;
mod time;
mod waiting;
