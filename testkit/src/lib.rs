//! Programs that tests and benches start beside themselves: found, started, and ended with them.
//!
//! Owns the way a program comes up and goes down, a private Redis with a plain connection to it, a
//! private PostgreSQL, and a server of one document.
//! Refuses to know what is tested or measured. A program that is not installed is an error that names
//! the package it comes in, never a reason to skip.

#![forbid(unsafe_code)]

pub mod documents;
pub mod peer;
pub mod ports;
pub mod postgres;
pub mod redis;
pub mod wall_clock;
