//! The books: double entry, in minor units of one currency.
//!
//! Owns what an entry is, and writes it down once for what it is about. Refuses to decide when money moves,
//! which payments say. Always true: an entry that is not balanced cannot be made; each account is what its
//! postings come to.

mod entry;
mod model;
mod query;
mod rows;

use base::money::Money;
use store::{Tx, sea_orm::DbErr};

pub use self::{
    entry::{Account, Entry, EntryError, Posting},
    model::Kind,
    query::{Balance, balances, posted},
};

/// Writes an entry down, once for each subject of a kind, and says whether it did.
pub async fn post(tx: &Tx, kind: Kind, subject: &str, entry: &Entry) -> Result<bool, DbErr> {
    if !rows::insert(tx, kind, subject, entry).await? {
        return Ok(false);
    }
    // In the order of the accounts, as everybody does.
    for posting in entry.postings() {
        rows::add(tx, posting).await?;
    }
    Ok(true)
}

/// Moves an amount from one account to another; nothing for an amount of nothing.
///
/// # Errors
///
/// If the database fails, or the amount cannot be posted.
pub async fn move_money(
    tx: &Tx,
    kind: Kind,
    subject: &str,
    amount: Money,
    accounts: (Account, Account),
) -> Result<bool, DbErr> {
    if amount.minor == 0 {
        return Ok(false);
    }
    let (from, to) = accounts;
    let entry = Entry::moving(amount.minor, amount.currency, from, to);
    let entry =
        entry.map_err(|error| DbErr::Custom(format!("an entry of {subject}: {error:?}")))?;
    post(tx, kind, subject, &entry).await
}
