//! The table of devices.

use store::{
    At, Tx,
    sea_orm::{self, QueryOrder as _, Set, entity::prelude::*, sea_query::OnConflict},
};

use super::model::{Device, Platform, PushToken};
use crate::{
    ids::{AccountId, SessionId},
    personal,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub session: SessionId,
    pub account: AccountId,
    pub platform: Platform,
    #[sea_orm(unique)]
    pub token: String,
    pub seen_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

personal::shown_by_key!(session of Model, ModelEx);

impl From<Model> for Device {
    fn from(row: Model) -> Self {
        Self {
            session: row.session,
            account: row.account,
            platform: row.platform,
            token: PushToken::kept(row.token),
            seen_at: row.seen_at.into(),
        }
    }
}

/// Puts a device in place of its session's one, and of whatever had the token. Of two who register one
/// token at once, the later one gets it.
pub(super) async fn replace(tx: &Tx, device: &Device) -> Result<(), DbErr> {
    let token = device.token.as_str();
    let other = Entity::delete_many()
        .filter(COLUMN.session.eq(device.session))
        .filter(COLUMN.token.ne(token));
    other.exec(tx).await?;
    let row = ActiveModel {
        session: Set(device.session),
        account: Set(device.account),
        platform: Set(device.platform),
        token: Set(token.to_owned()),
        seen_at: Set(device.seen_at.into()),
    };
    let taken_over = OnConflict::column(Column::Token)
        .update_columns([Column::Session, Column::Account, Column::Platform, Column::SeenAt])
        .to_owned();
    Entity::insert(row).on_conflict(taken_over).exec_without_returning(tx).await.map(drop)
}

/// The devices of an account, the latest seen first.
pub(super) fn of(account: AccountId) -> Select<Entity> {
    Entity::find().filter(COLUMN.account.eq(account)).order_by_desc(COLUMN.seen_at)
}

pub(super) async fn remove(tx: &Tx, session: SessionId) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.session.eq(session)).exec(tx).await.map(drop)
}

pub(super) async fn remove_all(tx: &Tx, account: AccountId) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.account.eq(account)).exec(tx).await.map(drop)
}

/// Removes whatever has a token, and says whether something had.
pub(super) async fn remove_token(tx: &Tx, token: &PushToken) -> Result<bool, DbErr> {
    let one = Entity::delete_many().filter(COLUMN.token.eq(token.as_str()));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

#[cfg(test)]
store::entity_test!(crate::device::rows::Entity, crate::SCHEMA);
