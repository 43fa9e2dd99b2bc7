//! What is read of accounts.

use base::moment::Moment;
use store::{
    At,
    sea_orm::{
        ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
        QueryOrder as _, QuerySelect as _,
    },
};

use super::{
    model::Account,
    rows::{COLUMN, Column, Entity, Model},
};
use crate::{
    email::Email,
    ids::{AccountId, ProofId},
    limits::SWEEP_MAX,
    password::PasswordHash,
    proof,
};

/// An account, withdrawn ones included.
pub async fn find(on: &impl ConnectionTrait, account: AccountId) -> Result<Option<Account>, DbErr> {
    Ok(Entity::find_by_id(account).one(on).await?.map(Account::from))
}

/// The account of an address.
pub async fn by_email(on: &impl ConnectionTrait, email: &Email) -> Result<Option<Account>, DbErr> {
    Ok(row_of(on, email).await?.map(Account::from))
}

/// Where a proof is sent: to the address that it was made for. `None` if the account has another one by
/// now, or the proof was used or forgotten, or proves nothing any more; then no mail is sent.
pub async fn recipient(
    on: &impl ConnectionTrait,
    proof: ProofId,
    now: Moment,
) -> Result<Option<String>, DbErr> {
    let target = proof::target_now(on, proof, now).await?;
    let Some((account, email_key)) = target else { return Ok(None) };
    let one = Entity::find_by_id(account).filter(COLUMN.email_key.eq(email_key));
    Ok(one.one(on).await?.and_then(|row| row.email))
}

/// What an attempt at an account's password is compared with.
pub async fn password_of(
    on: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Option<PasswordHash>, DbErr> {
    Ok(Entity::find_by_id(account).one(on).await?.and_then(hash_of))
}

/// The account of an address, and what an attempt at its password is compared with. One read, whether
/// there is such an account or not.
pub(crate) async fn password_by_email(
    on: &impl ConnectionTrait,
    email: &Email,
) -> Result<Option<(AccountId, Option<PasswordHash>)>, DbErr> {
    Ok(row_of(on, email).await?.map(|row| (row.id, hash_of(row))))
}

/// Accounts with no verified address that were made by a moment, in the order of their ids: the first ones
/// after another.
pub(crate) async fn unverified(
    on: &impl ConnectionTrait,
    made_by: Moment,
    after: Option<AccountId>,
) -> Result<Vec<AccountId>, DbErr> {
    let mut those = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(COLUMN.is_verified.eq(false))
        .filter(COLUMN.withdrawn_at.is_null())
        .filter(COLUMN.created_at.lte(At::from(made_by)));
    if let Some(after) = after {
        those = those.filter(COLUMN.id.gt(after));
    }
    those.order_by_asc(COLUMN.id).limit(SWEEP_MAX).into_tuple().all(on).await
}

async fn row_of(on: &impl ConnectionTrait, email: &Email) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(COLUMN.email_key.eq(email.key())).one(on).await
}

fn hash_of(row: Model) -> Option<PasswordHash> {
    row.password_hash.map(PasswordHash::kept)
}
