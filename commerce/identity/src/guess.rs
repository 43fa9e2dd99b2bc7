//! Guesses: wrong passwords, counted by the address that they were for, wherever they come from.
//!
//! Owns how many there may be. Refuses passwords. Always true: an address without an account is counted like
//! any other, so that the count tells nobody which addresses have one; no address stands in the table.
//!
//! Whoever guesses on purpose can keep an address from signing in by its password. Its owner still signs
//! in elsewhere.

mod rows;

use base::moment::Moment;
use store::{
    Tx,
    sea_orm::{ConnectionTrait, DbErr},
};

use crate::{
    email::Email,
    limits::GUESSES_MAX,
    mac::{Macs, Secrets},
};

/// What addresses are counted by.
#[derive(Clone, Debug)]
pub struct Guesses(Macs);

impl Guesses {
    /// From the secret that all nodes share.
    pub fn new(secrets: &Secrets) -> Self {
        Self(Macs::new("rushgate 2026-11-30 guessed password", secrets))
    }

    /// How an address is counted. The first is written; the other is what nodes with the other secret write.
    fn addresses(&self, email: &Email) -> Vec<String> {
        self.0.all().map(|mac| mac.derive("address", email.key())).collect()
    }

    /// Whether no more passwords are tried for an address now.
    pub(crate) async fn are_too_many(
        &self,
        on: &impl ConnectionTrait,
        email: &Email,
        now: Moment,
    ) -> Result<bool, DbErr> {
        Ok(rows::count(on, &self.addresses(email), now).await? >= GUESSES_MAX)
    }

    /// Notes a wrong password.
    pub(crate) async fn note(&self, tx: &Tx, email: &Email) -> Result<(), DbErr> {
        rows::insert(tx, self.0.own().derive("address", email.key())).await
    }
}

/// Removes guesses too old to count, and says how many. A full [`crate::limits::SWEEP_MAX`] means that more
/// may be left.
pub async fn sweep(tx: &Tx) -> Result<u64, DbErr> {
    rows::remove_old(tx).await
}
