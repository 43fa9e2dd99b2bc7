//! The table of sessions.

use base::moment::Moment;
use store::{
    At, Tx, delete_some,
    sea_orm::{self, Condition, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Role, Session};
use crate::{
    ids::{AccountId, SessionId},
    limits::{SESSION_KEPT_FOR, SWEEP_MAX},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub account: AccountId,
    pub role: Role,
    pub device: String,
    pub generation: i64,
    pub opened_at: At,
    pub refreshed_at: At,
    pub expires_at: At,
    pub ended_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Session {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            account: row.account,
            role: row.role,
            device: row.device,
            generation: row.generation,
            opened_at: row.opened_at.into(),
            refreshed_at: row.refreshed_at.into(),
            expires_at: row.expires_at.into(),
            ended_at: row.ended_at.map(Moment::from),
        }
    }
}

pub(super) async fn insert(tx: &Tx, session: &Session) -> Result<(), DbErr> {
    let row = ActiveModel {
        id: Set(session.id),
        account: Set(session.account),
        role: Set(session.role),
        device: Set(session.device.clone()),
        generation: Set(session.generation),
        opened_at: Set(session.opened_at.into()),
        refreshed_at: Set(session.refreshed_at.into()),
        expires_at: Set(session.expires_at.into()),
        ended_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await.map(drop)
}

/// Locks a session, one that is over included.
pub(super) async fn lock(tx: &Tx, session: SessionId) -> Result<Option<Session>, DbErr> {
    let row = Entity::find_by_id(session).lock_exclusive().one(tx).await?;
    Ok(row.map(Session::from))
}

/// The sessions of an account that are on, the latest used first.
pub(super) fn on_of(account: AccountId, now: Moment) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.account.eq(account))
        .filter(COLUMN.ended_at.is_null())
        .filter(COLUMN.expires_at.gt(At::from(now)))
        .order_by_desc(COLUMN.refreshed_at)
        .order_by_desc(COLUMN.id)
}

pub(super) async fn set_refreshed(tx: &Tx, session: &Session) -> Result<(), DbErr> {
    let changes = ActiveModel {
        generation: Set(session.generation),
        refreshed_at: Set(session.refreshed_at.into()),
        expires_at: Set(session.expires_at.into()),
        ..Default::default()
    };
    let one = Entity::update_many().set(changes).filter(COLUMN.id.eq(session.id));
    one.exec(tx).await.map(drop)
}

/// Ends those sessions that were not ended, and tells which they were. One that has run out may have been
/// prolonged since its end was compared with the clock, so the clock is not asked.
pub(super) async fn set_ended(tx: &Tx, those: Condition) -> Result<Vec<SessionId>, DbErr> {
    let changes = ActiveModel { ended_at: Set(Some(tx.now().into())), ..Default::default() };
    let those = Entity::update_many().set(changes).filter(those).filter(COLUMN.ended_at.is_null());
    Ok(those.exec_with_returning(tx).await?.into_iter().map(|row| row.id).collect())
}

/// Empties what is shown of an account's sessions.
pub(super) async fn clear_devices(tx: &Tx, account: AccountId) -> Result<(), DbErr> {
    let changes = ActiveModel { device: Set(String::new()), ..Default::default() };
    let all = Entity::update_many().set(changes).filter(COLUMN.account.eq(account));
    all.exec(tx).await.map(drop)
}

pub(super) async fn remove_over(tx: &Tx) -> Result<u64, DbErr> {
    let old = tx.now().before(SESSION_KEPT_FOR);
    let is_over = Condition::any()
        .add(COLUMN.expires_at.lte(At::from(old)))
        .add(COLUMN.ended_at.lte(At::from(old)));
    delete_some(tx, Entity::find().filter(is_over), Column::Id, SWEEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::session::rows::Entity, crate::SCHEMA);
