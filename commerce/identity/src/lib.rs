//! Who people are: accounts, what proves that somebody is one, and where they are signed in.
//!
//! Owns accounts, passwords, proofs, sessions and their tokens, addresses, devices, businesses, signing in
//! elsewhere, and asking the providers and the tax service. Refuses selling, serving HTTP and the words of
//! mails. Always true: a password is known
//! here by its hash alone; no token that signs anybody in is kept; an account that was withdrawn holds
//! nothing personal and does nothing any more.
//!
//! A module that has a table is `account.rs`, its verbs; `account/model.rs`, its types;
//! `account/rows.rs`, the table; `account/query.rs`, what is read of it. A verb takes the transaction,
//! refuses before it changes anything, and gets slow work, such as a hash, done before.

#![forbid(unsafe_code)]

mod mac;
mod personal;

pub mod email;
pub mod ids;
pub mod limits;
pub mod line;
pub mod name;
pub mod password;
pub mod phone;

pub mod device;
pub mod guess;
pub mod proof;

pub mod account;

pub mod address;
pub mod business;
pub mod session;
pub mod signing;
pub mod social;

pub mod access;
pub mod membership;

pub mod arrival;

pub mod mails;

pub mod housekeeping;

use store::Step;

pub use self::mac::Secrets;

/// The schema of this crate.
pub const SCHEMA: &[Step] = &[
    Step { number: 200, name: "accounts", text: include_str!("../schema/0200_accounts.sql") },
    Step { number: 210, name: "sessions", text: include_str!("../schema/0210_sessions.sql") },
    Step {
        number: 220,
        name: "signing keys",
        text: include_str!("../schema/0220_signing_keys.sql"),
    },
    Step { number: 230, name: "addresses", text: include_str!("../schema/0230_addresses.sql") },
    Step { number: 240, name: "social", text: include_str!("../schema/0240_social.sql") },
    Step { number: 250, name: "devices", text: include_str!("../schema/0250_devices.sql") },
    Step { number: 260, name: "businesses", text: include_str!("../schema/0260_businesses.sql") },
    Step { number: 270, name: "guesses", text: include_str!("../schema/0270_guesses.sql") },
];
