//! What is read of the audit.

use base::cursor::{Page, Wanted};
use store::sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::{
    model::Entry,
    rows::{COLUMN, Entity},
};
use crate::{
    ids::{EntryId, Person},
    subject::Subject,
};

/// What was done to a subject, the latest first.
pub async fn of_subject(
    on: &impl ConnectionTrait,
    subject: &Subject,
    wanted: Wanted,
) -> Result<Page<Entry>, DbErr> {
    let those = Entity::find()
        .filter(COLUMN.kind.eq(subject.kind.as_str()))
        .filter(COLUMN.subject.eq(subject.id));
    page(on, those, wanted).await
}

/// What a person did, the latest first.
pub async fn of_person(
    on: &impl ConnectionTrait,
    person: Person,
    wanted: Wanted,
) -> Result<Page<Entry>, DbErr> {
    page(on, Entity::find().filter(COLUMN.person.eq(person)), wanted).await
}

/// What was done, the latest first.
pub async fn all(on: &impl ConnectionTrait, wanted: Wanted) -> Result<Page<Entry>, DbErr> {
    page(on, Entity::find(), wanted).await
}

async fn page(
    on: &impl ConnectionTrait,
    those: Select<Entity>,
    wanted: Wanted,
) -> Result<Page<Entry>, DbErr> {
    let mut those = those.order_by_desc(COLUMN.id).limit(wanted.rows());
    if let Some(after) = wanted.after() {
        those = those.filter(COLUMN.id.lt(EntryId(after.id)));
    }
    let all = those.all(on).await?.into_iter().map(Entry::from).collect();
    Ok(Page::of(all, wanted, Entry::place))
}
