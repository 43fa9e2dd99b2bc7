//! Selling: what an order costs, how it is paid, and what the books say of it.
//!
//! Owns orders, payments, the gateways to those who move the money, and the ledger. Refuses HTTP and pages. Always true: the engine decides stock,
//! the provider decides money, and an order's state is computed from both, never set.

#![forbid(unsafe_code)]

pub mod gateway;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod order;
pub mod payment;
