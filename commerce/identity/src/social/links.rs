//! The table of links.

use store::{
    At, Tx, insert_if_absent,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Link, Person, Provider};
use crate::{
    account::Live,
    ids::{AccountId, LinkId},
    limits::LINKS_MAX,
    personal,
};

#[sea_orm::model]
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "social_link")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LinkId,
    pub account: AccountId,
    pub provider: Provider,
    pub subject: String,
    pub email: Option<String>,
    pub linked_at: At,
    pub used_at: At,
}

impl ActiveModelBehavior for ActiveModel {}

personal::shown_by_key!(id of Model, ModelEx);

impl From<Model> for Link {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            provider: row.provider,
            email: row.email,
            linked_at: row.linked_at.into(),
            used_at: row.used_at.into(),
        }
    }
}

/// Inserts a link unless some account has it, and says whether it did.
pub(super) async fn insert(tx: &Tx, live: &Live, person: &Person) -> Result<bool, DbErr> {
    let row = ActiveModel {
        id: Set(LinkId::new(tx.now())),
        account: Set(live.id()),
        provider: Set(person.provider),
        subject: Set(person.subject.0.clone()),
        email: Set(person.shown_email().map(str::to_owned)),
        linked_at: Set(tx.now().into()),
        used_at: Set(tx.now().into()),
    };
    insert_if_absent::<Entity>(tx, row, [Column::Provider, Column::Subject]).await
}

/// Whose a link is.
pub(super) async fn account_of(
    on: &impl ConnectionTrait,
    person: &Person,
) -> Result<Option<AccountId>, DbErr> {
    let one = Entity::find()
        .filter(COLUMN.provider.eq(person.provider))
        .filter(COLUMN.subject.eq(person.subject.0.as_str()));
    Ok(one.one(on).await?.map(|row| row.account))
}

/// The links of an account, the oldest first.
pub(super) fn of(account: AccountId) -> Select<Entity> {
    Entity::find().filter(COLUMN.account.eq(account)).order_by_asc(COLUMN.id).limit(LINKS_MAX)
}

/// Notes that a link of an account was used, and says whether it still is one.
pub(super) async fn set_used(tx: &Tx, live: &Live, person: &Person) -> Result<bool, DbErr> {
    let changes = ActiveModel {
        email: Set(person.shown_email().map(str::to_owned)),
        used_at: Set(tx.now().into()),
        ..Default::default()
    };
    let one = Entity::update_many()
        .set(changes)
        .filter(COLUMN.account.eq(live.id()))
        .filter(COLUMN.provider.eq(person.provider))
        .filter(COLUMN.subject.eq(person.subject.0.as_str()));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

pub(super) async fn remove(tx: &Tx, link: LinkId) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.id.eq(link)).exec(tx).await.map(drop)
}

pub(super) async fn remove_all(tx: &Tx, live: &Live) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.account.eq(live.id())).exec(tx).await.map(drop)
}

#[cfg(test)]
store::entity_test!(crate::social::links::Entity, crate::SCHEMA);
