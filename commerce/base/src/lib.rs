//! The words of the shop, and what is always true of them.
//!
//! Owns ids, moments, days, money, languages and pages of lists. Refuses databases, sockets, HTTP and
//! every rule of selling: it is what all crates of the shop have in common.

#![forbid(unsafe_code)]

pub mod calendar;
pub mod currency;
pub mod cursor;
pub mod id;
pub mod language;
pub mod moment;
pub mod money;
pub mod writing;
