//! The table of how people want to be told.

use store::{
    Tx,
    sea_orm::{self, Set, entity::prelude::*, sea_query::OnConflict},
};

use super::model::Channels;
use crate::{ids::Person, label::Label};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice_choice")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub person: Person,
    #[sea_orm(primary_key, auto_increment = false)]
    pub topic: String,
    pub push: bool,
    pub mail: bool,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(super) const fn channels(&self) -> Channels {
        Channels { push: self.push, mail: self.mail }
    }
}

pub(super) async fn put(
    tx: &Tx,
    person: Person,
    topic: &Label,
    channels: Channels,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        person: Set(person),
        topic: Set(topic.to_string()),
        push: Set(channels.push),
        mail: Set(channels.mail),
    };
    let newer = OnConflict::columns([Column::Person, Column::Topic])
        .update_columns([Column::Push, Column::Mail])
        .to_owned();
    Entity::insert(row).on_conflict(newer).exec_without_returning(tx).await.map(drop)
}

pub(super) async fn remove_all(tx: &Tx, person: Person) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.person.eq(person)).exec(tx).await.map(drop)
}

#[cfg(test)]
store::entity_test!(crate::notice::chosen::Entity, crate::SCHEMA);
