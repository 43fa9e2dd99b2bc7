//! The table of returns: which sign-ins elsewhere are used up. Only those who come back have a row, so
//! nobody who begins one keeps others from coming back.

use base::moment::Moment;
use store::{
    At, Tx, delete_some, insert_if_absent,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use crate::{
    ids::FlowId,
    limits::{RETURNS_MAX, SWEEP_MAX},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "social_return")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub flow: FlowId,
    pub expires_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

/// Notes that somebody came back, and says whether it was the first time.
pub(super) async fn insert(tx: &Tx, flow: FlowId, expires_at: Moment) -> Result<bool, DbErr> {
    let row = ActiveModel { flow: Set(flow), expires_at: Set(expires_at.into()) };
    insert_if_absent::<Entity>(tx, row, [Column::Flow]).await
}

/// Removes returns that would not count any more, and the oldest beyond as many as there may be: their
/// providers take a code once only.
pub(super) async fn remove_over(tx: &Tx) -> Result<u64, DbErr> {
    let over = Entity::find().filter(COLUMN.expires_at.lte(At::from(tx.now())));
    let mut removed = delete_some(tx, over, Column::Flow, SWEEP_MAX).await?;
    let newest = Entity::find().order_by_desc(COLUMN.expires_at).offset(RETURNS_MAX).limit(1);
    if let Some(first_beyond) = newest.one(tx).await? {
        let beyond = Entity::find().filter(COLUMN.expires_at.lte(first_beyond.expires_at));
        removed += delete_some(tx, beyond, Column::Flow, SWEEP_MAX).await?;
    }
    Ok(removed)
}

#[cfg(test)]
store::entity_test!(crate::social::returns::Entity, crate::SCHEMA);
