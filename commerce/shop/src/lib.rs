//! HTTP of the shop: its routes, who may call them, JSON and pages.
//!
//! ```text
//! request ─▶ route ─▶ limits ─▶ authority ─▶ input ─▶ verb of a module below ─▶ answer
//!                                  │            │                                 │
//!                                  └────────────┴─────── refusal ─────────────────┴─▶ one table
//! ```
//!
//! Owns paths, authority, what bodies and queries may say, and the table from refusals to answers.
//! Refuses SQL, sockets and the rules of selling. Always true: a route names who may call it, or it does
//! not compile; what one account asks of another's is not there; a write that a cookie authorises comes
//! from a page of ours.
//!
//! Modules in reading order: what the routes share, one request, who asks, what is asked, what is
//! answered, then the routes.

#![forbid(unsafe_code)]

mod keys;
mod limits;
mod selling;
mod shop;

mod browser;
mod refusal;
mod visit;

mod answer;
mod authority;
mod input;
mod once;
mod typed;
mod uploads;

mod acting;
mod buying;
mod shown;

mod wire;

mod routes;

mod api;

mod site;

mod service;

pub use self::{
    authority::Who,
    routes::Row,
    selling::{MakeSelling, NotYet, Selling, Stock},
    service::{service, table},
    shop::{Address, Departing, Exchanging, OpenDatabase, Options, Providers, Shop},
};

/// What the routes answer, as OpenAPI 3.1 describes it: the paths, schemas and errors that are the shop's.
pub const OPENAPI: &str = include_str!("../openapi.json");
