//! The table of addresses.

use store::{
    At, Tx,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Address, Postal};
use crate::{
    account::Live,
    ids::{AccountId, AddressId},
    limits::ADDRESSES_MAX,
    personal,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "address")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AddressId,
    pub account: AccountId,
    pub receiver: String,
    pub phone: String,
    pub zip: String,
    pub road: String,
    pub detail: String,
    pub is_default: bool,
    pub created_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

personal::shown_by_key!(id of Model, ModelEx);

impl From<Model> for Address {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            postal: Postal::kept(row.receiver, row.phone, row.zip, row.road, row.detail),
            is_default: row.is_default,
            created_at: row.created_at.into(),
        }
    }
}

/// What is written of an address.
fn written(postal: &Postal) -> ActiveModel {
    ActiveModel {
        receiver: Set(postal.receiver().to_owned()),
        phone: Set(postal.phone().digits().to_owned()),
        zip: Set(postal.zip().to_owned()),
        road: Set(postal.road().to_owned()),
        detail: Set(postal.detail().to_owned()),
        ..Default::default()
    }
}

/// The addresses of an account, the default first and then the newest.
pub(super) fn of(account: AccountId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.account.eq(account))
        .order_by_desc(COLUMN.is_default)
        .order_by_desc(COLUMN.id)
        .limit(ADDRESSES_MAX)
}

pub(super) async fn insert(
    tx: &Tx,
    live: &Live,
    postal: &Postal,
    is_default: bool,
) -> Result<AddressId, DbErr> {
    let id = AddressId::new(tx.now());
    let row = ActiveModel {
        id: Set(id),
        account: Set(live.id()),
        is_default: Set(is_default),
        created_at: Set(tx.now().into()),
        ..written(postal)
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// Changes an address, and says whether the account has it.
pub(super) async fn change(
    tx: &Tx,
    live: &Live,
    id: AddressId,
    postal: &Postal,
) -> Result<bool, DbErr> {
    update(tx, live, id, written(postal)).await
}

/// Makes an address the default, and says whether the account has it. No other is to be.
pub(super) async fn set_default(tx: &Tx, live: &Live, id: AddressId) -> Result<bool, DbErr> {
    update(tx, live, id, ActiveModel { is_default: Set(true), ..Default::default() }).await
}

/// Makes no address the default.
pub(super) async fn clear_default(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    let none = Entity::update_many()
        .set(ActiveModel { is_default: Set(false), ..Default::default() })
        .filter(COLUMN.account.eq(live.id()))
        .filter(COLUMN.is_default.eq(true));
    none.exec(tx).await.map(drop)
}

/// Removes an address, and says whether the account had it.
pub(super) async fn remove(tx: &Tx, live: &Live, id: AddressId) -> Result<bool, DbErr> {
    let one = Entity::delete_many().filter(COLUMN.id.eq(id)).filter(COLUMN.account.eq(live.id()));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

pub(super) async fn remove_all(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.account.eq(live.id())).exec(tx).await.map(drop)
}

async fn update(tx: &Tx, live: &Live, id: AddressId, changes: ActiveModel) -> Result<bool, DbErr> {
    let one = Entity::update_many()
        .set(changes)
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.account.eq(live.id()));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

#[cfg(test)]
store::entity_test!(crate::address::rows::Entity, crate::SCHEMA);
