//! The table of notices.

use std::ops::RangeInclusive;

use base::moment::Moment;
use store::{
    At, Id, Tx, delete_some, insert_if_absent,
    sea_orm::{self, Set, entity::prelude::*},
};

use super::model::{New, Notice};
use crate::{
    ids::{NoticeId, Person, SubjectId},
    label::Label,
    limits::STEP_MAX,
    subject::Subject,
};

/// No notice is before this one.
pub(super) const FIRST: NoticeId = NoticeId(Id::of_parts(Moment(0), 0));

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub(super) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NoticeId,
    pub person: Person,
    pub kind: String,
    pub subject_kind: String,
    pub subject: SubjectId,
    pub detail: String,
    pub words: String,
    pub until: Option<At>,
    pub read_at: Option<At>,
}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Notice {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            person: row.person,
            kind: Label::kept(row.kind),
            subject: Subject::kept(row.subject_kind, row.subject),
            detail: row.detail,
            // It was a map of texts when it was written.
            values: serde_json::from_str(&row.words).unwrap_or_default(),
            until: row.until.map(Moment::from),
            read_at: row.read_at.map(Moment::from),
        }
    }
}

/// Inserts a notice unless the person was told before, and says which it is.
pub(super) async fn insert(tx: &Tx, new: &New<'_>) -> Result<Option<NoticeId>, DbErr> {
    let id = NoticeId::new(tx.now());
    let row = ActiveModel {
        id: Set(id),
        person: Set(new.person),
        kind: Set(new.kind.to_string()),
        subject_kind: Set(new.subject.kind.to_string()),
        subject: Set(new.subject.id),
        detail: Set(new.detail.to_owned()),
        words: Set(serde_json::json!(new.values).to_string()),
        until: Set(new.until.map(At::from)),
        read_at: Set(None),
    };
    let unique =
        [Column::Person, Column::Kind, Column::SubjectKind, Column::Subject, Column::Detail];
    Ok(insert_if_absent::<Entity>(tx, row, unique).await?.then_some(id))
}

/// Whether a notice is a person's.
pub(super) async fn is_of(tx: &Tx, person: Person, notice: NoticeId) -> Result<bool, DbErr> {
    let one = Entity::find_by_id(notice).filter(COLUMN.person.eq(person)).one(tx);
    Ok(one.await?.is_some())
}

/// Notes that a person has read those that were unread of some, and says how many these were.
pub(super) async fn set_read(
    tx: &Tx,
    person: Person,
    those: RangeInclusive<NoticeId>,
) -> Result<u64, DbErr> {
    let unread = Entity::update_many()
        .set(ActiveModel { read_at: Set(Some(tx.now().into())), ..Default::default() })
        .filter(COLUMN.person.eq(person))
        .filter(COLUMN.id.gte(*those.start()))
        .filter(COLUMN.id.lte(*those.end()))
        .filter(COLUMN.read_at.is_null());
    Ok(unread.exec(tx).await?.rows_affected)
}

pub(super) async fn remove_some_of(tx: &Tx, person: Person) -> Result<u64, DbErr> {
    let those = Entity::find().filter(COLUMN.person.eq(person));
    delete_some(tx, those, Column::Id, STEP_MAX).await
}

pub(super) async fn remove_before(tx: &Tx, at: Moment) -> Result<u64, DbErr> {
    let old = Entity::find().filter(COLUMN.id.lt(NoticeId(Id::of_parts(at, 0))));
    delete_some(tx, old, Column::Id, STEP_MAX).await
}

#[cfg(test)]
store::entity_test!(crate::notice::rows::Entity, crate::SCHEMA);
