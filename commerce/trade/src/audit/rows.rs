//! The table of proofs.

use base::moment::Moment;
use store::{
    Tx,
    sea_orm::{self, QueryOrder as _, Set, entity::prelude::*},
};

/// What a proof of the books found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When.
    pub at: Moment,
    /// How many payments were added up.
    pub payments: i64,
    /// What does not add up, in words; nothing if everything does.
    pub trouble: Option<String>,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_proof")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    pub payments: i64,
    pub trouble: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

pub(super) async fn insert(tx: &Tx, proof: &Proof) -> Result<(), DbErr> {
    let row = ActiveModel {
        at: Set(proof.at.0),
        payments: Set(proof.payments),
        trouble: Set(proof.trouble.clone()),
    };
    store::insert_if_absent::<Entity>(tx, row, [Column::At]).await.map(drop)
}

/// The last proof.
pub async fn last(on: &impl ConnectionTrait) -> Result<Option<Proof>, DbErr> {
    let row = Entity::find().order_by_desc(Column::At).one(on).await?;
    Ok(row.map(|row| Proof { at: Moment(row.at), payments: row.payments, trouble: row.trouble }))
}

#[cfg(test)]
store::entity_test!(crate::audit::rows::Entity, &crate::tests::steps());
