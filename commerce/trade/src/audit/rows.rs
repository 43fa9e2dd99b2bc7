//! The table of proofs.

use std::time::Duration;

use base::moment::Moment;
use store::{
    Tx,
    sea_orm::{self, QueryOrder as _, Set, entity::prelude::*},
};

use crate::ids::PaymentId;

/// What a proof of the books found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// When.
    pub at: Moment,
    /// How many payments were added up.
    pub payments: i64,
    /// What does not add up, in words; nothing if everything does.
    pub trouble: Option<String>,
    /// How far it went through those in which nothing had changed; nothing if to the last.
    pub(super) up_to: Option<PaymentId>,
}

impl Proof {
    /// Whether a proof is overdue: the last one says nothing of what happened since.
    pub fn is_old(&self, now: Moment) -> bool {
        now.since(self.at) > OLD_AFTER
    }
}

/// A night, and the time that a proof may take.
const OLD_AFTER: Duration = Duration::from_hours(26);

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_proof")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    pub payments: i64,
    pub trouble: Option<String>,
    pub up_to: Option<PaymentId>,
}

impl ActiveModelBehavior for ActiveModel {}

pub(super) async fn insert(tx: &Tx, proof: &Proof) -> Result<(), DbErr> {
    let row = ActiveModel {
        at: Set(proof.at.0),
        payments: Set(proof.payments),
        trouble: Set(proof.trouble.clone()),
        up_to: Set(proof.up_to),
    };
    store::insert_if_absent::<Entity>(tx, row, [Column::At]).await.map(drop)
}

/// The last proof.
pub async fn last(on: &impl ConnectionTrait) -> Result<Option<Proof>, DbErr> {
    let row = Entity::find().order_by_desc(Column::At).one(on).await?;
    Ok(row.map(|row| {
        let Model { at, payments, trouble, up_to } = row;
        Proof { at: Moment(at), payments, trouble, up_to }
    }))
}

#[cfg(test)]
store::entity_test!(crate::audit::rows::Entity, &crate::tests::steps());
