//! The table of media.

use base::moment::Moment;
use store::{
    At, Tx,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::{Asked, Media, Shape, Stage, Visibility};
use crate::{
    ids::{MediaId, Person},
    limits::STEP_MAX,
    picture::PictureKind,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "media")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MediaId,
    pub person: Person,
    pub visibility: Visibility,
    pub stage: Stage,
    pub kind: PictureKind,
    pub bytes: i64,
    pub picture: Option<String>,
    pub free_since: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Media {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            person: row.person,
            visibility: row.visibility,
            stage: row.stage,
            kind: row.kind,
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            // It was a shape when it was written.
            shape: row.picture.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

pub(super) async fn insert(tx: &Tx, asked: &Asked) -> Result<Media, DbErr> {
    let media = Media {
        id: MediaId::new(tx.now()),
        person: asked.person,
        visibility: asked.visibility,
        stage: Stage::Granted,
        kind: asked.kind,
        bytes: asked.bytes,
        shape: None,
    };
    let row = ActiveModel {
        id: Set(media.id),
        person: Set(media.person),
        visibility: Set(media.visibility),
        stage: Set(media.stage),
        kind: Set(media.kind),
        bytes: Set(i64::try_from(media.bytes).unwrap_or(i64::MAX)),
        picture: Set(None),
        free_since: Set(Some(tx.now().into())),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(media)
}

/// How many a person has that no subject shows.
pub(super) async fn count_free(tx: &Tx, person: Person) -> Result<u64, DbErr> {
    free_of(person).count(tx).await
}

fn free_of(person: Person) -> Select<Entity> {
    Entity::find().filter(COLUMN.person.eq(person)).filter(COLUMN.free_since.is_not_null())
}

/// Locks some, in their order.
pub(super) async fn lock(
    tx: &Tx,
    those: impl IntoIterator<Item = &MediaId>,
) -> Result<Vec<Media>, DbErr> {
    let those = Entity::find()
        .filter(Column::Id.is_in(those.into_iter().copied()))
        .order_by_asc(COLUMN.id)
        .lock_exclusive();
    Ok(those.all(tx).await?.into_iter().map(Media::from).collect())
}

pub(super) async fn set_storing(tx: &Tx, media: MediaId, shape: &Shape) -> Result<(), DbErr> {
    let changes = ActiveModel {
        stage: Set(Stage::Storing),
        picture: Set(Some(serde_json::json!(shape).to_string())),
        ..Default::default()
    };
    update(tx, media, changes).await
}

/// Moves one on, if it is where it was thought to be, and says whether it was.
pub(super) async fn set_stage(
    tx: &Tx,
    media: MediaId,
    from: Stage,
    to: Stage,
) -> Result<bool, DbErr> {
    let one = Entity::update_many()
        .set(ActiveModel { stage: Set(to), ..Default::default() })
        .filter(COLUMN.id.eq(media))
        .filter(COLUMN.stage.eq(from));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

pub(super) async fn set_used(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    update(tx, media, ActiveModel { free_since: Set(None), ..Default::default() }).await
}

pub(super) async fn set_free(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    let free_since = Set(Some(tx.now().into()));
    update(tx, media, ActiveModel { free_since, ..Default::default() }).await
}

/// Has those of a person that are free be so for long.
pub(super) async fn set_long_free(tx: &Tx, person: Person) -> Result<(), DbErr> {
    let free = Entity::update_many()
        .set(ActiveModel { free_since: Set(Some(At(0))), ..Default::default() })
        .filter(COLUMN.person.eq(person))
        .filter(COLUMN.free_since.is_not_null());
    free.exec(tx).await.map(drop)
}

async fn update(tx: &Tx, media: MediaId, changes: ActiveModel) -> Result<(), DbErr> {
    let one = Entity::update_many().set(changes).filter(COLUMN.id.eq(media));
    one.exec(tx).await.map(drop)
}

/// Takes some that have been ready and free since a moment, to be removed.
pub(super) async fn take_free_since(tx: &Tx, at: Moment) -> Result<Vec<MediaId>, DbErr> {
    let some = Entity::find()
        .filter(COLUMN.stage.eq(Stage::Ready))
        .filter(COLUMN.free_since.lte(At::from(at)))
        .order_by_asc(COLUMN.id)
        .limit(STEP_MAX)
        .lock_exclusive();
    let some: Vec<_> = some.all(tx).await?.into_iter().map(|row| row.id).collect();
    let removing = Entity::update_many()
        .set(ActiveModel { stage: Set(Stage::Removing), ..Default::default() })
        .filter(Column::Id.is_in(some.iter().copied()));
    removing.exec(tx).await?;
    Ok(some)
}

pub(super) async fn remove(tx: &Tx, media: MediaId) -> Result<(), DbErr> {
    Entity::delete_by_id(media).exec(tx).await.map(drop)
}

#[cfg(test)]
store::entity_test!(crate::media::rows::Entity, crate::SCHEMA);
