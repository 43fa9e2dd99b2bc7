//! What is read of accounts.

use store::sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

use super::{
    model::Account,
    rows::{COLUMN, Entity},
};
use crate::{email::Email, ids::AccountId, password::PasswordHash};

/// An account, withdrawn ones included.
pub async fn find(on: &impl ConnectionTrait, account: AccountId) -> Result<Option<Account>, DbErr> {
    Ok(Entity::find_by_id(account).one(on).await?.map(Account::from))
}

/// The account of an address.
pub async fn by_email(on: &impl ConnectionTrait, email: &Email) -> Result<Option<Account>, DbErr> {
    let row = Entity::find().filter(COLUMN.email_key.eq(email.key())).one(on).await?;
    Ok(row.map(Account::from))
}

/// What an attempt at an account's password is compared with.
pub async fn password_of(
    on: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Option<PasswordHash>, DbErr> {
    let row = Entity::find_by_id(account).one(on).await?;
    Ok(row.and_then(|row| row.password_hash).map(PasswordHash::kept))
}
