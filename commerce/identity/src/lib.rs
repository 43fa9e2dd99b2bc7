//! Who people are: accounts, and what proves that somebody is one.
//!
//! Owns accounts, passwords and proofs; sessions, addresses and businesses join them. Refuses selling,
//! HTTP and the text of mails. Always true: a password is known here by its hash alone; an account that
//! was withdrawn holds nothing personal and does nothing any more.
//!
//! A module that has a table is `account.rs`, its verbs; `account/model.rs`, its types;
//! `account/rows.rs`, the table; `account/query.rs`, what is read of it. A verb takes the transaction,
//! refuses before it changes anything, and gets slow work, such as a hash, done before.

#![forbid(unsafe_code)]

pub mod account;
pub mod email;
pub mod ids;
pub mod limits;
pub mod name;
pub mod password;
pub mod proof;

use store::Step;

/// The schema of this crate.
pub const SCHEMA: &[Step] =
    &[Step { number: 200, name: "accounts", text: include_str!("../schema/0200_accounts.sql") }];
