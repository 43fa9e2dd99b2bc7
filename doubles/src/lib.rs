//! Local servers that behave like the providers the shop calls: for tests, and for a demo without
//! contracts.
//!
//! Owns each provider's protocol as far as the shop uses it, what a shopper does there, and faults: an
//! answer that comes late, never, or is lost after its effect. Refuses every path of its own through
//! the shop: the client is the same for a double and for the real provider.
//!
//! Always true: a double keeps its own books, so that a test can compare them with the shop's; and with
//! one seed, the n-th call of an operation meets the same fault in each run.
//!
//! Modules in reading order: what all doubles stand on, then one for each provider.

#![forbid(unsafe_code)]

mod asked;
mod notices;
mod page;
mod server;
mod signer;
mod token;

pub mod clock;
pub mod faults;
pub mod ledger;
pub mod limits;
pub mod setting;

pub mod inbox;

pub mod card;
pub mod kakaopay;
pub mod mail;
pub mod oidc;
pub mod push;
pub mod s3;
pub mod tax;

pub mod control;

pub mod all;

pub use self::{
    asked::Asked,
    faults::{Fault, Faults},
    setting::Setting,
};
