//! Addresses: where an account has things sent.
//!
//! Owns up to [`ADDRESSES_MAX`] of them for each account. Refuses orders, which keep copies. Always true:
//! of an account's addresses exactly one is the default, as long as it has any.

mod model;
mod query;
mod rows;

use store::{Failure, Tx, refused, sea_orm::DbErr};

pub use self::{
    model::{AddRefusal, Address, AddressRefusal, Postal, PostalRefusal, Typed},
    query::{default_of, find, list},
};
use crate::{account::Live, ids::AddressId, limits::ADDRESSES_MAX};

/// Adds an address. The first one is the default.
///
/// # Errors
///
/// As [`AddRefusal`] says.
pub async fn add(tx: &Tx, live: &Live, postal: &Postal) -> Result<AddressId, Failure<AddRefusal>> {
    let known = list(tx, live.id()).await?;
    if u64::try_from(known.len()).is_ok_and(|count| count >= ADDRESSES_MAX) {
        return refused(AddRefusal::TooMany);
    }
    Ok(rows::insert(tx, live, postal, known.is_empty()).await?)
}

/// Changes what an address says. No order changes with it.
///
/// # Errors
///
/// As [`AddressRefusal`] says.
pub async fn change(
    tx: &Tx,
    live: &Live,
    address: AddressId,
    postal: &Postal,
) -> Result<(), Failure<AddressRefusal>> {
    known(rows::change(tx, live, address, postal).await?)
}

/// Makes an address the default in place of another.
///
/// # Errors
///
/// As [`AddressRefusal`] says.
pub async fn set_default(
    tx: &Tx,
    live: &Live,
    address: AddressId,
) -> Result<(), Failure<AddressRefusal>> {
    known(find(tx, live.id(), address).await?.is_some())?;
    rows::clear_default(tx, live).await?;
    known(rows::set_default(tx, live, address).await?)
}

/// Removes an address. If it was the default, the newest of the others is.
///
/// # Errors
///
/// As [`AddressRefusal`] says.
pub async fn remove(
    tx: &Tx,
    live: &Live,
    address: AddressId,
) -> Result<(), Failure<AddressRefusal>> {
    known(rows::remove(tx, live, address).await?)?;
    // The default comes first, so if the first is not, there is none.
    if let Some(first) = list(tx, live.id()).await?.first().filter(|first| !first.is_default) {
        rows::set_default(tx, live, first.id).await?;
    }
    Ok(())
}

/// Removes all addresses of an account.
pub(crate) async fn forget(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    rows::remove_all(tx, live).await
}

fn known(is_known: bool) -> Result<(), Failure<AddressRefusal>> {
    if is_known { Ok(()) } else { refused(AddressRefusal::Unknown) }
}
