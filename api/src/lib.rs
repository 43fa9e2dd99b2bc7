//! The HTTP front of Rushgate: server, routes, handlers and wire types over the engine.

pub mod config;
pub mod keys;
pub mod openapi;
pub mod pages;
pub mod reference;
pub mod token;
pub mod wire;
