//! The table of public keys.

use base::moment::Moment;
use store::{
    At, Tx, delete_some,
    sea_orm::{
        self, QueryOrder as _, QuerySelect as _, Set,
        entity::prelude::*,
        sea_query::{ExprTrait as _, OnConflict},
    },
};

use super::model::PublicKey;
use crate::limits::{CLOCK_SKEW, SIGNING_KEYS_MAX, SWEEP_MAX};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub public_key: Vec<u8>,
    pub published_at: At,
    pub holds_until: At,
    pub revoked_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

/// Publishes a key until a time, or longer if another node did, and says whether it was not revoked.
pub(super) async fn publish(tx: &Tx, key: &PublicKey, until: Moment) -> Result<bool, DbErr> {
    let row = ActiveModel {
        id: Set(key.id.clone()),
        public_key: Set(key.bytes.clone()),
        published_at: Set(tx.now().into()),
        holds_until: Set(until.into()),
        revoked_at: Set(None),
    };
    let known = Expr::col((Entity, Column::HoldsUntil));
    let longer = OnConflict::column(Column::Id)
        .update_column(Column::HoldsUntil)
        .action_and_where(known.lt(until.0))
        .to_owned();
    Entity::insert(row).on_conflict(longer).exec_without_returning(tx).await?;
    let good = Entity::find_by_id(key.id.clone()).filter(COLUMN.revoked_at.is_null());
    Ok(good.one(tx).await?.is_some())
}

/// Revokes a key, and says whether it is known and was not revoked before.
pub(super) async fn revoke(tx: &Tx, id: &str) -> Result<bool, DbErr> {
    let changes = ActiveModel { revoked_at: Set(Some(tx.now().into())), ..Default::default() };
    let one = Entity::update_many()
        .set(changes)
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.revoked_at.is_null());
    Ok(one.exec(tx).await?.rows_affected > 0)
}

/// The keys whose tokens may hold, those that hold longest first.
pub(super) fn holding(now: Moment) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.holds_until.gt(At::from(now.before(CLOCK_SKEW))))
        .filter(COLUMN.revoked_at.is_null())
        .order_by_desc(COLUMN.holds_until)
        .limit(SIGNING_KEYS_MAX)
}

pub(super) async fn remove_over(tx: &Tx) -> Result<u64, DbErr> {
    let old = tx.now().before(CLOCK_SKEW);
    let those = Entity::find()
        .filter(COLUMN.holds_until.lte(At::from(old)))
        .filter(COLUMN.revoked_at.is_null());
    delete_some(tx, those, Column::Id, SWEEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::signing::rows::Entity, crate::SCHEMA);
