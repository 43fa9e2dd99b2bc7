//! The HTTP contract, held against the real program: `rushgate serve` as a child process, asked
//! over real sockets. Every answer that any test gets is also checked against `openapi.json`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod access_log;
mod accounts;
mod arbiter;
mod authority;
mod bodies;
mod browser;
mod changes;
mod client;
mod command_line;
mod cookies;
mod cors;
mod figures;
mod forms;
mod identity;
mod invites;
mod limits;
mod lists;
mod lost_store;
mod openapi;
mod operators;
mod origins;
mod pages;
mod process;
mod purchases;
mod races;
mod refusals;
mod request_ids;
mod restart;
mod rotation;
mod service;
mod shop;
mod shoppers;
mod store_tls;
mod tokens;
mod wall;
mod watchers;
