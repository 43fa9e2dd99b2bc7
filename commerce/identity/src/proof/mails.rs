//! The table of mails: when proofs were sent to an address, which is here under a keyed hash. A row
//! outlives its proof and its account, so that neither a withdrawal nor another address lets more be
//! sent.

use base::moment::Moment;
use store::{
    At, Tx, delete_some,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::Purpose;
use crate::{
    ids::ProofId,
    limits::{PROOFS_MAX, PROOFS_WITHIN, SWEEP_MAX},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proof_mail")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub proof: ProofId,
    pub address: String,
    pub purpose: Purpose,
    pub made_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

pub(super) async fn insert(
    tx: &Tx,
    proof: ProofId,
    address: &str,
    purpose: Purpose,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        proof: Set(proof),
        address: Set(address.to_owned()),
        purpose: Set(purpose),
        made_at: Set(tx.now().into()),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

/// When the last mails for a purpose were sent to an address, the latest first.
pub(super) async fn sent_to(
    tx: &Tx,
    addresses: &[String],
    purpose: Purpose,
) -> Result<Vec<Moment>, DbErr> {
    let those = Entity::find()
        .filter(COLUMN.address.is_in(addresses))
        .filter(COLUMN.purpose.eq(purpose))
        .filter(COLUMN.made_at.gt(At::from(tx.now().before(PROOFS_WITHIN))))
        .order_by_desc(COLUMN.made_at)
        .limit(PROOFS_MAX);
    Ok(those.all(tx).await?.into_iter().map(|row| row.made_at.into()).collect())
}

pub(super) async fn remove_old(tx: &Tx) -> Result<u64, DbErr> {
    let old = At::from(tx.now().before(PROOFS_WITHIN));
    let those = Entity::find().filter(COLUMN.made_at.lte(old));
    delete_some(tx, those, Column::Proof, SWEEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::proof::mails::Entity, crate::SCHEMA);
