//! What is read of addresses.

use store::sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, QueryFilter as _};

use super::{
    model::Address,
    rows::{COLUMN, of},
};
use crate::ids::{AccountId, AddressId};

/// The addresses of an account, the default first and then the newest. There are at most
/// [`crate::limits::ADDRESSES_MAX`].
pub async fn list(on: &impl ConnectionTrait, account: AccountId) -> Result<Vec<Address>, DbErr> {
    Ok(of(account).all(on).await?.into_iter().map(Address::from).collect())
}

/// An address of an account; one of somebody else is none.
pub async fn find(
    on: &impl ConnectionTrait,
    account: AccountId,
    address: AddressId,
) -> Result<Option<Address>, DbErr> {
    Ok(of(account).filter(COLUMN.id.eq(address)).one(on).await?.map(Address::from))
}

/// Where things are sent unless the person says otherwise.
pub async fn default_of(
    on: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Option<Address>, DbErr> {
    Ok(of(account).filter(COLUMN.is_default.eq(true)).one(on).await?.map(Address::from))
}
