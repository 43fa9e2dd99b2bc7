//! The table of which subject shows which pictures.

use store::{
    Tx,
    sea_orm::{self, QueryOrder as _, Set, entity::prelude::*},
};

use crate::{
    ids::{MediaId, SubjectId},
    subject::Subject,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media_use")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: SubjectId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: i64,
    pub media: MediaId,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a subject shows, in its order.
pub(super) async fn of(
    on: &impl ConnectionTrait,
    subject: &Subject,
) -> Result<Vec<MediaId>, DbErr> {
    let those = Entity::find()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id))
        .order_by_asc(COLUMN.place);
    Ok(those.all(on).await?.into_iter().map(|row| row.media).collect())
}

pub(super) async fn is_used(tx: &Tx, media: MediaId) -> Result<bool, DbErr> {
    Ok(Entity::find().filter(COLUMN.media.eq(media)).one(tx).await?.is_some())
}

pub(super) async fn replace(tx: &Tx, subject: &Subject, pictures: &[MediaId]) -> Result<(), DbErr> {
    let old = Entity::delete_many()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    old.exec(tx).await?;
    for (place, &media) in (0_i64..).zip(pictures) {
        let row = ActiveModel {
            kind: Set(subject.kind.to_string()),
            subject: Set(subject.id),
            place: Set(place),
            media: Set(media),
        };
        Entity::insert(row).exec_without_returning(tx).await?;
    }
    Ok(())
}

#[cfg(test)]
store::entity_test!(crate::media::uses::Entity, crate::SCHEMA);
