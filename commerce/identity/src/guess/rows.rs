//! The table of guesses.

use base::moment::Moment;
use store::{
    At, Tx, delete_some,
    sea_orm::{self, PaginatorTrait as _, Set, entity::prelude::*},
};

use crate::{
    ids::GuessId,
    limits::{GUESSES_WITHIN, SWEEP_MAX},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guess")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GuessId,
    pub address: String,
    pub made_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

pub(super) async fn insert(tx: &Tx, address: String) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(GuessId::new(tx.now())),
        address: Set(address),
        made_at: Set(tx.now().into()),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

/// How many there are for an address that still count.
pub(super) async fn count(
    on: &impl ConnectionTrait,
    addresses: &[String],
    now: Moment,
) -> Result<u64, DbErr> {
    let those = Entity::find()
        .filter(COLUMN.address.is_in(addresses))
        .filter(COLUMN.made_at.gt(At::from(now.before(GUESSES_WITHIN))));
    those.count(on).await
}

pub(super) async fn remove_old(tx: &Tx) -> Result<u64, DbErr> {
    let old = At::from(tx.now().before(GUESSES_WITHIN));
    delete_some(tx, Entity::find().filter(COLUMN.made_at.lte(old)), Column::Id, SWEEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::guess::rows::Entity, crate::SCHEMA);
