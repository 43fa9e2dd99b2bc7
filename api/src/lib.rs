//! The HTTP front of Rushgate: server, routes, handlers and wire types over the engine.
//!
//! Modules in reading order: each stands on those before it, and `cargo xtask tidy` refuses circles.

pub mod token;
pub mod wire;

pub mod keys;

pub mod panics;
pub mod route;
pub mod server;

pub mod error;

pub mod cors;
pub mod exchange;
pub mod mount;

pub mod accounts;
pub mod pipeline;

pub mod access;
pub mod logging;
pub mod metrics;
pub mod ops;
pub mod trouble;

pub mod wait_estimates;

pub mod attend;
pub mod streams;

pub mod openapi;
pub mod reference;

pub mod archiving;

pub mod app;
pub mod found;
pub mod handlers;

pub mod front;

pub mod config;
pub(crate) mod shop;

pub(crate) mod console;
pub(crate) mod greeting;
pub mod serve;
pub(crate) mod signals;
pub mod verify;

pub mod cli;
