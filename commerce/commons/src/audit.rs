//! Audit: who did what to which subject.
//!
//! Owns the entries. Refuses to change or remove one. Always true: an entry is there if what it says was
//! done, because one transaction does both; it holds nothing personal but who did it, by their id, and so
//! stays when somebody withdraws.

mod model;
mod query;
mod rows;

use store::{Tx, sea_orm::DbErr};

pub use self::{
    model::{Actor, Detail, Entry, New},
    query::{all, of_person, of_subject},
};
use crate::{ids::EntryId, limits::AUDIT_BYTES_MAX};

/// Notes what this transaction does.
///
/// # Panics
///
/// Panics if the detail is longer than an entry can have, which is the caller's fault.
pub async fn note(tx: &Tx, new: &New<'_>) -> Result<EntryId, DbErr> {
    let bytes: usize = new.detail.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes <= AUDIT_BYTES_MAX, "an entry about {} is too long", new.action);
    rows::insert(tx, new).await
}
