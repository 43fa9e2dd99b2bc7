//! The table of likes.

use store::{
    Tx, delete_some, insert_if_absent,
    sea_orm::{self, QueryOrder as _, QuerySelect as _, Set, entity::prelude::*},
};

use super::model::Liked;
use crate::{
    ids::{LikeId, Person, SubjectId},
    limits::STEP_MAX,
    subject::Subject,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "liked")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LikeId,
    pub person: Person,
    pub kind: String,
    pub subject: SubjectId,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Liked {
    fn from(row: Model) -> Self {
        Self { id: row.id, person: row.person, subject: Subject::kept(row.kind, row.subject) }
    }
}

/// The likes of a person.
pub(super) fn by(person: Person) -> Select<Entity> {
    Entity::find().filter(COLUMN.person.eq(person))
}

/// The likes of a subject.
pub(super) fn of(subject: &Subject) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id))
}

pub(super) async fn count_of(tx: &Tx, person: Person) -> Result<u64, DbErr> {
    by(person).count(tx).await
}

/// Inserts a like unless it is there, and says whether it did.
pub(super) async fn insert(tx: &Tx, person: Person, subject: &Subject) -> Result<bool, DbErr> {
    let row = ActiveModel {
        id: Set(LikeId::new(tx.now())),
        person: Set(person),
        kind: Set(subject.kind.to_string()),
        subject: Set(subject.id),
    };
    insert_if_absent::<Entity>(tx, row, [Column::Person, Column::Kind, Column::Subject]).await
}

/// Removes a like, and says whether it was there.
pub(super) async fn remove(tx: &Tx, person: Person, subject: &Subject) -> Result<bool, DbErr> {
    let one = Entity::delete_many()
        .filter(COLUMN.person.eq(person))
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    Ok(one.exec(tx).await?.rows_affected > 0)
}

/// Removes some likes of a person, and tells which, in the order of their subjects.
pub(super) async fn take_some(tx: &Tx, person: Person) -> Result<Vec<Liked>, DbErr> {
    let some = by(person)
        .order_by_asc(COLUMN.kind)
        .order_by_asc(COLUMN.subject)
        .limit(STEP_MAX)
        .lock_exclusive();
    let rows = some.all(tx).await?;
    let ids = rows.iter().map(|row| row.id);
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(tx).await?;
    Ok(rows.into_iter().map(Liked::from).collect())
}

pub(super) async fn remove_some_of(tx: &Tx, subject: &Subject) -> Result<u64, DbErr> {
    delete_some(tx, of(subject), Column::Id, STEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::like::rows::Entity, crate::SCHEMA);
