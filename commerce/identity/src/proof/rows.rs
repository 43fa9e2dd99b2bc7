//! The table of proofs.

use base::moment::Moment;
use store::{
    At, Tx, delete_some,
    sea_orm::{self, Set, entity::prelude::*},
};

use super::model::{Owner, Purpose};
use crate::{
    ids::{AccountId, ProofId},
    limits::SWEEP_MAX,
    personal,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proof")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProofId,
    pub account: AccountId,
    pub purpose: Purpose,
    pub email_key: String,
    pub made_at: At,
    pub expires_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

personal::shown_by_key!(id of Model, ModelEx);

pub(super) async fn insert(
    tx: &Tx,
    proof: ProofId,
    owner: &Owner<'_>,
    purpose: Purpose,
    expires_at: Moment,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(proof),
        account: Set(owner.account),
        purpose: Set(purpose),
        email_key: Set(owner.email_key.to_owned()),
        made_at: Set(tx.now().into()),
        expires_at: Set(expires_at.into()),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

/// Whether a proof proves this now.
pub(super) async fn holds(
    tx: &Tx,
    proof: ProofId,
    purpose: Purpose,
    owner: &Owner<'_>,
) -> Result<bool, DbErr> {
    let found = Entity::find_by_id(proof)
        .filter(COLUMN.purpose.eq(purpose))
        .filter(COLUMN.account.eq(owner.account))
        .filter(COLUMN.email_key.eq(owner.email_key))
        .filter(COLUMN.expires_at.gt(At::from(tx.now())));
    Ok(found.one(tx).await?.is_some())
}

pub(super) async fn remove_of(tx: &Tx, account: AccountId, purpose: Purpose) -> Result<(), DbErr> {
    let those =
        Entity::delete_many().filter(COLUMN.account.eq(account)).filter(COLUMN.purpose.eq(purpose));
    those.exec(tx).await.map(drop)
}

pub(super) async fn remove_all(tx: &Tx, account: AccountId) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.account.eq(account)).exec(tx).await.map(drop)
}

pub(super) async fn remove_expired(tx: &Tx) -> Result<u64, DbErr> {
    let old = Entity::find().filter(COLUMN.expires_at.lte(At::from(tx.now())));
    delete_some(tx, old, Column::Id, SWEEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::proof::rows::Entity, crate::SCHEMA);
