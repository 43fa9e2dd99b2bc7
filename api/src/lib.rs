//! The HTTP front of Rushgate: server, routes, handlers and wire types over the engine.
//!
//! Modules in reading order.

pub mod config;
pub mod keys;
pub mod token;
pub mod wire;

pub mod cors;
pub mod error;
pub mod exchange;
pub mod panics;
pub mod route;
pub mod server;

pub mod outbound;

pub mod accounts;
pub mod pipeline;

pub mod logging;
pub mod metrics;
pub mod ops;
pub mod trouble;
pub mod wait_estimates;

pub mod openapi;
pub mod reference;

pub mod access;
pub mod app;
pub mod handlers;

pub mod cli;
pub(crate) mod greeting;
pub mod serve;
pub(crate) mod signals;
pub mod verify;
